"""Units as people write them: what each measures, and how many of that measure's base unit it is."""

import re
from functools import lru_cache

_LENGTHS = {
    "nm": 1e-9, "mm": 1e-3, "cm": 1e-2, "m": 1.0, "metre": 1.0, "meter": 1.0, "km": 1e3, "kilometre": 1e3,
    "kilometer": 1e3, "in": 0.0254, "inch": 0.0254, "inche": 0.0254, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048,
    "yd": 0.9144, "yard": 0.9144, "mi": 1609.344, "mile": 1609.344,
}  # fmt: skip
MEASURES: dict[str, dict[str, float]] = {
    "length": _LENGTHS,
    "mass": {
        "mg": 1e-6, "g": 1e-3, "gram": 1e-3, "kg": 1.0, "kilo": 1.0, "kilogram": 1.0, "t": 1e3, "ton": 1e3,
        "tonne": 1e3, "oz": 0.028349523, "ounce": 0.028349523, "lb": 0.45359237, "pound": 0.45359237,
    },
    "time": {
        "ms": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0,
        "hour": 3600.0, "day": 86400.0, "week": 604800.0, "month": 2629800.0, "yr": 31557600.0, "year": 31557600.0,
    },
    "data": {
        "b": 1.0, "byte": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15, "kib": 2.0**10, "mib": 2.0**20,
        "gib": 2.0**30, "tib": 2.0**40,
    },
    "data rate": {
        "kbps": 1e3, "mbps": 1e6, "gbps": 1e9, "kbit/s": 1e3, "mbit/s": 1e6, "gbit/s": 1e9, "kb/s": 8e3, "mb/s": 8e6,
        "gb/s": 8e9,
    },
    "power": {"w": 1.0, "watt": 1.0, "kw": 1e3, "mw": 1e6, "gw": 1e9},
    "energy": {"kj": 1e3, "mj": 1e6, "kcal": 4184.0, "wh": 3.6e3, "kwh": 3.6e6, "mwh": 3.6e9, "gwh": 3.6e12},
    "voltage": {"v": 1.0, "volt": 1.0, "kv": 1e3},
    "pressure": {"pa": 1.0, "hpa": 1e2, "kpa": 1e3, "mpa": 1e6, "bar": 1e5, "psi": 6894.757},
    "frequency": {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9, "rpm": 1 / 60},
    "volume": {
        "ml": 1e-3, "cl": 1e-2, "dl": 0.1, "l": 1.0, "litre": 1.0, "liter": 1.0, "hl": 100.0,
        **{f"{unit}{cubed}": 1e3 * scale**3 for unit, scale in _LENGTHS.items() for cubed in "3³"},
    },
    "area": {
        "sqm": 1.0, "ha": 1e4, "hectare": 1e4, "acre": 4046.8564224,
        **{f"{unit}{squared}": scale**2 for unit, scale in _LENGTHS.items() for squared in "2²"},
    },
    "speed": {
        "m/s": 1.0, "km/h": 1 / 3.6, "kmh": 1 / 3.6, "kph": 1 / 3.6, "mph": 0.44704, "kn": 0.514444, "knot": 0.514444,
    },
    "money": dict.fromkeys(
        [
            *("$", "€", "£", "¥", "₹", "eur", "euro", "usd", "dollar", "gbp", "chf", "sek", "nok", "dkk", "czk", "pln"),
            *("jpy", "yen", "cad", "aud", "nzd", "inr", "zar", "brl"),
        ],
        1.0,
    ),
    "share": {"%": 1.0, "percent": 1.0},
}  # fmt: skip
"""Of one that there are several of, without its last s; one currency is not told from another."""
UNITS = {unit: (measure, scale) for measure, units in MEASURES.items() for unit, scale in units.items()}
_MARKS = {"'": "foot", "\N{PRIME}": "foot", '"': "inch", "\N{DOUBLE PRIME}": "inch"}
_SMALLER = {"hour": "minute", "minute": "second", "foot": "inch"}
"""What a number without a unit counts that follows one with: `2h30`, `5'10`."""
_NO_UNIT = {
    *("b", "bar", "day", "feet", "foot", "h", "hour", "in", "inch", "kilo", "min", "minute", "month", "pound", "s"),
    *("sec", "second", "share", "t", "ton", "v", "week", "year", "yr"),
}
"""What labels end in that is no unit there: *players min*, *release year*, *born in*."""
_WORD = re.compile(r"[^\s()\[\]/,]+")
_SHORT = {"h": "hour", "hr": "hour", "min": "minute", "ft": "foot", "feet": "foot"}


def unit_of(written: str) -> tuple[str, float] | tuple[None, None]:
    """Say what a unit measures and its scale; nothing of a word that is none."""
    unit = written.lower().replace("^", "")
    return UNITS.get(unit) or UNITS.get(unit.removesuffix("s")) or (None, None)


@lru_cache(64)
def of_relations(labels: tuple[str, ...]) -> dict[int, tuple[str, float]]:
    """The units that labels of relations end in, by place: *length km*, *price (eur)*, *warranty years*."""
    found = {}
    for place, label in enumerate(labels):
        words = _WORD.findall(label.lower())
        if len(words) > 1 and words[-1] not in _NO_UNIT:
            measure, scale = unit_of(words[-1])
            if measure is not None and scale is not None:
                found[place] = measure, scale
    return found


def sum_of(parts: list[tuple[float, str]]) -> tuple[float, float, str] | None:
    """Add what is written with several units, great ones first, `6 ft 2 in`: value, scale and measure of the first."""
    found: list[tuple[float, str, float]] = []
    smaller = None
    for value, written in parts:
        name = _MARKS.get(written) or written.lower().removesuffix("s") or smaller or ""
        if name == "m" and found and found[0][1] == "time":
            name = "minute"
        name = _SHORT.get(name, name)
        measure, scale = UNITS.get(name, (None, None))
        if measure is None or scale is None or (found and (measure != found[0][1] or value * scale >= found[-1][2])):
            return None
        found.append((value, measure, scale))
        smaller = _SMALLER.get(name)
    first = found[0]
    return sum(value * scale for value, _, scale in found) / first[2], first[2], first[1]
