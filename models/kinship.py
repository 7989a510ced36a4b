"""Names of kin: a *mother-in-law* is the mother of the spouse, where no relation is called so; *parents* are of two.

Knowledge bases tell parents, children and spouses; people ask for grandmothers. Each such noun stands for two or three
relations, and the reader knows what these are called. And where fathers and mothers are told apart, who asks for
parents means both.
"""

import re
from collections.abc import Container, Mapping
from functools import lru_cache

from models.episodes import MENTION

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
    "uncles": ("parent", "brothers"),
    "aunt": ("parent", "sister"),
    "aunts": ("parent", "sisters"),
    "nephew": ("sibling", "son"),
    "nephews": ("sibling", "sons"),
    "niece": ("sibling", "daughter"),
    "nieces": ("sibling", "daughters"),
    "cousin": ("parent", "sibling", "child"),
    "cousins": ("parent", "sibling", "children"),
    "sibling": ("parent", "children"),
    "siblings": ("parent", "children"),
    "brother": ("parent", "sons"),
    "brothers": ("parent", "sons"),
    "sister": ("parent", "daughters"),
    "sisters": ("parent", "daughters"),
}
_BY_BIRTH = {
    "uncle": ("parent", "parent", "sons"),
    "aunt": ("parent", "parent", "daughters"),
    "nephew": ("parent", "children", "sons"),
    "niece": ("parent", "children", "daughters"),
}
"""What they are where no relation tells of siblings."""
_SIBLINGS = ("sibling", "siblings", "brother", "brothers", "sister", "sisters")
_ELDERS = ("father", "mother", "parents", "parent")
_YOUNGER = ("children", "child", "sons", "son", "daughters", "daughter", "kids")
_APOSTROPHE = "['\N{RIGHT SINGLE QUOTATION MARK}]"
_KIN = re.compile(
    rf"\b(?:(?P<side>maternal|paternal) )?(?:(?P<great>great[- ]?)?grand ?(?P<grand>{'|'.join((*_ELDERS, *_YOUNGER))})|"
    rf"(?P<law>{'|'.join(_IN_LAW)})[- ]in[- ]law|(?P<other>{'|'.join(_OTHERS)}))\b"
    rf"(?P<possessive>{_APOSTROPHE}s)?(?P<of> of )?",
    re.IGNORECASE,
)
_POSSESSED = re.compile(rf"(?:{_APOSTROPHE}s|s{_APOSTROPHE}|\b(?:his|her|their|whose)) (?:\w+ )?$", re.IGNORECASE)
"""Ends in what somebody has: *her only*."""
_OF_TOPIC = re.compile(rf"{MENTION}{_APOSTROPHE}s? $")
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
_BIRTH = ("father", "mother", "parent", "parents", "child", "children", "son", "daughter")
"""Words of relations, one of which it has that tells who is born of whom."""
_IS_BIRTH = re.compile(rf"(?:has |is |the )*(?:{'|'.join(_BIRTH)})(?: of)?", re.IGNORECASE)
_CHILDREN = ("son", "sons", "daughter", "daughters")
_CHILD = re.compile(rf"\b(?:{'|'.join(_CHILDREN)})\b(?!-)", re.IGNORECASE)
_TWINS = {"father": "mother", "son": "daughter", "brother": "sister", "husband": "wife"}
_TWINS |= {other: one for one, other in _TWINS.items()}
_BOTH = re.compile(
    r"\b(?:grand ?|step)?(?:parents?|child(?:ren)?|kids?|sons?|daughters?)\b|"
    r"\b(?:offspring|descendants?|ancestors?|siblings?|spouses?|partners?|married)\b",
    re.IGNORECASE,
)
"""Nouns that mean what two relations tell, in one of their directions."""


@lru_cache(64)
def twins(labels: tuple[str, ...]) -> Mapping[int, int]:
    """The relations that say of women what others say of men, each by the number of its twin: *mother* and *father*."""
    numbers = {label.casefold(): number for number, label in enumerate(labels)}
    found = {}
    for label, number in numbers.items():
        words = label.split()
        twin = numbers.get(" ".join(_TWINS.get(word, word) for word in words))
        if twin is not None and twin != number:
            found[number] = twin
    return found


@lru_cache(64)
def tells_of_birth(labels: tuple[str, ...]) -> frozenset[int]:
    """The relations, by number, that say who is born of whom."""
    return frozenset(number for number, label in enumerate(labels) if _IS_BIRTH.fullmatch(label) is not None)


def are_siblings(labels: tuple[str, ...], there: int, back: int) -> bool:
    """Whether one key leads to parents and the next to their children, or the other way round: to one's own again."""
    born = tells_of_birth(labels)
    return there % 2 != back % 2 and there // 2 in born and back // 2 in born


@lru_cache(1024)
def means_siblings(text: str, known: frozenset[str]) -> bool:
    """Whether the first noun of kin is put as children of parents, of whom nobody is their own sibling."""
    found = _KIN.search(text)
    noun = (found["other"] or "").lower() if found else ""
    is_by_birth = noun in _SIBLINGS or noun.removesuffix("s") in _BY_BIRTH
    tells = any(word in known for word in _BIRTH) and not any(word in known for word in _SIBLINGS)
    return is_by_birth and tells


def means_both(text: str) -> bool:
    """Whether a question has a noun that means what two such relations tell."""
    return _BOTH.search(text) is not None


@lru_cache(1024)
def spelt_out(text: str, known: frozenset[str]) -> str:
    """Put the relations for the first noun of kin; `known` are, in small letters, the words of relations.

    *X's grandmother on her mother's side* becomes *X's mother's mother*, *the grandfather of X* *the father of the
    parent of X*, *how many aunts has X* *how many sisters has the parent of X*.
    """
    return _neutral(_without_kin(text, known), known)


def _neutral(text: str, known: Container[str]) -> str:
    """Sons and daughters as children, where no relation is called so, but one tells people's sex."""
    if any(word in known for word in _CHILDREN) or not ("sex" in known or "gender" in known):
        return text
    return _CHILD.sub(lambda found: "children" if found[0].lower().endswith("s") else "child", text)


def _without_kin(text: str, known: Container[str]) -> str:
    found = _KIN.search(text)
    if found is None or not any(word in known for word in _TOLD) or any(word in known for word in _names(found)):
        return text
    if (found["other"] or "").lower() in _SIBLINGS and not any(word in known for word in _BIRTH):
        return text
    first, *others = _steps(found, known)
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
    *near, last = first, *others
    if near[0] in _ELDERS and last in _YOUNGER and _OF_TOPIC.search(before):
        told = " of the ".join([last, *reversed(near)])
        return f"{_OF_TOPIC.sub('the ', before)}{told} of {MENTION}{found['possessive'] or ''}{behind}"
    if MENTION in text and not _POSSESSED.search(before):
        whose = f"the {' of the '.join(reversed(near))} of {MENTION}"
        return (before + last + (found["possessive"] or "") + behind).replace(MENTION, whose, 1)
    return before + "'s ".join([first, *others]) + (found["possessive"] or "") + behind


def _steps(found: re.Match[str], known: Container[str]) -> tuple[str, ...]:
    """The relations that a noun stands for, the nearest first."""
    if found["law"]:
        return _IN_LAW[found["law"].lower()]
    if found["other"]:
        noun = found["other"].lower()
        has_siblings = any(word in known for word in _SIBLINGS) or not any(word in known for word in _BIRTH)
        return _OTHERS[noun] if has_siblings else _BY_BIRTH.get(noun.removesuffix("s"), _OTHERS[noun])
    last = found["grand"].lower()
    between = "parent" if last in _ELDERS else "child"
    return (between, *([between] if found["great"] else []), "children" if last == "kids" else last)


def _names(found: re.Match[str]) -> tuple[str, ...]:
    """Words of a relation that is called by a noun, or by what stands for men and women alike."""
    if found["law"] or found["great"]:
        return ("law" if found["law"] else "great",)
    if found["other"]:
        noun = found["other"].lower().removesuffix("s")
        return _SIBLINGS if noun in _SIBLINGS else (noun, f"{noun}s")
    noun = found["grand"].lower().removesuffix("s")
    alike = ("parent", "parents") if found["grand"].lower() in _ELDERS else ("child", "children")
    return ("grand", *(f"grand{one}" for one in (noun, f"{noun}s", *alike)))
