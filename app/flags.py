"""Relations that say yes or no of a thing, as conditions of a question: *which tents are waterproof*.

Such a question does not name the value that it asks for. Behind the words of the relation, it is read as if it did.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from kb.view import KnowledgeView
from models.memory import IntArray
from models.profiles import Profile
from models.steps import Argument

YES, NO = ("yes", "true"), ("no", "false")
_SAID = frozenset((*YES, *NO))
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
        mentioned = re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE)
        if mentioned:
            wanted = NO if _DENIED.search(text[: mentioned.start()]) else YES
            entities = _named(view, [*wanted, *(value for value in said if value.casefold() in wanted)])
            if len(entities):
                found.append(Flagged(mentioned.end(), Argument(label, entities, left_out=LEFT_OUT)))
    return found


def _flags(view: KnowledgeView, profiles: Sequence[Profile]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The relations that lead to yes and no only: their label, the words that mention them, and the values."""
    for label, profile in zip(view.relation_labels, profiles[::2], strict=False):  # one of nothing, without relations
        if profile.examples and all(value.casefold() in _SAID for value in profile.examples):
            words = _AUXILIARY.sub("", label)
            if words:
                yield label, words, profile.examples


def _named(view: KnowledgeView, labels: Sequence[str]) -> IntArray:
    return np.unique(np.concatenate([view.entities_named(label) for label in labels]))
