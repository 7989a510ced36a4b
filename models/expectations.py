"""What the words of a question say of its answer, whatever a network thinks of it.

"How many" wants a number, "who" wants none, the youngest was born last, the largest need not be, and "which country" no
town that lies in one. A network mostly knows; where it wavers, a chain that the words contradict is worth less.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from models.episodes import MENTION, Asked, Manner
from models.kinds import Kind
from models.memory import FloatArray

CONTRADICTED = 0.1
"""What a chain is worth whose answer is of another kind, or another extreme, than the words say."""
TIMES_GONE = np.float32(np.log(4))
"""How much more (in log) a relation of times gone is worth to a question of such, and less to another."""


SHORT = 3
"""No longer words are no nouns: *of*, *for*."""


def _begins(words: str) -> re.Pattern[str]:
    return re.compile(rf"\W*(?:{words})\b", re.IGNORECASE)


def _has(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


_HOW_MANY = _has("how many")
_THE_NUMBER_OF = _begins(
    r"(?:(?:what is|what's|give me|tell me|show me|find) )?(?:the )?(?:total |overall )?(?:number|count) of"
)
_ASKS_FOR_NAMES = _begins("who|whom|whose|which")
_BEGINS_ASKING = _begins(
    r"(?:(?:in|on|at|by|from|to|for|with|of|since|until) )?(?:who|whom|whose|what|which|when|where|how)"
)
_ASKS_WHETHER = _begins("is|are|was|were|do|does|did|has|have|had")
_OFFERS_OR_ASKS = _has("or|any|there|you|we|who|whom|whose|what|which|when|where|how")
"""Not answered by yes or no: *is it a solid, a liquid or a gas*, *do you have any*, *do you know who*."""
_KINDS = (
    (_begins("who|whom|whose|where"), (Kind.NUMBER, Kind.DATE)),
    (
        _begins(r"when|(?:(?:in|on|from|since|until) )?(?:what|which) (?:year|date|day)|what's the (?:year|date)"),
        (Kind.NAME,),
    ),
    (
        _begins(
            r"(?:(?:in|on|at|from|to|by|for|with|of) )?(?:which|what) "
            r"(?!(?:is|are|was|were|do|does|did|has|have|had|can|will|would|should|year|day|date|month|time|hour|morning|evening|night|week|weekday|season|decade|vintage|"
            r"birthday|anniversar)|centur|period|era|age)[a-z]+"
        ),
        (Kind.DATE,),
    ),
    (_begins("how (?:large|big|tall|high|heavy|deep|wide|old|fast|expensive)"), (Kind.NAME,)),
)
_NOUN = re.compile(r"\b(?:which|what) (?!(?:type|kind|sort)s? of)([a-z]+(?: [a-z]+)?)\b", re.IGNORECASE)
_NOUN_FIRST = re.compile(
    r"(?:(?:please |can you )?(?:list|name|show|give|tell|find)(?: me)?(?: us)? )?"
    r"(?:(?:all|every|each|any|the|both) )*"
    r"(?!(?:who|what|which|where|when|how|why|is|are|was|were|does|do|did|has|have|had|can)\b)"
    r"([a-z]+(?: [a-z]+)?) (?:in|of|at|on|from|by|with|for|that|which|who|whose|where)\b",
    re.IGNORECASE,
)
"""A question that begins with what it asks for: *stadiums in Leeford*."""
_GOES_ON = re.compile(r" (?:is|are|was|were|do|does|did|has|have|had|can|could|should|would|will)\b", re.IGNORECASE)
"""What follows a noun of two words that is asked for: *which database engine does*."""
_LEADS_TO = re.compile(
    r"(?:(?:is |was )?(?:located |situated |based )?(?:in|within) |has (?:an? )?)?(?:the )?"
    r"(?!.* (?:at|by|for|from|in|of|on|to|with)$)([a-z ]+)",
    re.IGNORECASE,
)
"""A relation's label that names what it leads to: *country*, *located in the country*, *has country*."""
_NO_NOUNS = {"number", "count", "total"}
_HAS_NO_HEAD = re.compile(
    r"^(?:parent|mother|sister|daughter|twin|partner|rival|former|previous|current|next|last|first|original|other|main|"
    r"owning) | of ",
)
"""Labels whose last noun is not what they lead to, or only some of it: a *parent company* is one of many companies."""
_AREA = "country|nation|state|province|region|county|district|continent|city|town|municipality|area|building"
_LIES_IN = re.compile(
    rf"(?:is |was )?(?:located|situated|based|lies|lying|found|housed)? ?(?:in|on|within|inside)"
    rf"(?: (?:the )?(?:{_AREA}))?|(?:has |the )?(?:{_AREA})|(?:is )?(?:a )?part of",
    re.IGNORECASE,
)
_TIMES_GONE = _has("former(?:ly)?|previous(?:ly)?|ex|past|erstwhile")
_ASKS_FOR_TIMES_GONE = re.compile(
    r"\b(?:(?<!is )(?<!are )(?<!was )(?<!were )(?<!be )used to|former(?:ly)?|previous(?:ly)?|ex|past|once|earlier|"
    r"no longer|any ?more)\b|\bbefore\W*$",
    re.IGNORECASE,
)
_LATE = _has("young(?:er|est)|new(?:er|est)|lat(?:er|est)|(?:more|most) recent(?:ly)?|last")
_EARLY = _has("old(?:er|est)|earli(?:er|est)|long(?:er|est)|furthest|first")
_MUCH = _has(
    "(?:larg|bigg|high|long|tall|heavi|wid|broad|deep|thick|strong|hard|hott|warm|loud|steep|dear|pric(?:i|ey))(?:er|est)|"
    "(?:most|more)(?! recent)"
)
_LITTLE = _has(
    "(?:small|low|short|light|narrow|shallow|thinn|weak|soft|cold|quiet|cheap|fewe?)(?:er|r|est|st)|least|less"
)
_IS_RANK = _has("rank(?:s|ing|ed)?|place|position|order|grade|class|rung|seed")
"""A relation whose least number is the highest."""
_POLES = (
    (
        _has(
            "end(?:s|ed|ing)?|clos(?:e|es|ed|ing)|finish(?:es|ed)?|stop(?:s|ped)?|runs? out|ran out|expire[sd]?|"
            "till?|until|graduate[sd]?|depart(?:s|ed|ure)?|discontinued|retire[sd]?|die[sd]?|death|dissolved|demolished"
        ),
        _has(
            "start(?:s|ed)?|beg[aiu]n(?:s|ning)?|open(?:s|ed|ing)?|premier(?:ed?|es)|launch(?:ed)?|since|founded|first|"
            "join(?:s|ed)|enrol(?:s|led)|signed|arriv(?:es|ed|al)|birth|born|built|established|released?|introduced"
        ),
    ),
    (
        _has("largest|biggest|max(?:imum)?|highest|longest|upper"),
        _has("smallest|min(?:imum)?|lowest|shortest|fewest|lower"),
    ),
)
"""Words of the end and of the beginning, of the most and of the least."""
_POSSESSIVES = re.compile(rf"{MENTION}'s?((?: [a-z-]+){{1,3}}(?:'s|(?<=s)')){{1,2}} [a-z]", re.IGNORECASE)
"""*X's owner's price*; with a third one, *X's owner's son's school*."""
_EXTREMES = (Manner.MOST, Manner.LEAST)
_BY_TIME = _has("(?:old|young|new|earli|lat)(?:er|est)|(?:more|most) recent(?:ly)?")
_BY_SIZE = _has(
    "(?:larg|bigg|small|tini|tall|high|low|deep|wid|broad|narrow|heavi|light|thick|thinn|fast|quick|slow|cheap|dear|strong|"
    "weak|hott|cold|warm|loud|steep)(?:er|est)|(?:more|most|least|less) (?:expensive|populous|powerful)"
)
_YOUNG, _OLD = _has("young(?:er|est)"), _has("old(?:er|est)")


def asks_whether(text: str) -> bool:
    """Whether a question begins as one does that is answered by yes or no."""
    return _ASKS_WHETHER.match(text) is not None


def of_asked(text: str, chances: FloatArray) -> FloatArray:
    """The chances of each `Asked`, where the words leave no choice.

    Who asks how many of what is a number already is shown that number: `Asked.COUNT` does both.
    """
    chances = chances.copy()
    if (_HOW_MANY.search(text) and not _ASKS_FOR_NAMES.match(text)) or _THE_NUMBER_OF.match(text):
        chances[Asked.COUNT] += chances[Asked.ENTITIES]
        chances[Asked.ENTITIES] = 0.0
    if _BEGINS_ASKING.match(text):
        chances[Asked.WHETHER] = 0.0
    elif asks_whether(text) and not _OFFERS_OR_ASKS.search(text):
        chances[[Asked.ENTITIES, Asked.COUNT]] *= CONTRADICTED
    total = chances.sum()
    return chances / total if total else np.full_like(chances, 1 / len(chances))


def of_chain(
    text: str, uses: Sequence[tuple[int, Manner]], kinds: Sequence[Kind], asked: Asked, labels: Sequence[str] = ()
) -> float:
    """What a chain of uses of keys, each in a manner, is worth by the words of its question: 1 or `CONTRADICTED`.

    Without `labels` of relations their words do not count.
    """
    if asked is Asked.ENTITIES and _is_of_another_kind(text, _kind_of(uses, kinds)):
        return CONTRADICTED
    if uses[0][1] in _EXTREMES and kinds[uses[0][0] ^ 1] in (Kind.NUMBER, Kind.DATE):
        return CONTRADICTED  # the least of all numbers, instead of what has the least
    contradicts = any(
        _is_other_extreme(text, manner, kinds[key], labels[key // 2] if labels else "")
        or _is_other_measure(text, manner, kinds[key])
        for key, manner in uses
    )
    contradicts |= len(uses) < _num_possessives(text)
    told = [key for key, manner in uses if labels and manner is Manner.READ and kinds[key] in (Kind.NUMBER, Kind.DATE)]
    contradicts |= any(_is_opposite(text, labels[key // 2]) for key in told)
    return CONTRADICTED if contradicts else 1.0


def _num_possessives(text: str) -> int:
    """How many steps at least a question takes by its possessives: two for *X's owner's price*."""
    match = _POSSESSIVES.search(text)
    return match[0].count("'") if match else 0


def _is_opposite(text: str, label: str) -> bool:
    """Whether a relation tells of the beginning or the least, and the question asks for the end or the most."""
    for one, other in (*_POLES, *(pair[::-1] for pair in _POLES)):
        if one.search(text) and not other.search(text) and other.search(label) and not one.search(label):
            return True
    return False


def _kind_of(uses: Sequence[tuple[int, Manner]], kinds: Sequence[Kind]) -> Kind:
    """The kind of what a chain ends in: where it reads last, or of what has the key by which it chooses first."""
    read = [key for key, manner in uses if manner is Manner.READ]
    return kinds[read[-1]] if read else kinds[uses[0][0] ^ 1]


def _is_of_another_kind(text: str, kind: Kind) -> bool:
    return any(asks.match(text) and kind in others for asks, others in _KINDS)


def _is_other_measure(text: str, manner: Manner, kind: Kind) -> bool:
    """Whether the words are of sizes and dates are compared, or of ages and numbers of names."""
    if manner in (Manner.READ, Manner.KEEP) or kind not in (Kind.DATE, Kind.NAME):
        return False
    by_time, by_size = bool(_BY_TIME.search(text)), bool(_BY_SIZE.search(text))
    return by_time != by_size and by_time != (kind is Kind.DATE)


def _is_other_extreme(text: str, manner: Manner, kind: Kind, label: str) -> bool:
    if manner not in _EXTREMES or _IS_RANK.search(label):
        return False
    most, least = (_LATE, _EARLY) if kind is Kind.DATE else (_MUCH, _LITTLE)
    if kind is Kind.NUMBER and (_YOUNG.search(text) or _OLD.search(text)):  # an age
        most, least = _OLD, _YOUNG
    is_most, is_least = bool(most.search(text)), bool(least.search(text))
    return is_most != is_least and is_most != (manner is Manner.MOST)


def wanted(text: str, labels: tuple[str, ...], called: Mapping[str, frozenset[int]]) -> frozenset[int]:
    """The relations, by place, that lead to what a question asks for by name: *which country* wants *country*.

    `called` has those that lead to names with a noun (`models.profiles.called`).
    """
    leading = _relations_to(labels)
    return frozenset(place for noun in _nouns(text) for place in (*leading.get(noun, ()), *called.get(noun, ())))


def _nouns(text: str) -> frozenset[str]:
    """What a question asks for by name, in the plural as it has it and in the singular: *which host cities*."""
    found = set[str]()
    first = _NOUN_FIRST.match(text)
    for match in (*_NOUN.finditer(text), *([first] if first else [])):
        words = match[1].lower().split()
        named = [words[0], " ".join(words)]
        if len(words) == 2 and (match is first or _GOES_ON.match(text, match.end())):
            named.append(words[1])
        found.update(named, map(_singular, named))
    return frozenset(found - _NO_NOUNS)


@lru_cache(64)
def _relations_to(labels: tuple[str, ...]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for place, label in enumerate(labels):
        if match := _LEADS_TO.fullmatch(label.strip()):
            noun = match[1].lower()
            head = noun if _HAS_NO_HEAD.search(noun) else noun.rpartition(" ")[2]
            for name in {noun, head}:
                found.setdefault(name, set()).add(place)
    return found


def names(text: str, label: str) -> bool:
    """Whether a question has the noun that a relation's label ends with: *how many clubs*, of a `former club`."""
    noun = label.lower().rpartition(" ")[2]
    stem = re.escape(noun.removesuffix("s").removesuffix("y"))
    return len(noun) > SHORT and re.search(rf"\b{stem}", text, re.IGNORECASE) is not None


def of_relations(text: str, labels: tuple[str, ...]) -> FloatArray:
    """What each relation gains or loses (in log): *former club* where the question is of times gone, and where not."""
    return _told_of_times_gone(labels) * (TIMES_GONE if _ASKS_FOR_TIMES_GONE.search(text) else -TIMES_GONE)


@lru_cache(64)
def _told_of_times_gone(labels: tuple[str, ...]) -> FloatArray:
    return np.array([_TIMES_GONE.search(label) is not None for label in labels], np.float32)


@lru_cache(64)
def containing(labels: tuple[str, ...]) -> frozenset[int]:
    """The relations, by place, that lead from a thing to what it lies in: what is so of the one is so of the other."""
    return frozenset(place for place, label in enumerate(labels) if _LIES_IN.fullmatch(label.strip()))


def _singular(noun: str) -> str:
    return f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")
