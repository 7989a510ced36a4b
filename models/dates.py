"""Dates as people write them, in years: `2016-05-04`, `4 May 2016`, `44 BC`, `c. 1850`, `the 1990s`, `12th century`."""

import re
from typing import NamedTuple

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = rf"(?:{'|'.join(_MONTHS)})"
_NAMED = (
    r"(?:jan(?:uary?)?|feb(?:ruary?)?|mar(?:ch)?|apr(?:il)?|may|jun[ei]?|jul[yi]?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
"""A month; no *Marker 1001* or *Junction 1200*."""
_MONTH = rf"(?P<name>{_NAMED})"
_TIME = r"(?:(?:,?\s+(?:at\s)?|T)(?P<hour>\d\d?):(?P<minute>\d\d).*|T.*)?"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_TH = r"(?:st|nd|rd|th)"
_ERA = r"(?:(?P<before>b\.?\s?c\.?(?:\s?e\.?)?)|a\.?\s?d\.?|c\.?\s?e\.?)"
_DAYS = [
    re.compile(_WEEKDAY + pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<year>-?\d{{3,4}})-(?P<month>\d\d?)(?:-(?P<day>\d\d?){_TIME})?",
        rf"(?P<year>\d{{4}})[/.](?P<month>\d\d?)[/.](?P<day>\d\d?){_TIME}",
        rf"(?P<day>\d\d?){_TH}?\.?\s+(?:of\s)?{_MONTH},?\s+(?P<year>\d{{3,4}}){_TIME}",
        rf"{_MONTH}\s+(?:(?P<day>\d\d?){_TH}?,?\s+)?(?P<year>\d{{3,4}}){_TIME}",
        rf"(?P<day>\d\d?)[./-](?P<month>\d\d?)[./-](?P<year>\d{{4}}){_TIME}",
    )
]
_QUARTER = re.compile(r"(?P<year>\d{4})[ -]?Q(?P<quarter>[1-4])|Q(?P<first>[1-4])[ /-]?(?P<of>\d{4})", re.IGNORECASE)
_SEASON = re.compile(r"(?P<year>\d{4})[/\N{EN DASH}-](?P<next>\d\d(?:\d\d)?)")
_YEARS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:c|ca|circa)\b\.?\s?(?P<year>\d{3,4})\??",
        r"c(?P<year>\d{4})",
        r"(?P<year>\d{4})\?",
        rf"(?P<year>\d{{1,6}})\s?{_ERA}",
        r"(?:AD|A\.D\.)\s?(?P<year>\d{1,4})",
    )
]
_DECADE = re.compile(r"(?:the\s)?(?P<decade>\d{3})0'?s|(?:the\s|')(?P<last>[3-9])0s", re.IGNORECASE)
_CENTURY = re.compile(rf"(?:the\s)?(?P<century>\d\d?){_TH}[ -](?:century|c\.)(?:\s{_ERA})?", re.IGNORECASE)
DATES_IN_TEXT = (
    r"(?:1\d|20)\d\d[-/]\d\d(?:[-/]\d\d)?|"
    rf"\d\d?{_TH}?\.? (?:of )?{_NAMED},? \d{{4}}|{_NAMED} (?:\d\d?{_TH}?,? )?\d{{4}}|"
    rf"\d{{1,6}} (?:bce?|ad|ce)|(?:the )?(?:1\d|20)\d0'?s|the '?[3-9]0s|(?:the )?\d\d?{_TH} century(?: bce?)?"
)
"""A pattern of dates that running text has, but for mere years."""
_LIKELY = re.compile(
    rf"\d[-/.\N{{EN DASH}}]\d|\d{_TH}\b|\b{MONTH}|\d(?:'?s|\?)$|\d\s?[bac]\.?\s?[cde]|q[1-4]|^[ac]",
    re.IGNORECASE,
)
"""Anything that is a date has some of it, and few others have."""


class InYears(NamedTuple):
    """A date in years, and how many parts of a year it tells apart: 0.1 of a decade, 1, 12 of a month, 372 of a day."""

    years: float
    parts: float = 1


def in_years(text: str) -> InYears | None:
    """Read a date, or a year that is written as one; None of anything else, a mere number among it.

    A century is the year in its middle, a season or a decade the year in which it begins; *the 90s* are the 1990s,
    *the 1800s* a century.
    """
    if not _LIKELY.search(text):
        return None
    for pattern in _DAYS:
        if found := pattern.fullmatch(text):
            return _day(found.groupdict()) or _season(text)
    if found := _QUARTER.fullmatch(text):
        return InYears(int(found["year"] or found["of"]) + (int(found["quarter"] or found["first"]) - 1) / 4, 4)
    for pattern in _YEARS:
        if found := pattern.fullmatch(text):
            year = float(found["year"])
            return InYears(-year if found.groupdict().get("before") else year)
    if found := _DECADE.fullmatch(text):
        decade = int(found["decade"] or f"19{found['last']}")
        return InYears(10.0 * decade, 0.01 if decade % 10 == 0 and decade < 190 else 0.1)
    if found := _CENTURY.fullmatch(text):
        middle = 100.0 * int(found["century"]) - 50
        return InYears(-middle if found["before"] else middle, 0.01)
    return _season(text)


def _season(text: str) -> InYears | None:
    """Read `2019/20`; not `2019-2023`, which is more than one."""
    found = _SEASON.fullmatch(text)
    if found is None or not str(int(found["year"]) + 1).endswith(found["next"]):
        return None
    return InYears(float(found["year"]))


def _day(parts: dict[str, str | None]) -> InYears | None:
    year, name = float(parts["year"] or 0), parts.get("name")
    month = _MONTHS.index(name[:3].lower()) if name else int(parts.get("month") or 1) - 1
    day = int(parts.get("day") or 1) - 1
    if 12 <= month <= 30 and parts.get("day") and day < 12:  # 05/31/2020
        month, day = day, month
    if not (0 <= month < 12 and 0 <= day < 31):
        return None
    minutes = 60 * int(parts.get("hour") or 0) + int(parts.get("minute") or 0)
    in_a_year = 372 if parts.get("day") else 12
    return InYears(year + month / 12 + day / 372 + minutes / (1440 * 372), in_a_year)
