"""Facts at entities, asked of shards; the same methods and the same results as `kb.graph.FactGraph`.

What is around a set of entities is asked for once, with its facts where they are few: the reader looks at the keys of a
set first, and then goes along some of them.
"""

from collections.abc import Sequence

import numpy as np

from kb.graph import NO_ROWS, IntArray, LongArray, Rows, expand
from kb.shards.calls import Calls, Part
from kb.shards.entities import ShardedEntities
from kb.shards.remembered import Remembered
from kb.shards.shard import Around

MOST_FACTS = 2_000
"""Of sets with more facts at one shard, the facts are asked for key by key."""
MOST_ENTITIES = 256
"""Of larger sets likewise."""
REMEMBERED_GROUPS = 1_000_000
_NONE = np.empty(0, np.int64)
NOTHING = Around(_NONE, _NONE, _NONE, _NONE, np.empty(0, np.int32), np.empty(0, np.int32))


class ShardedGraph:
    """The facts of a generation."""

    def __init__(self, calls: Calls, entities: ShardedEntities, num_triples: int, num_keys: int) -> None:
        self.num_triples = num_triples
        self.num_keys = num_keys
        self._calls = calls
        self._entities = entities
        self._around: Remembered[bytes, Around] = Remembered(REMEMBERED_GROUPS)

    def degree(self, entity: int) -> int:
        """The number of facts at one entity; a fact from an entity to itself counts twice."""
        return self._entities.card(entity).degree

    def expect(self, sets: Sequence[IntArray]) -> None:
        """Ask for what is around sets of entities, all at once."""
        unknown = [entities for entities in sets if len(entities) and self._around.get(entities.tobytes()) is None]
        if not unknown:
            return
        together = self._asked(np.concatenate(unknown), 0)
        ends = np.cumsum([len(entities) for entities in unknown])
        cuts = together.owners.searchsorted([0, *ends.tolist()])
        for entities, end, first, last in zip(unknown, ends.tolist(), cuts, cuts[1:], strict=False):
            part = slice(int(first), int(last))
            owners = together.owners[part] - (end - len(entities))
            found = Around(owners, together.groups[part], together.keys[part], together.sizes[part], None, None)
            self._remember(entities, found)

    def keys_at(self, entity: int) -> IntArray:
        """The keys of one entity, sorted."""
        return self._known(np.array([entity], np.int32)).keys.astype(np.int32)

    def reach(self, entities: IntArray) -> tuple[LongArray, LongArray]:
        """Every group of the entities, one entity after the other, and the key of each."""
        around = self._known(entities)
        return around.groups, around.keys

    def one(self, entity: int, key: int, budget: int) -> tuple[IntArray, IntArray]:
        """Targets and fact positions of one entity's key, at most `budget` of them."""
        rows, _ = self.rows(np.array([entity], np.int32), key, budget)
        return rows.targets, rows.triples

    def rows(self, entities: IntArray, key: int, budget: int) -> tuple[Rows, int]:
        """The facts of a key at the entities, at most `budget` of them, and how many there are."""
        if not len(entities):
            return NO_ROWS, 0
        if len(entities) <= MOST_ENTITIES:
            around = self._known(entities)
            if around.targets is None and around.sizes.sum() <= MOST_FACTS:
                around = self._remember(entities, self._asked(entities, MOST_FACTS))
            if around.targets is not None:
                return _rows_of(around, key, budget)
        parts = self._calls.scatter("rows", self._calls.cuts.entities, entities, key, budget)
        count = sum(part.reply[1] for part in parts)
        rows = [Rows(*part.reply[0]) for part in parts]
        owners = np.concatenate([part.places[one.owners] for part, one in zip(parts, rows, strict=True)])
        order = np.argsort(owners, kind="stable")[:budget]
        targets, triples = (np.concatenate([one[column] for one in rows])[order] for column in (1, 2))
        return Rows(owners[order], targets, triples), count

    def holders(self, key: int, most: int) -> tuple[LongArray, IntArray]:
        """The first groups of a key, and their entities."""
        groups, entities = zip(*self._calls.each("holders", key, most), strict=True)
        return np.concatenate(groups)[:most], np.concatenate(entities)[:most]

    def _known(self, entities: IntArray) -> Around:
        found = self._around.get(entities.tobytes())
        if found is None:
            found = self._remember(entities, self._asked(entities, MOST_FACTS))
        return found

    def _remember(self, entities: IntArray, around: Around) -> Around:
        facts = 0 if around.targets is None else len(around.targets)
        self._around.put(entities.tobytes(), around, len(around.groups) + facts + len(entities))
        return around

    def _asked(self, entities: IntArray, most: int) -> Around:
        return _merged(self._calls.scatter("around", self._calls.cuts.entities, entities, most))


def _merged(parts: Sequence[Part]) -> Around:
    """What several shards say is around their entities, in the order of all the entities."""
    if not parts:
        return NOTHING
    found = [Around(*part.reply) for part in parts]
    if len(found) == 1:
        return found[0]._replace(owners=parts[0].places[found[0].owners])
    owners = np.concatenate([part.places[one.owners] for part, one in zip(parts, found, strict=True)])
    order = np.argsort(owners, kind="stable")
    groups, keys, sizes = (np.concatenate([one[column] for one in found]) for column in (1, 2, 3))
    ordered = Around(owners[order], groups[order], keys[order], sizes[order], None, None)
    targets = [one.targets for one in found if one.targets is not None]
    triples = [one.triples for one in found if one.triples is not None]
    if len(targets) < len(found):
        return ordered
    ends = np.cumsum(sizes)
    rows = expand((ends - sizes)[order], ends[order])
    return ordered._replace(targets=np.concatenate(targets)[rows], triples=np.concatenate(triples)[rows])


def _rows_of(around: Around, key: int, budget: int) -> tuple[Rows, int]:
    assert around.targets is not None
    assert around.triples is not None
    at = np.flatnonzero(around.keys == key)
    ends = np.cumsum(around.sizes)[at]
    rows = expand(ends - around.sizes[at], ends)
    owners = np.repeat(around.owners[at], around.sizes[at])
    return Rows(owners[:budget], around.targets[rows[:budget]], around.triples[rows[:budget]]), len(rows)
