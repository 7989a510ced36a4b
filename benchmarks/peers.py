"""Peers that answer without a language model, over the same facts and with the same encoder; prints JSON.

    python -m benchmarks.peers [--questions 900] [--slow-questions 5] [--repeat 5] [--out FILE]

txtai with its own settings over facts as sentences, our encoder as its vectors function; LlamaIndex's property graph
retriever (VectorContextRetriever over the stores that it has by itself) over the same triples and the same encoder.
Both find facts, neither decides on an answer: `found` is the share of questions for which an answer is named in what
they give back, txtai's ten facts or the thirty of the other; the latter takes
half a minute for each, so it is asked few questions, once. Beside them our encoder and index of facts, which find
facts likewise. All in this process, without HTTP. A peer that is not installed (extra `benchmarks`) is left out.
"""

import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks import report
from benchmarks.gold_paths import Row, tsv_rows
from benchmarks.questions import Asked
from benchmarks.sources import source_of
from kb.encoding import StaticEncoder
from kb.inline import inline_view
from kb.retrieval import nearest_facts
from kb.triples import Term, Triple
from kb.view import KnowledgeView

FOUND_FACTS = 10
_SIMILAR_NODES, _PATH_DEPTH, _MOST_TRIPLES = 4, 3, 30


class Peer(Protocol):
    """Something that finds facts for a question."""

    def find(self, question: str) -> list[Row]:
        """Facts, best first."""
        ...


class Ours:
    """Our encoder and index of facts, without the reader: what txtai does."""

    def __init__(self, rows: Sequence[Row], encoder: StaticEncoder) -> None:
        triples = [Triple(Term(one), Term(label), Term(other)) for one, label, other in rows]
        self._view: KnowledgeView = inline_view(triples, encoder)
        self._encoder = encoder

    def find(self, question: str) -> list[Row]:
        """The nearest facts."""
        view = self._view
        found = nearest_facts(view, self._encoder.encode([question])[0], FOUND_FACTS)
        return [
            (view.label(fact.subject), view.relation_labels[fact.relation], view.label(fact.object))
            for fact, _ in found
        ]


class Txtai:
    """An index of sentences."""

    def __init__(self, rows: Sequence[Row], encoder: StaticEncoder) -> None:
        from txtai import Embeddings

        def vectors(texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
            return encoder.encode(list(texts))

        self._rows = rows
        self._embeddings = Embeddings({"method": "external", "transform": vectors, "content": False})
        self._embeddings.index((number, " ".join(row), None) for number, row in enumerate(rows))

    def find(self, question: str) -> list[Row]:
        """The nearest sentences."""
        return [self._rows[number] for number, _ in self._embeddings.search(question, FOUND_FACTS)]


class LlamaIndex:
    """A property graph, entered at the entities nearest to the question."""

    def __init__(self, rows: Sequence[Row], encoder: StaticEncoder) -> None:
        from llama_index.core.embeddings import BaseEmbedding
        from llama_index.core.graph_stores import SimplePropertyGraphStore
        from llama_index.core.graph_stores.types import EntityNode, Relation
        from llama_index.core.indices.property_graph import VectorContextRetriever
        from llama_index.core.schema import TextNode
        from llama_index.core.vector_stores import SimpleVectorStore

        class Encoder(BaseEmbedding):  # type: ignore[misc, unused-ignore] # untyped where it is not installed
            def _get_query_embedding(self, query: str) -> list[float]:
                return self._get_text_embedding(query)

            async def _aget_query_embedding(self, query: str) -> list[float]:
                return self._get_text_embedding(query)

            def _get_text_embedding(self, text: str) -> list[float]:
                vector: list[float] = encoder.encode([text])[0].tolist()
                return vector

        names = list(dict.fromkeys(name for subject, _, value in rows for name in (subject, value)))
        graph, vectors = SimplePropertyGraphStore(), SimpleVectorStore()
        nodes = {name: EntityNode(name=name) for name in names}
        graph.upsert_nodes(list(nodes.values()))
        graph.upsert_relations(
            [Relation(label=label, source_id=nodes[one].id, target_id=nodes[other].id) for one, label, other in rows]
        )
        embedded = encoder.encode(names)
        vectors.add(
            [
                TextNode(id_=nodes[name].id, text=name, embedding=vector.tolist())
                for name, vector in zip(names, embedded, strict=True)
            ]
        )
        self._retriever = VectorContextRetriever(
            graph,
            include_text=False,
            embed_model=Encoder(),
            vector_store=vectors,
            similarity_top_k=_SIMILAR_NODES,
            path_depth=_PATH_DEPTH,
            limit=_MOST_TRIPLES,
        )

    def find(self, question: str) -> list[Row]:
        """The facts around the nearest entities."""
        lines = (found.node.get_content().split(" -> ") for found in self._retriever.retrieve(question))
        return [(line[0], line[1], line[-1]) for line in lines]


PEERS: dict[str, tuple[str, type[Ours] | type[Txtai] | type[LlamaIndex]]] = {
    "ours_facts_only": ("faiss", Ours),
    "txtai": ("txtai", Txtai),
    "llama_index": ("llama_index", LlamaIndex),
}
SLOW = frozenset({"llama_index"})


def main() -> None:
    """Indexes, asks, reports."""
    arguments = report.arguments(__doc__)
    arguments.add_argument("--questions", type=int, default=900)
    arguments.add_argument("--slow-questions", type=int, default=5, help="for a peer that takes half a minute for each")
    given = report.read(arguments, questions=150, slow_questions=0)
    with tempfile.TemporaryDirectory() as name:
        source = source_of(given.datasets, Path(name), given.questions, given.seed)
        rows = list(tsv_rows(source.tsv))
    figures = {}
    for name, (package, make) in PEERS.items():
        asked = source.questions[: given.slow_questions] if name in SLOW else source.questions
        if asked and find_spec(package) is not None:
            figures[name] = measured(make, rows, asked, 1 if name in SLOW else given.repeat)
    size = {"kb": source.name, "triples": len(rows), "questions": len(source.questions), "slow": given.slow_questions}
    report.write("peers", given, size, figures)


def measured(
    make: type[Ours] | type[Txtai] | type[LlamaIndex], rows: Sequence[Row], asked: Sequence[Asked], repeat: int
) -> dict[str, Any]:
    """How fast a peer indexes and finds, and how often it finds an answer."""
    encoder = StaticEncoder()
    peer: Peer = make(rows[:1_000], encoder)  # imports are no indexing
    started = time.perf_counter()
    peer = make(rows, encoder)
    indexed = time.perf_counter() - started
    medians = []
    for _ in range(repeat):
        taken, found = [], 0
        for one in asked:
            started = time.perf_counter()
            facts = peer.find(one.text)
            taken.append(time.perf_counter() - started)
            found += _names_answer(one, facts)
        medians.append(1_000 * float(np.median(taken)))
    return {
        "triples_per_second": round(len(rows) / indexed),
        "p50_ms": report.spread(medians, 3),
        "found": round(found / len(asked), 3),
    }


def _names_answer(asked: Asked, found: Sequence[Row]) -> bool:
    named = {name for subject, _, value in found for name in (subject, value)}
    return bool(named & asked.answers)


if __name__ == "__main__":
    main()
