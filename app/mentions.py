"""What the facts say of a question's mentions: which of them name classes, and which a relation's words announce."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kb.linking import Mention
from kb.view import KnowledgeView
from models.episodes import INVERSE
from models.memory import IntArray
from models.profiles import says_what_things_are

TOLD = 0.8
"""How likely words mean what the relation leads to whose words stand before them."""
CLASS = 0.55
"""How likely the name of a class is meant where nothing else is named."""
LEAST_CLASS = 0.3
"""From this score on a word is rare enough to be one by its place alone."""
_ARTICLE = re.compile(r"\b(?:the|an?|its|their|his|her) $", re.IGNORECASE)
_FOLLOWED = re.compile(r" (?:of|in|at|on|from|for|with|by|who|that|which|whose|where)\b", re.IGNORECASE)
_THINGS = re.compile(r" [a-z]{3,}(?<!s)s\b")


def classes_among(view: KnowledgeView, text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """The mentions in small letters, in no longer name, that name a class.

    That is what things are said to be, or what stands as one (*the striker of Riverside*) and has no facts of its own.
    """
    plain = [one for one in mentions if one.text.islower() and not one.typo and not _is_inside(one, mentions)]
    return [
        one
        for one in plain
        if any(map(says_what_things_are, _leading_to(view, one))) or _stands_as_class(view, text, one)
    ]


def _stands_as_class(view: KnowledgeView, text: str, mention: Mention) -> bool:
    is_noun = _ARTICLE.search(text[: mention.start]) and _FOLLOWED.match(text, mention.end)
    return bool(is_noun) and mention.score >= LEAST_CLASS and bool((_keys_of(view, mention) % 2 == INVERSE).all())


def _is_inside(mention: Mention, mentions: Sequence[Mention]) -> bool:
    start, end = mention.start, mention.end
    longer = [one for one in mentions if one.start <= start and end <= one.end and len(one.text) > len(mention.text)]
    return any(one.score >= mention.score for one in longer)


def told_by_relations(view: KnowledgeView, text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """The mentions, likely ones first; those beside the words of a relation that leads to them are.

    *Written in go*, *of high severity*. Where nothing else is likely, a class is, *who is the oldest player*, and what
    says how things are: *easy walks*.
    """
    found = [_told(view, text, one) if one.score < TOLD and not one.typo else one for one in mentions]
    if all(one.score < CLASS for one in found):
        classes = [*classes_among(view, text, found), *(one for one in found if _describes(view, text, one))]
        found = [_as_likely(one, CLASS) if one in classes else one for one in found]
    return sorted(found, key=lambda one: -one.score)


def _told(view: KnowledgeView, text: str, mention: Mention) -> Mention:
    before, after = f" {text[: mention.start].strip().casefold()}", f"{text[mention.end :].casefold()} "
    labels = [f" {label.casefold()}" for label in _leading_to(view, mention)]
    is_told = any(before.endswith(label) or re.match(rf"{re.escape(label)}\b", after) for label in labels)
    return _as_likely(mention, TOLD) if is_told else mention


def _describes(view: KnowledgeView, text: str, mention: Mention) -> bool:
    """Whether a mention in small letters is a value before the things that have it."""
    is_before = mention.text.islower() and not mention.typo and _THINGS.match(text, mention.end)
    return bool(is_before) and bool((_keys_of(view, mention) % 2 == INVERSE).all())


def _as_likely(mention: Mention, score: float) -> Mention:
    first, *others = mention.entities
    return replace(mention, entities=(first._replace(score=score), *others))


def _leading_to(view: KnowledgeView, mention: Mention) -> list[str]:
    """The labels of the relations that lead to what a mention means most likely."""
    return [view.relation_labels[key // 2] for key in _keys_of(view, mention).tolist() if key % 2 == INVERSE]


def _keys_of(view: KnowledgeView, mention: Mention) -> IntArray:
    return view.keys_of(np.array([mention.entities[0].position], np.int32))
