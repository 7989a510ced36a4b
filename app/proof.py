"""Proof: from the chain that the reader followed back to the facts that led to each answer.

Every step of a chain keeps, for each entity that it reached or kept, the first fact by which it did. So the evidence of
an answer is a walk back along those facts; nothing is searched again but what a comparison was with.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from kb.graph import INVERSE, LongArray
from kb.view import KnowledgeView
from models.chains import Chain, Reading, Step, Use
from models.episodes import Manner
from models.memory import IntArray
from models.texts import PLACEHOLDERS

COUNTED_FACTS = 100
CONTRARY_FACTS = 8
EXPECTED_FACTS = 1_000
DIRECTIONS = ("forward", "inverse")


def expect(view: KnowledgeView, chain: Chain, answers: LongArray) -> None:
    """Say that the evidence of some answers of a chain will be asked for."""
    last = chain.steps[-1]
    earlier = [step.facts[:EXPECTED_FACTS] for step in chain.steps[:-1]]
    view.expect(last.entities[answers], np.concatenate([*earlier, last.facts[answers]]))


def evidence(view: KnowledgeView, reading: Reading, chain: Chain, answer: int) -> list[dict[str, Any]]:
    """The facts that lead from a topic to entity number `answer` of the chain's last step, first step first."""
    facts: list[dict[str, Any]] = []
    at = answer
    for hop in range(len(chain.steps), 0, -1):
        step = chain.steps[hop - 1]
        triples = _triples(view, reading, step, at)
        facts = [_fact(view, triple, hop, step.use.probability * float(step.weights[at])) for triple in triples] + facts
        if hop > 1:
            entity = int(step.entities[at])
            if step.use.manner is Manner.READ:
                fact = view.fact(int(step.facts[at]))
                entity = fact.object if step.key % 2 == INVERSE else fact.subject
            at = int(np.argmax(chain.steps[hop - 2].entities == entity))
    return facts


def denial(view: KnowledgeView, reading: Reading, chain: Chain) -> list[dict[str, Any]]:
    """The facts that say no: what is so of the subject instead, each after the facts that led to it."""
    last = chain.steps[-1]
    before = chain.steps[-2].entities if len(chain.steps) > 1 else reading.topics
    named = _argument_entities(reading, last)
    hop, chance = len(chain.steps), last.use.probability
    if last.use.manner is Manner.KEEP and last.key % 2 == INVERSE:
        rows = view.facts_of(named, last.key ^ 1, CONTRARY_FACTS)
        return [_fact(view, triple, hop, chance) for triple in rows.triples.tolist()]
    rows = view.facts_of(before, last.key, CONTRARY_FACTS)
    facts: list[dict[str, Any]] = []
    for owner in dict.fromkeys(rows.owners.tolist()):
        if hop > 1:
            facts += evidence(view, reading, replace(chain, steps=chain.steps[:-1]), owner)
        facts += [_fact(view, triple, hop, chance) for triple in rows.triples[rows.owners == owner].tolist()]
    if last.use.manner is not Manner.KEEP:
        facts += [_fact(view, triple, hop, chance) for triple in _compared(view, reading, last)]
    return facts


def hops(view: KnowledgeView, question: str, reading: Reading, chain: Chain) -> list[dict[str, Any]]:
    """What each step attended to: the question's words, and the relations in reach, the one that was used first."""
    return [
        {
            "hop": number,
            "relations": [_relation(view, use) for use in (*_used(step.use), *step.alternatives)],
            "facts_read": step.facts_read,
            "entities": len(step.entities),
            "attention": _attention(question, reading, step),
        }
        for number, step in enumerate(chain.steps, start=1)
    ]


def _attention(question: str, reading: Reading, step: Step) -> list[dict[str, Any]]:
    """The attention of a step to each word of the question, a name being one word.

    A word of the reading that the question does not have (what was put for kin, a slip mended) is left out.
    """
    spans, at, words = list(reading.spans), 0, []
    for word, weight in step.attention:
        start = question.find(word, at, spans[0][0] if spans else None)
        start, end = (spans.pop(0) if spans else (at, at)) if word in PLACEHOLDERS else (start, start + len(word))
        if at <= start < end:
            words.append({"word": question[start:end], "start": start, "end": end, "weight": round(weight, 6)})
            at = end
    return words


def _triples(view: KnowledgeView, reading: Reading, step: Step, at: int) -> list[int]:
    """The facts of one step for one entity."""
    if not step.by_count:
        return [int(step.facts[at]), *_compared(view, reading, step)]
    own = view.facts_of(step.entities[at : at + 1], step.key, COUNTED_FACTS).triples.tolist()
    return [*own, *_compared(view, reading, step)]


def _compared(view: KnowledgeView, reading: Reading, step: Step) -> list[int]:
    """The facts of the entity that a step compared with, if it did."""
    if step.use.manner not in (Manner.ABOVE, Manner.BELOW) or step.argument is None:
        return []
    if reading.arguments[step.argument].quantity is not None:
        return []
    most = COUNTED_FACTS if step.by_count else 1
    rows = view.facts_of(_argument_entities(reading, step), step.key, most)
    return [*rows.triples.tolist()]


def _argument_entities(reading: Reading, step: Step) -> IntArray:
    return reading.topics[:0] if step.argument is None else reading.arguments[step.argument].entities


def _fact(view: KnowledgeView, triple: int, hop: int, weight: float) -> dict[str, Any]:
    fact = view.fact(triple)
    return {
        "triple_id": fact.triple_id,
        "subject": view.label(fact.subject),
        "relation": view.relation_labels[fact.relation],
        "object": view.label(fact.object),
        "hop": hop,
        "weight": round(weight, 6),
        "source": fact.source,
    }


def _used(use: Use) -> Iterator[Use]:
    yield use
    if use.beside is not None:
        yield replace(use, key=use.beside)


def _relation(view: KnowledgeView, use: Use) -> dict[str, Any]:
    return {
        "relation": view.relation_labels[use.key // 2],
        "direction": DIRECTIONS[use.key % 2],
        "manner": use.manner.name.lower(),
        "weight": round(use.probability, 6),
    }
