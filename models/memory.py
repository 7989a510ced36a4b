"""The memory that a reader hops over: what it must offer, and one that lives in dictionaries.

`kb.view.KnowledgeView` is the memory of the service; `TripleMemory` serves training, offline evaluation and tests.
A key is `2 * relation + direction`, 0 forward (subject to object) and 1 inverse.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

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


class Facts(Protocol):
    """Facts of one key at some entities, one row a fact."""

    @property
    def owners(self) -> NDArray[np.int64]:
        """Which of the entities each fact belongs to, by its place."""
        ...

    @property
    def targets(self) -> IntArray:
        """Where each fact leads."""
        ...

    @property
    def triples(self) -> IntArray:
        """The position of each fact in the memory."""
        ...


class KeyValueMemory(Protocol):
    """Facts addressed by (entity, key)."""

    def keys_of(self, entities: IntArray) -> IntArray:
        """Distinct keys in reach of the entities, sorted."""
        ...

    def keys_of_each(self, sets: Sequence[IntArray]) -> list[IntArray]:
        """The distinct keys in reach of each set of entities."""
        ...

    def follow(self, entities: IntArray, weights: FloatArray, key: int, budget: int) -> Hop:
        """Move weight along the facts of `key`, reading at most `budget` facts."""
        ...

    def facts_of(self, entities: IntArray, key: int, budget: int) -> Facts:
        """The facts of `key` at the entities, at most `budget` of them."""
        ...

    def holders(self, key: int, most: int | None = None) -> IntArray:
        """Entities that have facts of `key`, sorted: all, or at least the first `most`."""
        ...

    def label(self, position: int) -> str:
        """The label of an entity."""
        ...

    def labels_of(self, positions: IntArray) -> list[str]:
        """The labels of entities."""
        ...


class HopRead(NamedTuple):
    """A `Hop` as a value."""

    entities: IntArray
    weights: FloatArray
    facts: IntArray
    facts_read: int


class FactRows(NamedTuple):
    """`Facts` as a value."""

    owners: NDArray[np.int64]
    targets: IntArray
    triples: IntArray


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

    def key_samples(self, limit: int) -> list[IntArray]:
        """For each key, at most `limit` entities that it leads to, spread over its facts."""
        led: list[list[int]] = [[] for _ in range(2 * len(self.relation_labels))]
        for keys in self._facts:
            for key, rows in keys.items():
                led[key] += rows[:, 0].tolist()
        return [
            np.array(targets, np.int32)[np.linspace(0, len(targets) - 1, min(limit, len(targets))).astype(np.int64)]
            for targets in led
        ]

    def entities(self, labels: Sequence[str]) -> IntArray:
        """Positions of entities by label; raises KeyError for one that is not there."""
        return np.array([self.positions[label] for label in labels], np.int32)

    def keys_of(self, entities: IntArray) -> IntArray:
        """Distinct keys in reach of the entities, sorted."""
        keys: set[int] = set()
        for entity in entities.tolist():
            keys.update(self._facts[entity])
        return np.array(sorted(keys), np.int32)

    def keys_of_each(self, sets: Sequence[IntArray]) -> list[IntArray]:
        """The distinct keys in reach of each set of entities."""
        return [self.keys_of(entities) for entities in sets]

    def label(self, position: int) -> str:
        """The label of an entity."""
        return self.labels[position]

    def labels_of(self, positions: IntArray) -> list[str]:
        """The labels of entities."""
        return [self.labels[position] for position in positions.tolist()]

    def holders(self, key: int, most: int | None = None) -> IntArray:
        """All entities that have facts of `key`, sorted."""
        return np.array([entity for entity, keys in enumerate(self._facts) if key in keys], np.int32)

    def facts_of(self, entities: IntArray, key: int, budget: int) -> FactRows:
        """The facts of `key` at the entities, at most `budget` of them."""
        rows = [
            (owner, target, fact)
            for owner, entity in enumerate(entities.tolist())
            for target, fact in self._facts[entity].get(key, np.empty((0, 2), np.int32)).tolist()
        ]
        owners, targets, facts = np.array(rows[:budget], np.int64).reshape(-1, 3).T
        return FactRows(owners, targets.astype(np.int32), facts.astype(np.int32))

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
