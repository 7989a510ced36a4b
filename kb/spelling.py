"""Misspelt words of a question, mended: what is no English word and one slip from a word that is expected.

Expected are the words of the knowledge base's relations, those that questions are made of, and superlatives; then any
English word, where only one is that near. A slip is a letter left out, added, changed, or two that changed places, but
not the first.
"""

import re
from collections.abc import Container, Iterator, Mapping
from functools import cache
from string import ascii_lowercase

from kb.common_words import COMMON_WORDS
from kb.english_words import english_words

LEAST_LETTERS = 4
LEAST_OF_ENGLISH = 6
"""A shorter word is one slip from too many."""
_WORD = re.compile(rf"(?<![\w'\N{{RIGHT SINGLE QUOTATION MARK}}-])[a-z]{{{LEAST_LETTERS},}}(?![\w-])")
_ENDINGS = ("s", "es", "er", "ers", "ed", "ing", "ings")
_ADJECTIVES = """
big bright broad busy cheap close clean cold cool costly dark dear deep dense dry early easy fast fat few fit full
great hard healthy heavy high hot large late lean light long loud low mild narrow near new noisy old pale poor
pretty quick quiet rainy rare rich safe salty sharp short slow small smart soft spicy steep sticky strong sunny
sweet swift tall tasty thick thin tiny tough warm weak wealthy wet wide windy young
"""
_ORDER = ("fewest", "latest", "earliest", "furthest", "farthest", "expensive", "recent", "recently")


def slips(text: str, known: Container[str] = ()) -> dict[str, str]:
    """The misspelt words of a text, each with what it was meant for.

    `known` are words, in small letters, of the knowledge base's relations.
    """
    meant = {word: _meant(word, known) for word in set(_WORD.findall(text))}
    return {word: other for word, other in meant.items() if word != other}


def mended(text: str, found: Mapping[str, str]) -> str:
    """A text with these slips mended."""
    return _WORD.sub(lambda word: found.get(word[0], word[0]), text) if found else text


def _meant(word: str, known: Container[str]) -> str:
    if word in known or _is_english(word):
        return word
    near = [one for one in _one_slip_from(word) if not _is_inflected(word, one)]
    for expected in (known, _of_questions()):
        found = [one for one in near if len(one) >= LEAST_LETTERS and one in expected]
        if found:
            return found[0]
    found = [one for one in near if len(one) >= LEAST_OF_ENGLISH and one in english_words()]
    return found[0] if len(found) == 1 else word


def _is_english(word: str) -> bool:
    """Whether a word is English, or an ending makes it of one: *discoverer*."""
    english = english_words()
    if word in english or word in _of_questions():
        return True
    stems = (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))
    return any(stem in english or f"{stem}e" in english for stem in stems)


def _is_inflected(word: str, other: str) -> bool:
    """Whether two words differ at the end only: *releases* is no slip of *released*."""
    return word.startswith(other) or other.startswith(word) or word[:-1] == other[:-1]


def _one_slip_from(word: str) -> Iterator[str]:
    """What a word may have been meant for, each once: places of letters changed first."""
    cuts = [(word[:at], word[at:]) for at in range(1, len(word) + 1)]
    swapped = [head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1]
    added = [head + letter + tail for head, tail in cuts for letter in ascii_lowercase]
    changed = [head + letter + tail[1:] for head, tail in cuts if tail for letter in ascii_lowercase]
    dropped = [head + tail[1:] for head, tail in cuts if tail]
    return iter(dict.fromkeys(one for one in (*swapped, *added, *changed, *dropped) if one != word))


@cache
def _of_questions() -> frozenset[str]:
    """The words that questions are made of, and comparatives and superlatives of what is asked about."""
    stems = map(_stem, _ADJECTIVES.split())
    return COMMON_WORDS | frozenset(_ORDER) | {stem + ending for stem in stems for ending in ("er", "est")}


def _stem(adjective: str) -> str:
    """What *-er* is put to: *bigg*, *earli*, *wid*."""
    if adjective.endswith(("y", "e")):
        return adjective[:-1] + ("i" if adjective.endswith("y") else "")
    is_short = re.fullmatch(r"[^aeiou]*[aeiou][bdgnt]", adjective) is not None
    return adjective + adjective[-1] if is_short else adjective
