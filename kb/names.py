"""Names by hash: which entities a text may name, without an automaton in memory.

Every label and alias is stored as one 64-bit hash of its `surface_key` in a sorted array that may be memory-mapped, so
opening costs nothing and ten million names work. A match is checked against the name's own text: a collision of hashes
is never a link. `TypoIndex` finds names with a wrong letter by hashes of words with one letter left out.

Names are numbered: first the labels (number = entity position), then the aliases.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from unicodedata import combining, normalize

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from kb.graph import IntArray, LongArray, expand
from kb.texts import TextTable
from kb.triples import BLANK_NODE, surface_key, word_part

HashArray = NDArray[np.uint64]

MAX_NAME_WORDS = 24
"""A longer text is prose, not a name: it is not indexed."""
MAX_COMPACT_WORDS = 6
"""Names up to this many words are also found when written without their blanks ("spiderman" for "Spider-Man")."""
HEAD_WORDS = 3
"""Longer names are looked for only where a question holds the first words of one."""
MAX_SYMBOL_CHARACTERS = 16
"""Names without letters or digits ("$") are found as they are, up to this length."""
MIN_COMPACT_LETTERS = 5
MIN_FUZZY_LETTERS = 4
MAX_FUZZY_LETTERS = 24
MAX_POSTINGS = 5_000
"""A word's names looked at in one typo-tolerant look-up; a word with more says little."""


def key_hash(key: str) -> int:
    """Hash of a surface key."""
    return xxh3_64_intdigest(key.encode())


def symbol_hash(text: str) -> int:
    """Hash of a name that has no surface key."""
    return xxh3_64_intdigest(b"\0" + symbol_key(text).encode())


def symbol_key(text: str) -> str:
    """A name without letters or digits as it is, but for variation selectors, which only some keyboards write."""
    return "".join(char for char in text if word_part(char) is not None)


def bare_key(key: str) -> str:
    """A surface key without accents and other marks ("amélie" -> "amelie")."""
    if key.isascii():
        return key
    return "".join(char for char in normalize("NFKD", key) if not combining(char))


class Named(NamedTuple):
    """A name: the entity that it names, whether it is its label and not an alias, and how it is written."""

    entity: int
    is_label: bool
    text: str


@dataclass(frozen=True, slots=True)
class NameDictionary:
    """Sorted hashes of names beside the names' numbers, and the names' texts."""

    hashes: HashArray
    numbers: IntArray
    heads: HashArray
    """Sorted hashes of the first words of the names that have more."""
    labels: TextTable
    aliases: TextTable
    alias_entities: IntArray

    @property
    def num_names(self) -> int:
        """Labels and aliases, indexed or not."""
        return len(self.labels) + len(self.aliases)

    def text(self, number: int) -> str:
        """A name as it was written."""
        return self.labels[number] if number < len(self.labels) else self.aliases[number - len(self.labels)]

    def entity(self, number: int) -> int:
        """The position of the entity that the name names."""
        return number if number < len(self.labels) else int(self.alias_entities[number - len(self.labels)])

    def is_label(self, number: int) -> bool:
        """Whether the name is a label, not an alias."""
        return number < len(self.labels)

    def named(self, numbers: Sequence[int]) -> list[Named]:
        """What each name says, and of which entity."""
        return [Named(self.entity(number), self.is_label(number), self.text(number)) for number in numbers]

    def are_heads(self, hashes: HashArray) -> NDArray[np.bool_]:
        """Which hashes are those of the first words of longer names."""
        if not len(self.heads):
            return np.zeros(len(hashes), bool)
        places = np.minimum(self.heads.searchsorted(hashes), len(self.heads) - 1)
        return np.asarray(self.heads[places] == hashes)

    def find(self, hashes: HashArray, limit: int) -> Iterator[tuple[int, int]]:
        """Pairs of a place in `hashes` and the number of a name with that hash, at most `limit` names a hash."""
        if not len(self.hashes):
            return
        first = self.hashes.searchsorted(hashes)
        found = np.flatnonzero(self.hashes[np.minimum(first, len(self.hashes) - 1)] == hashes)
        for place in found.tolist():
            start = int(first[place])
            end = int(self.hashes.searchsorted(hashes[place], side="right"))
            for number in self.numbers[start : min(end, start + limit)].tolist():
                yield place, number


@dataclass(frozen=True, slots=True)
class TypoIndex:
    """Words of names by hash, words with one letter left out by hash, and for every word the names that hold it."""

    words: HashArray
    starts: LongArray
    names: IntArray
    shortened: HashArray
    shortened_words: IntArray

    def similar(self, word: str, others: Sequence[str], limit: int) -> list[int]:
        """Numbers of names that hold this word, or one a letter off; those that share more of the others first.

        Where the word says little, in no name or in very many, names that share the others are found alone.
        """
        return names_alike(self, word, others, limit)

    def forms(self, words: Sequence[str]) -> list[LongArray]:
        """For each word those equal to it or one letter off (one more, one less, one other, two swapped), by place."""
        return [self.places(form_hashes(word)) for word in words]

    def places(self, hashes: HashArray) -> LongArray:
        """The words that have one of these hashes, whole or with a letter left out."""
        return np.unique(self.matches(hashes)[1])

    def matches(self, hashes: HashArray) -> tuple[LongArray, LongArray]:
        """Pairs of a place in `hashes` and a word that has that hash, whole or with a letter left out."""
        if not len(self.words):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        words = np.minimum(self.words.searchsorted(hashes), len(self.words) - 1)
        longer_or_equal = np.flatnonzero(self.words[words] == hashes)
        first = self.shortened.searchsorted(hashes)
        last = self.shortened.searchsorted(hashes, side="right")
        places = np.concatenate((longer_or_equal, np.repeat(np.arange(len(hashes)), last - first)))
        shorter = self.shortened_words[expand(first, last)]
        return places, np.concatenate((words[longer_or_equal], shorter)).astype(np.int64)

    def sizes(self, words: LongArray) -> LongArray:
        """In how many names each word is."""
        return self.starts[words + 1] - self.starts[words]

    def names_of(self, groups: Sequence[LongArray]) -> list[IntArray | None]:
        """Numbers of the names that hold any of some words; None for no word, and for words in very many names."""
        return [self._names_of(words) for words in groups]

    def _names_of(self, words: LongArray) -> IntArray | None:
        if not len(words) or self.sizes(words).sum() > MAX_POSTINGS:
            return None
        return np.unique(self.names[expand(self.starts[words], self.starts[words + 1])])


class WordReads(Protocol):
    """What looking for names by their words takes."""

    def forms(self, words: Sequence[str]) -> list[LongArray]:
        """For each word those equal to it or one letter off, by place."""
        ...

    def names_of(self, groups: Sequence[LongArray]) -> list[IntArray | None]:
        """Numbers of the names that hold any of some words; None for no word, and for words in very many names."""
        ...


def names_alike(reads: WordReads, word: str, others: Sequence[str], limit: int) -> list[int]:
    """Numbers of names that hold a word, or one a letter off; those that share more of the others first."""
    own, *found = reads.names_of(reads.forms([word, *others]))
    shares = [numbers for numbers in found if numbers is not None]
    if own is None:
        own = np.unique(np.concatenate(shares)) if shares else np.empty(0, np.int32)
    shared = np.zeros(len(own), np.int64)
    for numbers in shares:
        shared += np.isin(own, numbers, assume_unique=True)
    best = np.argsort(-shared, kind="stable")[:limit]
    return [int(number) for number in own[best]]


def form_hashes(word: str) -> HashArray:
    """Hashes of a word, and of what is left of it without each of its letters."""
    return np.array([key_hash(word), *shortened_hashes(word)], np.uint64)


def shortened_hashes(word: str) -> list[int]:
    """Hashes of the word with each letter left out in turn; none for a short word or one with a digit in it."""
    if not MIN_FUZZY_LETTERS <= len(word) <= MAX_FUZZY_LETTERS or not word.isalpha():
        return []
    return [key_hash(word[:place] + word[place + 1 :]) for place in range(len(word))]


class NameIndexBuilder:
    """Collects hashes of names batch by batch and sorts them at the end; keeps no text."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._numbers = array("i")
        self._heads = array("Q")
        self._words = array("Q")
        self._word_names = array("i")
        self._shortened = array("Q")
        self._shortened_from = array("Q")
        self._seen_words: set[int] = set()
        self._next = 0

    def extend(self, texts: Iterable[str], fuzzy: Iterable[bool]) -> None:
        """Take the next names in order; those with `fuzzy` false (numbers, dates) are found exactly or not at all."""
        for number, (text, is_fuzzy) in enumerate(zip(texts, fuzzy, strict=True), self._next):
            self._next = number + 1
            key = surface_key(text)
            words = key.split(" ")
            if not key:
                self._add_symbol(number, text)
            elif len(words) <= MAX_NAME_WORDS:
                self._add_key(number, key, words)
                if is_fuzzy:
                    self._add_words(number, set(words))

    def _add_symbol(self, number: int, text: str) -> None:
        if len(text) <= MAX_SYMBOL_CHARACTERS and not text.startswith(BLANK_NODE):
            self._hashes.append(symbol_hash(text))
            self._numbers.append(number)

    def _add_key(self, number: int, key: str, words: Sequence[str]) -> None:
        bare = bare_key(key)
        written = {key, bare}
        if 1 < len(words) <= MAX_COMPACT_WORDS and len(key) - len(words) >= MIN_COMPACT_LETTERS:
            written.add(bare.replace(" ", ""))
        for form in written:
            self._hashes.append(key_hash(form))
            self._numbers.append(number)
        if len(words) > HEAD_WORDS:
            for form in {key, bare}:
                self._heads.append(key_hash(" ".join(form.split(" ")[:HEAD_WORDS])))

    def _add_words(self, number: int, words: set[str]) -> None:
        for word in words:
            word_hash = key_hash(word)
            self._words.append(word_hash)
            self._word_names.append(number)
            if word_hash not in self._seen_words:
                self._seen_words.add(word_hash)
                shortened = shortened_hashes(word)
                self._shortened.extend(shortened)
                self._shortened_from.extend([word_hash] * len(shortened))

    def dictionary(self, labels: TextTable, aliases: TextTable, alias_entities: IntArray) -> NameDictionary:
        """The dictionary of everything taken; names of equal hash stay in the order of their numbers."""
        hashes = np.array(self._hashes, np.uint64)
        order = np.argsort(hashes, kind="stable")
        numbers = np.array(self._numbers, np.int32)[order]
        heads = np.unique(np.array(self._heads, np.uint64))
        return NameDictionary(hashes[order], numbers, heads, labels, aliases, alias_entities)

    def typo_index(self) -> TypoIndex:
        """The typo index of everything taken."""
        of_occurrences = np.array(self._words, np.uint64)
        order = np.argsort(of_occurrences, kind="stable")
        words, starts = np.unique(of_occurrences[order], return_index=True)
        shortened = np.array(self._shortened, np.uint64)
        by_hash = np.argsort(shortened, kind="stable")
        sources = words.searchsorted(np.array(self._shortened_from, np.uint64)[by_hash])
        return TypoIndex(
            words=words,
            starts=np.append(starts, len(of_occurrences)).astype(np.int64),
            names=np.array(self._word_names, np.int32)[order],
            shortened=shortened[by_hash],
            shortened_words=sources.astype(np.int32),
        )
