"""Where a generation is cut into shards: ranges of its arrays, equal in facts, names and words.

Every array of a generation is sorted by what it is looked up by. So a shard is a range of each, needs no files of its
own, and any process that maps the generation can stand in for any shard.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kb.generations import Generation
from kb.graph import LongArray
from kb.names import HashArray


@dataclass(frozen=True)
class Cuts:
    """Bounds of the shards, `num_shards` + 1 of each, but `hashes`, which has those between the shards."""

    entities: LongArray
    groups: LongArray
    triples: LongArray
    aliases: LongArray
    words: LongArray
    hashes: HashArray

    @classmethod
    def of(cls, base: Generation, num_shards: int) -> "Cuts":
        """Equal shards: of the facts at entities, of the triples, of the hashes; the rest follows from these."""
        graph, shares = base.graph, np.arange(num_shards + 1)
        groups = graph.starts.searchsorted(shares[1:-1] * (2 * graph.num_triples) // num_shards)
        last = len(graph.codes) - 1
        inner = graph.codes[np.minimum(groups, last)] // graph.num_keys if last >= 0 else groups
        entities = np.concatenate(([0], inner, [len(base.entity_ids)]))
        hashes = np.array([(number << 64) // num_shards for number in range(1, num_shards)], np.uint64)
        words = base.typos.words.searchsorted(hashes)
        return cls(
            entities=entities.astype(np.int64),
            groups=graph.codes.searchsorted(entities * graph.num_keys).astype(np.int64),
            triples=(shares * graph.num_triples // num_shards).astype(np.int64),
            aliases=(shares * len(base.names.aliases) // num_shards).astype(np.int64),
            words=np.concatenate(([0], words, [len(base.typos.words)])).astype(np.int64),
            hashes=hashes,
        )

    @property
    def num_shards(self) -> int:
        """How many shards there are."""
        return len(self.hashes) + 1


def owners(bounds: LongArray | HashArray, numbers: LongArray | HashArray) -> LongArray:
    """The shard of each number, given the bounds of all; what is beyond them is the last one's."""
    found: LongArray = bounds[1:-1].searchsorted(numbers, side="right")
    return found


def ranges(bounds: LongArray) -> list[tuple[int, int]]:
    """The half-open range of each shard."""
    return [*pairwise(bounds.tolist())]
