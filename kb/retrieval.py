"""From a question's vector to the facts nearest to it: where a question that names nothing begins."""

from typing import NamedTuple

from kb.graph import FloatArray
from kb.source import Fact
from kb.view import KnowledgeView


class RetrievedFact(NamedTuple):
    """A fact and how near it is to the question, in [-1, 1]."""

    fact: Fact
    score: float


def nearest_facts(view: KnowledgeView, vector: FloatArray, k: int) -> list[RetrievedFact]:
    """The k facts whose vectors are nearest to a unit vector, best first; fewer when the KB has fewer."""
    return [RetrievedFact(fact, score) for fact, score in view.nearest(vector, k)] if view.num_triples else []
