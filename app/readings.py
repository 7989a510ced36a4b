"""Readings of a question: which of its names is the topic, and which are conditions that the topic's facts must meet.

A question that names Nolan and Bale may start from either, with the other as a condition; one that lists names and
ranks them, from all of these; one that names nothing, from everything there is ("the oldest film"). Each way is a
reading with a score, and the reader finds which of them the facts answer. Placeholders stand for the names in its text:
`MENTION` for the topic, `OTHER` for another entity, `VALUE` for a number or date.
"""

import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from app.flags import Flagged
from kb.common_words import COMMON_WORDS
from kb.english_words import english_words
from kb.linking import Mention
from kb.spelling import mended, slips
from models.chains import Reading, everything
from models.episodes import MENTION, OTHER, VALUE
from models.expectations import asks_whether
from models.kinship import means_siblings, spelt_out
from models.memory import IntArray
from models.numbers import DATE, quantities_in
from models.patterns import SUPERLATIVE, as_superlative
from models.steps import Argument

SAME_NAME = 0.79
"""Entities of a mention whose scores differ by no more than this factor bear the same name (`kb.linking`)."""
LEAST_SCORE = 0.1
"""A reading this much less likely than the best one is not worth reading."""
CREDIBLE = 0.5
"""From this score on a mention is taken for a name beside the topic."""
DOUBT = 0.1
"""How likely at least it is that a name beside the topic means nothing."""
LEFT_OUT_WORD = 0.9
"""What a chain is worth that leaves out a name beside the topic that is written like any English word ("script")."""
ORDINARY = 0.5
"""How likely such words are a name, beside names with capitals."""
UNNAMED = 0.7
"""The score of a reading that starts from everything, of a question that names nothing but compares."""
NO_PART = 0.95
"""How likely a noun that is part of a name is none of it."""
LEAST_KIND = 0.3
"""From this score on words are taken for the name of a kind."""
KIND_LEFT_OUT = 0.12
"""What a reading loses that does nothing with words that name the kind of the answers."""
COMPARED_WITH = 0.3
"""How likely a number or date is the topic that something is compared with."""
MOST_ARGUMENTS = 3
MOST_BETWEEN = 7
"""Words between two names of which a question offers one *or* the other."""
UNKNOWN_NAME = 0.5
"""What a reading loses by each name in it that the KB does not know, up to two."""

_NAME = re.compile(r"(?<=[a-z,;:] )[A-Z][a-z]\w*(?: [A-Z][a-z]\w*)*")
"""Words with capitals inside a question, not acronyms."""
_COMPARES = re.compile(
    r"\b(most|least|fewest|more|less|fewer|than|over|under|above|below|before|after|since|until|first|last|latest|"
    rf"earliest|newest|biggest|exactly|best|worst|top|{SUPERLATIVE})\b",
    re.IGNORECASE,
)
_THAN = re.compile(r"\b(than|as \w+ as)\b", re.IGNORECASE)
_THAN_THAT = re.compile(r"\b(before|after)\b", re.IGNORECASE)
"""Compares with a thing, where there is no number or date to compare with."""
_COMPARES_WITH = re.compile(r"\b(after|before|over|under|above|below|than)\s+(the year )?$", re.IGNORECASE)
"""What stands before a number or date that something is compared with."""
_BEFORE_KIND = re.compile(
    r"\W*(?:(?:in|of|on|at|which|what|how many|list|names?|show|give|tell|find|me|all|every|each|the|any|other|kinds?)"
    r"\W+)*",
    re.IGNORECASE,
)
"""What stands before the words for what is asked for."""
_BEFORE_PERSON = re.compile(
    rf"(?:{_BEFORE_KIND.pattern}(?:who|is|are|was|were|did|does|do|has|have|had|an?|any|s)\W+)*{_BEFORE_KIND.pattern}",
    re.IGNORECASE,
)
_WHICH = re.compile(
    r"\b(?:which|what|any)(?: (?:kinds? )?of)?(?: (?:our|the|these|those|my|your|all|their|its))? $", re.IGNORECASE
)
"""What stands before them elsewhere: *it hurts, which drug helps*."""
_OR = re.compile(r"\bor\b", re.IGNORECASE)
_LISTED = re.compile(
    r"\s*(?:,|/|&|-|\N{EN DASH}|\bor\b|\band\b|\bvs\b\.?|\bversus\b)(?:\s*(?:or|and|the)\b)*\s*", re.IGNORECASE
)
"""What stands between the names of a list."""
_RANKS = re.compile(
    r"\b(?:most|least|more|less|first|last|latest|best|worst|"
    r"(?!(?:over|under|after|n?ever|(?:an)?other|n?either|whether|number)\b)[a-z]{2,}(?:er|est))\b",
    re.IGNORECASE,
)
"""Says which of a list is wanted, or takes a noun for that."""
_TELLS_A_YEAR = re.compile(
    r"\b(?:before|after|since|until|till|in|by|from|during|(?:earlier|later|older|newer|younger) than)"
    r"\s+(?:the year )?$",
    re.IGNORECASE,
)
"""What stands before a year: it is not compared with metres or kilograms."""
_FIRST_YEAR, _LAST_YEAR = 1000, 2100
_INCLUSIVE_BEFORE = re.compile(
    r"\b(at least|at most|no (?:more|less|fewer|later|earlier) than|not (?:more|less) than|since|from|until|till|up to|"
    r"by|minimum|maximum|>=|<=)\s*$",
    re.IGNORECASE,
)
_INCLUSIVE_AFTER = re.compile(
    r"\s*\w*\s*\b(or|and) (more|less|fewer|later|earlier|older|newer|up|higher|above|after|below|before|under|over)\b",
    re.IGNORECASE,
)


class _Name(NamedTuple):
    """A name beside the topic: where it stands, and what it may mean."""

    start: int
    end: int
    placeholder: str
    argument: Argument
    score: float
    is_flag: bool = False
    is_part: bool = False  # a noun that is a part of a name: "farms" of "Kiru Farm"


class _Question(NamedTuple):
    """The text of a question, and what may be named in it."""

    text: str
    spelt: str  # as it was meant
    mentions: Sequence[Mention]
    names: Sequence[_Name]
    classes: Sequence[Mention]
    people: Sequence[Mention]  # those of the classes that tell men and women apart


def readings_of(
    text: str,
    mentions: Sequence[Mention],
    known: frozenset[str] = frozenset(),
    flags: Sequence[Flagged] = (),
    classes: Sequence[Mention] = (),
    people: Sequence[Mention] = (),
    flag: Argument | None = None,
) -> tuple[Reading, ...]:
    """All readings of a question that are worth reading, likely ones first.

    Capitalised words that are `known` (in small letters: those of relations) are no names that a reading leaves out.
    `classes` are the mentions that name what things are said to be, `people` the nouns that mean men or women only;
    `flag` is what a relation of yes and no has to say where one is meant without being named.
    """
    mentions = _whole(text, mentions)
    lists = _lists(text, mentions)
    names = _names(text, mentions)
    names += [_Name(end, end, OTHER, argument, 1.0, is_flag=True) for end, argument in flags]
    classes = [*(one for one in classes if not any(one in listed for listed in lists)), *people]
    misspelt = slips(text, known)
    question = _Question(text, mended(text, misspelt), mentions, names, classes, people)
    readings = [one for mention in mentions for one in _from_topic(question, mention)]
    readings += [one for listed in lists for one in _from_several(question, listed)]
    readings += _from_everything(question)
    readings = [_with_known_words(one, misspelt, known) for one in readings]
    readings = [_with_flag(one, flag) for one in readings] if flag else readings
    readings.sort(key=lambda reading: -reading.score)
    return tuple(reading for reading in readings if reading.score > LEAST_SCORE * readings[0].score)


def _with_flag(reading: Reading, flag: Argument) -> Reading:
    """A reading with what a relation of yes and no has to say."""
    return replace(reading, arguments=(*reading.arguments, flag), flag=len(reading.arguments))


def _with_known_words(reading: Reading, misspelt: Mapping[str, str], known: frozenset[str]) -> Reading:
    """A reading with slips mended and the names of kin spelt out, worth less by the names that it still has."""
    score = reading.score * UNKNOWN_NAME ** _num_unknown(reading.text, known)
    text = mended(reading.text, misspelt)
    is_of_siblings = means_siblings(text, known)
    text = spelt_out(text, known)
    if (score, text, is_of_siblings) == (reading.score, reading.text, reading.is_of_siblings):
        return reading
    return replace(reading, score=score, text=text, is_of_siblings=is_of_siblings)


def _num_unknown(text: str, known: Container[str]) -> int:
    """How many names a reading's text still has, at most two."""
    found = [word for match in _NAME.finditer(text) for word in match[0].lower().split()[:1]]
    return min(2, sum(word not in known and word not in COMMON_WORDS for word in found))


def _whole(text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """The mentions that are no mere part of a number or date: not the *1* of *1,000*."""
    spans = [(start, end) for start, end, _ in quantities_in(text)]
    return [
        one
        for one in mentions
        if not any(start <= one.start < one.end <= end and one.text != text[start:end] for start, end in spans)
    ]


def _names(text: str, mentions: Sequence[Mention]) -> list[_Name]:
    """What may be named beside a topic, best first: credible mentions, and numbers and dates outside of them."""
    found = []
    has_names = any(one.score >= CREDIBLE and not one.text.islower() for one in mentions)
    quantities = quantities_in(text)
    for start, end, quantity in quantities:
        inside = [one for one in mentions if one.start < end and start < one.end]
        if any(one.score >= CREDIBLE and (one.start, one.end) != (start, end) for one in inside):
            continue
        same = next((one for one in inside if (one.start, one.end) == (start, end)), None)
        entities = _alike(same) if same else everything()
        inclusive = bool(_INCLUSIVE_BEFORE.search(text[:start]) or _INCLUSIVE_AFTER.match(text[end:]))
        if (
            quantity.measure is None
            and _FIRST_YEAR <= quantity.value <= _LAST_YEAR
            and _TELLS_A_YEAR.search(text[:start])
        ):
            quantity = quantity._replace(measure=DATE)
        argument = Argument(text[start:end], entities, quantity, inclusive)
        found.append(_Name(start, end, VALUE, argument, 1.0))
    for mention in mentions:
        if mention.score >= CREDIBLE and mention.text:
            argument = Argument(mention.text, _alike(mention))
            score = mention.score
            if _is_plain(mention.text):
                argument = replace(argument, left_out=LEFT_OUT_WORD)
                score *= ORDINARY if has_names and not asks_whether(text) else 1.0
            is_noun = mention.text.islower() and (mention.text.endswith("s") or _is_plain(mention.text))
            found.append(_Name(mention.start, mention.end, OTHER, argument, score, is_part=mention.typo and is_noun))
    return found


def _is_plain(name: str) -> bool:
    """Whether a name is written in English words without capitals, so that the question may mean the words."""
    return all(word in english_words() for word in name.split())


def _alike(mention: Mention) -> IntArray:
    """The entities that bear the name of a mention's best one."""
    best = mention.entities[0].score
    return np.array([one.position for one in mention.entities if one.score >= SAME_NAME * best], np.int32)


def _from_topic(question: _Question, mention: Mention) -> Iterator[Reading]:
    """The question with a mention taken for its topic: with all other names as conditions, and with none.

    Entities of one name are read together, and the reader finds which of them has the facts asked for; those that are
    named otherwise (another case, a plural, a letter off) are a reading of their own. A topic that no word mentions
    stands before the question. What names the kind of the answers ("which laptops") is left to the network to read, and
    the answers are kept to it.
    """
    text, place = question.text, (mention.start, mention.end, MENTION)
    beside = _apart(question.names, [place[:2]] if mention.text else [])
    kind = _kind_named(question, mention)
    passed = [one for one in question.classes if one is not kind and _is_apart(one, mention)]
    if mention in question.classes:
        passed = []
    likely = COMPARED_WITH if _is_compared_with(text, mention) else 1.0
    left = mention.entities
    while left:
        alike = [entity for entity in left if entity.score >= SAME_NAME * left[0].score]
        topics, score = np.array([entity.position for entity in alike], np.int32), left[0].score * likely
        if beside:
            yield _reading(text, [place], topics, beside, [score])
        if kind or passed:
            yield _kept_to_kind(text, [place], topics, beside, [score], kind, passed, question.people)
        named = math.prod(name.score for name in beside if name.placeholder == OTHER)
        doubt = 1.0 if all(name.is_flag for name in beside) else max(DOUBT, 1 - named)
        yield _reading(text, [place], topics, [], [score * doubt * (KIND_LEFT_OUT if kind else 1.0)])
        left = left[len(alike) :]


def _is_compared_with(text: str, mention: Mention) -> bool:
    """Whether a mention is a number or date that the question compares something with: *after 2014*."""
    return bool(_COMPARES_WITH.search(text[: mention.start])) and any(
        (start, end) == (mention.start, mention.end) for start, end, _ in quantities_in(text)
    )


def _kind_named(question: _Question, topic: Mention | None = None) -> Mention | None:
    """What names the kind of the answers.

    That is words in small letters that begin the question, follow its topic there, or follow *which*; those for men or
    women may also follow *who is* or *does she have*.
    """
    text = question.text
    for one in (*question.mentions, *question.people):
        before = text[: one.start]
        if topic and topic.text and topic.end <= one.start:
            before = f"{text[: topic.start]}{text[topic.end : one.start]}"
        is_likely = one in question.classes or (one.score >= LEAST_KIND and not one.typo and one.text.islower())
        leads = _BEFORE_PERSON if one in question.people else _BEFORE_KIND
        if is_likely and one is not topic and (leads.fullmatch(before) or _WHICH.search(before)):
            return one
    return None


def _kept_to_kind(
    text: str,
    topics_at: Sequence[tuple[int, int, str]],
    topics: IntArray,
    beside: Sequence[_Name],
    scores: Sequence[float],
    kind: Mention | None,
    classes: Sequence[Mention] = (),
    people: Sequence[Mention] = (),
) -> Reading:
    """A reading that leaves the names of kinds to the network to read, and keeps what is reached to them.

    `kind` names that of the answers, `classes` those of what leads to them.
    """
    kinds = [*([kind] if kind else []), *classes]
    others = [name for name in beside if all(_is_apart(name, one) for one in kinds)]
    reading = _reading(text, topics_at, topics, others, scores)
    first = len(reading.arguments)
    return replace(
        reading,
        arguments=(*reading.arguments, *(Argument(one.text, _alike(one)) for one in kinds)),
        kind=first if kind else None,
        is_kind_of_people=kind in people,
        classes=tuple(range(first + bool(kind), first + len(kinds))),
    )


def _is_apart(one: Mention | _Name, other: Mention | _Name) -> bool:
    return one.end <= other.start or other.end <= one.start


def _from_several(question: _Question, listed: Sequence[Mention]) -> Iterator[Reading]:
    """The question which of several things that it lists, with all as its topics."""
    text, places = question.text, [(one.start, one.end, MENTION) for one in listed]
    topics = np.concatenate([_alike(one) for one in listed])
    beside = _apart(question.names, [place[:2] for place in places])
    passed = [one for one in question.classes if all(_is_apart(one, other) for other in listed)]
    reading = _kept_to_kind(text, places, topics, beside, [one.score for one in listed], None, passed)
    if _RANKS.search(reading.text) or _OR.search(text[listed[0].end : listed[-1].start]):
        yield reading


def _lists(text: str, mentions: Sequence[Mention]) -> list[list[Mention]]:
    """Names that follow one another in a list; of those that overlap the longest."""
    found: list[list[Mention]] = []
    end = 0
    for one in sorted(mentions, key=lambda one: (one.start, -one.end)):
        if one.score < CREDIBLE or not one.text or one.start < end or _is_joined(one, mentions):
            continue
        if end and (_LISTED.fullmatch(text[end : one.start]) or _is_offered(text, end, one.start)):
            found[-1].append(one)
        else:
            found.append([one])
        end = one.end
    return [listed for listed in found if len(listed) > 1]


def _is_joined(mention: Mention, mentions: Sequence[Mention]) -> bool:
    """Whether a mention is what joins a list and a name of it: *vs Ems*, but not *And Then There Were None*."""
    joint = _LISTED.match(mention.text)
    return joint is not None and any(
        one.start >= mention.start + max(joint.end(), 1) and one.end == mention.end for one in mentions
    )


def _is_offered(text: str, end: int, start: int) -> bool:
    """Whether a question offers a name that begins at `start` instead of one that ends before: *is A older or B*."""
    between = text[end:start]
    return bool(_OR.search(between) and len(between.split()) <= MOST_BETWEEN and _RANKS.search(text))


def _from_everything(question: _Question) -> Iterator[Reading]:
    """The question as one about everything there is, with a noun that is part of a name as such and as a word."""
    yield from _compared(question, UNNAMED)
    if any(name.is_part for name in question.names):
        whole = [name for name in question.names if not name.is_part]
        yield from _compared(question._replace(names=whole), UNNAMED * NO_PART)


def _compared(question: _Question, score: float) -> Iterator[Reading]:
    """The question as one about everything there is, if it compares or gives a number and names one thing at most."""
    text, beside = question.text, _apart(question.names, [])
    others = sum(name.placeholder == OTHER and not name.is_flag for name in beside)
    compares = _THAN.search(text) or (len(beside) == others and _THAN_THAT.search(text))
    if others > 1 or (others == 1 and not compares):
        return
    is_of_all = all(name.is_flag for name in beside)
    spelt = as_superlative(question.spelt) if is_of_all else question.spelt
    if len(beside) == others and not _COMPARES.search(spelt):
        return
    kind = _kind_named(question)
    readings = [_reading(text, [], everything(), beside, [score * (KIND_LEFT_OUT if kind else 1.0)])]
    if kind:
        readings.insert(0, _kept_to_kind(text, [], everything(), beside, [score], kind))
    for one in readings:
        yield replace(one, text=as_superlative(one.text)) if is_of_all else one


def _apart(names: Sequence[_Name], taken: Sequence[tuple[int, int]]) -> list[_Name]:
    """The best names that overlap neither what is taken nor one another."""
    kept: list[_Name] = []
    for name in sorted(names, key=lambda one: (-one.score, one.start - one.end)):
        places = [*taken, *((one.start, one.end) for one in kept)]
        if len(kept) < MOST_ARGUMENTS and all(name.end <= start or end <= name.start for start, end in places):
            kept.append(name)
    return kept


def _reading(
    text: str,
    topics_at: Sequence[tuple[int, int, str]],
    topics: IntArray,
    beside: Sequence[_Name],
    scores: Sequence[float],
) -> Reading:
    """A reading, as likely as the least likely of the names that it takes for such."""
    scores = [*scores, *(name.score for name in beside if name.placeholder == OTHER)]
    places = [*topics_at, *((name.start, name.end, name.placeholder) for name in beside)]
    for start, end, placeholder in sorted(places, reverse=True):
        text = f"{text[:start]}{placeholder}{text[end:]}"
    spans = tuple((start, end) for start, end, _ in sorted(places))
    return Reading(text, topics, min(scores), tuple(name.argument for name in beside), spans=spans)
