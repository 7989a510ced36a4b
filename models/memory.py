"""The memory that a reader hops over: what it must offer, and one that lives in dictionaries.

`kb.view.KnowledgeView` is the memory of the service; `TripleMemory` serves training, offline evaluation and tests.
A key is `2 * relation + direction`, 0 forward (subject to object) and 1 inverse.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.episodes import FORWARD
from models.kinds import Kind, kinds_of_keys

IntArray = NDArray[np.int32]
FloatArray = NDArray[np.float32]


class Hop(Protocol):
    """Where one hop leads: distinct entities in first-fact order, each with the summed weight of its sources."""

    @property
    def entities(self) -> IntArray:
        """Positions of the entities reached."""
        ...

    @property
    def weights(self) -> FloatArray:
        """One weight an entity."""
        ...

    @property
    def facts(self) -> IntArray:
        """The first fact that led to each entity, by its position in the memory."""
        ...

    @property
    def facts_read(self) -> int:
        """How many facts were looked at, at most the budget."""
        ...


class KeyValueMemory(Protocol):
    """Facts addressed by (entity, key)."""

    def keys_of(self, entities: IntArray) -> IntArray:
        """Distinct keys in reach of the entities, sorted."""
        ...

    def follow(self, entities: IntArray, weights: FloatArray, key: int, budget: int) -> Hop:
        """Move weight along the facts of `key`, reading at most `budget` facts."""
        ...


class HopRead(NamedTuple):
    """A `Hop` as a value."""

    entities: IntArray
    weights: FloatArray
    facts: IntArray
    facts_read: int


class TripleMemory:
    """A memory over labelled triples, held in dictionaries."""

    def __init__(self, triples: Iterable[tuple[str, str, str]]) -> None:
        self.labels: list[str] = []
        self.positions: dict[str, int] = {}
        relations: dict[str, int] = {}
        facts: list[dict[int, dict[int, int]]] = []
        for at, (subject, relation, value) in enumerate(triples):
            number = relations.setdefault(relation, len(relations))
            start, end = self._position(subject, facts), self._position(value, facts)
            facts[start].setdefault(2 * number, {}).setdefault(end, at)
            facts[end].setdefault(2 * number + 1, {}).setdefault(start, at)
        self.relation_labels: tuple[str, ...] = tuple(relations)
        self._facts = [
            {key: np.array([*targets.items()], np.int32) for key, targets in sorted(keys.items())} for keys in facts
        ]

    def _position(self, label: str, facts: list[dict[int, dict[int, int]]]) -> int:
        if label not in self.positions:
            self.positions[label] = len(self.labels)
            self.labels.append(label)
            facts.append({})
        return self.positions[label]

    def kinds(self) -> list[Kind]:
        """Kind of what each key leads to."""
        facts = (
            (self.labels[subject], key // 2, self.labels[rows[0, 0]])
            for subject, keys in enumerate(self._facts)
            for key, rows in keys.items()
            if key % 2 == FORWARD
        )
        return kinds_of_keys(facts, len(self.relation_labels))

    def entities(self, labels: Sequence[str]) -> IntArray:
        """Positions of entities by label; raises KeyError for one that is not there."""
        return np.array([self.positions[label] for label in labels], np.int32)

    def keys_of(self, entities: IntArray) -> IntArray:
        """Distinct keys in reach of the entities, sorted."""
        keys: set[int] = set()
        for entity in entities.tolist():
            keys.update(self._facts[entity])
        return np.array(sorted(keys), np.int32)

    def follow(self, entities: IntArray, weights: FloatArray, key: int, budget: int) -> HopRead:
        """Move weight along the facts of `key`, reading at most `budget` facts."""
        reached: dict[int, float] = {}
        facts: dict[int, int] = {}
        facts_read = 0
        for entity, weight in zip(entities.tolist(), weights.tolist(), strict=True):
            targets = self._facts[entity].get(key)
            if targets is None:
                continue
            for target, fact in targets[: budget - facts_read].tolist():
                reached[target] = reached.get(target, 0.0) + weight
                facts[target] = min(fact, facts.get(target, fact))
            facts_read = min(budget, facts_read + len(targets))
        count = len(reached)
        return HopRead(
            np.fromiter(reached, np.int32, count),
            np.fromiter(reached.values(), np.float32, count),
            np.fromiter(facts.values(), np.int32, count),
            facts_read,
        )
