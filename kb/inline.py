"""A view of triples that came with a question: read once, stored nowhere."""

from collections.abc import Iterator, Sequence

from kb.building import GenerationBuilder, in_memory
from kb.delta import Delta
from kb.encoding import Encoder
from kb.records import TripleRow
from kb.triples import Triple
from kb.view import KnowledgeView, ViewBudgets

NO_KB = 0
"""The id of no stored KB: theirs begin at 1."""


def inline_view(triples: Sequence[Triple], encoder: Encoder) -> KnowledgeView:
    """The view of some triples; the id of each is its place among them, from 1."""
    with GenerationBuilder(encoder, None, threads=1) as builder:
        contents, manifest = builder.build(_InlineRows(triples), NO_KB, "inline")
    generation = in_memory(contents, manifest, threads=1)
    return KnowledgeView(NO_KB, generation, Delta.empty(generation), ViewBudgets())


class _InlineRows:
    """The rows that a store would have of these triples."""

    def __init__(self, triples: Sequence[Triple]) -> None:
        self._triples = triples
        ends = (term for triple in triples for term in (triple.subject, triple.object))
        self._entities = {term: number for number, term in enumerate(dict.fromkeys(ends), 1)}
        relations = dict.fromkeys(triple.relation for triple in triples)
        self._relations = {term: number for number, term in enumerate(relations, 1)}

    def revision(self, kb_id: int) -> int:
        """They never change."""
        return 0

    def entity_rows(self, kb_id: int) -> Iterator[list[tuple[int, str, bool]]]:
        """Every subject and object once."""
        yield [(number, term.label, term.datatype is not None) for term, number in self._entities.items()]

    def alias_rows(self, kb_id: int) -> Iterator[list[tuple[int, str]]]:
        """None: triples bring no other names."""
        return iter(())

    def relation_rows(self, kb_id: int) -> list[tuple[int, str]]:
        """Every relation once."""
        return [(number, term.label) for term, number in self._relations.items()]

    def triple_rows(self, kb_id: int) -> Iterator[list[TripleRow]]:
        """The triples, in their order."""
        yield [
            (place, self._entities[one.subject], self._relations[one.relation], self._entities[one.object], one.source)
            for place, one in enumerate(self._triples, 1)
        ]
