"""From a question's vector or entities to facts, within budgets; the fallback and the breadth beside exact hops."""

from typing import NamedTuple

import numpy as np

from kb.graph import FloatArray, IntArray
from kb.view import Fact, KnowledgeView


class RetrievedFact(NamedTuple):
    """A fact and how near it is to the question, in [-1, 1]."""

    fact: Fact
    score: float


def nearest_facts(view: KnowledgeView, vector: FloatArray, k: int) -> list[RetrievedFact]:
    """The k facts whose vectors are nearest to a unit vector, best first; fewer when the KB has fewer."""
    return [RetrievedFact(fact, score) for fact, score in view.nearest(vector, k)] if view.num_triples else []


def facts_around(
    view: KnowledgeView, entities: IntArray, question_vector: FloatArray, budget: int
) -> list[RetrievedFact]:
    """At most `budget` facts at the entities, those of the relations nearest to the question first.

    A hub costs no more than the budget: keys are ranked before any fact is read. A fact between two of the entities
    comes once.
    """
    keys = view.keys_of(entities)
    scores = view.relation_vectors[keys >> 1] @ question_vector.reshape(-1)
    found: dict[int, RetrievedFact] = {}
    for place in np.argsort(-scores, kind="stable").tolist():
        left = budget - len(found)
        if left <= 0:
            break
        for fact in view.facts_at(entities, int(keys[place]), left):
            found.setdefault(fact.triple_id, RetrievedFact(fact, float(scores[place])))
    return list(found.values())
