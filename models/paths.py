"""Paths over a memory for one question: where they stand, and where a step takes them.

A step that the network chooses is followed; what the facts say of the kinds and places that the question names is added
to it (`models.named_kinds`). Knows no scores.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models import asked_nouns, expectations, kinship, units
from models.chains import ReadRequest, Step, Use
from models.episodes import INVERSE, Asked, Manner
from models.memory import FloatArray, Hop, IntArray
from models.named_kinds import is_any_of_kind, keep_to_kind
from models.patterns import begins
from models.steps import Argument, Start, Stepper, both_ways
from models.texts import Pieces

NUM_ALTERNATIVES = 5
FILTERS = (Manner.KEEP, Manner.ABOVE, Manner.BELOW)
FEW_TOPICS = 8
SMALLEST = 1e-30
FURTHER_FACTS = 50
"""Of more facts, not all are asked where they lead."""
OTHER_FACTS = 2
"""With so many relations that nobody in a role has, somebody is not in it."""
MOST_WITHIN = 3
"""So often what something lies in is looked for: a street in a town in a country."""
_SEVERAL_ROLES = begins("(?:which|what) [a-z]+(?:,| and| or)")


@dataclass(frozen=True, slots=True)
class Path:
    """A live path of the search: where it stands, and what it is worth."""

    reading: int
    text: Pieces
    start: Start
    steps: tuple[Step, ...]
    asked: Asked
    unused: tuple[int, ...]  # numbers of the arguments that no step has used
    reads: int
    log_probability: float
    rejected: float
    lacking: float = 0.0
    parent: int = 0  # its row in the last look


@dataclass(frozen=True, slots=True)
class Candidate:
    """A step that a path may take next."""

    path: Path
    row: int  # the path's row in this look
    use: Use
    argument: int | None
    worth: float
    ranked: tuple[Use, ...]
    rejected: float


class Walker:
    """Moves paths over the memory of one request; with `mask_topic`, no later read comes back to a topic."""

    def __init__(self, request: ReadRequest, *, mask_topic: bool) -> None:
        labels = request.keys.labels
        self.units = units.of_relations(labels)
        self.both_ways = both_ways(labels)
        self.stepper = Stepper(request.memory, request.keys.kinds, request.budget, self.both_ways, self.units)
        self._request = request
        self._mask_topic = mask_topic
        self._wanted: dict[tuple[int, bool], frozenset[int]] = {}

    def reach(self, path: Path) -> IntArray:
        """The keys at the entities of a path; all of a path that starts from everything."""
        if path.start.is_everything:
            return np.arange(len(self._request.keys.kinds), dtype=np.int32)
        return self._request.memory.keys_of(path.start.entities)

    def argument(self, path: Path, number: int) -> Argument:
        """An argument of a path's reading, by its number."""
        return self._request.readings[path.reading].arguments[number]

    def wanted(self, path: Path, *, of_all: bool = False) -> frozenset[int]:
        """The relations that a path's reading asks for by name; `of_all`, those that lead to all there is of it."""
        if (path.reading, of_all) not in self._wanted:
            text = self._request.readings[path.reading].text
            keys = self._request.keys
            self._wanted[path.reading, of_all] = asked_nouns.wanted(text, keys.labels, keys.called, of_all=of_all)
        return self._wanted[path.reading, of_all]

    def is_there(self, path: Path) -> bool:
        """Whether a path stands at things that its reading asks for by the noun of their names: *which orders*."""
        if path.asked is Asked.WHETHER:
            return False
        nouns = asked_nouns.nouns(self._request.readings[path.reading].text)
        labels = self._request.memory.labels_of(path.start.entities[:FEW_TOPICS]) if nouns else []
        words = [label.lower().split() for label in labels]
        return len(words) > 1 and any(
            all(len(one) > 1 and noun in (one[0], one[-1]) for one in words) for noun in nouns
        )

    def follow(self, hop: int, candidate: Candidate, attention: FloatArray) -> Path | None:
        """Take a step; None where that leads nowhere."""
        path, use = candidate.path, candidate.use
        argument = None if candidate.argument is None else self.argument(path, candidate.argument)
        reached = self.stepper.take(path.start, use.key, use.manner, argument, use.beside)
        if reached is None:
            return None
        entities, weights, facts = reached.entities, reached.weights, reached.facts
        if hop > 0 and self._mask_topic and use.manner is Manner.READ:
            kept = _without(entities, self._left_out(path, use))
            entities, weights, facts = entities[kept], weights[kept], facts[kept]
        if not len(entities) and not self._is_denied(path, use, argument):
            return None
        weights = weights / max(weights.sum(), SMALLEST)
        others = tuple(other for other in candidate.ranked if other is not use)[:NUM_ALTERNATIVES]
        step = Step(
            use=use,
            argument=candidate.argument,
            by_count=self.stepper.compares_counts(use.key, use.manner),
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
            log_probability=path.log_probability + log_of(use.probability),
            rejected=candidate.rejected,
        )
        return self._kept_to_classes(moved) if len(entities) else self._within(path, moved)

    def _left_out(self, path: Path, use: Use) -> IntArray:
        """What a later read does not come back to: the topics, and who is no sibling of their own.

        Those are whom a path came from, where it is at their parents and goes on to the children of these.
        """
        reading, labels = self._request.readings[path.reading], self._request.keys.labels
        last = next((at for at in range(len(path.steps) - 1, 0, -1) if path.steps[at].use.manner is Manner.READ), 0)
        if not reading.is_of_siblings or not last or not kinship.are_siblings(labels, path.steps[last].key, use.key):
            return reading.topics
        return np.union1d(reading.topics, path.steps[last - 1].entities).astype(np.int32)

    def _is_denied(self, path: Path, use: Use, argument: Argument | None) -> bool:
        """Whether an empty step says no: the facts of its subject's relation are known, and are others."""
        if path.asked is not Asked.WHETHER or argument is None:
            return False
        if use.manner is Manner.KEEP and use.key % 2 == INVERSE:
            facts = self._request.memory.facts_of(argument.entities, use.key ^ 1, 1)
            return len(facts.targets) > 0
        return True

    def _within(self, path: Path, denied: Path) -> Path:
        """A denied path, or that through what lies in what it asks for: born in Pune is born in India."""
        last, containing = denied.steps[-1], expectations.containing(self._request.keys.labels)
        if last.use.manner is not Manner.KEEP or last.argument is None:
            return denied
        argument, likely = self.argument(path, last.argument), last.use.probability
        moved, key = path, last.key
        for _ in range(min(MOST_WITHIN, self._request.max_hops - path.reads)):
            reached = self.stepper.take(moved.start, key, Manner.READ, None)
            if reached is None or not len(reached.entities):
                return denied
            moved = _moved(moved, last, Use(key, Manner.READ, likely), None, reached)
            onward = [one for one in self.reach(moved).tolist() if one % 2 != INVERSE and one // 2 in containing]
            for one in onward:
                kept = self.stepper.take(moved.start, one, Manner.KEEP, argument)
                if kept is not None and len(kept.entities):
                    moved = _moved(moved, last, Use(one, Manner.KEEP, likely), last.argument, kept)
                    # all hops spent: the question is answered, unless it names more
                    return replace(denied, start=moved.start, steps=moved.steps, reads=self._request.max_hops)
            if not onward:
                return denied
            key = onward[0]
        return denied

    def kept_to_kind(self, path: Path) -> tuple[Path, float]:
        """A path kept to what the question says that its answers are, and its worth: less where none are that."""
        reading = self._request.readings[path.reading]
        number = reading.kind if path.asked is not Asked.WHETHER or reading.is_kind_of_people else None
        if number is None or not len(path.start.entities):
            return self._kept_to_role(path), 1.0
        kept = self._kept(path, number)
        return (kept, 1.0) if kept else (path, expectations.CONTRADICTED)

    def _kept_to_role(self, path: Path) -> Path:
        """A path kept to those of its people who are what the question asks for by name: *which directors were born*.

        Those are left out who are something else by other facts: such as lead to them, or as none in the role has.
        """
        text = self._request.readings[path.reading].text
        if path.asked is Asked.WHETHER or len(path.start.entities) < 2 or _SEVERAL_ROLES.match(text):
            return path
        labels = self._request.keys.labels
        wanted = self.wanted(path, of_all=True)
        roles = [one for one in wanted if expectations.is_role(labels[one]) or asked_nouns.doers(labels[one])]
        if len(roles) != 1 or any(step.use.key // 2 in roles for step in path.steps):
            return path
        key = 2 * roles[0] + INVERSE
        has_it = self.stepper.having(path.start, key)
        others = path.start.entities[~np.isin(path.start.entities, has_it.entities)]
        if not len(others) or not len(has_it.entities):
            return path
        memory = self._request.memory
        theirs = memory.keys_of(memory.holders(key, FURTHER_FACTS))
        is_else = [
            (keys % 2 == INVERSE).any() or (~np.isin(keys, theirs)).sum() >= OTHER_FACTS
            for keys in memory.keys_of_each(np.split(others, len(others)))
        ]
        if not all(is_else):
            return path
        last = path.steps[-1]
        return _moved(path, last, Use(key, Manner.KEEP, last.use.probability), None, has_it)

    def _kept_to_classes(self, path: Path) -> Path:
        """A path kept to the things of each class that it has to pass through and comes to for the first time."""
        for number in self.unmet(path, path.steps[:-1]):
            path = self._kept(path, number) or path
        return path

    def _kept(self, path: Path, number: int) -> Path | None:
        """A path kept to those of its things that a kind named in the question means; None where none are that."""
        found = keep_to_kind(self._request.memory, self.stepper, path.start, self.argument(path, number))
        if found is None:
            return None
        key, hop = found
        if len(hop.entities) == len(path.start.entities):
            return path
        last = path.steps[-1]
        return _moved(path, last, Use(key, Manner.KEEP, last.use.probability), number, hop)

    def unmet(self, path: Path, steps: Sequence[Step]) -> list[int]:
        """The classes that a path has to pass through and has not come to by these of its steps."""
        return [
            number for number in self._request.readings[path.reading].classes if not self._meets(path, steps, number)
        ]

    def _meets(self, path: Path, steps: Sequence[Step], number: int) -> bool:
        kind, memory = self.argument(path, number).entities, self._request.memory
        places = [self._request.readings[path.reading].topics, *(step.entities for step in steps)]
        return any(is_any_of_kind(memory, entities[:FURTHER_FACTS], kind, FURTHER_FACTS) for entities in places)


def log_of(chance: float) -> float:
    """The logarithm of a chance that may be 0."""
    return math.log(max(chance, SMALLEST))


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


def _without(entities: IntArray, topics: IntArray) -> NDArray[np.bool_]:
    """Which entities are none of the topics."""
    if len(topics) > FEW_TOPICS:
        return ~np.isin(entities, topics)
    kept = np.ones(len(entities), np.bool_)
    for topic in topics.tolist():
        kept &= entities != topic
    return kept
