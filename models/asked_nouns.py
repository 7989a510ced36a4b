"""Nouns that a question asks for, and the relations whose labels or names say that they lead to such.

*Which country was she born in* wants what `country` leads to, *which cartridges depend on it* what `uses cartridge`
leads to.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from kb.plurals import singulars
from models.episodes import MENTION, OTHER
from models.patterns import SUPERLATIVE

SHORT = 3
"""No longer words are no nouns: *of*, *for*."""
_NOUN = re.compile(r"\b(?:which|what) (?!(?:type|kind|sort)s? of)([a-z]+(?: [a-z]+)?)\b", re.IGNORECASE)
_NOUN_FIRST = re.compile(
    r"(?:(?:please |can you )?(?:list|name|show|give|tell|find)(?: me)?(?: us)? )?"
    r"(?:(?:all|every|each|any|the|both) )*"
    r"(?!(?:who|what|which|where|when|how|why|is|are|was|were|does|do|did|has|have|had|can)\b)"
    r"([a-z]+(?: [a-z]+)?) (?:in|of|at|on|from|by|with|for|that|which|who|whose|where)\b",
    re.IGNORECASE,
)
"""A question that begins with what it asks for: *stadiums in Leeford*."""
_ASKS_LATER = re.compile(r" (?:which|what) [a-z]+(?: [a-z]+)?\W*$", re.IGNORECASE)
"""*The director of X is also the director of which films*."""
_NOUN_LAST = re.compile(
    rf"\W*(?:(?:list|show|name|give|find|all|every|the|me|any) )*[{MENTION}{OTHER}] (?:[a-z]+ )??([a-z]+)s\W*",
    re.IGNORECASE,
)
"""*Open orders*."""
_NOUN_COUNTED = re.compile(
    r"\b(?:how many|(?:number|count|total) of|count)(?: all)?(?: the)? ([a-z]+(?: [a-z]+)?)\b", re.IGNORECASE
)
"""*How many bugs are there*."""
_NOUN_RANKED = re.compile(
    rf"(?:\b(?:{SUPERLATIVE}|(?:most|least) [a-z]+|first|last)(?: of(?: all)?(?: (?:the|our|my))?)?|"
    r"^\W*(?:of|among|out of)(?: all)?(?: (?:the|our|my))?) ([a-z]+(?: [a-z]+)?)\b",
    re.IGNORECASE,
)
"""*Our oldest flag*, *the oldest of our flags*, *of our flags, the oldest*."""
_GOES_ON = re.compile(r" (?:is|are|was|were|do|does|did|has|have|had|can|could|should|would|will)\b", re.IGNORECASE)
"""What follows a noun of two words that is asked for: *which database engine does*."""
_LEADS_TO = re.compile(
    r"(?:(?:is |was )?(?:located |situated |based )?(?:in|within) |has (?:an? )?)?(?:the )?"
    r"(?!.* (?:at|by|for|from|in|of|on|to|with)$)([a-z ]+)",
    re.IGNORECASE,
)
"""A relation's label that names what it leads to: *country*, *located in the country*, *has country*."""
_DONE_BY = re.compile(r"(?:(?:is|was|were|are|has been) )?(?:first )?([a-z]+) by", re.IGNORECASE)
_DOERS = {
    "authored": ("author",),
    "built": ("builder",),
    "driven": ("driver",),
    "held": ("holder",),
    "led": ("leader",),
    "made": ("maker",),
    "ridden": ("rider",),
    "sold": ("seller",),
    "sung": ("singer",),
    "taught": ("teacher",),
    "won": ("winner",),
    "written": ("writer", "author"),
}
"""Who does what is done, where it is not the verb with *er* or *or*."""
_DOES = {
    "built": "build|builds|built",
    "driven": "drives?|drove|driven",
    "held": "holds?|held",
    "led": "leads?|led",
    "made": "makes?|made",
    "ridden": "rides?|rode|ridden",
    "sold": "sells?|sold",
    "sung": "sings?|sang|sung",
    "taught": "teach|teaches|taught",
    "won": "wins?|won",
    "written": "writes?|wrote|written",
}
"""What they do, where it is not the verb with *s*, *ing* or *ed*."""
_NO_NOUNS = {"number", "count", "total"}
_HAS_NO_HEAD = re.compile(
    r"^(?:parent|mother|sister|daughter|twin|partner|rival|former|previous|current|next|last|first|original|other|main|"
    r"owning) | of ",
)
"""Labels whose last noun is not what they lead to, or only some of it: a *parent company* is one of many companies."""


def wanted(
    text: str, labels: tuple[str, ...], called: Mapping[str, frozenset[int]], *, of_all: bool = False
) -> frozenset[int]:
    """The relations, by place, that lead to what a question asks for by name: *which country* wants *country*.

    `called` has those that lead to names with a noun (`models.profiles.called`). `of_all`: only those that
    lead to all there is of it, as far as labels tell: *uses cartridge*, but not *nearest town*.
    """
    found = set[int]()
    for noun, is_of_all in _nouns(text).items():
        leading = _relations_to(labels, of_all or is_of_all)
        found.update(leading.get(noun, ()), called.get(noun, ()))
    return frozenset(found)


def names(text: str, label: str) -> bool:
    """Whether a question has the noun that a relation's label ends with: *how many clubs*, of a `former club`."""
    noun = label.lower().rpartition(" ")[2]
    stem = re.escape(noun.removesuffix("s").removesuffix("y"))
    return len(noun) > SHORT and re.search(rf"\b{stem}", text, re.IGNORECASE) is not None


@lru_cache(256)
def _nouns(text: str) -> dict[str, bool]:
    """What a question asks for by name, in the plural as it has it and in the singular: *which host cities*.

    And whether it asks about all there is of it, to count or to rank them.
    """
    found: dict[str, bool] = {}
    first = None if _ASKS_LATER.search(text) else _NOUN_FIRST.match(text)
    all_of = [match for pattern in (_NOUN_COUNTED, _NOUN_RANKED) for match in pattern.finditer(text)]
    for match in (*all_of, *_NOUN.finditer(text), *([first] if first else [])):
        words = match[1].lower().split()
        named = [words[0], " ".join(words)]
        if len(words) > 1 and _GOES_ON.match(text, match.end()):
            named[0] = words[1]
        elif len(words) > 1 and match is first:
            named.append(words[1])
        found.update(
            (noun, match in all_of)
            for noun in (*named, *(one for noun in named for one in singulars(noun)))
            if noun not in _NO_NOUNS
        )
    return found


@lru_cache(256)
def nouns(text: str) -> frozenset[str]:
    """What a question asks for by name, in the singular as well."""
    last = _NOUN_LAST.fullmatch(text)
    return frozenset(_nouns(text)) | ({last[1].lower()} if last else set())


@lru_cache(128)
def _relations_to(labels: tuple[str, ...], of_all: bool) -> dict[str, set[int]]:
    """The relations by the nouns that their labels name; `of_all` as in `wanted`."""
    found: dict[str, set[int]] = {}
    for place, label in enumerate(labels):
        if match := _LEADS_TO.fullmatch(label.strip()):
            noun = match[1].lower()
            first, _, last = noun.rpartition(" ")
            has_head = not _HAS_NO_HEAD.search(noun) and (not of_all or first.endswith("s"))  # a verb
            for name in {noun, last if has_head else noun}:
                found.setdefault(name, set()).add(place)
        for doer in doers(label):
            found.setdefault(doer, set()).add(place)
    return found


def says_done(text: str, label: str) -> bool:
    """Whether a question has who does what a relation says is done, as a noun or a verb: *its composer*."""
    said = _of_doing(label)
    return said is not None and said.search(text) is not None


@lru_cache(1024)
def _of_doing(label: str) -> re.Pattern[str] | None:
    found = doers(label)
    if not found:
        return None
    verb = _DONE_BY.fullmatch(label.strip())[1].lower()  # type: ignore[index]
    stem = verb[:-2].removesuffix("i")
    does = _DOES.get(verb) or f"{stem}(?:e|es|ed|ing|s|y|ies|ied)?"
    asks = r"\b(?:who|which [a-z]+|what [a-z]+|that|did .*|does .*) "
    return re.compile(rf"\b(?:{'|'.join(found)})s?\b|{asks}(?:{does})\b", re.IGNORECASE)


@lru_cache(1024)
def doers(label: str) -> tuple[str, ...]:
    """What those are to whom a relation leads that says what is done by them: *composed by* a composer."""
    match = _DONE_BY.fullmatch(label.strip())
    verb = match[1].lower() if match else ""
    return _DOERS.get(verb) or ((f"{verb[:-1]}r", f"{verb[:-2]}or") if verb.endswith("ed") else ())
