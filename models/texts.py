"""Texts to padded arrays of token numbers: what training and reading share, without torch.

Knows tokens, marks and words, not what a network does with them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kb.context import CLASSIFY, MASK
from models.episodes import MENTION, OTHER, VALUE
from models.profiles import Profile

WORD, MENTIONED, START, OTHERS, VALUED = range(5)
"""Marks of a token."""
NUM_MARKS = 5
PLACEHOLDERS = {MENTION: MENTIONED, OTHER: OTHERS, VALUE: VALUED}
_PLACEHOLDER = re.compile(f"([{''.join(PLACEHOLDERS)}])")
CACHE_LIMIT = 100_000
SMALLEST = 1e-12
REMEMBERED_TEXTS = 2_000
"""Texts whose states are remembered, of 5 to 10 kB each."""

FloatArray = NDArray[np.float32]


class TokenEncoder(Protocol):
    """The part of `kb.context.ContextEncoder` that a reader needs."""

    @property
    def id(self) -> str:
        """Name of this encoder's exact weights."""
        ...

    @property
    def dim(self) -> int:
        """Width of states."""
        ...

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Numbers of the tokens of each text."""
        ...

    def token_table(self) -> FloatArray:
        """One vector a token of the vocabulary."""
        ...

    def states(self, ids: Sequence[int]) -> FloatArray:
        """States of the tokens of one text, (tokens, dim)."""
        ...


class Piece(NamedTuple):
    """A token of a text: its number, its mark, and the word (by position) that it belongs to."""

    token: int
    mark: int
    word: int


@dataclass(frozen=True)
class Pieces:
    """A text cut into words and tokens; the first token is the start and belongs to no word (-1)."""

    words: tuple[str, ...]
    pieces: tuple[Piece, ...]

    @property
    def mention(self) -> int | None:
        """Position of the mention among the tokens."""
        return next((at for at, piece in enumerate(self.pieces) if piece.mark == MENTIONED), None)


PROFILE_PARTS = 2
"""Parts of a profile that have a vector: the examples, and their types."""
KEY_PARTS = 2 * PROFILE_PARTS
"""Those of the profiles of a key: of what it leads to, and of what it is read from."""


class TokenArrays(NamedTuple):
    """Texts as padded token numbers, each (texts, tokens), and their states; nothing but zeros where none is present.

    `distances` are to the mention, 0 where there is none.
    """

    ids: NDArray[np.int64]
    marks: NDArray[np.int64]
    distances: NDArray[np.int64]
    present: NDArray[np.bool_]
    states: FloatArray  # texts tokens context_dim


class TextCutter:
    """Cuts texts into tokens, word by word, and remembers the words and texts it has seen; threads may share it."""

    def __init__(self, encoder: TokenEncoder, max_tokens: int, remembered: int = REMEMBERED_TEXTS) -> None:
        self._encoder = encoder
        self._remembered = remembered
        self._max_tokens = max_tokens
        self._known: dict[str, tuple[int, ...]] = {}
        self._states: dict[tuple[int, ...], NDArray[np.float16]] = {}
        self._table = encoder.token_table()
        self._profiles: dict[Profile, FloatArray] = {}

    def cut(self, texts: Sequence[str]) -> list[Pieces]:
        """Cut texts; one too long keeps what stands around its mention."""
        split = [_PLACEHOLDER.sub(r" \1 ", text).split() for text in texts]
        self._learn({word for words in split for word in words if word not in PLACEHOLDERS and word not in self._known})
        return [self._pieces(words) for words in split]

    def _learn(self, words: set[str]) -> None:
        if len(self._known) + len(words) > CACHE_LIMIT:
            self._known.clear()
        ordered = sorted(words)
        if ordered:
            for word, tokens in zip(ordered, self._encoder.tokenise(ordered), strict=True):
                self._known[word] = tuple(tokens)

    def _pieces(self, words: Sequence[str]) -> Pieces:
        pieces = []
        for at, word in enumerate(words):
            if word in PLACEHOLDERS:
                pieces.append(Piece(MASK, PLACEHOLDERS[word], at))
            else:
                known = self._known.get(word)
                if known is None:  # the cache was emptied between learning and now, by another thread
                    known = tuple(self._encoder.tokenise([word])[0])
                pieces.extend(Piece(token, WORD, at) for token in known)
        room = self._max_tokens - 1
        if len(pieces) > room:
            mention = next((at for at, piece in enumerate(pieces) if piece.mark == MENTIONED), 0)
            first = max(0, min(mention - room // 2, len(pieces) - room))
            pieces = pieces[first : first + room]
        return Pieces(tuple(words), (Piece(CLASSIFY, START, -1), *pieces))

    def pad(self, texts: Sequence[Pieces], *, remember: bool = True) -> TokenArrays:
        """Turn cut texts into arrays as wide as the longest; `remember` their states for the next time."""
        longest = max(len(text.pieces) for text in texts)
        arrays = np.zeros((4, len(texts), longest), np.int64)
        states = np.zeros((len(texts), longest, self._encoder.dim), np.float32)
        for row, text in enumerate(texts):
            length = len(text.pieces)
            ids = tuple(piece.token for piece in text.pieces)
            arrays[0, row, :length] = ids
            arrays[1, row, :length] = [piece.mark for piece in text.pieces]
            mention = text.mention
            if mention is not None:
                arrays[2, row, :length] = np.arange(length) - mention
            arrays[3, row, :length] = 1
            states[row, :length] = self._states_of(ids, remember)
        numbers, marks, distances, present = arrays
        return TokenArrays(numbers, marks, distances, present.astype(np.bool_), states)

    def key_vectors(self, profiles: Sequence[tuple[Profile, Profile]]) -> FloatArray:
        """The vectors of what keys lead to and of what they are read from, (keys, `KEY_PARTS`, words' dim)."""
        sides = [self.profile_vectors(side) for side in zip(*profiles, strict=True)]
        return np.concatenate(sides, 1)

    def profile_vectors(self, profiles: Sequence[Profile]) -> FloatArray:
        """The mean vectors of what profiles name, (profiles, parts, words' dim), of length 1 where they name anything.

        A label's vector is the mean of its tokens', at length 1.
        """
        if len(self._profiles) > CACHE_LIMIT:
            self._profiles = {}
        for profile in profiles:
            if profile not in self._profiles:
                self._profiles[profile] = np.stack([self._mean(part) for part in (profile.examples, profile.types)])
        return np.stack([self._profiles[profile] for profile in profiles])

    def _mean(self, labels: Sequence[str]) -> FloatArray:
        vectors = [self._table[ids].mean(0) for ids in self._encoder.tokenise(labels) if ids] if labels else []
        mean = np.sum([vector / max(np.linalg.norm(vector), SMALLEST) for vector in vectors], axis=0)
        unit: FloatArray = np.broadcast_to(mean, self._table.shape[1:]) / max(np.linalg.norm(mean), SMALLEST)
        return unit.astype(np.float32)

    def _states_of(self, ids: tuple[int, ...], remember: bool) -> NDArray[np.float16]:
        """States of a text's tokens, which may be remembered: labels and ways of asking come again and again."""
        known = self._states
        found = known.get(ids)
        if found is None:
            found = self._encoder.states(ids).astype(np.float16)
            if remember:
                known[ids] = found
                if len(known) > self._remembered:
                    self._states = {}  # not cleared: another thread may be looking texts up in it
        return found
