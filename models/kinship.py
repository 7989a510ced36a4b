"""Names of kin spelt out: a *mother-in-law* is the mother of the spouse, where no relation is called so.

Knowledge bases tell parents, children and spouses; people ask for grandmothers. Each such noun stands for two or three
relations, and the reader knows what these are called.
"""

import re
from collections.abc import Container

_IN_LAW = {
    "father": ("spouse", "father"),
    "mother": ("spouse", "mother"),
    "parents": ("spouse", "parents"),
    "son": ("daughter", "husband"),
    "daughter": ("son", "wife"),
}
_OTHERS = {
    "stepfather": ("mother", "husband"),
    "stepmother": ("father", "wife"),
    "uncle": ("parent", "brother"),
    "aunt": ("parent", "sister"),
    "nephew": ("sibling", "son"),
    "niece": ("sibling", "daughter"),
    "cousin": ("parent", "sibling", "child"),
    "cousins": ("parent", "sibling", "children"),
}
_ELDERS = ("father", "mother", "parents", "parent")
_YOUNGER = ("children", "child", "sons", "son", "daughters", "daughter", "kids")
_APOSTROPHE = "['\N{RIGHT SINGLE QUOTATION MARK}]"
_KIN = re.compile(
    rf"\b(?:(?P<side>maternal|paternal) )?(?:(?P<great>great[- ]?)?grand ?(?P<grand>{'|'.join((*_ELDERS, *_YOUNGER))})|"
    rf"(?P<law>{'|'.join(_IN_LAW)})[- ]in[- ]law|(?P<other>{'|'.join(_OTHERS)}))\b"
    rf"(?P<possessive>{_APOSTROPHE}s)?(?P<of> of )?",
    re.IGNORECASE,
)
_SIDES = {"maternal": "mother", "mother": "mother", "mum": "mother", "mom": "mother"}
_SIDES |= {"paternal": "father", "father": "father", "dad": "father"}
_WHOSE = "(?:(?:his|her|their|the|its|a) )?"
_SAID_APART = {
    "parent": re.compile(
        rf",? (?:(?:on|from|by) )?{_WHOSE}(mother|mum|mom|father|dad)(?:{_APOSTROPHE}?s)? side(?: of the family)?\b",
        re.IGNORECASE,
    ),
    "child": re.compile(rf",? (?:through|by) {_WHOSE}(son|daughter)\b", re.IGNORECASE),
}
"""What tells which parent or child is meant: *on her mother's side*, *through his son*."""
_TOLD = (
    *("father", "mother", "parent", "parents", "child", "children", "son", "daughter"),
    *("spouse", "spouses", "husband", "wife", "partner", "married", "sibling", "brother", "sister"),
)
"""Words of relations, one of which a knowledge base has that tells kin."""


def spelt_out(text: str, known: Container[str]) -> str:
    """Put the relations for the first noun of kin; `known` are, in small letters, the words of relations.

    *X's grandmother on her mother's side* becomes *X's mother's mother*, *the grandfather of X* *the father of the
    parent of X*.
    """
    found = _KIN.search(text)
    if found is None or not any(word in known for word in _TOLD) or any(word in known for word in _names(found)):
        return text
    first, *others = _steps(found)
    before, behind = text[: found.start()], text[found.end() :]
    if first in _SAID_APART:
        apart = _SAID_APART[first].search(behind)
        if found["side"]:
            first = _SIDES[found["side"].lower()]
        elif apart is not None:
            first = _SIDES.get(apart[1].lower(), apart[1].lower())
            behind = behind[: apart.start()] + behind[apart.end() :]
    if found["of"]:
        return before + " of the ".join([*reversed(others), first]) + found["of"] + behind
    return before + "'s ".join([first, *others]) + (found["possessive"] or "") + behind


def _steps(found: re.Match[str]) -> tuple[str, ...]:
    """The relations that a noun stands for, the nearest first."""
    if found["law"]:
        return _IN_LAW[found["law"].lower()]
    if found["other"]:
        return _OTHERS[found["other"].lower()]
    last = found["grand"].lower()
    between = "parent" if last in _ELDERS else "child"
    return (between, *([between] if found["great"] else []), "children" if last == "kids" else last)


def _names(found: re.Match[str]) -> tuple[str, ...]:
    """Words of a relation that is called by a noun, or by what stands for men and women alike."""
    if found["law"] or found["great"]:
        return ("law" if found["law"] else "great",)
    if found["other"]:
        noun = found["other"].lower().removesuffix("s")
        return noun, f"{noun}s"
    noun = found["grand"].lower().removesuffix("s")
    alike = ("parent", "parents") if found["grand"].lower() in _ELDERS else ("child", "children")
    return ("grand", *(f"grand{one}" for one in (noun, f"{noun}s", *alike)))
