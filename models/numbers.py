"""Numbers and dates as people write them, for comparing: `8,848 m`, `$1.5 million`, `2016-05-04`, `44 BC`, `1:45`.

Pure; knows labels only. What is no number or date as a whole has no quantity.
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from models.dates import DATES_IN_TEXT, MONTH, in_years
from models.units import MEASURES, UNITS, sum_of, unit_of

CACHED = 200_000
LONGEST = 48
"""Characters of a label; a longer one is text."""
DATE = "date"
"""What a day measures, and a year that is written as one or that the words beside it say to be one."""
_LARGE = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mio": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9,
    "b": 1e9, "trillion": 1e12,
}  # fmt: skip
_LETTERS = "mghslLwWvV"
"""What is a unit right after a number, as it is written: `5m` and `3L`, but `5G` and `12B` are names."""
_TELLING = (*MEASURES["money"], *MEASURES["share"], "pound")
"""Words that tell a reader which relation is meant, so that they are left to it; pounds may be money or mass."""
_NOT_IN_TEXT = {"in", "t", "s", "b", "l", "mi", "inch", "inche", "hr", "sec", "v", "bar", *_TELLING}
"""Units that a number in running text has not: "in 1990 in" has none."""
_WORDS = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
]
_SPACES = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"
_SIGN = r"[-+\N{MINUS SIGN}]"
_NUMBER = (
    rf"{_SIGN}?(?:\d{{1,3}}(?:[,'{_SPACES}]\d{{3}})+(?:\.\d+)?|\d{{1,3}}(?:\.\d{{3}})+,\d+|\d+,\d\d?(?![\d,])|"
    r"\d+(?:\.\d+)?)"
)
_COMMA_IS_POINT = re.compile(r"\D?\d{1,3}(?:\.\d{3})+,\d+|\D?\d+,\d\d?")
_POWER = rf"(?:e{_SIGN}?\d{{1,3}}|\s?[x\N{{MULTIPLICATION SIGN}}·*]\s?10(?:\^{_SIGN}?\d{{1,3}}|⁻?[⁰¹²³⁴-⁹]{{1,3}}))"
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹\N{MINUS SIGN}", "-0123456789-", "^")
_SCALE = "|".join(sorted((scale for scale in _LARGE if scale not in "mb"), key=len, reverse=True))
_COIN = (
    r"(?:(?:us|a|c|nz|hk)?\$|[€£¥₹]|"
    r"(?:usd|eur|gbp|chf|sek|nok|dkk|czk|pln|jpy|cad|aud|nzd|inr|zar|brl|rs\.?|kr\.?)(?=\s))"
)
_ABOUT = r"(?:[~<>≈≤≥±]\s*|(?:about|around|approx\.?|approximately|roughly|nearly|almost|over|under|up to) )"
_QUANTITY = re.compile(
    rf"{_ABOUT}?(?:(?P<coin>{_COIN})\s?)?(?P<number>{_NUMBER})(?P<power>{_POWER})?\+?"
    rf"(?:\s*(?P<scale>{_SCALE})(?![^\W\d_])|(?P<letter>(?-i:\s?M|(?(coin)B|M)))(?![^\W\d_]))?"
    r"(?:(?P<space>\s*)(?P<unit>[%€£¥₹$]|[^\W\d_]{1,12}\^?[23²³]?(?:/[^\W\d_]{1,6}[23²³]?)?|[°º]\s?[cfk]?))?"
    r"(?P<per>\s?(?:/|per |an? )\s?[^\W\d_]{1,12}[23²³]?)?(?:\s[^\W\d_]{2,12})?",
    re.IGNORECASE,
)
_CAPITALS = r"[^\W\d_a-z]\w+"
_NUMBERED = re.compile(rf"(?:\d+[A-Za-z]? {_CAPITALS} {_CAPITALS}|(?:1\d|20)\d\d {_CAPITALS})$")
"""A name that a number begins: *14 High Street*, *2014 World Cup*, *2016 Olympics*."""
_PLAIN = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_BEGINNING = re.compile(
    rf"[^a-z]|{_COIN}|{_ABOUT}|{MONTH}|(?:mon|tue|wed|thu|fri|sat|sun)|(?:c|ca|circa|ad|a\.d|q\d|the|us|a|nz|hk)\b|c\d",
    re.IGNORECASE,
)
"""How anything begins that is a quantity and has a digit: all else is told apart at once."""
_RATING = re.compile(rf"({_NUMBER})\s?(?:/|out of)\s?(?:5|10|20|100)(?:\s(?:stars?|points?))?", re.IGNORECASE)
_ORDINAL = re.compile(r"(\d{1,3})(?:st|nd|rd|th)", re.IGNORECASE)
_UNIT = r"(?:(?!and)[^\W\d_]+|['\N{PRIME}\"\N{DOUBLE PRIME}])"
_PART = re.compile(rf"(\d+(?:\.\d+)?)\s?({_UNIT})?")
_PARTS = re.compile(rf"\d+(?:\.\d+)?\s?{_UNIT}(?:(?:,| and)?\s?\d+(?:\.\d+)?(?:\s?{_UNIT})?)+")
_TO_A_POWER = re.compile(r"\b(sq\.?|square|cubic|cu\.?) ([a-z]+?)s?\b", re.IGNORECASE)
_PER_TIME = re.compile(r"\b(km|kilomet(?:er|re)s?|m|met(?:er|re)s?) per (h|s)(?:our|ec|econd)?\b", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,3}):(\d\d(?:\.\d+)?)(?::(\d\d(?:\.\d+)?))?")
_HALF_DAY = re.compile(r"(\d\d?)(?:[:.](\d\d))?\s?([ap])\.?\s?m\.?", re.IGNORECASE)
_NUMBER_WORDS = "|".join(_WORDS)
_ROUND = re.compile(
    rf"(?P<half>half )?(?:(?P<one>an?)|(?P<count>{_NUMBER_WORDS}))"
    r" (?P<scale>hundred|thousand|million|billion|trillion)",
    re.IGNORECASE,
)
_NOON = ("noon", "midday")
_UNIT_WORDS = "|".join(map(re.escape, sorted(UNITS.keys() - _NOT_IN_TEXT, key=len, reverse=True)))
_IN_TEXT = re.compile(
    rf"(?<![\w.,-])(?:{DATES_IN_TEXT}|"
    r"\d\d?(?:[:.]\d\d)?\s?[ap]\.?m\b|\d{1,3}:\d\d(?::\d\d)?|"
    r"\d+\s?(?:h|hrs?|hours?|ft|feet|foot|lbs?)(?: and)? \d+\s?(?:m|mins?|minutes?|in|inch|inches|oz|ounces)|"
    rf"(?:[$€£¥]\s?)?-?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?{_POWER}?(?:\s?(?:{_SCALE})(?![a-z]))?"
    rf"(?:\s?(?:[%€]|°\s?[cfk]|(?:{_UNIT_WORDS})s?(?![a-z])))?"
    r")(?![\w-])|"
    rf"\b(?:half )?(?:an?|{_NUMBER_WORDS}) (?:hundred|thousand|million|billion|trillion)\b|"
    rf"(?:(?<=after )|(?<=before )|(?<=by ))(?:{'|'.join(_NOON)})\b|"
    rf"(?:(?<=than )|(?<=least )|(?<=most )|(?<=exactly )|(?<=over )|(?<=under ))(?:{_NUMBER_WORDS})\b",
    re.IGNORECASE,
)


_CLOSE = 1e-6


class Quantity(NamedTuple):
    """A number with its unit's scale and what that measures, or a date in years and what part of one it tells."""

    value: float
    scale: float | None = None
    parts: float = 1
    measure: str | None = None


@lru_cache(CACHED)
def quantity(label: str) -> Quantity | None:
    """Read a label that is a number or a date as a whole; None for any other."""
    text = label.strip()
    if len(text) > LONGEST:
        return None
    if _PLAIN.fullmatch(text):
        return Quantity(float(text))
    if not any(char.isdigit() for char in text):
        return _in_words(text.lower())
    if not _BEGINNING.match(text):
        return None
    if date := in_years(text):
        return Quantity(date.years, parts=date.parts, measure=DATE)
    return _clock(text) or _ranked(text) or _sum(text) or _measured(text)


def _clock(text: str) -> Quantity | None:
    """Read `1:45` and `8:30 pm` as minutes."""
    if ":" in text and (found := _CLOCK.fullmatch(text)):
        return Quantity(60 * int(found[1]) + float(found[2]) + float(found[3] or 0) / 60, 60.0, measure="time")
    if text[-1] in "mM." and (found := _HALF_DAY.fullmatch(text)) and int(found[1]) <= 12:
        hours = int(found[1]) % 12 + (12 if found[3] in "pP" else 0)
        return Quantity(60.0 * hours + int(found[2] or 0), 60.0, measure="time")
    return None


def _ranked(text: str) -> Quantity | None:
    """Read `2nd` and `4.5/5`."""
    if found := _ORDINAL.fullmatch(text) or _RATING.fullmatch(text):
        return Quantity(_number(found[1]))
    return None


def _sum(text: str) -> Quantity | None:
    """Read `6 ft 2 in`."""
    if not _PARTS.fullmatch(text):
        return None
    parts = [(float(value), unit) for value, unit in _PART.findall(text)]
    found = sum_of(parts)
    return Quantity(found[0], found[1], measure=found[2]) if found else None


def _measured(text: str) -> Quantity | None:
    """Read a number and what it counts, if it says so: `$1.5 million`, `24 EUR per kg`, `5.97 × 10²⁴ kg`, `37 °C`."""
    text = _TO_A_POWER.sub(lambda found: f"{found[2]}{2 if found[1][0] in 'sS' else 3}", text)
    text = _PER_TIME.sub(lambda found: "km/h" if found[1][0] in "kK" else "m/s", text)
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    unit = found["unit"] or ""
    measure, scale = unit_of(unit)
    if measure is None and _NUMBERED.match(text):
        return None
    if unit.isalpha() and not found["space"] and (unit not in _LETTERS if len(unit) == 1 else measure is None):
        return None
    if found["coin"] or unit_of(unit.partition("/")[0])[0] == "money":
        measure, scale = "money", 1.0
    elif found["per"]:
        measure, scale = None, None
    number = _number(found["number"]) * _LARGE.get((found["scale"] or found["letter"] or "").strip().lower(), 1.0)
    if power := found["power"]:
        exponent = re.split("10|e", power.lower(), maxsplit=1)[1].translate(_RAISED)
        number *= float(f"1e{int(exponent)}")
    return Quantity(number, scale, measure=measure) if math.isfinite(number) else None


def _number(text: str) -> float:
    """Read digits, whatever separates thousands and what is less than one."""
    digits = text.replace("\N{MINUS SIGN}", "-")
    if _COMMA_IS_POINT.fullmatch(digits):
        return float(digits.replace(".", "").replace(",", "."))
    return float(re.sub(rf"[,'{_SPACES}]", "", digits))


def _in_words(text: str) -> Quantity | None:
    """Read *three*, *a million*, *half a billion*, *five hundred*, *noon*."""
    if text in _WORDS:
        return Quantity(float(_WORDS.index(text)))
    if text in _NOON:
        return Quantity(720.0, 60.0, measure="time")
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
    if one.parts != other.parts:
        parts = min(one.parts, other.parts)
        return math.floor(one.value * parts + _CLOSE) / parts, math.floor(other.value * parts + _CLOSE) / parts
    if one.scale and other.scale:
        return one.value * one.scale, other.value * other.scale
    return one.value, other.value
