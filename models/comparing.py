"""What the words of a comparison say of the number or date that is compared, and of which side of it is meant.

The youngest was born last, the largest need not be; the highest rank has the least number; who is older than 30 is
more, and who is older than a boy was born before him.
"""

import re
from collections.abc import Sequence

from models.episodes import MENTION, VALUE, Manner
from models.kinds import Kind
from models.patterns import has, than

EXTREMES = (Manner.MOST, Manner.LEAST)
SIDES = (Manner.ABOVE, Manner.BELOW)
_BIG = (
    "larg|bigg|great|high|long|tall|heavi|wid|broad|deep|thick|strong|hard|hott|warm|loud|steep|dear|pric(?:i|ey)|farth|"
    "furth|full"
)
_SMALL = "small|low|short|light|narrow|shallow|thinn|weak|soft|cold|quiet|cheap|empti"
_MUCH = has(f"(?:{_BIG})(?:er|est)|(?:most|more)(?! recent)")
_LITTLE = has(f"(?:{_SMALL})(?:er|est)|fewe(?:r|st)|least|less")
_LATE = has("young(?:er|est)|new(?:er|est)|lat(?:er|est)|(?:more|most) recent(?:ly)?|last")
_EARLY = has("old(?:er|est)|earli(?:er|est)|soon(?:er|est)|long(?:er|est)|furthest|first|senior")
_YOUNG, _OLD = has("young(?:er|est)|junior"), has("old(?:er|est)|senior")
_FAST, _SLOW = has("(?:fast|quick|swift)(?:er|est)"), has("slow(?:er|est)")
_LASTING = has("long(?:er|est)")
_IS_RANK = has("rank(?:s|ing|ed)?|place|position|order|grade|class|rung|seed")
"""A relation whose least number is the highest."""
_IS_PACE = has("speed|pace|velocity|rate|power|km/h|mph|knots")
_IS_TIME = has("time|times|duration|lap|seconds|minutes|hours|days|runtime")
_IS_END = has(
    "end(?:s|ed|ing)?|expir(?:e[sd]?|y|ation)|till?|until|valid(?: .*)?|remove(?:d|s)?(?: .*)?|retire[sd]?|"
    "clos(?:es|ed|ing)"
)
_MORE_THAN, _LESS_THAN = than(f"(?:{_BIG})er|more(?! recent)"), than(f"(?:{_SMALL})er|fewer|less")
_LATER_THAN = than("(?:young|new|lat)er|more recent(?:ly)?")
_EARLIER_THAN = than("(?:old|earli)er|(?:further|farther) back")
_THAN_TOPIC = re.compile(
    rf"\b(?:[a-z]{{2,}}er|more [a-z]+|less [a-z]+) than (?:the |an? )?{MENTION}(?!')", re.IGNORECASE
)
_AT_A_TIME = re.compile(rf"\b(?:in|during) {VALUE}", re.IGNORECASE)
_IS_OF_A_TIME = re.compile(
    r"\W*(?:(?:which|what|how many|list|show|give|find|name|all|the|any|me) )*[a-z]{3,}(?: [a-z]{3,})? "
    r"(?:(?:that |which )?(?:took place|happened|occurred|(?:are|were) (?:there|held)|was held|are|were|is|was) )?"
    rf"(?:in|from|of|during) {VALUE}\W*",
    re.IGNORECASE,
)
"""Says nothing of things but when: *which festivals took place in 2024*."""
_SAYS_A_SIDE = has(
    "after|before|since|until|till|later|earlier|than|more|less|over|under|above|below|between|at least|at most|"
    "up to|past|prior|onwards?|ago|or (?:so|newer|older)|within"
)
_BY_TIME = has("(?:old|young|new|earli|lat)(?:er|est)|(?:more|most) recent(?:ly)?")
_BY_SIZE = has(
    "(?:larg|bigg|small|tini|tall|high|low|deep|wid|broad|narrow|heavi|light|thick|thinn|fast|quick|slow|cheap|dear|"
    "strong|weak|hott|cold|warm|loud|steep)(?:er|est)|(?:more|most|least|less) (?:expensive|populous|powerful)"
)


def is_contradicted(
    text: str, uses: Sequence[tuple[int, Manner]], kinds: Sequence[Kind], labels: Sequence[str]
) -> bool:
    """Whether a chain of uses of keys compares otherwise than the words of its question, or by something else.

    Without `labels` of relations their words do not count.
    """
    if any(
        _is_other_extreme(text, manner, kinds[key], labels[key // 2] if labels else "")
        or _is_other_measure(text, manner, kinds[key])
        for key, manner in uses
    ):
        return True
    sides = [(manner, kinds[key]) for key, manner in uses if manner in SIDES]
    return len(sides) == 1 and _is_other_side(text, *sides[0])


def tells_of_topic(text: str, uses: Sequence[tuple[int, Manner]]) -> bool:
    """Whether a chain reads something of the topic that a question compares other things with: *heavier than X*."""
    return _THAN_TOPIC.search(text) is not None and all(manner is Manner.READ for _, manner in uses)


def is_exact(text: str) -> bool:
    """Whether a question names a time and no side of it: *born in 1871*."""
    return _AT_A_TIME.search(text) is not None and _SAYS_A_SIDE.search(text) is None


def is_of_a_time(text: str) -> bool:
    """Whether a question asks for what is of a time, whatever happened then."""
    return _IS_OF_A_TIME.fullmatch(text) is not None


def _is_other_measure(text: str, manner: Manner, kind: Kind) -> bool:
    """Whether the words are of sizes and dates are compared, or of ages and numbers of names."""
    if manner in (Manner.READ, Manner.KEEP) or kind not in (Kind.DATE, Kind.NAME):
        return False
    by_time, by_size = bool(_BY_TIME.search(text)), bool(_BY_SIZE.search(text))
    return by_time != by_size and by_time != (kind is Kind.DATE)


def _is_other_extreme(text: str, manner: Manner, kind: Kind, label: str) -> bool:
    """Whether the most is asked for and the least taken, or the other way round."""
    if manner not in EXTREMES or _IS_RANK.search(label):
        return False
    most, least = (_LATE, _EARLY) if kind is Kind.DATE else (_MUCH, _LITTLE)
    if kind is Kind.DATE and _LASTING.search(text) and _IS_END.search(label):  # valid the longest: until last
        most, least = _LASTING, _LITTLE
    if kind is Kind.NUMBER and (_YOUNG.search(text) or _OLD.search(text)):  # an age
        most, least = _OLD, _YOUNG
    if kind is Kind.NUMBER and (_FAST.search(text) or _SLOW.search(text)):
        is_pace, is_time = bool(_IS_PACE.search(label)), bool(_IS_TIME.search(label))
        if is_pace == is_time:
            return False
        most, least = (_FAST, _SLOW) if is_pace else (_SLOW, _FAST)
    return _is_otherwise(text, most, least, manner is Manner.MOST)


def _is_other_side(text: str, manner: Manner, kind: Kind) -> bool:
    """Whether more, or later, is asked for and less, or earlier, kept: who is older was born before."""
    if text.count(" than ") != 1:
        return False
    more, less = (_LATER_THAN, _EARLIER_THAN) if kind is Kind.DATE else (_MORE_THAN, _LESS_THAN)
    if kind is Kind.NUMBER and (_YOUNG.search(text) or _OLD.search(text)):  # an age
        more, less = _EARLIER_THAN, _LATER_THAN
    return _is_otherwise(text, more, less, manner is Manner.ABOVE)


def _is_otherwise(text: str, more: re.Pattern[str], less: re.Pattern[str], takes_more: bool) -> bool:
    """Whether the words say one of the two and the other is taken."""
    says_more, says_less = bool(more.search(text)), bool(less.search(text))
    return says_more != says_less and says_more != takes_more
