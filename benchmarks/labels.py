"""Names of generated entities, relations and values: one at a time as text, a batch at a time as rows of bytes.

A name is put together of parts, each from a list of its own, so that no table as long as the entities is needed. Knows
nothing of what is said of what.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
ByteArray = NDArray[np.uint8]


Words = tuple[str, ...]


def _words(text: str) -> Words:
    return tuple(text.split())


_STARTS = _words("Al Bar Cor Dan El Far Gal Hol Is Jor Kel Lin Mar Nor Os Pel Quin Ros Sel Tor")
_ENDS = _words("ano bert by da den dor fel gan ham ia kin la ley mond na nell ra rick sen ston tan ter ton vik win")
_FAMILIES = _words(
    "Amber Ash Black Bridge Brook Cliff Copper Dale East Field Forest Glen Golden Green Harbour Hill Iron Lake Long "
    "Marsh Meadow North Oak River Silver South Stone Thorn West Wood"
)
_KINDS = _words(
    "Academy Ballad Bridge Castle Chapel Chronicle College Company Gallery Garden Hall Institute Island Journal "
    "Library Museum Orchestra Park School Society"
)
_MANNERS = _words("chief early first former honorary last main official present second")
ROLES = (
    *_words("architect author composer"),
    "opening date",
    *_words("critic director editor"),
    "height in metres",
    *_words("founder guest host leader member"),
    "closing date",
    *_words("neighbour owner patron"),
    "number of visitors",
    "producer",
    "motto",
)
THING, DATE, NUMBER, TEXT = range(4)
_KIND_OF_ROLE = {
    "opening date": DATE,
    "closing date": DATE,
    "height in metres": NUMBER,
    "number of visitors": NUMBER,
    "motto": TEXT,
}
VALUE_KINDS = np.array([_KIND_OF_ROLE.get(role, THING) for role in ROLES])
"""What a relation leads to, by its number modulo the roles."""

_PLACES = ("", *(f" of {start}{end}" for start in _STARTS for end in _ENDS))
_PLAIN = len(_STARTS) * len(_ENDS) * len(_FAMILIES) * len(_KINDS)
_STRIDE = 104_729
"""A prime, so that names that follow each other share little."""
MAX_ENTITIES = _PLAIN * len(_PLACES)
MAX_RELATIONS = len(_MANNERS) * len(ROLES)

_YEARS = tuple(str(year) for year in range(1700, 2020))
_DAYS = tuple((date(2001, 1, 1) + timedelta(day)).isoformat()[4:] for day in range(365))
_THOUSANDS = tuple(str(number) for number in range(1, 2_000))
_ONES = tuple(f"{number:03}" for number in range(1_000))
_NOUNS = _words("Courage Duty Faith Honour Hope Joy Labour Light Order Patience Peace Reason Service Truth Work Zeal")
VALUE_COUNTS = np.array(
    [0, len(_YEARS) * len(_DAYS), len(_THOUSANDS) * len(_ONES), len(_NOUNS) * len(_FAMILIES) * len(_NOUNS)]
)
"""How many values there are of each kind."""


def entity_label(number: int) -> str:
    """The name of an entity, different for each number below MAX_ENTITIES: "Kelston Silver Orchestra"."""
    return _text(_entity_parts(number, " "))


def entity_alias(number: int) -> str:
    """Another name of an entity, as different: "Silver Orchestra, Kelston"."""
    start, end, family, kind, place = _text_parts(_entity_parts(number, " "))
    return f"{family.strip()}{kind}, {start}{end}{place}"


def relation_label(number: int) -> str:
    """The name of a relation, different for each number below MAX_RELATIONS: "former editor"."""
    return _text(_relation_parts(number, " "))


def value_label(kind: int, number: int) -> str:
    """A value as text: a date, a whole number or two words."""
    return _text(_value_parts(kind, number))


@dataclass(frozen=True)
class Part:
    """One of a list of words, by its place; -1 for none."""

    words: Words
    places: IntArray | int

    def text(self) -> str:
        """The word of a single place."""
        return self.words[int(self.places)]


def _text_parts(parts: Sequence[Part]) -> list[str]:
    return [part.text() for part in parts]


def _text(parts: Sequence[Part]) -> str:
    return "".join(_text_parts(parts))


@cache
def _with(words: Words, blank: str) -> Words:
    """Words that follow another one."""
    return tuple(blank + word for word in words)


@cache
def _joined(words: Words, blank: str) -> Words:
    """Words with something else for blanks."""
    return tuple(word.replace(" ", blank) for word in words)


@cache
def _table(words: Words) -> ByteArray:
    """Words as rows of bytes with gaps; the last row is empty, so that -1 is none."""
    table = np.zeros((len(words) + 1, max(map(len, words))), np.uint8)
    for row, word in enumerate(words):
        table[row, : len(word)] = np.frombuffer(word.encode("ascii"), np.uint8)
    return table


def _entity_parts(numbers: IntArray | int, blank: str) -> list[Part]:
    place, rest = np.divmod(numbers, _PLAIN)
    rest, kind = np.divmod(rest * _STRIDE % _PLAIN, len(_KINDS))
    rest, family = np.divmod(rest, len(_FAMILIES))
    start, end = np.divmod(rest, len(_ENDS))
    return [
        Part(_STARTS, start),
        Part(_ENDS, end),
        Part(_with(_FAMILIES, blank), family),
        Part(_with(_KINDS, blank), kind),
        Part(_joined(_PLACES, blank), place),
    ]


def _relation_parts(numbers: IntArray | int, blank: str) -> list[Part]:
    manner, role = np.divmod(numbers, len(ROLES))
    return [Part(_MANNERS, manner), Part(_with(_joined(ROLES, blank), blank), role)]


def _value_parts(kind: int, numbers: IntArray | int) -> list[Part]:
    if kind == DATE:
        year, day = np.divmod(numbers, len(_DAYS))
        return [Part(_YEARS, year), Part(_DAYS, day)]
    if kind == NUMBER:
        thousand, one = np.divmod(numbers, len(_ONES))
        return [Part(_THOUSANDS, thousand), Part(_ONES, one)]
    rest, last = np.divmod(numbers, len(_NOUNS))
    first, middle = np.divmod(rest, len(_FAMILIES))
    return [Part(_NOUNS, first), Part(_with(_FAMILIES, " "), middle), Part(_with(_NOUNS, " "), last)]


class Lines:
    """Lines put together of parts, all at once: rows of bytes with gaps, which are taken out at the end."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._columns: list[ByteArray] = []

    def text(self, text: str, where: NDArray[np.bool_] | None = None) -> None:
        """The same text in every line, or only in some."""
        places = np.zeros(self._count, np.int64) if where is None else np.where(where, 0, -1)
        self._columns.append(_table((text,))[places])

    def entities(self, numbers: IntArray, blank: str, where: NDArray[np.bool_] | None = None) -> None:
        """Names of entities, in every line or only in some."""
        self._add_all(_entity_parts(numbers, blank), where)

    def aliases(self, numbers: IntArray) -> None:
        """Other names of entities."""
        start, end, family, kind, place = _entity_parts(numbers, " ")
        self._add_all([Part(_FAMILIES, family.places), kind], None)
        self.text(", ")
        self._add_all([start, end, place], None)

    def relations(self, numbers: IntArray, blank: str) -> None:
        """Names of relations."""
        self._add_all(_relation_parts(numbers, blank), None)

    def values(self, kind: int, numbers: IntArray, where: NDArray[np.bool_]) -> None:
        """Values of one kind in some lines."""
        self._add_all(_value_parts(kind, np.where(where, numbers, 0)), where)

    def content(self) -> bytes:
        """All lines, one after the other."""
        rows = np.hstack(self._columns)
        content: bytes = rows[rows != 0].tobytes()
        return content

    def _add_all(self, parts: Sequence[Part], where: NDArray[np.bool_] | None) -> None:
        for part in parts:
            places = part.places if where is None else np.where(where, part.places, -1)
            self._columns.append(_table(part.words)[places])
