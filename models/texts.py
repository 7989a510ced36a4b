"""Texts to padded arrays of token numbers: what training and reading share, without torch.

Knows tokens, marks and words, not what a network does with them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.episodes import MENTION, OTHER, VALUE

WORD, MENTIONED, START, OTHERS, VALUED = range(5)
"""Marks of a token."""
NUM_MARKS = 5
PLACEHOLDERS = {MENTION: MENTIONED, OTHER: OTHERS, VALUE: VALUED}
_PLACEHOLDER = re.compile(f"([{''.join(PLACEHOLDERS)}])")
CACHE_LIMIT = 100_000


class Tokeniser(Protocol):
    """The part of `kb.encoding.StaticEncoder` that texts need."""

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Numbers of the tokens of each text."""
        ...


class TokenEncoder(Tokeniser, Protocol):
    """The part of `kb.encoding.StaticEncoder` that a reader needs."""

    @property
    def id(self) -> str:
        """Name of this encoder's exact weights."""
        ...

    def token_table(self) -> NDArray[np.float32]:
        """One vector a token of the vocabulary."""
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


class TextCutter:
    """Cuts texts into tokens, word by word, and remembers the words it has seen."""

    def __init__(self, tokeniser: Tokeniser, max_tokens: int) -> None:
        self._tokeniser = tokeniser
        self._max_tokens = max_tokens
        self._known: dict[str, tuple[int, ...]] = {}

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
            for word, tokens in zip(ordered, self._tokeniser.tokenise(ordered), strict=True):
                self._known[word] = tuple(tokens)

    def _pieces(self, words: Sequence[str]) -> Pieces:
        pieces = []
        for at, word in enumerate(words):
            if word in PLACEHOLDERS:
                pieces.append(Piece(0, PLACEHOLDERS[word], at))
            else:
                known = self._known.get(word)
                if known is None:  # the cache was emptied between learning and now, by another thread
                    known = tuple(self._tokeniser.tokenise([word])[0])
                pieces.extend(Piece(token, WORD, at) for token in known)
        room = self._max_tokens - 1
        if len(pieces) > room:
            mention = next((at for at, piece in enumerate(pieces) if piece.mark == MENTIONED), 0)
            first = max(0, min(mention - room // 2, len(pieces) - room))
            pieces = pieces[first : first + room]
        return Pieces(tuple(words), (Piece(0, START, -1), *pieces))


class TokenArrays(NamedTuple):
    """Texts as padded token numbers, each (texts, tokens); `distances` are to the mention, 0 where there is none."""

    ids: NDArray[np.int64]
    marks: NDArray[np.int64]
    distances: NDArray[np.int64]
    present: NDArray[np.bool_]


def pad_arrays(texts: Sequence[Pieces]) -> TokenArrays:
    """Turn cut texts into arrays as wide as the longest; filled up with zeros."""
    longest = max(len(text.pieces) for text in texts)
    arrays = np.zeros((4, len(texts), longest), np.int64)
    for row, text in enumerate(texts):
        length = len(text.pieces)
        arrays[0, row, :length] = [piece.token for piece in text.pieces]
        arrays[1, row, :length] = [piece.mark for piece in text.pieces]
        mention = text.mention
        if mention is not None:
            arrays[2, row, :length] = np.arange(length) - mention
        arrays[3, row, :length] = 1
    ids, marks, distances, present = arrays
    return TokenArrays(ids, marks, distances, present.astype(np.bool_))
