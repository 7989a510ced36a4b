"""Names of kin spelt out: a *mother-in-law* is the mother of the spouse, where no relation is called so.

Knowledge bases tell parents, children and spouses; people ask for grandmothers. Each such noun stands for two or three
relations, and the reader knows what these are called.
"""

import re
from collections.abc import Container
from typing import NamedTuple

_PARENTS = {"mother": "mother", "mum": "mother", "mom": "mother", "father": "father", "dad": "father"}
_SIDES = {"maternal": "mother", "paternal": "father"}
_GRAND = {
    "father": "father",
    "mother": "mother",
    "parent": "parent",
    "parents": "parents",
    "child": "child",
    "children": "children",
    "kids": "children",
    "son": "son",
    "sons": "sons",
    "daughter": "daughter",
    "daughters": "daughters",
}
_CHILDREN = ("child", "children", "kids", "son", "sons", "daughter", "daughters")
_OTHERS = {
    "fatherinlaw": ("spouse", "father"),
    "motherinlaw": ("spouse", "mother"),
    "parentsinlaw": ("spouse", "parents"),
    "soninlaw": ("daughter", "husband"),
    "daughterinlaw": ("son", "wife"),
    "stepfather": ("mother", "husband"),
    "stepmother": ("father", "wife"),
    "uncle": ("parent", "brother"),
    "aunt": ("parent", "sister"),
    "nephew": ("sibling", "son"),
    "niece": ("sibling", "daughter"),
    "cousin": ("parent", "sibling", "child"),
    "cousins": ("parent", "sibling", "children"),
}
_APOSTROPHE = "['\N{RIGHT SINGLE QUOTATION MARK}]"
_KIN = re.compile(
    rf"\b((?:maternal|paternal) )?(?:(great[- ]?)?(grand) ?({'|'.join(sorted(_GRAND, key=len, reverse=True))})|"
    r"(father|mother|parents|son|daughter)[- ]in[- ]law|(step ?(?:father|mother)|uncle|aunt|nephew|niece|cousins?))\b"
    rf"({_APOSTROPHE}s)?( of )?",
    re.IGNORECASE,
)
_SIDE = re.compile(
    rf",? (?:(?:on|from|by) )?(?:(?:his|her|their|the|its) )?({'|'.join(_PARENTS)})(?:{_APOSTROPHE}?s)? side"
    r"(?: of the family)?\b|,? (?:through|by) (?:his|her|their|a|the) (son|daughter)\b",
    re.IGNORECASE,
)
_TOLD = (
    *("father", "mother", "parent", "parents", "child", "children", "son", "daughter"),
    *("spouse", "spouses", "husband", "wife", "partner", "married", "sibling", "brother", "sister"),
)
"""Words of relations, one of which a knowledge base has that tells kin."""
_HYPHENS = re.compile(r"[- ]")


class _Kin(NamedTuple):
    """A noun's relations, the nearest first; of a grandparent or grandchild, the first may be said apart."""

    steps: tuple[str, ...]
    is_grand: bool


def spelt_out(text: str, known: Container[str]) -> str:
    """Put the relations for the first noun of kin; `known` are, in small letters, the words of relations.

    *X's grandmother on her mother's side* becomes *X's mother's mother*, *the grandfather of X* *the father of the
    parent of X*.
    """
    found = _KIN.search(text)
    if found is None or not any(word in known for word in _TOLD):
        return text
    if any(word in known for word in (_noun(found), f"{_noun(found)}s", "law")):
        return text
    kin, rest = _read(found), text[found.end() :]
    side = _SIDE.search(rest) if kin.is_grand and not found[1] else None
    first = kin.steps[0]
    if side is not None:
        first = _PARENTS[side[1].lower()] if side[1] else side[2].lower()
        rest = rest[: side.start()] + rest[side.end() :]
    return text[: found.start()] + _written((first, *kin.steps[1:]), found[7] or "", found[8] or "") + rest


def _noun(found: re.Match[str]) -> str:
    noun = _HYPHENS.sub("", found[0]).lower()
    return re.sub(rf"^(maternal|paternal)|{_APOSTROPHE}s|of$", "", noun)


def _read(found: re.Match[str]) -> _Kin:
    if found[3] is None:
        return _Kin(_OTHERS[_noun(found)], is_grand=False)
    last = _GRAND[found[4].lower()]
    between = "child" if last in _CHILDREN else "parent"
    first = _SIDES[found[1].strip().lower()] if found[1] else between
    return _Kin((first, *([between] if found[2] else []), last), is_grand=True)


def _written(steps: tuple[str, ...], possessive: str, of: str) -> str:
    if of:
        return " of the ".join(reversed(steps)) + of
    return "'s ".join(steps) + possessive
