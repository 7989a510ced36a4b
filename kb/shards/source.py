"""A generation as a view reads it, from shards."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from kb.generations import Generation
from kb.graph import FloatArray, IntArray, LongArray
from kb.shards.calls import Call, Calls, Shards
from kb.shards.cuts import Cuts
from kb.shards.entities import ShardedEntities
from kb.shards.graph import ShardedGraph
from kb.shards.names import ShardedNames, ShardedTypos
from kb.shards.shard import Shard
from kb.source import NO_PLACES, Fact, Sampler


class ShardedSource:
    """What shards hold; where one of them does not answer in time, its range is read from `base`."""

    def __init__(self, base: Generation, shards: Shards, num_shards: int) -> None:
        self._calls = calls = Calls(shards, Shard(base, num_shards), Cuts.of(base, num_shards))
        self._relations = base.graph.relations
        self._sampler = Sampler(base.graph.relations)
        self._entities = ShardedEntities(calls)
        self.graph = ShardedGraph(calls, self._entities, base.graph.num_triples, base.graph.num_keys)
        self.names = ShardedNames(calls, self._entities, len(base.entity_ids))
        self.typos = ShardedTypos(calls)

    def expect(self, entities: IntArray, triples: IntArray = NO_PLACES) -> None:
        """Ask for what will be asked for, all at once."""
        self._entities.expect(entities, triples)

    def entity_id(self, entity: int) -> int:
        """The SQL id of an entity."""
        return self._entities.card(entity).id

    def label(self, entity: int) -> str:
        """The label of an entity."""
        return self._entities.card(entity).label

    def is_literal(self, entity: int) -> bool:
        """Whether an entity is a value, not a thing."""
        return self._entities.card(entity).is_literal

    def fact(self, triple: int) -> Fact:
        """The fact at a triple position."""
        return self._entities.fact(triple)

    def nearest(self, vector: FloatArray, k: int, excluded: LongArray) -> list[tuple[int, float]]:
        """SQL ids of the k facts whose vectors are nearest to a unit vector, and their inner products."""
        found = [pair for part in self._calls.each("nearest", vector, k, excluded) for pair in part]
        return sorted(found, key=lambda pair: -pair[1])[:k]

    def relation_counts(self) -> LongArray:
        """The number of facts of each relation."""
        counts: LongArray = self._counts.sum(axis=0)
        return counts

    @cached_property
    def _counts(self) -> LongArray:
        """The number of facts of each relation at each shard."""
        return np.stack(self._calls.each("relation_counts"))

    def sampled(self, picks: Sequence[LongArray], deleted: LongArray) -> tuple[IntArray, IntArray]:
        """Subjects and objects of some facts of each relation, by their place among those that are not deleted."""
        return self._sampler.sampled(self._drawn, picks, deleted)

    def _drawn(self, picks: Sequence[LongArray], deleted: LongArray) -> tuple[IntArray, IntArray]:
        relations = np.repeat(np.arange(len(picks)), [len(one) for one in picks])
        ranks = np.concatenate([*picks, np.empty(0, np.int64)])
        parts = np.split(deleted, deleted.searchsorted(self._calls.cuts.triples[1:-1]))
        num_relations = self._counts.shape[1]
        lost = np.stack([np.bincount(self._relations[part], minlength=num_relations) for part in parts])
        counts = self._counts - lost
        ends = np.cumsum(counts, axis=0)
        shards = (ranks >= ends[:, relations]).sum(axis=0)
        ranks = ranks - (ends - counts)[shards, relations]
        calls = [
            Call(
                shard,
                "sampled",
                (shard, [ranks[(shards == shard) & (relations == one)] for one in range(len(picks))], deleted),
            )
            for shard in np.unique(shards).tolist()
        ]
        subjects, objects = np.empty(len(ranks), np.int32), np.empty(len(ranks), np.int32)
        for call, found in zip(calls, self._calls.ask(calls), strict=True):
            subjects[shards == call.shard], objects[shards == call.shard] = found
        return subjects, objects
