"""The beam search over paths for one question: which steps to take, and where a path ends.

Knows scores, not the network that gives them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models import expectations
from models.chains import Chain, ReadRequest, Step, Use
from models.episodes import INVERSE, MAX_STEPS, MENTION, UNSAID_COST, Asked, End, Manner, manners
from models.kinds import Kind
from models.memory import FloatArray, Hop, IntArray
from models.named_kinds import is_any_of_kind, keep_to_kind, keys_of_kind, keys_to_kind
from models.networks.path_inference import Glimpse
from models.steps import Argument, Start, Stepper, both_ways
from models.texts import Pieces

NUM_ALTERNATIVES = 5
FEW_TOPICS = 8
SMALLEST = 1e-30
LEAST_WORTH = math.log(100)
"""A path this much (in log) behind the best one at its hop is given up."""
LEAST_ASKED = 0.1
"""What is less likely to be wanted than this is not looked for."""
MOST_USES = 32
"""Of more ways to go on than these, the least likely are not tried."""
OTHER_CLASS = 0.2
"""What a chain is worth whose answers no fact says to be what the question asks for by name."""
NEVER_LED_COST = np.float32(2.0)
"""How much less (in log) a relation is asked about that never leads to what is named, where another one does."""
MET_BONUS = np.float32(math.log(4))
"""How much more (in log) a condition is worth that some of the things reached meet."""
TO_KIND_BONUS = np.float32(math.log(4))
"""How much more (in log) a key is worth that leads to the kind of things that the question asks for."""
MOST_WITHIN = 3
"""So often what something lies in is looked for: a street in a town in a country."""
UNMET = 0.3
"""What a chain is worth that comes to no thing of a class that the question names."""
SURE = 0.8
"""With a step or an end as likely as this, no key out of reach is looked at."""
FURTHER_FACTS = 50
"""Of more facts, not all are asked where they lead."""
FILTERS = (Manner.KEEP, Manner.ABOVE, Manner.BELOW)


@dataclass(frozen=True, slots=True)
class Path:
    """A live path of the search: where it stands, and what it is worth."""

    reading: int
    text: Pieces
    parent: int  # its row in the last look
    start: Start
    steps: tuple[Step, ...]
    asked: Asked
    unused: tuple[int, ...]  # numbers of the arguments that no step has used
    reads: int
    log_probability: float
    rejected: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A step that a path may take next."""

    path: Path
    row: int  # the path's row in this look
    use: Use
    argument: int | None
    worth: float
    ranked: tuple[Use, ...]
    rejected: float


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
        self._mask_topic = mask_topic
        self._thorough = thorough
        self._stepper = Stepper(request.memory, request.keys.kinds, request.budget, both_ways(request.keys.labels))
        self._ended: list[_Ended] = []
        self._best_worth = -math.inf
        self._leading_to: dict[int, frozenset[int]] = {}
        self._wanted: dict[int, frozenset[int]] = {}
        """The relations that each reading asks for by name."""

    def begin(self, reading: int, text: Pieces, row: int, asked: FloatArray) -> None:
        """Start from a reading, once for each thing that may be wanted; `row` is its row among the texts read."""
        if not self.request.max_hops:
            return
        given = self.request.readings[reading]
        self._wanted[reading] = expectations.wanted(given.text, self.request.keys.labels)
        starts_anywhere = MENTION not in given.text
        start = Start(given.topics, np.ones(len(given.topics), np.float32), starts_anywhere)
        path = Path(
            reading=reading,
            text=text,
            parent=row,
            start=start,
            steps=(),
            asked=Asked.ENTITIES,
            unused=tuple(
                number for number in range(len(given.arguments)) if number not in (given.kind, *given.classes)
            ),
            reads=0,
            log_probability=0.0,
            rejected=0.0,
        )
        self.live += [
            replace(path, asked=wanted, log_probability=math.log(chance))
            for wanted, chance in zip(Asked, expectations.of_asked(given.text, asked).tolist(), strict=True)
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
        candidates: list[_Candidate] = []
        for at, path in enumerate(self.live):
            candidates.extend(self._candidates(hop, path, first + at, scores[at], glimpse))
        candidates.sort(key=lambda candidate: -candidate.worth)
        self.live = []
        for candidate in candidates:
            least = max(candidates[0].worth - LEAST_WORTH, self._best_worth)
            if (candidate.worth < least and not self._thorough) or len(self.live) == self._beam:
                break
            moved = self._follow(hop, candidate, glimpse.attention[candidate.row])
            if moved is None:
                continue
            if hop + 1 == MAX_STEPS or self._is_over(moved):
                self._end(moved, moved.log_probability)
            else:
                self.live.append(moved)

    def _candidates(self, hop: int, path: Path, row: int, scores: FloatArray, glimpse: Glimpse) -> Iterator[_Candidate]:
        """Give the likeliest steps from a path, and end it where that is possible."""
        reach = self._reach(path)
        if not len(reach) and not hop:
            return
        usable = manners(self.request.readings[path.reading].text, hop)
        ends = [End.REJECT, End.STOP] if hop else [End.REJECT]
        chances = self._chances(hop, path, scores, glimpse, glimpse.ends[row, ends], reach, usable)
        if hop:
            self._end(path, path.log_probability + _log(chances[-1]))
        rejected = path.rejected if hop else float(chances[-1])
        uses = chances[: -len(ends)]
        best = np.argsort(-uses, kind="stable")[:MOST_USES]
        ranked = tuple(
            Use(int(reach[at % len(reach)]), usable[at // len(reach)], float(uses[at])) for at in best.tolist()
        )
        base = path.log_probability + _log(self.request.readings[path.reading].score)
        found = 0
        for use in ranked:
            for argument in self._arguments(path, use):
                worth = base + _log(use.probability)
                yield _Candidate(path, row, use, argument, worth, ranked[: NUM_ALTERNATIVES + 1], rejected)
                found += 1
            if found >= self._beam:
                break

    def _chances(
        self,
        hop: int,
        path: Path,
        scores: FloatArray,
        glimpse: Glimpse,
        ends: FloatArray,
        reach: IntArray,
        usable: Sequence[Manner],
    ) -> FloatArray:
        """How likely each use of a key in reach is, manner by manner, and then each end."""
        logits = np.concatenate([*(scores[glimpse.manners.index(manner), reach] for manner in usable), ends])
        if Manner.KEEP in usable:
            first = usable.index(Manner.KEEP) * len(reach)
            logits[first : first + len(reach)] += self._fitness(path, reach)
        answers = None if path.asked is Asked.WHETHER else self.request.readings[path.reading].kind
        to_answers = self._to_kind(path, reach, usable, answers)
        to_classes = [self._to_kind(path, reach, usable, number) for number in self._unmet(path, path.steps)]
        for uses in (to_answers, *to_classes):
            logits[uses] += TO_KIND_BONUS
        words = expectations.of_relations(self.request.readings[path.reading].text, self.request.keys.labels)
        logits[: -len(ends)] += np.tile(words[reach // 2], len(usable))
        chances = _softmax(logits)
        if Manner.READ in usable and np.delete(chances, -len(ends)).max() < SURE:
            least = float(logits.max()) - LEAST_WORTH
            further = self._further(path, reach, scores[glimpse.manners.index(Manner.READ)] - UNSAID_COST, least)
            first = usable.index(Manner.READ) * len(reach)
            chances = _softmax(np.concatenate([logits, further]))
            chances[first : first + len(further)] += chances[len(logits) :]
            chances = chances[: len(logits)]
        if hop:
            onward = np.union1d(self._unsaid(path, reach, usable), to_answers)
            if len(onward):
                moved = chances[-1] * (1 - expectations.CONTRADICTED)
                chances[-1] -= moved
                shares = chances[onward] + SMALLEST
                chances[onward] += moved * shares / shares.sum()
        return chances

    def _further(self, path: Path, reach: IntArray, beyond: FloatArray, least: float) -> FloatArray:
        """For each key in reach, what the best key is worth that comes in reach by it only; none where that is little.

        *Who looks after the lotus* needs the greenhouse, which it does not mention: nothing in reach fits, but the head
        gardener, whom the greenhouse leads to, does. `beyond` is what each key is worth out of reach.
        """
        beyond = beyond.copy()
        beyond[reach] = -np.inf
        if path.start.is_everything or path.reads + 1 >= self.request.max_hops or beyond.max() < least:
            return np.empty(0, np.float32)
        found = np.full(len(reach), -np.inf, np.float32)
        memory, some = self.request.memory, path.start.entities[:FURTHER_FACTS]
        for at, key in enumerate(reach.tolist()):
            onward = memory.keys_of(memory.facts_of(some, key, FURTHER_FACTS).targets)
            found[at] = beyond[onward[onward != key ^ 1]].max(initial=-np.inf)
        return found

    def _reach(self, path: Path) -> IntArray:
        if path.start.is_everything:
            return np.arange(len(self.request.keys.kinds), dtype=np.int32)
        return self.request.memory.keys_of(path.start.entities)

    def _arguments(self, path: Path, use: Use) -> Sequence[int | None]:
        """The arguments that a step can be taken with; none of them where it needs one and there is none left."""
        if use.manner is Manner.READ:
            return (None,) if path.reads < self.request.max_hops else ()
        if use.manner not in FILTERS:
            return () if path.asked is Asked.WHETHER else (None,)
        if use.manner is Manner.KEEP and path.asked is not Asked.WHETHER:
            return [one for one in path.unused if self._may_lead(use.key, self._argument(path, one))]
        if self._stepper.compares_counts(use.key, use.manner):
            return [one for one in path.unused if _may_be_count(self._argument(path, one))]
        return path.unused

    def _argument(self, path: Path, number: int) -> Argument:
        return self.request.readings[path.reading].arguments[number]

    def _fitness(self, path: Path, reach: IntArray) -> FloatArray:
        """What keys in reach gain or lose (in log) as conditions, by what they lead to.

        Those that never lead to a name that no step has used yet keep nothing, which is no answer, but where the
        question is whether: there it is a doubtful no. Those that lead to one from where the path stands are likely
        meant.
        """
        names = [self._argument(path, one) for one in path.unused]
        leads = np.array([any(self._may_lead(key, name) for name in names) for key in reach.tolist()], np.bool_)
        if path.asked is Asked.WHETHER:
            return np.where(leads.any() & ~leads, -NEVER_LED_COST, np.float32(0))
        memory, some = self.request.memory, path.start.entities[:FURTHER_FACTS]
        met = [keys_of_kind(memory, some, name.entities, FURTHER_FACTS) for name in names if name.quantity is None]
        gained = np.where(np.isin(reach, np.concatenate([[], *met])), MET_BONUS, np.float32(0))
        return np.where(leads, gained, np.float32(-np.inf))

    def _may_lead(self, key: int, argument: Argument) -> bool:
        """Whether any fact of a key leads to what an argument names."""
        if argument.quantity is not None:
            return True
        keys = self._leading_to.get(id(argument))
        if keys is None:
            keys = frozenset((self.request.memory.keys_of(argument.entities) ^ 1).tolist())
            self._leading_to[id(argument)] = keys
        return key in keys

    def _follow(self, hop: int, candidate: _Candidate, attention: FloatArray) -> Path | None:
        """Take a step; None where that leads nowhere."""
        path, use = candidate.path, candidate.use
        argument = None if candidate.argument is None else self._argument(path, candidate.argument)
        reached = self._stepper.take(path.start, use.key, use.manner, argument)
        if reached is None:
            return None
        entities, weights, facts = reached.entities, reached.weights, reached.facts
        if hop > 0 and self._mask_topic and use.manner is Manner.READ:
            kept = _without(entities, self.request.readings[path.reading].topics)
            entities, weights, facts = entities[kept], weights[kept], facts[kept]
        if not len(entities) and not self._is_denied(path, use, argument):
            return None
        weights = weights / max(weights.sum(), SMALLEST)
        others = tuple(other for other in candidate.ranked if other is not use)[:NUM_ALTERNATIVES]
        step = Step(
            use=use,
            argument=candidate.argument,
            by_count=self._stepper.compares_counts(use.key, use.manner),
            alternatives=others,
            text=path.text,
            token_attention=attention,
            entities=entities,
            weights=weights,
            facts=facts,
            facts_read=reached.facts_read,
        )
        moved = replace(
            path,
            parent=candidate.row,
            start=Start(entities, weights),
            steps=(*path.steps, step),
            unused=tuple(number for number in path.unused if number != candidate.argument),
            reads=path.reads + (use.manner is Manner.READ),
            log_probability=path.log_probability + _log(use.probability),
            rejected=candidate.rejected,
        )
        return self._kept_to_classes(moved) if len(entities) else self._within(path, moved)

    def _within(self, path: Path, denied: Path) -> Path:
        """A denied path, or that through what lies in what it asks for: born in Pune is born in India."""
        last, memory = denied.steps[-1], self.request.memory
        if last.use.manner is not Manner.KEEP or last.argument is None:
            return denied
        argument, containing = self._argument(path, last.argument), expectations.containing(self.request.keys.labels)
        moved, key = path, last.key
        for _ in range(MOST_WITHIN):
            reached = self._stepper.take(moved.start, key, Manner.READ, None)
            if reached is None or not len(reached.entities):
                return denied
            moved = _moved(moved, last, Use(key, Manner.READ, last.use.probability), None, reached)
            keys = [key for key in memory.keys_of(moved.start.entities).tolist() if key % 2 != INVERSE]
            keys = [key for key in keys if key // 2 in containing]
            for key in keys:
                kept = self._stepper.take(moved.start, key, Manner.KEEP, argument)
                if kept is not None and len(kept.entities):
                    moved = _moved(moved, last, Use(key, Manner.KEEP, last.use.probability), last.argument, kept)
                    return replace(denied, start=moved.start, steps=moved.steps, reads=self.request.max_hops)
            if not keys:
                return denied
            key = keys[0]
        return denied

    def _is_denied(self, path: Path, use: Use, argument: Argument | None) -> bool:
        """Whether an empty step says no: the facts of its subject's relation are known, and are others."""
        if path.asked is not Asked.WHETHER or argument is None:
            return False
        if use.manner is Manner.KEEP and use.key % 2 == INVERSE:
            facts = self.request.memory.facts_of(argument.entities, use.key ^ 1, 1)
            return len(facts.targets) > 0
        return True

    def _is_over(self, path: Path) -> bool:
        """Whether a path ends here without being looked at once more."""
        if not len(path.start.entities):
            return True
        return path.reads == self.request.max_hops and not path.unused

    def _end(self, path: Path, log_probability: float) -> None:
        """Keep a chain; a path that is worth less already can only lead to a worse one, and is not gone on with.

        Who asks whether, asks about everything that is named.
        """
        unmet = self._unmet(path, path.steps)
        if path.asked is Asked.WHETHER and (path.unused or unmet):
            return
        log_probability += sum(math.log(self._argument(path, one).left_out) for one in path.unused)
        log_probability += len(unmet) * math.log(UNMET)
        path, likely = self._kept_to_kind(path)
        text, kinds = self.request.readings[path.reading].text, self.request.keys.kinds
        uses = [(step.use.key, step.use.manner) for step in path.steps]
        share = expectations.of_chain(text, uses, kinds, path.asked)
        share *= 1.0 if self._may_be_wanted(path) else OTHER_CLASS
        chain = Chain(path.reading, path.steps, math.exp(log_probability) * likely * share, path.rejected, path.asked)
        self._ended.append(_Ended(chain, worth(self.request, chain) * (1 / share - 1)))
        self._best_worth = max(self._best_worth, _log(worth(self.request, chain)))

    def _may_be_wanted(self, path: Path) -> bool:
        """Whether a path ends in what the question asks for by name: *which publisher* where any `publisher` leads."""
        kinds = self.request.keys.kinds
        leading = [2 * number + INVERSE for number in self._wanted[path.reading] if kinds[2 * number] is Kind.NAME]
        if not leading or path.asked is Asked.WHETHER or not len(path.start.entities):
            return True
        return bool(np.isin(leading, self._reach(path)).any())

    def _kept_to_kind(self, path: Path) -> tuple[Path, float]:
        """A path kept to what the question says that its answers are, and its worth: less where none are that."""
        number = self.request.readings[path.reading].kind
        if number is None or path.asked is Asked.WHETHER or not len(path.start.entities):
            return path, 1.0
        kept = self._kept(path, number)
        return (kept, 1.0) if kept else (path, expectations.CONTRADICTED)

    def _kept_to_classes(self, path: Path) -> Path:
        """A path kept to the things of each class that it has to pass through and comes to for the first time."""
        for number in self._unmet(path, path.steps[:-1]):
            path = self._kept(path, number) or path
        return path

    def _kept(self, path: Path, number: int) -> Path | None:
        """A path kept to those of its things that a kind named in the question means; None where none are that."""
        found = keep_to_kind(self.request.memory, self._stepper, path.start, self._argument(path, number))
        if found is None:
            return None
        key, hop = found
        if len(hop.entities) == len(path.start.entities):
            return path
        last = path.steps[-1]
        return _moved(path, last, Use(key, Manner.KEEP, last.use.probability), number, hop)

    def _unmet(self, path: Path, steps: Sequence[Step]) -> list[int]:
        """The classes that a path has to pass through and has not come to by these of its steps."""
        return [
            number for number in self.request.readings[path.reading].classes if not self._meets(path, steps, number)
        ]

    def _meets(self, path: Path, steps: Sequence[Step], number: int) -> bool:
        kind, memory = self._argument(path, number).entities, self.request.memory
        places = [self.request.readings[path.reading].topics, *(step.entities for step in steps)]
        return any(is_any_of_kind(memory, entities[:FURTHER_FACTS], kind, FURTHER_FACTS) for entities in places)

    def _unsaid(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> IntArray:
        """The uses, by place, that lead on from a path to what the question asks for by name."""
        wanted = self._wanted[path.reading]
        is_used = any(step.use.key // 2 in wanted for step in path.steps)
        if not wanted or is_used or path.reads == self.request.max_hops or Manner.READ not in usable:
            return np.empty(0, np.int32)
        onward = [at for at, key in enumerate(reach.tolist()) if key % 2 != INVERSE and key // 2 in wanted]
        return np.array(onward, np.int32) + usable.index(Manner.READ) * len(reach)

    def _to_kind(self, path: Path, reach: IntArray, usable: Sequence[Manner], number: int | None) -> IntArray:
        """The uses, by place, that lead from a path to things of a kind that is named, where it is at none."""
        if number is None or path.reads == self.request.max_hops or Manner.READ not in usable:
            return np.empty(0, np.int32)
        kind, some = self._argument(path, number).entities, path.start.entities[:FURTHER_FACTS]
        onward = keys_to_kind(self.request.memory, some, reach, kind, FURTHER_FACTS)
        if path.steps:
            onward = onward[reach[onward] != path.steps[-1].use.key ^ 1]
        return onward + usable.index(Manner.READ) * len(reach)


def worth(request: ReadRequest, chain: Chain) -> float:
    """What a chain is worth: its probability times the score of its reading."""
    return chain.probability * request.readings[chain.reading].score


def _moved(path: Path, like: Step, use: Use, argument: int | None, reached: Hop) -> Path:
    """A path with one more step, which the words or the facts say and not the network: it makes nothing surer."""
    weights = reached.weights / max(reached.weights.sum(), SMALLEST)
    step = replace(
        like,
        use=use,
        argument=argument,
        by_count=False,
        alternatives=(),
        entities=reached.entities,
        weights=weights,
        facts=reached.facts,
        facts_read=reached.facts_read,
    )
    return replace(path, start=Start(reached.entities, weights), steps=(*path.steps, step))


def _may_be_count(argument: Argument) -> bool:
    """Whether a number of values can be compared with it: not with 5 kg."""
    return argument.quantity is None or argument.quantity.scale is None


def _softmax(logits: FloatArray) -> FloatArray:
    shifted = np.exp(logits - logits.max())
    shares: FloatArray = shifted / shifted.sum()
    return shares


def _log(chance: float) -> float:
    return math.log(max(chance, SMALLEST))


def _without(entities: IntArray, topics: IntArray) -> NDArray[np.bool_]:
    """Which entities are none of the topics."""
    if len(topics) > FEW_TOPICS:
        return ~np.isin(entities, topics)
    kept = np.ones(len(entities), np.bool_)
    for topic in topics.tolist():
        kept &= entities != topic
    return kept
