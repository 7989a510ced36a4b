"""SPARQL: the chain that the reader followed, as a query that gives the same answers on an export of the KB."""

from collections.abc import Sequence
from functools import lru_cache, partial

from sqlalchemy import Engine

from kb.formats.writers import node
from kb.graph import INVERSE
from kb.terms import entity_term, relation_term
from kb.triples import Term
from kb.view import KnowledgeView
from models.chains import Chain, Reading

CACHED_TERMS = 100_000


class QueryWriter:
    """Writes chains as queries; remembers the terms of ids, which never change."""

    def __init__(self, engine: Engine) -> None:
        self._entity = lru_cache(CACHED_TERMS)(partial(entity_term, engine))
        self._relation = lru_cache(CACHED_TERMS)(partial(relation_term, engine))

    def query(self, view: KnowledgeView, reading: Reading, chain: Chain, *, mask_topics: bool) -> str:
        """A SELECT query for the answers of a chain; see `chain_query`.

        What was deleted since the view was taken is named by its label.
        """
        topics = [
            node(self._entity(view.kb_id, view.entity_id(topic)) or Term(view.label(topic)))
            for topic in reading.topics.tolist()
        ]
        relations = [step.key // 2 for step in chain.steps]
        terms = [
            self._relation(view.kb_id, view.relation_id(relation)) or Term(view.relation_labels[relation])
            for relation in relations
        ]
        steps = [(node(term), step.key % 2) for term, step in zip(terms, chain.steps, strict=True)]
        return chain_query(topics, steps, mask_topics=mask_topics)


def chain_query(topics: Sequence[str], steps: Sequence[tuple[str, int]], *, mask_topics: bool) -> str:
    """A SELECT query for the entities at the end of a chain.

    `topics` and the relations of `steps` are terms in SPARQL syntax, directions 0 forward and 1 inverse. With
    `mask_topics`, no hop after the first comes back to a topic, as the reader reads.
    """
    variables = [f"?hop{number}" for number in range(1, len(steps))] + ["?answer"]
    lines = [f"  VALUES ?topic {{ {' '.join(topics)} }}"]
    before = "?topic"
    for hop, ((relation, direction), variable) in enumerate(zip(steps, variables, strict=True), start=1):
        subject, object_ = (variable, before) if direction == INVERSE else (before, variable)
        lines.append(f"  {subject} {relation} {object_} .")
        if mask_topics and hop > 1:
            lines.append(f"  FILTER({variable} NOT IN ({', '.join(topics)}))")
        before = variable
    return "\n".join(["SELECT DISTINCT ?answer WHERE {", *lines, "}"])
