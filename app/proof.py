"""Proof: from the chain that the reader followed back to the facts that led to each answer.

Every hop of a chain keeps, for each entity that it reached, the first fact that led there. So the evidence of an answer
is a walk back along those facts; nothing is searched again.
"""

from typing import Any

import numpy as np

from kb.graph import INVERSE
from kb.view import KnowledgeView
from models.chains import Chain


def evidence(view: KnowledgeView, chain: Chain, answer: int) -> list[dict[str, Any]]:
    """The facts that lead from a topic to entity number `answer` of the chain's last hop, first hop first."""
    facts: list[dict[str, Any]] = []
    at = answer
    for hop in range(len(chain.steps), 0, -1):
        step = chain.steps[hop - 1]
        fact = view.fact(int(step.facts[at]))
        facts.append(
            {
                "triple_id": fact.triple_id,
                "subject": view.label(fact.subject),
                "relation": view.relation_labels[fact.relation],
                "object": view.label(fact.object),
                "hop": hop,
                "weight": round(step.probability * float(step.weights[at]), 6),
                "source": fact.source,
            }
        )
        if hop > 1:
            came_from = fact.object if step.key % 2 == INVERSE else fact.subject
            at = int(np.argmax(chain.steps[hop - 2].entities == came_from))
    facts.reverse()
    return facts


def hops(view: KnowledgeView, chain: Chain) -> list[dict[str, Any]]:
    """What each hop attended to: the relations in reach, the one that was read first, and how much it read."""
    return [
        {
            "hop": number,
            "relations": [_relation(view, *pair) for pair in ((step.key, step.probability), *step.alternatives)],
            "facts_read": step.facts_read,
            "entities": len(step.entities),
        }
        for number, step in enumerate(chain.steps, start=1)
    ]


def _relation(view: KnowledgeView, key: int, weight: float) -> dict[str, Any]:
    return {
        "relation": view.relation_labels[key // 2],
        "direction": "inverse" if key % 2 == INVERSE else "forward",
        "weight": round(weight, 6),
    }
