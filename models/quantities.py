"""What the numbers and times that a question names say of the steps from a path, by what the facts measure."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from models import comparing
from models.chains import ReadRequest
from models.episodes import INVERSE, VALUE, Asked, Manner
from models.kinds import Kind
from models.memory import IntArray
from models.numbers import DATE, Quantity, is_same, order, quantity
from models.paths import FILTERS, Path, Walker
from models.patterns import begins, has
from models.steps import ORDERED, BoolArray, LongArray

MEASURED_FACTS = 50
"""So many values say what a relation measures."""
FAR_OFF = 10.0
"""A number this many times as great as all values of a relation, or as small, is no limit of theirs."""
MOST_COUNTED = 1000
"""No question is of things that have more than so many others each."""
_OF_AN_AGE = re.compile(
    r"\b(?:people|persons?|men|women|kids|children|those|anyone|everyone|who is|who are|aged|patients?|members?|"
    r"players?|students?|employees|residents?|guests?) (?:(?:is|are) )?(?:aged )?"
    rf"(?:over|under|above|below|(?:old|young)er than) {VALUE}\W*$",
    re.IGNORECASE,
)
"""*Patients over 60*."""
_AGE = re.compile(r"(?:current )?age(?: in years| years)?|years old", re.IGNORECASE)
_AT_WHAT_TIME = begins("(?:(?:at|from|by|until|till|since) )?(?:what|which) (?:time|hour)")
_HOW_LONG_IT_TAKES = begins("how long (?:does|did|will|would) it take")
_OF_TIME = has("time|times|duration|takes|took|seconds?|mins?|minutes?|hours?|hrs?|days?|weeks?|months?|years?")
_CLOCK = re.compile(r"\b\d\d?(?:[:.]\d\d|\s?[ap]\.?m\b)", re.IGNORECASE)
"""A time of the day."""


class Quantities:
    """The numbers and times of one request, and what they say of uses of keys in reach, by place (`models.chances`)."""

    def __init__(self, request: ReadRequest, walker: Walker) -> None:
        self._request = request
        self._walker = walker
        self._values: dict[int, list[Quantity]] = {}

    def meant(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> LongArray:
        """The comparisons with what has a number's unit, *over 10 km*, or is an age, *patients over 60*."""
        compares = [usable.index(manner) * len(reach) for manner in comparing.SIDES if manner in usable]
        found = np.union1d(self._measured(path, reach), self._ages(path, reach))
        return np.concatenate([np.empty(0, np.int64), *(one + found for one in compares)])

    def of_the_time(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> LongArray:
        """The keeps, by place, by dates of which some are of the time that a question names and nothing else."""
        times = [one for one in self._quantities(path) if one.measure == DATE]
        text = self._request.readings[path.reading].text
        if not times or not comparing.is_of_a_time(text) or Manner.KEEP not in usable:
            return np.empty(0, np.int64)
        kinds = self._request.keys.kinds
        dated = [at for at, key in enumerate(reach.tolist()) if kinds[key] is Kind.DATE and key % 2 != INVERSE]
        found = [at for at in dated if any(is_same(one, times[0]) for one in self._values_of(int(reach[at])))]
        return usable.index(Manner.KEEP) * len(reach) + np.array(found, np.int64)

    def far_off(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> LongArray:
        """The comparisons, by place, with values of quite another size: no home has under 400,000 bedrooms.

        Where something is measured in the number's unit, what has none or another is as far off.
        """
        sides = [usable.index(manner) * len(reach) for manner in comparing.SIDES if manner in usable]
        wanted = [quantity for quantity in self._quantities(path) if quantity.value > 0]
        if not wanted or not sides:
            return np.empty(0, np.int64)
        kinds = [self._request.keys.kinds[key] for key in reach.tolist()]
        compared = [at for at, kind in enumerate(kinds) if kind in ORDERED]
        counted = [at for at, kind in enumerate(kinds) if kind not in ORDERED]
        measured = self._measured(path, reach).tolist()
        near = {at for at in measured or compared if not self._is_far_off(int(reach[at]), wanted)}
        too_many = counted if all(one.value > MOST_COUNTED for one in wanted) else []
        far = np.array([at for at in (*compared, *too_many) if near and at not in near], np.int64)
        return np.concatenate([side + far for side in sides])

    def of_no_clock(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> LongArray:
        """Reads of a topic, by place, where *what time* is asked and another relation tells one."""
        is_asked = _AT_WHAT_TIME.match(self._request.readings[path.reading].text)
        if path.steps or path.asked is Asked.WHETHER or Manner.READ not in usable or not is_asked:
            return np.empty(0, np.int64)
        is_clock = np.array([self._is_clock(key) for key in reach.tolist()], np.bool_)
        return usable.index(Manner.READ) * len(reach) + np.flatnonzero(~is_clock & is_clock.any())

    def tells_no_time(self, path: Path, reach: IntArray) -> BoolArray:
        """Whether each key tells none, where a question is how long something takes, or at what time of the day."""
        text, keys = self._request.readings[path.reading].text, reach.tolist()
        found = np.zeros(len(reach), np.bool_)
        if _HOW_LONG_IT_TAKES.match(text):
            found |= [not self._is_duration(key) for key in keys]
        if _AT_WHAT_TIME.match(text):
            found |= [self._request.keys.kinds[key] is Kind.DATE and not self._is_clock(key) for key in keys]
        return found

    def given(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> Iterator[tuple[int, LongArray]]:
        """Reads of numbers and dates, by place, and the filters by the same key: who gives a number asks for none."""
        filters = [usable.index(manner) * len(reach) for manner in FILTERS if manner in usable]
        numbers = [one for one in path.unused if self._walker.argument(path, one).quantity is not None]
        if not numbers or not filters or Manner.READ not in usable:
            return
        for at, key in enumerate(reach.tolist()):
            if key % 2 != INVERSE and self._request.keys.kinds[key] in ORDERED:
                yield usable.index(Manner.READ) * len(reach) + at, np.array([one + at for one in filters])

    def exactly(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> Iterator[tuple[int, LongArray]]:
        """Comparisons, by place, and the keeps by the same key, where none is said: *born in 1871*."""
        is_meant = comparing.is_exact(self._request.readings[path.reading].text)
        if not is_meant or Manner.KEEP not in usable or not self._quantities(path):
            return
        for side in (usable.index(manner) for manner in comparing.SIDES if manner in usable):
            for at, key in enumerate(reach.tolist()):
                if self._request.keys.kinds[key] in ORDERED:
                    yield side * len(reach) + at, np.array([usable.index(Manner.KEEP) * len(reach) + at])

    def _measured(self, path: Path, reach: IntArray) -> LongArray:
        """The keys in reach, by place, whose values have the unit that a number of the question has."""
        wanted = {(one.measure, one.scale) for one in self._quantities(path) if one.measure and one.scale}
        if not wanted:
            return np.empty(0, np.int64)
        return np.array([at for at, key in enumerate(reach.tolist()) if wanted & self._units_of(key)], np.int64)

    def _ages(self, path: Path, reach: IntArray) -> LongArray:
        """The keys in reach, by place, that tell the age that a number says without saying so: *patients over 60*."""
        if not _OF_AN_AGE.search(self._request.readings[path.reading].text):
            return np.empty(0, np.int64)
        labels = self._request.keys.labels
        ages = [at for at, key in enumerate(reach.tolist()) if key % 2 != INVERSE and _AGE.fullmatch(labels[key // 2])]
        return np.array(ages, np.int64)

    def _units_of(self, key: int) -> set[tuple[str, float]]:
        """What the values of a key measure and in which unit, by the label of its relation or some of themselves."""
        if self._request.keys.kinds[key] is not Kind.NUMBER:
            return set()
        if key // 2 in self._walker.units:
            return {self._walker.units[key // 2]}
        return {(one.measure, one.scale) for one in self._values_of(key) if one.measure and one.scale}

    def _is_far_off(self, key: int, wanted: Sequence[Quantity]) -> bool:
        _, scale = self._walker.units.get(key // 2, (None, None))
        values = order([*wanted, *(one._replace(scale=one.scale or scale) for one in self._values_of(key))])
        limits, theirs = values[: len(wanted)], values[len(wanted) :]
        most, least = max(theirs, default=0), min(theirs, default=0)
        return least > 0 and all(one > FAR_OFF * most or one < least / FAR_OFF for one in limits)

    def _is_duration(self, key: int) -> bool:
        """Whether a key tells how long something takes, by its label or the units of its values."""
        measures = {measure for measure, _ in self._units_of(key)}
        is_told = _OF_TIME.search(self._request.keys.labels[key // 2]) is not None
        return is_told or ("time" in measures and not self._is_clock(key))

    def _is_clock(self, key: int) -> bool:
        return any(map(_CLOCK.search, self._request.keys.profiles[key].examples))

    def _quantities(self, path: Path) -> list[Quantity]:
        """The numbers of the question that no step has used yet."""
        quantities = (self._walker.argument(path, one).quantity for one in path.unused)
        return [one for one in quantities if one is not None]

    def _values_of(self, key: int) -> list[Quantity]:
        """Some of the numbers or dates that a key leads to."""
        if key not in self._values:
            memory = self._request.memory
            rows = memory.facts_of(memory.holders(key, MEASURED_FACTS), key, MEASURED_FACTS)
            self._values[key] = [one for one in map(quantity, memory.labels_of(rows.targets)) if one is not None]
        return self._values[key]
