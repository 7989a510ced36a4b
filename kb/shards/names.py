"""Names by hash and by word, asked of shards; the same results as `kb.names`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kb.graph import IntArray, LongArray
from kb.names import MAX_POSTINGS, HashArray, Named, form_hashes, names_alike
from kb.shards.calls import Calls
from kb.shards.entities import ShardedEntities
from kb.shards.remembered import Remembered

REMEMBERED_WORDS = 20_000
REMEMBERED_POSTINGS = 1_000_000


class ShardedNames:
    """The names of a generation, each at the shard of its hash, their texts at those of entities and aliases."""

    def __init__(self, calls: Calls, entities: ShardedEntities, num_labels: int) -> None:
        self._calls = calls
        self._entities = entities
        self._num_labels = num_labels

    def find(self, hashes: HashArray, limit: int) -> list[tuple[int, int]]:
        """Pairs of a place in `hashes` and the number of a name with that hash, at most `limit` names a hash."""
        if not len(hashes):
            return []
        parts = self._calls.by_hash("find", hashes, limit)
        found = [(int(part.places[place]), number) for part in parts for place, number in part.reply]
        return sorted(found, key=lambda pair: pair[0])

    def are_heads(self, hashes: HashArray) -> NDArray[np.bool_]:
        """Which hashes are those of the first words of longer names."""
        found = np.zeros(len(hashes), np.bool_)
        for part in self._calls.by_hash("are_heads", hashes):
            found[part.places] = part.reply
        return found

    def named(self, numbers: Sequence[int]) -> list[Named]:
        """What each name says, and of which entity."""
        labels = np.array([number for number in numbers if number < self._num_labels], np.int32)
        self._entities.expect(labels)
        aliases = np.array([number - self._num_labels for number in numbers if number >= self._num_labels], np.int64)
        named: dict[int, Named] = {}
        for part in self._calls.scatter("aliases", self._calls.cuts.aliases, aliases):
            entities, texts = part.reply
            for place, entity, text in zip(aliases[part.places].tolist(), entities.tolist(), texts, strict=True):
                named[place + self._num_labels] = Named(entity, False, text)
        for entity in labels.tolist():
            named[entity] = Named(entity, True, self._entities.card(entity).label)
        return [named[number] for number in numbers]


class ShardedTypos:
    """The words of names, each at the shard of its hash, and the names that hold it."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._forms: Remembered[str, LongArray] = Remembered(REMEMBERED_WORDS)
        self._postings: Remembered[int, tuple[int, IntArray]] = Remembered(REMEMBERED_POSTINGS)

    def similar(self, word: str, others: Sequence[str], limit: int) -> list[int]:
        """Numbers of names that hold this word, or one a letter off; those that share more of the others first."""
        return names_alike(self, word, others, limit)

    def forms(self, words: Sequence[str]) -> list[LongArray]:
        """For each word those equal to it or one letter off, by place."""
        known = {word: self._forms.get(word) for word in words}
        unknown = [word for word, found in known.items() if found is None]
        hashes = [form_hashes(word) for word in unknown]
        owners = np.repeat(np.arange(len(unknown)), [len(one) for one in hashes])
        pairs = [np.empty((2, 0), np.int64)]
        if unknown:
            for part in self._calls.by_hash("forms", np.concatenate(hashes)):
                places, found = part.reply
                pairs.append(np.stack((owners[part.places[places]], found)))
        of, numbers = np.concatenate(pairs, axis=1)
        for at, word in enumerate(unknown):
            known[word] = alike = np.unique(numbers[of == at])
            self._forms.put(word, alike)
        return [found for word in words if (found := known[word]) is not None]

    def names_of(self, groups: Sequence[LongArray]) -> list[IntArray | None]:
        """Numbers of the names that hold any of some words; None for no word, and for words in very many names."""
        every = {word for words in groups for word in words.tolist()}
        known = {word: self._postings.get(word) for word in every}
        unknown = np.array([word for word, found in known.items() if found is None], np.int64)
        for part in self._calls.scatter("postings", self._calls.cuts.words, unknown):
            sizes, names = part.reply
            for word, size, numbers in zip(unknown[part.places].tolist(), sizes.tolist(), names, strict=True):
                known[word] = (size, numbers)
                self._postings.put(word, (size, numbers), len(numbers) + 1)
        return [_together([known[word] for word in words.tolist()]) for words in groups]


def _together(postings: Sequence[tuple[int, IntArray] | None]) -> IntArray | None:
    there = [one for one in postings if one is not None]
    if not there or sum(size for size, _ in there) > MAX_POSTINGS:
        return None
    return np.unique(np.concatenate([names for _, names in there]))
