"""What the questions' paths lead to, worked out naively over the triples: the gold answers, from no code of Hopfact.

A path is written `count|ask START > relation > ^relation [condition]`. The start is an entity, several between
semicolons, or * for everything; ^ reads a relation from object to subject. Conditions: `relation=value`, `relation>5`,
`<`, `>=`, `max relation`, `min relation`; where values are no numbers, max counts them.
"""

import re
from collections.abc import Iterable, Sequence

Triples = Sequence[tuple[str, str, str]]
_FACTORS = {"million": 1e6, "billion": 1e9, "t": 1e3}
_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905


def answers(triples: Triples, path: str) -> list[str]:
    """The gold answers of a path, in any order; `yes` or `no`, or a number, where that is asked."""
    asked, text = re.fullmatch(r"(count |ask )?(.*)", path).groups()  # type: ignore[union-attr]
    start, *rest = re.split(r" (?=> |\[)", text)
    found = {s for s, _, _ in triples} if start == "*" else set(start.split(";"))
    for part in rest:
        found = _read(triples, found, part[2:]) if part.startswith("> ") else _keep(triples, found, part[1:-1])
    if asked == "ask ":
        return ["yes" if found else "no"]
    return [str(len(found))] if asked else sorted(found)


def number(label: str) -> float | None:
    """The number or date that a label begins with, to compare with others of its relation."""
    if day := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", label):
        return int(day[1]) + int(day[2]) / 100 + int(day[3]) / 10_000
    if day := re.fullmatch(r"(\d\d?) (\w+) (\d{4})", label):
        return int(day[3]) + (_MONTHS.index(day[2]) + 1) / 100 + int(day[1]) / 10_000
    found = re.match(r"[€$]?([\d,.]+) ?(\w+)?", label)
    return float(found[1].replace(",", "")) * _FACTORS.get(found[2] or "", 1.0) if found else None


def _values(triples: Triples, entity: str, relation: str) -> list[str]:
    if relation.startswith("^"):
        return [s for s, r, o in triples if o == entity and r == relation[1:]]
    return [o for s, r, o in triples if s == entity and r == relation]


def _read(triples: Triples, found: Iterable[str], relation: str) -> set[str]:
    return {value for entity in found for value in _values(triples, entity, relation)}


def _keep(triples: Triples, found: set[str], condition: str) -> set[str]:
    if condition.startswith(("max ", "min ")):
        relation = condition[4:]
        sizes = {entity: _size(_values(triples, entity, relation)) for entity in found}
        known = {entity: size for entity, size in sizes.items() if size is not None}
        best = (max if condition.startswith("max ") else min)(known.values())
        return {entity for entity, size in known.items() if size == best}
    relation, sign, wanted = re.fullmatch(r"(.+?)(>=|=|>|<)(.+)", condition).groups()  # type: ignore[union-attr]
    return {
        entity for entity in found if any(_meets(value, sign, wanted) for value in _values(triples, entity, relation))
    }


def _size(values: Sequence[str]) -> float | None:
    if not values:
        return None
    first = number(values[0])
    return float(len(values)) if first is None else first


def _meets(value: str, sign: str, wanted: str) -> bool:
    if sign == "=":
        return value == wanted
    size, limit = number(value), float(wanted)
    if size is None:
        return False
    if 1000 < limit < 2100 and size < 2100:  # a year is no day in it
        size = float(int(size))
    return {">": size > limit, "<": size < limit, ">=": size >= limit}[sign]
