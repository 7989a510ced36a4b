"""What a shard does: it reads one range of a generation for whom it is asked by, many things at a time.

The generation is mapped whole, but a shard is asked about its own range only, so that range alone comes into memory.
Pure over files: knows no network.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.generations import Generation
from kb.graph import FloatArray, IntArray, LongArray, Rows, expand
from kb.names import MAX_POSTINGS, HashArray
from kb.shards.cuts import Cuts, ranges
from kb.source import Fact, Whole

_PAGE = 4096


class Cards(NamedTuple):
    """What is known of entities, beside their facts."""

    ids: LongArray
    literals: NDArray[np.bool_]
    degrees: LongArray
    labels: list[str]


class Around(NamedTuple):
    """The groups of facts of some entities, one entity after the other; the facts themselves where they are few."""

    owners: LongArray
    """The place of each group's entity among the entities."""
    groups: LongArray
    keys: LongArray
    sizes: LongArray
    targets: IntArray | None
    triples: IntArray | None


class Shard:
    """Reads a generation; what is asked of a range takes the shard's number first."""

    def __init__(self, base: Generation, num_shards: int) -> None:
        self._base = base
        self._whole = Whole(base)
        self._cuts = Cuts.of(base, num_shards)

    def answer(self, verb: str, arguments: Sequence[object]) -> object:
        """What one of the other methods gives."""
        return getattr(self, verb)(*arguments)

    # Entities and facts by position -------------------------------------------------------------------------------

    def cards(self, entities: IntArray) -> Cards:
        """What is known of entities."""
        base = self._base
        low = entities.astype(np.int64) * base.graph.num_keys
        starts = base.graph.starts
        first, last = (starts[base.graph.codes.searchsorted(code)] for code in (low, low + base.graph.num_keys))
        return Cards(base.entity_ids[entities], base.literals[entities], last - first, self.labels(entities))

    def labels(self, entities: IntArray) -> list[str]:
        """The labels of entities."""
        return [self._base.labels[entity] for entity in entities.tolist()]

    def facts(self, triples: IntArray) -> list[Fact]:
        """The facts at triple positions."""
        return [self._whole.fact(triple) for triple in triples.tolist()]

    def around(self, entities: IntArray, most: int) -> Around:
        """The groups of entities; with their facts, if there are `most` of them or fewer."""
        graph = self._base.graph
        low = entities.astype(np.int64) * graph.num_keys
        first, last = graph.codes.searchsorted(low), graph.codes.searchsorted(low + graph.num_keys)
        owners = np.repeat(np.arange(len(entities)), last - first)
        groups = expand(first, last)
        sizes = graph.sizes(groups)
        if sizes.sum() > most:
            return Around(owners, groups, graph.keys(groups), sizes, None, None)
        rows = graph.read(groups, most)
        return Around(owners, groups, graph.keys(groups), sizes, rows.targets, rows.triples)

    def rows(self, entities: IntArray, key: int, budget: int) -> tuple[Rows, int]:
        """The facts of a key at the entities, at most `budget` of them, and how many there are."""
        return self._base.graph.rows(entities, key, budget)

    # All of a range -----------------------------------------------------------------------------------------------

    def holders(self, shard: int, key: int, most: int) -> tuple[LongArray, IntArray]:
        """The first groups of a key, and their entities."""
        return self._base.graph.holders(key, most, *ranges(self._cuts.groups)[shard])

    def relation_counts(self, shard: int) -> LongArray:
        """The number of facts of each relation."""
        return self._base.graph.relation_counts(*ranges(self._cuts.triples)[shard])

    def sampled(self, shard: int, picks: Sequence[LongArray], deleted: LongArray) -> tuple[IntArray, IntArray]:
        """Subjects and objects of some facts of each relation, by their place among those left of the range."""
        return self._base.graph.sampled(picks, *ranges(self._cuts.triples)[shard], deleted)

    def nearest(self, shard: int, vector: FloatArray, k: int, excluded: LongArray) -> list[tuple[int, float]]:
        """SQL ids of the k facts nearest to a unit vector, and their inner products."""
        ids = self._base.triple_ids
        first, last = ranges(self._cuts.triples)[shard]
        if first == last:
            return []
        return self._base.facts.nearest(vector, k, excluded, (int(ids[first]), int(ids[last - 1]) + 1))

    # Names --------------------------------------------------------------------------------------------------------

    def find(self, hashes: HashArray, limit: int) -> list[tuple[int, int]]:
        """Pairs of a place in `hashes` and the number of a name with that hash, at most `limit` names a hash."""
        return list(self._base.names.find(hashes, limit))

    def are_heads(self, hashes: HashArray) -> NDArray[np.bool_]:
        """Which hashes are those of the first words of longer names."""
        return self._base.names.are_heads(hashes)

    def aliases(self, places: LongArray) -> tuple[IntArray, list[str]]:
        """Entities and texts of aliases."""
        names = self._base.names
        return names.alias_entities[places], [names.aliases[place] for place in places.tolist()]

    def forms(self, hashes: HashArray) -> tuple[LongArray, LongArray]:
        """Pairs of a place in `hashes` and a word that has that hash, whole or with a letter left out."""
        return self._base.typos.matches(hashes)

    def postings(self, words: LongArray) -> tuple[LongArray, list[IntArray]]:
        """In how many names each word is, and their numbers, none for a word in very many."""
        sizes = self._base.typos.sizes(words)
        starts, names = self._base.typos.starts, self._base.typos.names
        few = np.where(sizes <= MAX_POSTINGS, sizes, 0).tolist()
        return sizes, [names[start : start + size] for start, size in zip(starts[words].tolist(), few, strict=True)]

    # Memory -------------------------------------------------------------------------------------------------------

    def load(self, shard: int) -> int:
        """Read every page of a range, so that it is in memory when it is asked for; the number of bytes."""
        return sum(_load(array) for array in self._of(shard))

    def _of(self, shard: int) -> list[NDArray[np.generic]]:
        base, cuts = self._base, self._cuts
        graph, names, typos = base.graph, base.names, base.typos
        first, last = ranges(cuts.groups)[shard]
        facts = slice(int(graph.starts[first]), int(graph.starts[last]))
        entities, triples, aliases, words = (
            slice(*ranges(bounds)[shard]) for bounds in (cuts.entities, cuts.triples, cuts.aliases, cuts.words)
        )
        found: list[NDArray[np.generic]] = [graph.codes[first:last], graph.starts[first : last + 1]]
        found += [array[facts] for array in (graph.targets, graph.triples)]
        found += [array[triples] for array in (graph.subjects, graph.relations, graph.objects)]
        found += [array[triples] for array in (base.triple_ids, base.triple_sources)]
        found += [base.entity_ids[entities], base.literals[entities], names.alias_entities[aliases]]
        for table, numbers in ((base.labels, entities), (names.aliases, aliases)):
            offsets = table.offsets[numbers.start : numbers.stop + 1]
            found += [offsets, table.blob[int(offsets[0]) : int(offsets[-1])]]
        found += [typos.words[words], typos.starts[words.start : words.stop + 1]]
        found.append(typos.names[int(typos.starts[words.start]) : int(typos.starts[words.stop])])
        for keys, values in (
            (names.hashes, names.numbers),
            (names.heads, None),
            (typos.shortened, typos.shortened_words),
        ):
            bounds = [0, *keys.searchsorted(cuts.hashes).tolist(), len(keys)]
            found += [array[bounds[shard] : bounds[shard + 1]] for array in (keys, values) if array is not None]
        return found


def _load(array: NDArray[np.generic]) -> int:
    """Touch every page of an array."""
    if len(array):
        array.view(np.uint8)[::_PAGE].sum()
    return array.nbytes
