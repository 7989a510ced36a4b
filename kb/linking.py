"""Which entities a question may mean: every plausible mention with a score, for the reader to decide among.

Exact names and aliases are found by hash (`kb.names`), longest first; names with a wrong letter around a capitalised or
rare word of the question that matched nothing. A score is a product of factors in (0, 1]:

- how it is written: as in the KB 1 (0.8 or 0.9 when that is all small letters), other case 0.6 to 0.9, other
  punctuation 0.95 of that (0.6 without its # or @), without accents 0.85, other blanks 0.75, singular for plural or
  the other way 0.6; letters off at most 0.7, in longer names 0.9, and 0.7 of that in small letters where the question
  has capitals; a part of few names 0.6, or 0.3;
- what it is: an alias 0.97, a value (number, date, text) 0.9, a bare number 0.85;
- common English words only ("Up", "her"): 0.6 when written with capitals inside a question, 0.3 at its start, 0.2 when
  the name has no capitals either, 0.04 otherwise; several of them ("never let me go") in a question without case 0.6,
  two of them 0.3; equal to a relation of the KB ("director"), uncapitalised: half;
- inside a longer mention that is at least as good 0.25, overlapping one 0.5; one that is less good 0.9
  (0.5 inside one with a typo);
- among entities of the same name, from 1 down to 0.8 by the number of their facts.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import DamerauLevenshtein

from kb.common_words import COMMON_WORDS
from kb.english_words import english_words
from kb.names import (
    HEAD_WORDS,
    MAX_NAME_WORDS,
    MIN_FUZZY_LETTERS,
    bare_key,
    key_hash,
    symbol_hash,
    symbol_key,
)
from kb.plurals import singulars
from kb.triples import surface_key, word_part
from kb.view import KnowledgeView, NameMatch


class LinkedEntity(NamedTuple):
    """An entity that a mention may mean."""

    position: int
    score: float


@dataclass(frozen=True, slots=True)
class Mention:
    """A stretch of the question and the entities that it may mean, best first; offsets into the question as given."""

    text: str
    start: int
    end: int
    entities: tuple[LinkedEntity, ...]
    typo: bool

    @property
    def score(self) -> float:
        """The score of its best entity."""
        return self.entities[0].score


@dataclass(frozen=True, slots=True)
class LinkingLimits:
    """Bounds of linking, so that no question and no name costs much."""

    mentions: int = 12
    entities: int = 16
    question_words: int = 256
    names_per_hash: int = 256
    typo_lookups: int = 3
    typo_words: int = 6
    similar_names: int = 400
    min_score: float = 0.02


class _Word(NamedTuple):
    start: int
    end: int
    key: str
    text: str


class _Span(NamedTuple):
    words: Sequence[_Word]
    key: str
    opens_question: bool
    question_has_case: bool


class _Written(NamedTuple):
    match: NameMatch
    start: int
    end: int
    weight: float


class _Found(NamedTuple):
    start: int
    end: int
    entity: int
    score: float
    typo: bool


_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")
_ALPHANUMERIC = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"\S+")
_DIGITS = re.compile(r"\d+")
_SIGNS = frozenset("#@$")
"""Begin names that are others without: *#search* is no search."""
_CREDIBLE = 0.5
"""From this score on a mention explains its words: no typo is looked for there."""
_MOST_WRONG = 3
"""Letters that may be wrong in a long name."""
_FEW_NAMES = 3
"""A part of a name means the name only where no more names than these have it."""
_DEFAULT_LIMITS = LinkingLimits()


def link(view: KnowledgeView, question: str, limits: LinkingLimits = _DEFAULT_LIMITS) -> list[Mention]:
    """All plausible mentions, best first; none for a question that names nothing of the KB."""
    words = _words(question, limits.question_words)
    if not words:
        return []
    found = _exact(view, question, words, limits)
    mentions = _mentions(question, found, limits)
    places = _suspicious(view, words, mentions)[: limits.typo_lookups]
    similar = [one for place in places for one in _similar(view, words, place, limits)]
    return _mentions(question, found + similar, limits) if similar else mentions


def _words(question: str, limit: int) -> list[_Word]:
    """Words as `surface_key` sees them, with offsets into the question as given."""
    if question.isascii():
        found = _ASCII_WORD.finditer(question)
        return [_Word(match.start(), match.end(), match[0].lower(), match[0]) for match in islice(found, limit)]
    words = []
    start = 0
    for end in range(len(question) + 1):
        part = word_part(question[end]) if end < len(question) else " "
        if part != " " and (part or end > start):
            continue
        if end > start:
            text = question[start:end]
            words.append(_Word(start, end, surface_key(text), text))
        start = end + 1
    return [word for word in words if word.key][:limit]


def _exact(view: KnowledgeView, question: str, words: Sequence[_Word], limits: LinkingLimits) -> list[_Found]:
    """Names that the question holds word by word; those without a letter or digit as they stand."""
    spans, hashes = _spans(view, words)
    matches = view.find_names(np.array(hashes, np.uint64), limits.names_per_hash)
    by_span: dict[tuple[int, int, str], list[NameMatch]] = {}
    for match in matches:
        by_span.setdefault(spans[match.place], []).append(match)
    question_has_case = any(word.text[0].isupper() for word in words[1:]) and any(
        word.text[0].islower() for word in words
    )
    found: list[_Found] = []
    for (first, last, key), named in by_span.items():
        span = _Span(words[first : last + 1], key, first == 0, question_has_case)
        written = [_Written(match, *_written(question, span, match)) for match in named]
        found += _by_popularity(view, [one for one in written if one.weight > 0])
    return found + _symbols(view, question, limits)


def _spans(view: KnowledgeView, words: Sequence[_Word]) -> tuple[list[tuple[int, int, str]], list[int]]:
    """Spans of words that may be names, each with its hashes; long ones only where a long name begins so."""
    spans: list[tuple[int, int, str]] = []
    hashes: list[int] = []
    heads: list[tuple[int, str]] = []
    for first in range(len(words)):
        key = ""
        for last in range(first, min(first + HEAD_WORDS, len(words))):
            key = f"{key} {words[last].key}" if key else words[last].key
            for span_hash in _span_hashes(key, last > first):
                spans.append((first, last, key))
                hashes.append(span_hash)
        if first + HEAD_WORDS < len(words):
            heads.append((first, key))
    begins = view.begin_long_names(np.array([key_hash(key) for _, key in heads], np.uint64))
    for place in np.flatnonzero(begins).tolist():
        first, key = heads[place]
        for last in range(first + HEAD_WORDS, min(first + MAX_NAME_WORDS, len(words))):
            key = f"{key} {words[last].key}"
            for span_hash in _span_hashes(key, False):
                spans.append((first, last, key))
                hashes.append(span_hash)
    return spans, hashes


def _symbols(view: KnowledgeView, question: str, limits: LinkingLimits) -> list[_Found]:
    pieces = [match for match in islice(_PIECE.finditer(question), limits.question_words)]
    spans = [(piece.start(), text) for piece in pieces for text in {piece[0], piece[0].rstrip("?.!,;:")}]
    spans = [(start, text) for start, text in spans if text and not any(char.isalnum() for char in text)]
    if not spans:
        return []
    matches = view.find_names(np.array([symbol_hash(text) for _, text in spans], np.uint64), limits.names_per_hash)
    found = []
    for match in matches:
        start, text = spans[match.place]
        if symbol_key(match.text) == symbol_key(text):
            score = (0.6 if text in "?!.,;:" else 0.9) * (1 if match.text == text else 0.95)
            found.append(_Found(start, start + len(text), match.entity, score, False))
    return found


def _span_hashes(key: str, can_be_one_word: bool) -> Iterator[int]:
    """Hashes of the names that a span may mean: as it is, unaccented, without blanks, of the other number."""
    yield key_hash(key)
    bare = bare_key(key)
    if bare != key:
        yield key_hash(bare)
    if can_be_one_word:
        yield key_hash(bare.replace(" ", ""))
    others = singulars(key)
    yield from map(key_hash, others)
    if (
        not others
        and key[-1] != "s"
        and len(key) >= MIN_FUZZY_LETTERS
        and not can_be_one_word
        and key not in COMMON_WORDS
    ):
        yield key_hash(f"{key}s")


def _written(question: str, span: _Span, match: NameMatch) -> tuple[int, int, float]:
    """Where a name stands in the question, widened to its punctuation, and how well it is written (0: not it)."""
    start, end = span.words[0].start, span.words[-1].end
    lead = next((place for place, char in enumerate(match.text) if (word_part(char) or " ") != " "), 0)
    wide = max(start - lead, 0)
    if question.startswith(match.text, wide) and wide + len(match.text) >= end:
        return wide, wide + len(match.text), _weight_of_words(span, match.text, True)
    there = question[wide : wide + len(match.text)]
    if there.casefold() == match.text.casefold() and wide + len(match.text) >= end:
        return wide, wide + len(match.text), _weight_of_words(span, match.text, False)
    key = surface_key(match.text)
    has_same_case = [word.text for word in span.words] == _ALPHANUMERIC.findall(match.text)
    if key == span.key:
        unsaid = 0.6 if match.text[0] in _SIGNS else 0.95
        return start, end, unsaid * _weight_of_words(span, match.text, has_same_case)
    bare, bare_span = bare_key(key), bare_key(span.key)
    if bare == bare_span:
        return start, end, 0.85 * _weight_of_words(span, match.text, False)
    if bare.replace(" ", "") == bare_span.replace(" ", ""):
        joins_common_word = len(span.words) > 1 and any(word.key in COMMON_WORDS for word in span.words)
        return start, end, (0.2 if joins_common_word else 0.75) * _weight_of_words(span, match.text, False)
    is_other_number = key in singulars(span.key) or key == f"{span.key}s"
    return start, end, 0.6 * _weight_of_words(span, match.text, False) if is_other_number else 0.0


def _weight_of_words(span: _Span, name: str, has_same_case: bool) -> float:
    """How much the words of a match and their case say that a name is meant."""
    if span.key.isdigit():
        return 0.85
    capitals = [word.text[0].isupper() for word in span.words]
    is_one_word = len(span.words) == 1
    if all(word.key in COMMON_WORDS for word in span.words):
        if not span.question_has_case and not is_one_word:
            return 0.3 if len(span.words) == 2 else 0.6
        if not has_same_case or not any(capitals):
            return 0.04 if any(char.isupper() for char in name) or not has_same_case else 0.2
        inside = capitals[1:] if span.opens_question else capitals
        return 0.6 if any(inside) else 0.3
    if has_same_case:
        is_plain = span.question_has_case and not any(capitals)
        return (0.8 if is_one_word else 0.9) if is_plain else 1.0
    if not span.question_has_case:
        return 0.75 if is_one_word else 0.9
    if any(capitals):
        return 0.75 if not all(capitals) else 0.9
    return 0.6 if is_one_word else 0.8


def _by_popularity(view: KnowledgeView, scored: Sequence[_Written]) -> list[_Found]:
    """Scores of the entities of one span; of equal names the one with more facts is more likely meant."""
    degrees = [one.match.degree for one in scored] if len(scored) > 1 else []
    most = math.log1p(max(degrees, default=0))
    found = []
    for place, (match, start, end, weight) in enumerate(scored):
        if not match.is_label:
            weight *= 0.97
        if view.is_literal(match.entity):
            weight *= 0.9
        if surface_key(match.text) in view.relation_keys and not match.text[0].isupper():
            weight *= 0.5
        if degrees:
            weight *= 0.8 + 0.2 * math.log1p(degrees[place]) / most
        found.append(_Found(start, end, match.entity, weight, False))
    return found


def _mentions(question: str, found: Sequence[_Found], limits: LinkingLimits) -> list[Mention]:
    """Entities found, gathered by stretch of the question; a stretch inside or across a better one loses weight."""
    stretches: dict[tuple[int, int], dict[int, _Found]] = {}
    for one in found:
        entities = stretches.setdefault((one.start, one.end), {})
        if one.entity not in entities or entities[one.entity].score < one.score:
            entities[one.entity] = one
    best = {place: max(one.score for one in entities.values()) for place, entities in stretches.items()}
    typos = {(one.start, one.end) for one in found if one.typo}
    written = {(one.start, one.end, one.entity) for one in found if not one.typo}
    mentions = []
    for (start, end), entities in stretches.items():
        factor = _factor_of_rivals((start, end), best, typos)
        ranked = sorted(entities.values(), key=lambda one: (-one.score, one.entity))[: limits.entities]
        linked = tuple(LinkedEntity(one.entity, round(one.score * factor, 4)) for one in ranked)
        kept = tuple(one for one in linked if one.score >= limits.min_score)
        if kept:
            mentions.append(
                Mention(question[start:end], start, end, kept, (start, end, ranked[0].entity) not in written)
            )
    mentions.sort(key=lambda mention: (-mention.score, mention.start - mention.end, mention.start))
    return mentions[: limits.mentions]


def _factor_of_rivals(place: tuple[int, int], best: dict[tuple[int, int], float], typos: set[tuple[int, int]]) -> float:
    start, end = place
    factor = 1.0
    for (other_start, other_end), score in best.items():
        is_longer = other_end - other_start > end - start
        if not is_longer or other_start >= end or other_end <= start or score < _CREDIBLE * best[place]:
            continue
        is_inside = other_start <= start and end <= other_end
        if score < best[place]:
            weight = 0.5 if is_inside and (other_start, other_end) in typos else 0.9
        else:
            weight = 0.25 if is_inside else 0.5
        factor = min(factor, weight)
    return factor


def _suspicious(view: KnowledgeView, words: Sequence[_Word], mentions: Sequence[Mention]) -> list[int]:
    """Places of words that may be a name's with a wrong letter, the likeliest first.

    No credible mention has them, and they are rare, or written with capitals inside a question that has small letters.
    In a question with capitals, a word in small letters is rare only if it is no English word.
    """
    credible = [mention for mention in mentions if mention.score >= _CREDIBLE]
    has_small = any(word.text[0].islower() for word in words)
    has_capitals = any(word.text[0].isupper() for word in words[1:])
    found = []
    for place, word in enumerate(words):
        if any(one.start <= word.start and word.end <= one.end for one in credible) or word.key.isdigit():
            continue
        is_rare = word.key not in COMMON_WORDS and word.key not in view.relation_words
        if is_rare and has_capitals and word.text.islower():
            is_rare = word.key not in english_words()
        is_name = has_small and place > 0 and word.text[0].isupper()
        if is_rare or is_name:
            found.append((not is_rare, not any(map(str.isupper, word.text)), -len(word.key), place))
    return [place for *_, place in sorted(found)]


def _similar(view: KnowledgeView, words: Sequence[_Word], place: int, limits: LinkingLimits) -> list[_Found]:
    """Names that differ from a stretch around a word by a letter or more, by length; numbers must be the same."""
    first, last = max(0, place - limits.typo_words), min(len(words), place + limits.typo_words + 1)
    others = [word.key for word in words[first:last] if word is not words[place] and word.key not in COMMON_WORDS]
    has_capitals = any(word.text[0].isupper() for word in words[1:])
    likely: dict[str, list[tuple[float, Sequence[_Word]]]] = {}

    @cache
    def windows(length: int) -> list[tuple[str, Sequence[_Word]]]:
        stretches = _windows(words[first:last], place - first, length)
        return [(" ".join(word.key for word in window), window) for window in stretches]

    def is_like(key: str) -> bool:
        scored = [
            (_likeness(key, text), window)
            for text, window in windows(key.count(" ") + 1)
            if abs(len(text) - len(key)) <= _MOST_WRONG
        ]
        likely[key] = [(score, window) for score, window in scored if score]
        return bool(likely[key])

    found = []
    matches = view.similar_names(words[place].key, others, is_like, limits.similar_names)
    if not matches:
        return _parts(view, words[place], has_capitals, limits)
    for match in matches:
        for score, window in likely[surface_key(match.text)]:
            if has_capitals and match.text[0].isupper() and not any(map(str.isupper, "".join(w.text for w in window))):
                score *= 0.7
            score *= 1 if match.is_label else 0.97
            found.append(_Found(window[0].start, window[-1].end, match.entity, score, True))
    return found


def _parts(view: KnowledgeView, word: _Word, has_capitals: bool, limits: LinkingLimits) -> list[_Found]:
    """Names that have this word, or its singular, among others ("Everest" for "Mount Everest"), if they are few."""
    forms = {word.key, *singulars(word.key)}

    def holds(key: str) -> bool:
        return not forms.isdisjoint(key.split(" "))

    matches = view.similar_names(word.key, [], holds, limits.similar_names)
    entities = {match.entity for match in matches}
    if not 0 < len(entities) <= _FEW_NAMES or len(word.key) < MIN_FUZZY_LETTERS:
        return []
    is_plain = has_capitals and not word.text[0].isupper()
    score = (0.3 if is_plain else 0.6) * 0.9 ** (len(entities) - 1)
    return [_Found(word.start, word.end, entity, score, True) for entity in entities]


def _windows(words: Sequence[_Word], place: int, length: int) -> Iterator[Sequence[_Word]]:
    """Stretches around a word of a length, or of one word less or more."""
    for size in (length - 1, length, length + 1):
        for start in range(max(0, place - size + 1), min(place, len(words) - size) + 1 if size else 0):
            yield words[start : start + size]


def _likeness(key: str, window: str) -> float:
    """How likely a stretch is a name with wrong letters in it; 0 where it is too different."""
    shorter = min(len(key), len(window))
    allowed = 1 if shorter < 8 else 2 if shorter < 16 else _MOST_WRONG
    if shorter < MIN_FUZZY_LETTERS or abs(len(key) - len(window)) > allowed:
        return 0.0
    distance = DamerauLevenshtein.distance(key, window, score_cutoff=allowed)
    if not 0 < distance <= allowed or _DIGITS.findall(key) != _DIGITS.findall(window):
        return 0.0
    return (0.9 if shorter >= 8 and " " in key else 0.7) * (1 - 1.5 * distance / shorter)
