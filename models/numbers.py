"""Numbers and dates as people write them, for comparing: `8,848 m`, `$1.5 million`, `2016-05-04`, `44 BC`, `1:45`.

Pure; knows labels only. What is no number or date as a whole has no quantity.
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

CACHED = 200_000
_LARGE = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mio": 1e6, "billion": 1e9, "bn": 1e9, "trillion": 1e12,
}  # fmt: skip
_MEASURES = {
    "length": {
        "nm": 1e-9, "mm": 1e-3, "cm": 1e-2, "m": 1.0, "metre": 1.0, "meter": 1.0, "km": 1e3, "kilometre": 1e3,
        "kilometer": 1e3, "in": 0.0254, "inch": 0.0254, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "mi": 1609.344,
        "mile": 1609.344,
    },
    "mass": {
        "mg": 1e-6, "g": 1e-3, "gram": 1e-3, "kg": 1.0, "kilo": 1.0, "kilogram": 1.0, "t": 1e3, "ton": 1e3,
        "tonne": 1e3, "lb": 0.45359237, "pound": 0.45359237,
    },
    "time": {
        "ms": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0,
        "hour": 3600.0, "day": 86400.0, "week": 604800.0, "month": 2629800.0, "year": 31557600.0,
    },
    "data": {
        "b": 1.0, "byte": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 2.0**10, "mib": 2.0**20,
        "gib": 2.0**30,
    },
    "power": {"w": 1.0, "kw": 1e3, "mw": 1e6, "gw": 1e9},
    "frequency": {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9},
    "volume": {"ml": 1e-3, "cl": 1e-2, "l": 1.0, "litre": 1.0, "liter": 1.0},
    "area": {
        "m2": 1.0, "m²": 1.0, "sqm": 1.0, "ha": 1e4, "hectare": 1e4, "acre": 4046.8564224, "km2": 1e6, "km²": 1e6,
    },
    "speed": {
        "m/s": 1.0, "km/h": 1 / 3.6, "kmh": 1 / 3.6, "kph": 1 / 3.6, "mph": 0.44704, "kn": 0.514444, "knot": 0.514444,
    },
    "money": {
        "eur": 1.0, "euro": 1.0, "usd": 1.0, "dollar": 1.0, "gbp": 1.0, "chf": 1.0, "sek": 1.0, "nok": 1.0, "dkk": 1.0,
        "czk": 1.0, "pln": 1.0, "jpy": 1.0, "yen": 1.0, "cad": 1.0, "aud": 1.0,
    },
    "share": {"%": 1.0, "percent": 1.0},
}  # fmt: skip
_UNITS = {unit: (measure, scale) for measure, units in _MEASURES.items() for unit, scale in units.items()}
DATE = "date"
"""What a day measures, and a year that the words beside it say to be one."""
_TELLING = (*_MEASURES["money"], *_MEASURES["share"], "pound")
"""Words that tell a reader which relation is meant, so that they are left to it; pounds may be money or mass."""
_TEXT_UNITS = [unit for unit in _UNITS if unit not in ("in", "t", "s", "b", "l", "mi", "inch", "hr", "sec", *_TELLING)]
"""Units that a number in running text may have: "in 1990 in" has none."""
_WORDS = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
]
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = r"(?P<{}>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_NUMBER = r"[-+\N{MINUS SIGN}]?(?:\d{1,3}(?:[,' \N{NO-BREAK SPACE}]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_SCALES = "|".join(sorted(_LARGE, key=len, reverse=True))
_QUANTITY = re.compile(
    rf"[~<>\N{{ALMOST EQUAL TO}}]?\s*(?:[$€£¥]|usd |eur )?(?P<number>{_NUMBER})\s*(?P<scale>{_SCALES})?(?![a-z])"
    rf"\s*(?P<unit>%|[^\W\d_]{{1,12}}[23²³]?(?:/[a-z]{{1,4}}[23²³]?)?|°\s?[cfk]?)?(?:\s[^\W\d_]{{2,12}})?",
    re.IGNORECASE,
)
_DATES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<year>-?\d{3,4})-(?P<month>\d\d?)(?:-(?P<day>\d\d?))?(?:[T ]\d\d:\d\d.*)?",
        rf"(?P<day>\d\d?)\.?\s+{_MONTH.format('name')},?\s+(?P<year>\d{{3,4}})",
        rf"{_MONTH.format('name')}\s+(?:(?P<day>\d\d?)(?:st|nd|rd|th)?,?\s+)?(?P<year>\d{{3,4}})",
        r"(?P<day>\d\d?)[./](?P<month>\d\d?)[./](?P<year>\d{4})",
        r"(?P<year>\d{1,4})\s*(?P<era>bc|bce)",
    )
]
_CLOCK = re.compile(r"(\d{1,3}):(\d\d)(?::(\d\d(?:\.\d+)?))?")
_NUMBER_WORDS = "|".join(_WORDS)
_ROUND = re.compile(
    rf"(?P<half>half )?(?:(?P<one>an?)|(?P<count>{_NUMBER_WORDS}))"
    r" (?P<scale>hundred|thousand|million|billion|trillion)",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(
    r"(?<![\w.,-])(?:"
    r"(?:19|20)\d\d-\d\d(?:-\d\d)?|"
    r"\d\d?\.? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,? \d{4}|"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? (?:\d\d?(?:st|nd|rd|th)?,? )?\d{4}|"
    r"\d{1,4} bce?|\d{1,3}:\d\d(?::\d\d)?|"
    rf"[$€£¥]?-?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?(?:\s?(?:{_SCALES})(?![a-z]))?"
    rf"(?:\s?(?:%|°\s?[cfk]|(?:{'|'.join(sorted(_TEXT_UNITS, key=len, reverse=True))})s?(?![a-z])))?"
    r")(?![\w-])|"
    rf"\b(?:half )?(?:an?|{_NUMBER_WORDS}) (?:hundred|thousand|million|billion|trillion)\b|"
    rf"(?:(?<=than )|(?<=least )|(?<=most )|(?<=exactly )|(?<=over )|(?<=under ))(?:{_NUMBER_WORDS})\b",
    re.IGNORECASE,
)


class Quantity(NamedTuple):
    """A number with its unit's scale and what that measures, or a date in years; `fine` dates know their month."""

    value: float
    scale: float | None = None
    fine: bool = False
    measure: str | None = None


@lru_cache(CACHED)
def quantity(label: str) -> Quantity | None:
    """Read a label that is a number or a date as a whole; None for any other."""
    text = label.strip()
    if not any(char.isdigit() for char in text):
        return _in_words(text.lower())
    for pattern in _DATES:
        if found := pattern.fullmatch(text):
            return _date(found.groupdict())
    if clock := _CLOCK.fullmatch(text):
        minutes = 60 * int(clock[1]) + int(clock[2]) + float(clock[3] or 0) / 60
        return Quantity(minutes, 60.0, measure="time")
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    digits = found["number"].replace("\N{MINUS SIGN}", "-")
    number = float(re.sub(r"[,' \N{NO-BREAK SPACE}]", "", digits)) * _LARGE.get((found["scale"] or "").lower(), 1.0)
    unit = (found["unit"] or "").lower()
    measure, scale = _UNITS.get(unit) or _UNITS.get(unit.removesuffix("s")) or (None, None)
    return Quantity(number, scale, measure=measure)


def _in_words(text: str) -> Quantity | None:
    """Read *three*, *a million*, *half a billion*, *five hundred*."""
    if text in _WORDS:
        return Quantity(float(_WORDS.index(text)))
    found = _ROUND.fullmatch(text)
    if found is None:
        return None
    count = 1 if found["one"] else _WORDS.index(found["count"])
    return Quantity(count * _LARGE[found["scale"]] * (0.5 if found["half"] else 1.0))


def quantities_in(text: str) -> list[tuple[int, int, Quantity]]:
    """Find the numbers and dates that a text names: where each starts and ends, and what it is."""
    found = ((match.start(), match.end(), quantity(match[0])) for match in _IN_TEXT.finditer(text))
    return [(start, end, one) for start, end, one in found if one is not None]


def are_comparable(one: Quantity, other: Quantity) -> bool:
    """Say whether two quantities may be compared: not metres with kilograms, nor those with a year."""
    return one.measure is None or other.measure is None or one.measure == other.measure


def is_more(one: Quantity, other: Quantity) -> bool:
    """Say whether a quantity is more, or later, than another, as exactly as the less exact one is given."""
    first, second = _alike(one, other)
    return first > second


def is_same(one: Quantity, other: Quantity) -> bool:
    """Say whether two quantities are equal, as exactly as the less exact one is given."""
    first, second = _alike(one, other)
    return math.isclose(first, second, rel_tol=1e-6)


def order(quantities: Sequence[Quantity]) -> list[float]:
    """Give numbers in the order of quantities: units count where all have one."""
    scales = [one.scale for one in quantities]
    if not all(scales):
        return [one.value for one in quantities]
    return [one.value * (one.scale or 1.0) for one in quantities]


def _alike(one: Quantity, other: Quantity) -> tuple[float, float]:
    if one.fine != other.fine:
        return float(math.floor(one.value)), float(math.floor(other.value))
    if one.scale and other.scale:
        return one.value * one.scale, other.value * other.scale
    return one.value, other.value


def _date(parts: Mapping[str, str | None]) -> Quantity | None:
    year = float(parts["year"] or 0)
    if parts.get("era"):
        return Quantity(-year)
    name = parts.get("name")
    month = _MONTHS.index(name[:3].lower()) if name else int(parts.get("month") or 1) - 1
    day = int(parts.get("day") or 1) - 1
    if not (0 <= month < 12 and 0 <= day < 31):
        return None
    return Quantity(year + month / 12 + day / 372, fine=True, measure=DATE)
