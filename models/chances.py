"""How likely each step from a path is: the network's scores, and what words and facts make of them.

A network sees keys, not the things reached; here keys are worth more that lead to what the question names.
"""

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np

from models import asked_nouns, expectations
from models.chains import ReadRequest
from models.episodes import INVERSE, MENTION, UNSAID_COST, Asked, Manner
from models.memory import FloatArray, IntArray
from models.named_kinds import keys_of_kind, keys_to_kind
from models.networks.path_inference import Glimpse
from models.paths import FURTHER_FACTS, SMALLEST, Path, Walker
from models.quantities import Quantities
from models.steps import Argument, BoolArray, LongArray

LEAST_WORTH = math.log(100)
"""A path this much (in log) behind the best one at its hop is given up."""
SURE = 0.8
"""With a step or an end as likely as this, no key out of reach is looked at."""
NEVER_LED_COST = np.float32(2.0)
"""How much less (in log) a relation is asked about that never leads to what is named, where another one does."""
MET_BONUS = np.float32(math.log(4))
"""How much more (in log) a condition is worth that some of the things reached meet."""
TO_KIND_BONUS = np.float32(math.log(4))
"""How much more (in log) a key is worth that leads to the kind of things that the question asks for."""
MEANT_BONUS = np.float32(math.log(10))
"""How much more (in log) a use is worth that the words leave little doubt of: *over 10 km* where one thing is in km."""
TIME_BONUS = np.float32(math.log(50))
"""How much more (in log) a use is worth that keeps things to the time that is all a question says of them."""
FAR_OFF_COST = np.float32(math.log(100))
"""How much less (in log) it is worth to compare with such a number, where another relation's values are nearer."""
SAID_BONUS = np.float32(math.log(10))
"""How much more (in log) a relation is worth of which a question has the verb: *who composed it*, of *composed by*."""
OTHER_KIND_COST = np.float32(math.log(30))
"""How much less (in log) it is worth to read what cannot be the answer: yes where *who* is asked."""
LEAST_BACK = 0.5
"""It is not asked whether what is less likely leads back."""
SURE_STEP = 0.9
"""A step as likely as this is the right one, even if the network goes back by it."""
_THINGS = re.compile(rf"(?:(?:list|show|name|give me|find|all|the|which|what) )*{MENTION} [a-z]{{3,}}(?<!s)s\W*", re.I)
"""Things and how they are: *easy walks*."""
LACKING_KEYS = 4
"""So many keys out of reach are looked at for one that things alike have, the best first."""
LEAST_LACKING = 0.001
"""What is less likely is not looked at."""


class Chances:
    """The chances of steps from the paths of one request."""

    def __init__(self, request: ReadRequest, walker: Walker) -> None:
        self._request = request
        self._walker = walker
        self._quantities = Quantities(request, walker)
        self._leading_to: dict[int, frozenset[int]] = {}
        self._words: dict[int, FloatArray | None] = {}

    def of_steps(
        self,
        hop: int,
        path: Path,
        scores: FloatArray,
        glimpse: Glimpse,
        ends: FloatArray,
        reach: IntArray,
        usable: Sequence[Manner],
    ) -> tuple[FloatArray, float]:
        """How likely each use of a key in reach is, manner by manner, and then each end; how likely one is lacking."""
        if Manner.READ in usable:
            scores = self._either_way(scores, glimpse.manners.index(Manner.READ), reach)
        logits = np.concatenate([*(scores[glimpse.manners.index(manner), reach] for manner in usable), ends])
        gains = np.zeros_like(logits)
        if Manner.KEEP in usable:
            first = usable.index(Manner.KEEP) * len(reach)
            keeps = slice(first, first + len(reach))
            can, gains[keeps] = self._fitness(path, reach)
            logits[keeps] = np.where(can, logits[keeps], -np.inf)
            meets = first + np.flatnonzero(gains[keeps] > 0)
        logits[self._meant(path, reach, usable)] += MEANT_BONUS
        logits[self._quantities.of_the_time(path, reach, usable)] += TIME_BONUS
        logits[self._of_other_kind(path, reach, usable)] -= OTHER_KIND_COST
        gains[self._quantities.of_no_clock(path, reach, usable)] -= OTHER_KIND_COST
        gains[self._quantities.far_off(path, reach, usable)] -= FAR_OFF_COST
        answers = None if path.asked is Asked.WHETHER else self._request.readings[path.reading].kind
        to_answers = self._to_kind(path, reach, usable, answers)
        to_classes = [self._to_kind(path, reach, usable, number) for number in self._walker.unmet(path, path.steps)]
        for uses in (to_answers, *to_classes):
            gains[uses] += TO_KIND_BONUS
        gains[: -len(ends)] += np.tile(self._said_done(path, reach), len(usable))
        told = self._told_by_words(path)
        if told is not None:
            gains[: -len(ends)] += np.tile(told[reach // 2], len(usable))
        if gains.any():
            logits = _gained(logits, gains, len(logits) - len(ends))
        chances = _softmax(logits)
        lacking = 0.0
        if Manner.READ in usable:
            reads = scores[glimpse.manners.index(Manner.READ)]
            reads = reads.copy() if told is None else reads + np.repeat(told, 2)
            lacking = self._lacking(path, reads, logits, reach)
        surest = max(chances[: -len(ends)].max(initial=0), chances[-1] if hop else 0)
        if Manner.READ in usable and surest < SURE:
            least = float(logits.max()) - LEAST_WORTH
            further = self._further(path, reach, scores[glimpse.manners.index(Manner.READ)] - UNSAID_COST, least)
            first = usable.index(Manner.READ) * len(reach)
            chances = _softmax(np.concatenate([logits, further]))
            chances[first : first + len(further)] += chances[len(logits) :]
            chances = chances[: len(logits)]
        instead_of = (self._quantities.given, self._quantities.exactly, self._passed_by)
        for at, instead in (moved for moves in instead_of for moved in moves(path, reach, usable)):
            moved = chances[at] * (1 - expectations.CONTRADICTED)
            shares = chances[instead] + SMALLEST
            chances[at] -= moved
            chances[instead] += moved * shares / shares.sum()
        if hop:
            led: list[IntArray | LongArray] = [self._unsaid(path, reach, usable), to_answers]
            if Manner.KEEP in usable and path.asked is not Asked.WHETHER:
                led.append(meets)
            self._share_with_end(chances, path, reach, usable, np.unique(np.concatenate(led)))
        return chances, lacking

    def _share_with_end(
        self, chances: FloatArray, path: Path, reach: IntArray, usable: Sequence[Manner], onward: LongArray
    ) -> None:
        """Give the end what leads away or back, and what leads on to what is asked for what the end has; in place.

        Where no word of the question is left, something fits.
        """
        if self._says_no_more(path):
            moved = chances[-2] * (1 - expectations.CONTRADICTED)
            chances[-2:] += [-moved, moved]
        away = np.empty(0, np.int64)
        if Manner.READ in usable and self._walker.is_there(path):
            flags = [self._request.keys.profiles[key].is_flag for key in reach.tolist()]
            away = np.flatnonzero(~np.array(flags)) + usable.index(Manner.READ) * len(reach)
        elif Manner.READ in usable:
            away = np.concatenate([self._away(path, reach, usable), self._back(path, reach, usable, chances)])
        if len(away):
            chances[-1] += chances[away].sum() * (1 - expectations.CONTRADICTED)
            chances[away] *= expectations.CONTRADICTED
        if len(onward):
            moved = chances[-1] * (1 - expectations.CONTRADICTED)
            chances[-1] -= moved
            shares = chances[onward] + SMALLEST
            chances[onward] += moved * shares / shares.sum()

    def _says_no_more(self, path: Path) -> bool:
        """Whether a question has no words but for what was read: *tickets assigned to Ann*."""
        last, text = path.steps[-1].use, self._request.readings[path.reading].text
        if len(path.steps) > 1 or last.manner is not Manner.READ or last.key % 2 != INVERSE or path.unused:
            return False
        return expectations.says_only(text, self._request.keys.labels[last.key // 2])

    def _either_way(self, scores: FloatArray, read: int, reach: IntArray) -> FloatArray:
        """Scores of which a relation that holds both ways has the better one, where it was written one way only."""
        keys = set(reach.tolist()) if self._walker.both_ways else set()
        alone = [key for key in keys if key // 2 in self._walker.both_ways and key ^ 1 not in keys]
        if not alone:
            return scores
        scores = scores.copy()
        for key in alone:
            scores[read, key] = scores[read, [key, key ^ 1]].max()
            scores[read, key ^ 1] = -np.inf
        return scores

    def _lacking(self, path: Path, reads: FloatArray, logits: FloatArray, reach: IntArray) -> float:
        """How likely a relation is meant that the things reached do not have and things like them do.

        Where Poland's capital is not told and Germany's is, its neighbour's is no answer. `reads` is what each key is
        worth, and is changed; `logits` what all is that can be done from here. Things are alike that have half of the
        relations, or to which half of those lead that lead to the others.
        """
        if path.start.is_everything or not len(reach):
            return 0.0
        beyond, inside = reads, float(np.logaddexp.reduce(logits))
        beyond[reach] = -np.inf
        own = reach[reach % 2 != INVERSE].tolist(), reach[reach % 2 == INVERSE].tolist()
        for _ in range(LACKING_KEYS):
            key = int(beyond.argmax())
            likely = math.exp(beyond[key] - np.logaddexp(inside, beyond[key]))
            if likely < LEAST_LACKING:
                break
            theirs = self._request.keys.profiles[key ^ 1].keys
            if any(keys and 2 * len(theirs.intersection(keys)) >= len(keys) for keys in own):
                return likely
            beyond[key] = -np.inf
        return 0.0

    def _said_done(self, path: Path, reach: IntArray) -> FloatArray:
        """What each key in reach gains (in log) by the words for what its relation says is done: *its composer*."""
        text, labels = self._request.readings[path.reading].text, self._request.keys.labels
        used = {step.use.key // 2 for step in path.steps}
        said = [key // 2 not in used and asked_nouns.says_done(text, labels[key // 2]) for key in reach.tolist()]
        return np.where(said, SAID_BONUS, np.float32(0))

    def _told_by_words(self, path: Path) -> FloatArray | None:
        """What the words of a path's reading say of each relation, in log; None where they say nothing."""
        if path.reading not in self._words:
            text = self._request.readings[path.reading].text
            told = expectations.of_relations(text, self._request.keys.labels)
            self._words[path.reading] = told if told.any() else None
        return self._words[path.reading]

    def _further(self, path: Path, reach: IntArray, beyond: FloatArray, least: float) -> FloatArray:
        """For each key in reach, what the best key is worth that comes in reach by it only; none where that is little.

        *Who looks after the lotus* needs the greenhouse, which it does not mention: nothing in reach fits, but the head
        gardener, whom the greenhouse leads to, does. `beyond` is what each key is worth out of reach.
        """
        beyond = beyond.copy()
        beyond[reach] = -np.inf
        if path.start.is_everything or path.reads + 1 >= self._request.max_hops or beyond.max() < least:
            return np.empty(0, np.float32)
        found = np.full(len(reach), -np.inf, np.float32)
        memory, some = self._request.memory, path.start.entities[:FURTHER_FACTS]
        led = [memory.facts_of(some, key, FURTHER_FACTS).targets for key in reach.tolist()]
        for at, (key, onward) in enumerate(zip(reach.tolist(), memory.keys_of_each(led), strict=True)):
            found[at] = beyond[onward[onward != key ^ 1]].max(initial=-np.inf)
        return found

    def _fitness(self, path: Path, reach: IntArray) -> tuple[BoolArray, FloatArray]:
        """Which keys in reach can be conditions, and what they gain or lose (in log), by what they lead to.

        Those that never lead to a name that no step has used yet keep nothing, which is no answer, but where the
        question is whether: there it is a doubtful no. Those that lead to one from where the path stands are likely
        meant.
        """
        names = [self._walker.argument(path, one) for one in path.unused]
        leads = np.array([any(self.may_lead(key, name) for name in names) for key in reach.tolist()], np.bool_)
        if path.asked is Asked.WHETHER:
            return np.ones_like(leads), np.where(leads.any() & ~leads, -NEVER_LED_COST, np.float32(0))
        memory, some = self._request.memory, path.start.entities[:FURTHER_FACTS]
        met = [keys_of_kind(memory, some, name.entities, FURTHER_FACTS) for name in names if name.quantity is None]
        return leads, np.where(np.isin(reach, np.concatenate([[], *met])), MET_BONUS, np.float32(0))

    def _meant(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> LongArray:
        """The uses, by place, that are meant though no word tells: how things are that follow, and what is measured."""
        found = self._quantities.meant(path, reach, usable)
        text = self._request.readings[path.reading].text
        if Manner.READ in usable and not path.steps and _THINGS.fullmatch(text) and (reach % 2 == INVERSE).all():
            found = np.concatenate([found, usable.index(Manner.READ) * len(reach) + np.arange(len(reach))])
        return found

    def _of_other_kind(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> LongArray:
        """Reads, by place, of what cannot be asked for: yes where it is *who*, a place where it is *how long*."""
        text, keys = self._request.readings[path.reading].text, self._request.keys
        if path.asked is Asked.WHETHER or Manner.READ not in usable or not expectations.asks(text):
            return np.empty(0, np.int64)
        found = self._quantities.tells_no_time(path, reach)
        if not path.steps:
            flags = [at for at, key in enumerate(reach.tolist()) if keys.profiles[key].is_flag]
            found[[at for at in flags if not asked_nouns.names(text, keys.labels[reach[at] // 2])]] = True
        return usable.index(Manner.READ) * len(reach) + np.flatnonzero(found)

    def may_lead(self, key: int, argument: Argument) -> bool:
        """Whether any fact of a key leads to what an argument names."""
        if argument.quantity is not None:
            return True
        keys = self._leading_to.get(id(argument))
        if keys is None:
            keys = frozenset((self._request.memory.keys_of(argument.entities) ^ 1).tolist())
            self._leading_to[id(argument)] = keys
        return key in keys

    def might_lead(self, key: int, argument: Argument) -> bool:
        """Whether a key leads to what an argument names, or to things that have most of its relations, too."""
        if self.may_lead(key, argument):
            return True
        memory = self._request.memory
        own = memory.keys_of(argument.entities)
        own = own[own % 2 != INVERSE] if (own % 2 != INVERSE).any() else own
        return bool(2 * np.isin(own, memory.keys_of(memory.holders(key ^ 1, FURTHER_FACTS))).sum() >= len(own))

    def _passed_by(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> Iterator[tuple[int, LongArray]]:
        """Keeps by keys that lead to nothing like what is named, by place, and reads by them, where one beyond does.

        Whether a ship has a British captain is no question of captains called British: it is one of theirs.
        """
        can_read = Manner.READ in usable and path.reads < self._request.max_hops
        if path.asked is not Asked.WHETHER or Manner.KEEP not in usable or not can_read or path.start.is_everything:
            return
        names = [self._walker.argument(path, one) for one in path.unused]
        memory, some = self._request.memory, path.start.entities[:FURTHER_FACTS]
        for at, key in enumerate(reach.tolist()):
            if any(self.might_lead(key, name) for name in names):
                continue
            beyond = memory.keys_of(memory.facts_of(some, key, FURTHER_FACTS).targets).tolist()
            if any(self.may_lead(one, name) for one in beyond if one != key ^ 1 for name in names):
                keep, read = (usable.index(manner) * len(reach) + at for manner in (Manner.KEEP, Manner.READ))
                yield keep, np.array([read])

    def _away(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> LongArray:
        """The uses, by place, that lead from what the question asks for by name to what has it: *which town* has it."""
        if path.asked is Asked.WHETHER or Manner.READ not in usable:
            return np.empty(0, np.int64)
        keys = [2 * relation + INVERSE for relation in self._walker.wanted(path)]
        if not keys:
            return np.empty(0, np.int64)
        return np.flatnonzero(np.isin(reach, keys)) + usable.index(Manner.READ) * len(reach)

    def _back(self, path: Path, reach: IntArray, usable: Sequence[Manner], chances: FloatArray) -> LongArray:
        """The read, by place, back to the topic, which is no answer, where the step from it is sure or it is a value.

        *Of moderate difficulty* wants no difficulty, *patients whom she looks after* not her. Nor does a relation that
        holds both ways lead on by its other way: whose border Denmark shares is whom it has one with.
        """
        topics, last = self._request.readings[path.reading].topics, path.steps[-1].use
        found = np.flatnonzero(reach == last.key ^ 1) + usable.index(Manner.READ) * len(reach)
        if len(path.steps) > 1 or last.manner is not Manner.READ or not len(found) or chances[found[0]] < LEAST_BACK:
            return np.empty(0, np.int64)
        if last.key // 2 in self._walker.both_ways and last.key % 2 != INVERSE:
            return found
        memory = self._request.memory
        led = memory.facts_of(path.start.entities[:FURTHER_FACTS], last.key ^ 1, FURTHER_FACTS).targets
        is_meant = last.probability >= SURE_STEP or (memory.keys_of(topics) % 2 == INVERSE).all()
        return found if is_meant and np.isin(led, topics).all() else np.empty(0, np.int64)

    def _unsaid(self, path: Path, reach: IntArray, usable: Sequence[Manner]) -> IntArray:
        """The uses, by place, that lead on from a path to what the question asks for by name, where it is not there."""
        wanted = self._walker.wanted(path)
        if not wanted:
            return np.empty(0, np.int32)
        is_used = any(step.use.key // 2 in wanted for step in path.steps)
        is_there = any(key % 2 == INVERSE and key // 2 in wanted for key in reach.tolist())
        if is_used or is_there or path.reads == self._request.max_hops or Manner.READ not in usable:
            return np.empty(0, np.int32)
        onward = [at for at, key in enumerate(reach.tolist()) if key % 2 != INVERSE and key // 2 in wanted]
        return np.array(onward, np.int32) + usable.index(Manner.READ) * len(reach)

    def _to_kind(self, path: Path, reach: IntArray, usable: Sequence[Manner], number: int | None) -> IntArray:
        """The uses, by place, that lead from a path to things of a kind that is named, where it is at none."""
        if number is None or path.reads == self._request.max_hops or Manner.READ not in usable:
            return np.empty(0, np.int32)
        kind, some = self._walker.argument(path, number).entities, path.start.entities[:FURTHER_FACTS]
        onward = keys_to_kind(self._request.memory, some, reach, kind, FURTHER_FACTS)
        if path.steps:
            onward = onward[reach[onward] != path.steps[-1].use.key ^ 1]
        return onward + usable.index(Manner.READ) * len(reach)


def _gained(logits: FloatArray, gains: FloatArray, rejected: int) -> FloatArray:
    """Logits with what words and facts make of them; whether nothing fits is left to the network.

    `rejected` is the place of that: it stays as likely, however much more the others are worth.
    """
    gained = logits + gains
    others = np.isfinite(logits)
    others[rejected] = False
    if others.any():
        gained[rejected] += np.logaddexp.reduce(gained[others]) - np.logaddexp.reduce(logits[others])
    return gained


def _softmax(logits: FloatArray) -> FloatArray:
    shifted = np.exp(logits - logits.max())
    shares: FloatArray = shifted / shifted.sum()
    return shares
