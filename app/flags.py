"""Relations that say yes or no of a thing, as conditions of a question: *which tents are waterproof*.

Such a question does not name the value that it asks for. Behind the words of the relation, it is read as if it did;
other words for it are left to the network to read (*which tents keep the rain out*), and what is reached is kept to
what it is so of (`models.search`).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kb.view import KnowledgeView
from models.abbreviations import unabbreviated
from models.expectations import asks_whether
from models.memory import IntArray
from models.profiles import NO, YES, Profile
from models.steps import Argument

LEAST_VERB = 3
"""Letters that a verb has at least, with its *s*."""
_DOER = re.compile(r"(?:er|or|ist|ian|ee)$")
_DONE = re.compile(r"([a-z]{3,})ed")
"""*Dogs allowed*, of what *allows dogs*."""
LEFT_OUT = 0.7
"""What a chain is worth that keeps nothing by a flag that is mentioned: it may read it instead."""
_AUXILIARY = re.compile(r"^(is|are|has|have|can|be|does)\b\s*|\W+$", re.IGNORECASE)
_DENIED = re.compile(r"(?<=\w )(not|no|non|without|isn't|aren't|doesn't|don't|can't)\b[\w -]{0,12}$", re.IGNORECASE)
"""Ends in a denial; a question that begins with one ("isn't it ...") denies nothing."""
_DENIES = re.compile(r"\b(not|no|none|nobody|nothing|never|without|cannot|\w+n't)\b", re.IGNORECASE)


class Flagged(NamedTuple):
    """Where the words of a flag end, and the value that they ask for."""

    end: int
    argument: Argument


class Flag(NamedTuple):
    """A relation that leads to yes and no only: its label, the words that mention it, and its values."""

    label: str
    words: str
    said: tuple[str, ...]


def flags_of(view: KnowledgeView, profiles: Sequence[Profile]) -> list[Flag]:
    """The flags of a knowledge base; `profiles` has one for each key."""
    pairs = zip(view.relation_labels, profiles[::2], strict=False)  # one of nothing, without relations
    flags = [
        Flag(label, _AUXILIARY.sub("", unabbreviated(label)), profile.examples)
        for label, profile in pairs
        if profile.is_flag
    ]
    return [flag for flag in flags if flag.words]


def flags_in(text: str, view: KnowledgeView, flags: Sequence[Flag]) -> list[Flagged]:
    """The flags that a question mentions, each with what it has to be."""
    found = []
    for label, words, said in flags:
        mentioned = re.search(rf"(?<!\w){_inflected(words)}(?!\w)", text, re.IGNORECASE)
        if mentioned:
            is_denied = mentioned[0].lower().startswith("out of ") or _DENIED.search(text[: mentioned.start()])
            wanted = NO if is_denied else YES
            entities = _named(view, [*wanted, *(value for value in said if value.casefold() in wanted)])
            if len(entities):
                found.append(Flagged(mentioned.end(), Argument(label, entities, left_out=LEFT_OUT)))
    return found


def said_of_it(text: str, view: KnowledgeView, flags: Sequence[Flag]) -> Argument | None:
    """What a flag has to say where no words of its mention it; None without flags.

    That is no where the question denies something: *which rooms does nobody clean*.
    """
    if not flags:
        return None
    wanted = NO if _DENIES.search(text) and not asks_whether(text) else YES
    return Argument(wanted[0], _named(view, wanted))


def _inflected(words: str) -> str:
    """A pattern of the words as questions have them too: *which shops deliver*, *how many first aiders*."""
    first, *others = words.split(" ")
    if len(others) == 1 and (done := _DONE.fullmatch(others[0])):
        thing = re.escape(first.removesuffix("s"))
        return rf"(?:{thing}s? {others[0]}|{done[1]}(?:e?s|e|ed|ing)? (?:\w+ )?{thing}s?)"
    if first == "in" and others:  # in stock, out of stock
        return rf"(?:in|out of) {re.escape(' '.join(others))}"
    is_verb = len(first) > LEAST_VERB and first.endswith("s") and not first.endswith("ss")
    stem = re.escape(first[:-1]) + "s?" if is_verb else re.escape(first)
    if first in ("requires", "needs"):
        stem = "(?:require|need)s?"
    return f"{' (?:an? )?'.join([stem, *map(re.escape, others)])}{'s?' if _DOER.search(words) else ''}"


def _named(view: KnowledgeView, labels: Sequence[str]) -> IntArray:
    return np.unique(np.concatenate([view.entities_named(label) for label in labels]))
