"""What the entities that a key leads to look like, told from the facts: their kind, some of them, what those are.

*Which instrument has she got* asks for what leads to guitars and drums, whatever the relation is called.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.kinds import Kind, kind_of

SAMPLED = 24
"""Entities looked at of each key."""
MOST_EXAMPLES = 12
MOST_TYPES = 4
_BUDGET = 100
_TYPE = re.compile(
    r"is an?|(is |has )?(a |an |the )?(type|kind|category|class|instance|species|occupation|profession)( of)?|works as|"
    r"rdf type|job|job title|role",
    re.IGNORECASE,
)


def says_what_things_are(label: str) -> bool:
    """Whether a relation's label says that it leads to what its subjects are: *is a*, *type*, *role*."""
    return _TYPE.fullmatch(label) is not None


YES, NO = ("yes", "true", "y"), ("no", "false", "n")
SAID = frozenset((*YES, *NO))
"""Values that say whether something is so."""


class Profile(NamedTuple):
    """What the entities that a key leads to look like."""

    kind: Kind = Kind.UNKNOWN
    examples: tuple[str, ...] = ()
    """Labels of some of them."""
    types: tuple[str, ...] = ()
    """What these are said to be, by relations such as *is a*: the most frequent first."""
    keys: frozenset[int] = frozenset()
    """The keys of those looked at."""

    @property
    def is_flag(self) -> bool:
        """Whether the key leads to yes and no only."""
        return bool(self.examples) and all(value.casefold() in SAID for value in self.examples)


class _Facts(Protocol):
    @property
    def targets(self) -> NDArray[np.int32]: ...


class Profiled(Protocol):
    """A memory whose keys can be profiled."""

    @property
    def relation_labels(self) -> tuple[str, ...]:
        """The label of each relation."""
        ...

    def key_samples(self, limit: int) -> list[NDArray[np.int32]]:
        """For each key, at most `limit` entities that it leads to."""
        ...

    def keys_of(self, entities: NDArray[np.int32]) -> NDArray[np.int32]:
        """Distinct keys in reach of the entities."""
        ...

    def facts_of(self, entities: NDArray[np.int32], key: int, budget: int) -> _Facts:
        """The facts of `key` at the entities, at most `budget` of them."""
        ...

    def labels_of(self, positions: NDArray[np.int32]) -> list[str]:
        """The labels of entities."""
        ...


def profiles_of(memory: Profiled) -> list[Profile]:
    """The profile of each key of a memory."""
    types = keys_to_types(memory.relation_labels)
    return [profile_of(memory, sample, types) for sample in memory.key_samples(SAMPLED)]


def keys_to_types(labels: Sequence[str]) -> list[int]:
    """The keys that lead to what things are, of relations with these labels."""
    return [2 * number for number, label in enumerate(labels) if says_what_things_are(label)]


def profile_of(memory: Profiled, sample: NDArray[np.int32], types: Sequence[int]) -> Profile:
    """The profile of a key that leads to a sample of entities; `types` are the keys to what they are."""
    labels = memory.labels_of(sample)
    said = Counter(label for key in types for label in memory.labels_of(memory.facts_of(sample, key, _BUDGET).targets))
    examples = tuple(dict.fromkeys(labels))[:MOST_EXAMPLES]
    said_most = tuple(label for label, _ in said.most_common(MOST_TYPES))
    return Profile(kind_of(labels), examples, said_most, frozenset(memory.keys_of(sample).tolist()))


def called(labels: Sequence[str], profiles: Sequence[Profile]) -> dict[str, frozenset[int]]:
    """By noun, in small letters, the relations that lead to names with it: those that begin or end with *Museum*.

    That is a third of the names at least, and no name alone. A relation that says what things are leads to no names,
    nor does one to words in small letters: what leads to a *car loan* is a loan itself. A plural is no noun of one
    thing: *Ravn Games* is a firm. `profiles` are of what each relation leads to.
    """
    found: dict[str, set[int]] = {}
    for number, (label, profile) in enumerate(zip(labels, profiles, strict=True)):
        named = () if says_what_things_are(label) else profile.examples
        names = [example.lower().split() for example in named if not example.islower()]
        counts = Counter(word for words in names if len(words) > 1 for word in {words[0], words[-1]})
        for word, count in counts.items():
            if count > 1 and count * 3 >= len(names) and word.isalpha() and not word.endswith("s"):
                found.setdefault(word, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}
