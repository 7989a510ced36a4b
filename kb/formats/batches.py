"""What every parser takes and gives: options in, batches out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from kb.triples import Name, RejectedLine, Term, Triple, normalise_label

BATCH_ITEMS = 5_000
_SHOWN_CHARACTERS = 200
_NO_NUL = "\ufffd"

Item = TypeVar("Item")


def _random_prefix() -> str:
    return uuid4().hex


class TermNumbers(Protocol):
    """Who numbers terms, the same term always alike."""

    def entity(self, term: Term) -> int:
        """The number of an entity or literal, from 1."""
        ...

    def relation(self, term: Term) -> int:
        """The number of a relation, from 1."""
        ...


@dataclass(frozen=True)
class ParseOptions:
    """How to read one body.

    `source` is normalised as labels are, and is none when nothing is left of it. `blank_prefix` (letters and digits)
    keeps blank nodes of different bodies apart. Give the digest of the body, and the same body sent twice names the
    same blank nodes; left out, it is random. With `numbers`, what is plainly written is given as numbers of terms, ten
    times as fast as triples.
    """

    media_type: str
    content_encoding: str | None = None
    source: str | None = None
    max_label_bytes: int = 16 * 1024
    max_unpacked_bytes: int = 64 * 1024**3
    max_line_bytes: int = 1024**2
    blank_prefix: str = field(default_factory=_random_prefix)
    numbers: TermNumbers | None = None

    def __post_init__(self) -> None:
        assert self.blank_prefix.isalnum(), self.blank_prefix
        object.__setattr__(self, "source", normalise_label(self.source or "") or None)


class NumberedTriples(NamedTuple):
    """Triples by the numbers of their terms; their source is that of the options."""

    subjects: NDArray[np.int32]
    relations: NDArray[np.int32]
    objects: NDArray[np.int32]


class Batch(NamedTuple):
    """At most BATCH_ITEMS of what was read, and how many bytes of the (packed) input were read so far.

    What is numbered comes in batches of its own, one for each block of lines.
    """

    triples: list[Triple]
    names: list[Name]
    rejected: list[RejectedLine]
    bytes_done: int
    numbered: NumberedTriples | None = None


class Found(NamedTuple):
    """What one piece of the input holds; parsers give these, of any size."""

    triples: list[Triple]
    names: list[Name]
    rejected: list[RejectedLine]
    numbered: NumberedTriples | None = None

    def num_items(self) -> int:
        """How many things were found, bad lines included, what is numbered not."""
        return len(self.triples) + len(self.names) + len(self.rejected)

    def extend(self, other: "Found") -> None:
        """Adds what another piece holds, but for what is numbered."""
        self.triples.extend(other.triples)
        self.names.extend(other.names)
        self.rejected.extend(other.rejected)

    def take(self, num_items: int) -> "Found":
        """Removes that many items and gives them: rejected lines first, so that who stops at them stops early."""
        rejected = _taken(self.rejected, num_items)
        triples = _taken(self.triples, num_items - len(rejected))
        names = _taken(self.names, num_items - len(rejected) - len(triples))
        return Found(triples, names, rejected)

    def reject(self, number: int, reason: str, text: str | bytes) -> None:
        """Note a line that is left out; only the start of its text is kept."""
        if isinstance(text, bytes):
            text = text[:_SHOWN_CHARACTERS].decode(errors="replace")
        self.rejected.append(RejectedLine(number, reason.replace("\0", _NO_NUL), shown(text).rstrip("\r\n")))


def shown(text: str) -> str:
    """A text of an upload as messages show it: its start, and no NUL, which PostgreSQL does not keep."""
    return text[:_SHOWN_CHARACTERS].replace("\0", _NO_NUL)


def _taken(items: list[Item], count: int) -> list[Item]:
    taken = items[:count]
    del items[:count]
    return taken


def nothing_found() -> Found:
    """A Found to fill."""
    return Found([], [], [])


class CountedChunks:
    """Passes chunks on and counts their bytes."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.bytes_done = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.bytes_done += len(chunk)
            yield chunk


def in_batches(pieces: Iterable[Found], counted: CountedChunks) -> Iterator[Batch]:
    """The pieces, put together and cut so that none is larger than BATCH_ITEMS; the last may be empty."""
    waiting = nothing_found()
    for piece in pieces:
        if piece.numbered is not None:
            yield Batch([], [], [], counted.bytes_done, piece.numbered)
        waiting.extend(piece)
        while waiting.num_items() >= BATCH_ITEMS:
            taken = waiting.take(BATCH_ITEMS)
            yield Batch(taken.triples, taken.names, taken.rejected, counted.bytes_done)
    yield Batch(waiting.triples, waiting.names, waiting.rejected, counted.bytes_done)
