"""The beam search over paths for one question: which steps to take, and where a path ends.

Knows scores, not the network that gives them.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from models import asked_nouns, expectations, kinship
from models.chains import Chain, ReadRequest, Use
from models.chances import LEAST_WORTH, Chances
from models.comparing import SIDES
from models.episodes import INVERSE, MAX_STEPS, MENTION, Asked, End, Manner, manners
from models.kinds import Kind
from models.memory import FloatArray, IntArray
from models.networks.path_inference import Glimpse
from models.paths import FILTERS, NUM_ALTERNATIVES, Candidate, Path, Walker, log_of
from models.steps import Argument, Start
from models.texts import Pieces

LEAST_ASKED = 0.1
"""What is less likely to be wanted than this is not looked for."""
MOST_USES = 32
"""Of more ways to go on than these, the least likely are not tried."""
OTHER_CLASS = 0.2
"""What a chain is worth whose answers no fact says to be what the question asks for by name."""
UNMET = 0.3
"""What a chain is worth that comes to no thing of a class that the question names."""
LONE_COUNT = 0.3
"""What a chain is worth that counts the one thing that a relation leads to, as most lead to one."""


LEAST_TWIN = 0.1
"""How likely one of two relations is beside the other, at least, where both are meant."""
NEVER_LED = 0.3
"""What a no is worth by a relation that never leads to what is named, nor to the like."""


class _Ended(NamedTuple):
    """A chain, and what it lost by contradicting the words of the question."""

    chain: Chain
    lost: float


class Search:
    """The beam of one request, from some of its readings."""

    def __init__(self, request: ReadRequest, beam: int, mask_topic: bool, *, thorough: bool = False) -> None:
        self.request = request
        self.live: list[Path] = []
        self._beam = beam
        self._thorough = thorough
        self._walker = Walker(request, mask_topic=mask_topic)
        self._chances = Chances(request, self._walker)
        self._twins = kinship.twins(request.keys.labels)
        self._ended: list[_Ended] = []
        self._best_worth = -math.inf

    def begin(self, reading: int, text: Pieces, asked: FloatArray) -> None:
        """Start from a reading, once for each thing that may be wanted; `asked` has the chances of these."""
        if not self.request.max_hops:
            return
        given = self.request.readings[reading]
        starts_anywhere = MENTION not in given.text
        start = Start(given.topics, np.ones(len(given.topics), np.float32), starts_anywhere)
        path = Path(
            reading=reading,
            text=text,
            start=start,
            steps=(),
            asked=Asked.ENTITIES,
            unused=tuple(
                number
                for number in range(len(given.arguments))
                if number not in (given.kind, given.flag, *given.classes)
            ),
            reads=0,
            log_probability=0.0,
            rejected=0.0,
        )
        self.live += [
            replace(path, asked=wanted, log_probability=math.log(chance))
            for wanted, chance in zip(Asked, asked.tolist(), strict=True)
            if chance >= LEAST_ASKED
        ]

    def best(self) -> list[Chain]:
        """The chains found, best first; of those that lead to the same, the best one, as likely as all of them.

        If the words of the question contradict others but not the best, it is as likely as if those had not been. A
        thorough search gives every chain as it is.
        """
        ended = sorted(self._ended, key=lambda one: worth(self.request, one.chain), reverse=True)
        if self._thorough or not ended:
            return [one.chain for one in ended[: self._beam]]
        left, lost = sum(worth(self.request, one.chain) for one in ended), sum(one.lost for one in ended)
        scale = 1.0 if ended[0].lost else (left + lost) / left
        alike: dict[tuple[Asked, bytes], list[Chain]] = {}
        for chain, _ in ended:
            alike.setdefault((chain.asked, np.sort(chain.steps[-1].entities).tobytes()), []).append(chain)
        merged = []
        for chains in alike.values():
            shared = sum(worth(self.request, chain) for chain in chains) * scale
            score = self.request.readings[chains[0].reading].score
            merged.append(replace(chains[0], probability=min(1.0, shared / score)))
        return sorted(merged, key=partial(worth, self.request), reverse=True)[: self._beam]

    def manners(self, hop: int) -> set[Manner]:
        """The manners in which the live paths may use keys."""
        return {manner for path in self.live for manner in manners(self.request.readings[path.reading].text, hop)}

    def hop(self, hop: int, first: int, scores: FloatArray, glimpse: Glimpse) -> None:
        """Move every live path along its best steps.

        `scores` (paths manners keys) has a row for each live path; `first` is the row of the first one in `glimpse`.
        """
        candidates: list[Candidate] = []
        for at, path in enumerate(self.live):
            candidates.extend(self._candidates(hop, path, first + at, scores[at], glimpse))
        candidates.sort(key=lambda candidate: -candidate.worth)
        self.live = []
        for candidate in candidates:
            least = max(candidates[0].worth - LEAST_WORTH, self._best_worth)
            if (candidate.worth < least and not self._thorough) or len(self.live) == self._beam:
                break
            moved = self._walker.follow(hop, candidate, glimpse.attention[candidate.row])
            if moved is None:
                continue
            if hop + 1 == MAX_STEPS or self._is_over(moved):
                self._end(moved, moved.log_probability)
            else:
                self.live.append(moved)

    def _candidates(self, hop: int, path: Path, row: int, scores: FloatArray, glimpse: Glimpse) -> Iterator[Candidate]:
        """Give the likeliest steps from a path, and end it where that is possible."""
        reach = self._walker.reach(path)
        if not len(reach) and not hop:
            return
        usable = manners(self.request.readings[path.reading].text, hop)
        ends = [End.REJECT, End.STOP] if hop else [End.REJECT]
        chances, lacking = self._chances.of_steps(hop, path, scores, glimpse, glimpse.ends[row, ends], reach, usable)
        if lacking > path.lacking:
            path = replace(path, lacking=lacking)
        if hop:
            self._end(path, path.log_probability + log_of(chances[-1]))
        rejected = path.rejected if hop else float(chances[-1])
        uses = self._ranked(path, chances[: -len(ends)], reach, usable)
        ranked = tuple(itertools.islice(uses, NUM_ALTERNATIVES + 1))
        base = path.log_probability + log_of(self.request.readings[path.reading].score)
        found = 0
        for use in itertools.chain(ranked, uses):
            worth = base + log_of(use.probability)
            if self._is_condition(path, use):
                yield self._kept_by_flag(Candidate(path, row, use, None, worth, ranked, rejected))
                found += 1
                continue
            for argument in self._arguments(path, use):
                yield Candidate(path, row, use, argument, worth, ranked, rejected)
                found += 1
            if found >= self._beam:
                break

    def _ranked(self, path: Path, chances: FloatArray, reach: IntArray, usable: Sequence[Manner]) -> Iterator[Use]:
        """The likeliest uses of the keys in reach, best first; `chances` has them manner by manner."""
        best = np.argsort(-chances, kind="stable")[:MOST_USES].tolist()
        uses = (Use(int(reach[at % len(reach)]), usable[at // len(reach)], float(chances[at])) for at in best)
        if not self._twins or not kinship.means_both(self.request.readings[path.reading].text):
            return uses
        return iter(self._joined(tuple(uses)))

    def _is_condition(self, path: Path, use: Use) -> bool:
        """Whether a read of yes and no is none, but asks of what they are said: *which tents keep the rain out*."""
        reading, profile = self.request.readings[path.reading], self.request.keys.profiles[use.key]
        if use.manner is not Manner.READ or use.key % 2 == INVERSE or reading.flag is None or not profile.is_flag:
            return False
        if path.asked is Asked.WHETHER or expectations.asks_whether(reading.text):
            return True
        is_of_some = len(path.start.entities) > 1 or path.asked is Asked.COUNT
        return bool(path.steps) and (is_of_some or expectations.asks_for_a_thing(reading.text))

    def _kept_by_flag(self, candidate: Candidate) -> Candidate:
        """A read of yes and no as the condition that it is; of who asks whether, that is all that is wanted."""
        path, use = candidate.path, candidate.use
        reading = self.request.readings[path.reading]
        asked = Asked.WHETHER if expectations.asks_whether(reading.text) else path.asked
        return replace(
            candidate,
            path=replace(path, asked=asked),
            use=replace(use, manner=Manner.KEEP),
            argument=reading.flag,
        )

    def _joined(self, uses: tuple[Use, ...]) -> tuple[Use, ...]:
        """The uses, reads by *father* and by *mother* as one where the question means both: *the parents of*."""
        reads = {use.key: use for use in uses if use.manner is Manner.READ}
        joined = []
        for use in uses:
            twin = self._twins.get(use.key // 2)
            other = reads.get(2 * twin + use.key % 2) if twin is not None and use.manner is Manner.READ else None
            if other is None or min(use.probability, other.probability) < LEAST_TWIN * max(
                use.probability, other.probability
            ):
                joined.append(use)
            elif (use.probability, use.key) > (other.probability, other.key):
                joined.append(replace(use, probability=use.probability + other.probability, beside=other.key))
        return tuple(sorted(joined, key=lambda use: -use.probability))

    def _arguments(self, path: Path, use: Use) -> Sequence[int | None]:
        """The arguments that a step can be taken with; none of them where it needs one and there is none left."""
        if use.manner is Manner.READ:
            return (None,) if path.reads < self.request.max_hops else ()
        if use.manner in SIDES and any((step.use.key, step.use.manner) == (use.key, use.manner) for step in path.steps):
            return ()  # above both 1990 and 60
        if use.manner not in FILTERS:
            return () if path.asked is Asked.WHETHER else (None,)
        if use.manner is Manner.KEEP and path.asked is not Asked.WHETHER:
            return [one for one in path.unused if self._chances.may_lead(use.key, self._walker.argument(path, one))]
        if self._walker.stepper.compares_counts(use.key, use.manner):
            return [one for one in path.unused if _may_be_count(self._walker.argument(path, one))]
        return path.unused

    def _is_over(self, path: Path) -> bool:
        """Whether a path ends here without being looked at once more."""
        if not len(path.start.entities):
            return True
        return path.reads == self.request.max_hops and not path.unused

    def _end(self, path: Path, log_probability: float) -> None:
        """Keep a chain; a path that is worth less already can only lead to a worse one, and is not gone on with.

        Who asks whether, asks about everything that is named.
        """
        unmet = self._walker.unmet(path, path.steps)
        if path.asked is Asked.WHETHER and (path.unused or unmet):
            return
        log_probability += sum(math.log(self._walker.argument(path, one).left_out) for one in path.unused)
        log_probability += len(unmet) * math.log(UNMET)
        path, likely = self._walker.kept_to_kind(path)
        text, kinds = self.request.readings[path.reading].text, self.request.keys.kinds
        uses = [(step.use.key, step.use.manner) for step in path.steps]
        share = expectations.of_chain(text, uses, kinds, path.asked, self.request.keys.labels)
        share *= 1.0 if self._may_be_wanted(path) else OTHER_CLASS
        share *= LONE_COUNT if self._is_lone(path) else 1.0
        share *= expectations.CONTRADICTED if self._names_a_flag(path, text) else 1.0
        share *= NEVER_LED if self._never_leads(path) else 1.0
        chance = math.exp(log_probability) * likely * share
        chain = Chain(path.reading, path.steps, chance, path.rejected, path.asked, path.lacking)
        self._ended.append(_Ended(chain, worth(self.request, chain) * (1 / share - 1)))
        self._best_worth = max(self._best_worth, log_of(worth(self.request, chain)))

    def _never_leads(self, path: Path) -> bool:
        """Whether a question is denied by a relation that leads nothing to what it names, nor to the like."""
        last = path.steps[-1]
        if path.asked is not Asked.WHETHER or last.argument is None or last.use.manner is not Manner.KEEP:
            return False
        if last.argument == self.request.readings[path.reading].flag:
            return False
        return not self._chances.might_lead(last.key, self._walker.argument(path, last.argument))

    def _names_a_flag(self, path: Path, text: str) -> bool:
        """Whether a path comes to yes or no where the question asks for a thing."""
        last = path.steps[-1].use
        is_flag = last.manner is Manner.READ and self.request.keys.profiles[last.key].is_flag
        return is_flag and path.asked is not Asked.WHETHER and expectations.asks_for_a_thing(text)

    def _is_lone(self, path: Path) -> bool:
        """Whether a path counts the one thing that a relation leads to which the question does not name."""
        last, keys = path.steps[-1].use, self.request.keys
        if path.asked is not Asked.COUNT or last.manner is not Manner.READ or len(path.start.entities) != 1:
            return False
        if last.key % 2 == INVERSE or keys.kinds[last.key] is Kind.NUMBER:
            return False
        return not asked_nouns.names(self.request.readings[path.reading].text, keys.labels[last.key // 2])

    def _may_be_wanted(self, path: Path) -> bool:
        """Whether a path ends in what the question asks for by name: *which publisher* where any `publisher` leads."""
        kinds = self.request.keys.kinds
        leading = [
            2 * number + INVERSE for number in self._walker.wanted(path, of_all=True) if kinds[2 * number] is Kind.NAME
        ]
        if not leading or path.asked is Asked.WHETHER or not len(path.start.entities):
            return True
        return bool(np.isin(leading, self._walker.reach(path)).any())


def worth(request: ReadRequest, chain: Chain) -> float:
    """What a chain is worth: its probability times the score of its reading."""
    return chain.probability * request.readings[chain.reading].score


def _may_be_count(argument: Argument) -> bool:
    """Whether a number of values can be compared with it: not with 5 kg."""
    return argument.quantity is None or argument.quantity.scale is None
