"""Relations that say yes or no of a thing, as conditions of a question: *which tents are waterproof*.

Such a question does not name the value that it asks for. Behind the words of the relation, it is read as if it did; and
where other words ask whether, what the relation says is the answer: *does the tent keep the rain out*.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kb.view import KnowledgeView
from models.abbreviations import unabbreviated
from models.chains import Chain, Reading
from models.episodes import INVERSE, Asked, Manner
from models.expectations import asks_whether
from models.memory import IntArray
from models.profiles import NO, SAID, YES, Profile
from models.steps import Argument

LEAST_VERB = 3
"""Letters that a verb has at least, with its *s*."""
_DOER = re.compile(r"(?:er|or|ist|ian|ee)$")
MOST_SAID = 20
"""Values of yes and no that a relation may lead to, in different words and types."""
LEFT_OUT = 0.7
"""What a chain is worth that keeps nothing by a flag that is mentioned: it may read it instead."""
_AUXILIARY = re.compile(r"^(is|are|has|have|can|be|does)\b\s*|\W+$", re.IGNORECASE)
_DENIED = re.compile(r"(?<=\w )(not|no|non|without|isn't|aren't|doesn't|don't|can't)\b[\w -]{0,12}$", re.IGNORECASE)
"""Ends in a denial; a question that begins with one ("isn't it ...") denies nothing."""


class Flagged(NamedTuple):
    """Where the words of a flag end, and the value that they ask for."""

    end: int
    argument: Argument


def flags_in(text: str, view: KnowledgeView, profiles: Sequence[Profile]) -> list[Flagged]:
    """The flags that a question mentions, each with what it has to be; `profiles` has one for each key."""
    found = []
    for label, words, said in _flags(view, profiles):
        mentioned = re.search(rf"(?<!\w){_inflected(words)}(?!\w)", text, re.IGNORECASE)
        if mentioned:
            wanted = NO if _DENIED.search(text[: mentioned.start()]) else YES
            entities = _named(view, [*wanted, *(value for value in said if value.casefold() in wanted)])
            if len(entities):
                found.append(Flagged(mentioned.end(), Argument(label, entities, left_out=LEFT_OUT)))
    return found


def settled(view: KnowledgeView, readings: Sequence[Reading], chain: Chain) -> tuple[Sequence[Reading], Chain]:
    """A chain that asks whether and ends at yes or no, as one that keeps those of which it is yes, and its readings."""
    last, reading = chain.steps[-1], readings[chain.reading]
    is_whether = chain.asked is Asked.WHETHER or (chain.asked is Asked.ENTITIES and asks_whether(reading.text))
    if not is_whether or last.use.manner is not Manner.READ or last.key % 2 == INVERSE:
        return readings, chain
    if len(last.entities) > MOST_SAID or any(view.label(one).casefold() not in SAID for one in last.entities.tolist()):
        return readings, chain
    start = chain.steps[-2] if len(chain.steps) > 1 else None
    entities = start.entities if start else reading.topics
    weights = start.weights if start else np.ones(len(entities), np.float32)
    wanted = Argument(view.relation_labels[last.key // 2], _named(view, YES))
    rows = view.facts_of(entities, last.key, last.facts_read)
    says_yes = np.isin(rows.targets, wanted.entities)
    owners, first = np.unique(rows.owners[says_yes], return_index=True)
    kept = replace(
        last,
        use=replace(last.use, manner=Manner.KEEP),
        argument=len(reading.arguments),
        entities=entities[owners],
        weights=weights[owners],
        facts=rows.triples[says_yes][first],
    )
    readings = [*readings, replace(reading, arguments=(*reading.arguments, wanted))]
    steps = (*chain.steps[:-1], kept)
    return readings, replace(chain, reading=len(readings) - 1, steps=steps, asked=Asked.WHETHER)


def _flags(view: KnowledgeView, profiles: Sequence[Profile]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The relations that lead to yes and no only: their label, the words that mention them, and the values."""
    for label, profile in zip(view.relation_labels, profiles[::2], strict=False):  # one of nothing, without relations
        if profile.is_flag:
            words = _AUXILIARY.sub("", unabbreviated(label))
            if words:
                yield label, words, profile.examples


def _inflected(words: str) -> str:
    """A pattern of the words as questions have them too: *which shops deliver*, *how many first aiders*."""
    first, *others = words.split(" ")
    is_verb = len(first) > LEAST_VERB and first.endswith("s") and not first.endswith("ss")
    stem = re.escape(first[:-1]) + "s?" if is_verb else re.escape(first)
    return " ".join([stem, *map(re.escape, others)]) + ("s?" if _DOER.search(words) else "")


def _named(view: KnowledgeView, labels: Sequence[str]) -> IntArray:
    return np.unique(np.concatenate([view.entities_named(label) for label in labels]))
