"""What the words of a question say of its answer, whatever a network thinks of it.

"How many" wants a number, "who" wants none; of comparisons `models.comparing` says more. A network mostly knows; where
it wavers, a chain that the words contradict is worth less.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from models import comparing
from models.episodes import MENTION, OTHER, VALUE, Asked, Manner
from models.kinds import Kind
from models.memory import FloatArray
from models.patterns import begins, has

CONTRADICTED = 0.1
"""What a chain is worth whose answer is of another kind, or another extreme, than the words say."""
SAID = np.float32(0.2)
"""How likely at least it is that a statement asks whether it is so."""
TIMES_GONE = np.float32(np.log(4))
"""How much more (in log) a relation of times gone is worth to a question of such, and less to another."""


_HOW_MANY = has("how many")
_THE_NUMBER_OF = begins(
    r"(?:(?:what is|what's|give me|tell me|show me|find) )?(?:the )?(?:total |overall )?"
    "(?:(?:number|count) of|head ?count)"
)
_ASKS_FOR_NAMES = begins("who|whom|whose|which")
_ASKS_FOR_SOME = begins("(?:which|what) (?!is|was|does|has|numbers|counts|totals)[a-z]+s|who|whom")
_IS_NUMBER_OF = begins(r"(?:has )?(?:the )?(?:total )?(?:number|num|no\.?|nr\.?|count) of")
_ASKS_FOR_A_THING = begins("(?:(?:in|on|at|by|from|to|for|with|of) )?(?:who|whom|whose|which|where|when)")
_THINGS_SUCH_AS = re.compile(
    r"\W*(?:(?:list|show|name|give|find|all|the|which|what|me) )*[a-z]{3,}s (?:(?:are|were|that are|that) )?"
    rf"([a-z ]+?) {MENTION}\W*",
    re.IGNORECASE,
)
_BEGINS_ASKING = begins(
    r"(?:(?:in|on|at|by|from|to|for|with|of|since|until) )?(?:who|whom|whose|what|which|when|where|how)"
)
_ASKS_WHETHER = re.compile(
    rf"[^\w{MENTION}{OTHER}{VALUE}]*"
    r"(?:is|are|am|was|were|do|does|did|has|have|had|true|can|could|may|might|must|shall|should|will|would|"
    r"(?:need|ought) (?:i|we|you|one|he|she|it|they))\b",
    re.IGNORECASE,
)
_LAST_CLAUSE = re.compile(
    rf"^.*(?:[^\W\d_]{{2}}|[{MENTION}{OTHER}{VALUE}])[.,;:!?]+ (?:(?:and|but|so|then) )?(?=.*\w)",
    re.IGNORECASE | re.DOTALL,
)
"""All before it."""
_ASKS_POLITELY = re.compile(
    r"\W*(?:can|could|may|might) (?:i|we|you|someone|somebody|anyone|anybody)(?: please| kindly)? "
    r"(?:get|have|know|see|hear|ask|tell|name|list|give|show|find|say|point|remind|help|explain|describe|let)\b",
    re.IGNORECASE,
)
"""Wants to be told something: *could somebody please name the director*."""
_VERBS = (
    "is|was|are|were|has|had|got|sits?|stands?|lives?|lies?|runs?|works?|plays?|comes?|goes?|takes?|makes?|belongs?|"
    "hosts?|owns?|leads?|stems?|starts?|ends?|finishes|opens?|sells?|costs?|weighs?|speaks?|teaches|trains?|studies|flies|"
    "grows?|eats?|holds?|wears?|uses?|drives?|rides?|serves?|contains?|needs?|[a-z]+ed|won|made|wrote|took|led|ran|beat|"
    "built|came|gave|went|grew"
)
_SAYS = re.compile(
    r".*, ?(?:(?:is|are|was|were|do|does|did|has|have|had|can|wo)n't (?:it|he|she|they|that)|right|true|correct|no)\W*|"
    rf"\W*(?:so |and |but )?(?:the |that )?{MENTION}(?:'s(?: [a-z-]+){{1,2}})?,? "
    rf"(?:(?:that's|it's)\b|(?:{_VERBS})\b).*\?\W*",
    re.IGNORECASE | re.DOTALL,
)
"""A statement with a question mark, or with *isn't it*: *the Frost Path is easy?*"""
_LEAVES_OPEN = re.compile(r"\b(?:by|of|in|from|to|with|for|at|on) th(?:is|ese) [a-z]+\W*$", re.IGNORECASE)
"""A statement that asks for what it does not name: *it was written by this person*."""
_OFFERS_OR_ASKS = has("or|any|there|you|we|who|whom|whose|what|which|when|where|how")
"""Not answered by yes or no: *is it a solid, a liquid or a gas*, *do you have any*, *do you know who*."""
_KINDS = (
    (begins("who|whom|whose|where"), (Kind.NUMBER, Kind.DATE)),
    (
        begins(r"when|(?:(?:in|on|from|since|until) )?(?:what|which) (?:year|date|day)|what's the (?:year|date)"),
        (Kind.NAME,),
    ),
    (
        begins(
            r"(?:(?:in|on|at|from|to|by|for|with|of) )?(?:which|what) "
            r"(?!(?:is|are|was|were|do|does|did|has|have|had|can|will|would|should|year|day|date|month|time|hour|morning|evening|night|week|weekday|season|decade|vintage|"
            r"birthday|anniversar)|centur|period|era|age)[a-z]+"
        ),
        (Kind.DATE,),
    ),
    (
        begins(r"why|how come|(?:what|what's|what is|what was) (?:the )?(?:cause|reason|purpose|name)s?"),
        (Kind.NUMBER, Kind.DATE),
    ),
    (begins("how long (?:is|are|was|were|did|does|do|will)"), (Kind.DATE,)),
    (begins("how (?:large|big|tall|high|heavy|deep|wide|old|fast|expensive)"), (Kind.NAME,)),
)
_SAYS_WHEN = has("hours|times?|days?|schedule|season|opening|timetable|when|period|months?")
_AREA = "country|nation|state|province|region|county|district|continent|city|town|municipality|area|building"
_LIES_IN = re.compile(
    rf"(?:is |was )?(?:located|situated|based|lies|lying|found|housed)? ?(?:in|on|within|inside)"
    rf"(?: (?:the )?(?:{_AREA}))?|(?:has |the )?(?:{_AREA})|(?:is )?(?:a )?part of",
    re.IGNORECASE,
)
_TIMES_GONE = has("former(?:ly)?|previous(?:ly)?|ex|past|erstwhile")
_ASKS_FOR_TIMES_GONE = re.compile(
    r"\b(?:(?<!is )(?<!are )(?<!was )(?<!were )(?<!be )used to|former(?:ly)?|previous(?:ly)?|ex|past|once|earlier|"
    r"no longer|any ?more)\b|\bbefore\W*$",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"\b(?:[a-z]{2,}(?:tor|ter|ner|ger|cher|der|ver|ser|per|ler|rer|yer|or|ist|cian)|actress|coach|chef|host)$",
    re.IGNORECASE,
)
_POLES = (
    (
        has(
            "end(?:s|ed|ing)?|clos(?:e|es|ed|ing)|finish(?:es|ed)?|stop(?:s|ped)?|runs? out|ran out|expire[sd]?|"
            "till?|until|graduate[sd]?|depart(?:s|ed|ure)?|discontinued|retire[sd]?|die[sd]?|death|dissolved|demolished"
        ),
        has(
            "start(?:s|ed)?|beg[aiu]n(?:s|ning)?|open(?:s|ed|ing)?|premier(?:ed?|es)|launch(?:ed)?|since|founded|first|"
            "join(?:s|ed)|enrol(?:s|led)|signed|arriv(?:es|ed|al)|birth|born|built|established|released?|introduced"
        ),
    ),
    (
        has("largest|biggest|max(?:imum)?|highest|longest|upper"),
        has("smallest|min(?:imum)?|lowest|shortest|fewest|lower"),
    ),
)
"""Words of the end and of the beginning, of the most and of the least."""
_POSSESSIVES = re.compile(rf"{MENTION}'s?((?: [a-z-]+){{1,3}}(?:'s|(?<=s)')){{1,2}} [a-z]", re.IGNORECASE)
"""*X's owner's price*; with a third one, *X's owner's son's school*."""


@lru_cache(1024)
def asks_whether(text: str) -> bool:
    """Whether a question begins as one does that is answered by yes or no, or comes to one: *I'm early, is it open*."""
    last = "" if _BEGINS_ASKING.match(text) else _LAST_CLAUSE.sub("", text)
    return any(_ASKS_WHETHER.match(part) and not _ASKS_POLITELY.match(part) for part in (text, last))


def asks(text: str) -> bool:
    """Whether a question begins with a word that asks: *what*, *who*, *when*."""
    return _BEGINS_ASKING.match(text) is not None


def says_only(text: str, label: str) -> bool:
    """Whether a question asks for what a relation leads from, and for nothing else: *tickets assigned to X*."""
    match = _THINGS_SUCH_AS.fullmatch(text)
    return match is not None and match[1].lower() == label.lower()


def asks_for_a_thing(text: str) -> bool:
    """Whether a question begins as one does that yes or no never answers."""
    return _ASKS_FOR_A_THING.match(text) is not None or _HOW_MANY.search(text) is not None


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
    elif _LEAVES_OPEN.search(text) and not asks_whether(text):
        chances[Asked.WHETHER] *= CONTRADICTED
    elif (asks_whether(text) or _SAYS.fullmatch(text)) and not _OFFERS_OR_ASKS.search(text):
        chances[Asked.WHETHER] = max(chances[Asked.WHETHER], SAID)
        chances[[Asked.ENTITIES, Asked.COUNT]] *= CONTRADICTED
    total = chances.sum()
    return chances / total if total else np.full_like(chances, 1 / len(chances))


def of_chain(
    text: str, uses: Sequence[tuple[int, Manner]], kinds: Sequence[Kind], asked: Asked, labels: Sequence[str] = ()
) -> float:
    """What a chain of uses of keys, each in a manner, is worth by the words of its question: 1 or `CONTRADICTED`.

    Without `labels` of relations their words do not count.
    """
    kind = _kind_of(uses, kinds)
    if asked is Asked.ENTITIES and _is_of_another_kind(text, kind) and not _tells_when(uses, labels, kind):
        return CONTRADICTED
    if uses[0][1] in comparing.EXTREMES and kinds[uses[0][0] ^ 1] in (Kind.NUMBER, Kind.DATE):
        return CONTRADICTED  # the least of all numbers, instead of what has the least
    contradicts = comparing.is_contradicted(text, uses, kinds, labels) or len(uses) < _num_possessives(text)
    if asked is Asked.ENTITIES and kind in (Kind.NUMBER, Kind.DATE):
        contradicts |= comparing.tells_of_topic(text, uses)
    told = [key for key, manner in uses if labels and manner is Manner.READ and kinds[key] in (Kind.NUMBER, Kind.DATE)]
    contradicts |= any(_is_opposite(text, labels[key // 2]) for key in told)
    contradicts |= bool(told) and asked is Asked.ENTITIES and _counts_what_is_asked(text, labels[uses[-1][0] // 2])
    return CONTRADICTED if contradicts else 1.0


@lru_cache(1024)
def _num_possessives(text: str) -> int:
    """How many steps at least a question takes by its possessives: two for *X's owner's price*."""
    match = _POSSESSIVES.search(text)
    return match[0].count("'") if match else 0


def _counts_what_is_asked(text: str, label: str) -> bool:
    """Whether a relation only says how many there are of what a question asks for: *which pupils*."""
    return _ASKS_FOR_SOME.match(text) is not None and _IS_NUMBER_OF.match(label) is not None


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


def _tells_when(uses: Sequence[tuple[int, Manner]], labels: Sequence[str], kind: Kind) -> bool:
    """Whether a chain ends in no date that yet tells when: *opening hours*."""
    return kind is Kind.NAME and bool(labels) and _SAYS_WHEN.search(labels[uses[-1][0] // 2]) is not None


def _is_of_another_kind(text: str, kind: Kind) -> bool:
    return any(asks.match(text) and kind in others for asks, others in _KINDS)


def is_role(label: str) -> bool:
    """Whether a relation leads to people by what they do: *director*, *taught by the tutor*."""
    return _ROLE.search(label.strip()) is not None


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
