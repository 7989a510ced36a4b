"""Files to upload: what they hold by their name, their bytes in pieces, and how far they are sent."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, TypeAlias, TypeGuard

Data: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | Iterable[bytes]
"""A file by its path, an open one, or bytes, whole or in pieces."""
Sent: TypeAlias = Callable[[int, int | None], object]
"""Called with the bytes that are sent, and with how many there are, where that is known."""

PIECE_BYTES = 1024**2
_MEDIA_TYPES = {
    ".tsv": "text/tab-separated-values",
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".nt": "application/n-triples",
    ".ttl": "text/turtle",
}
_ENCODINGS = {".gz": "gzip", ".zst": "zstd"}


def guess_media_type(file_name: str) -> tuple[str | None, str | None]:
    """What a file's name says of its media type and content encoding: facts.tsv.gz -> TSV, gzip; None if nothing."""
    suffixes = [suffix.lower() for suffix in PurePath(file_name).suffixes]
    encoding = _ENCODINGS.get(suffixes[-1]) if suffixes else None
    if encoding is not None:
        suffixes.pop()
    return (_MEDIA_TYPES.get(suffixes[-1]) if suffixes else None), encoding


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """The rest of an open file, in pieces."""
    while piece := file.read(PIECE_BYTES):
        yield piece


class Body:
    """The bytes of an upload, as they are: what is packed stays so."""

    def __init__(
        self, data: Data, media_type: str | None = None, encoding: str | None = None, sent: Sent | None = None
    ) -> None:
        """Look at the name and the length of what is to be sent.

        Raises:
            ValueError: neither `media_type` nor a name says what it holds.
            OSError: there is no such file.
        """
        self._source = _source_of(data)
        self._sent = sent
        self._begun = False
        guessed, packing = guess_media_type(self._source.name)
        media_type, encoding = media_type or guessed, encoding or packing
        if media_type is None:
            raise ValueError(
                f"{self._source.name or 'What is sent'} has no name that tells its format: give media_type."
            )
        self.headers = {"Content-Type": media_type}
        if encoding is not None:
            self.headers["Content-Encoding"] = encoding
        if self._source.size is not None:
            self.headers["Content-Length"] = str(self._source.size)

    def can_repeat(self) -> bool:
        """Whether all of it can be sent (again)."""
        return self._source.again or not self._begun

    def pieces(self) -> Iterator[bytes]:
        """The bytes from the start, counted as they go."""
        self._begun = True
        gone = 0
        for piece in self._source.read():
            yield piece
            gone += len(piece)
            if self._sent is not None:
                self._sent(gone, self._source.size)


@dataclass(frozen=True)
class _Source:
    read: Callable[[], Iterator[bytes]]
    name: str = ""
    size: int | None = None
    again: bool = True


def _source_of(data: Data) -> _Source:
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        return _Source(lambda: _read_path(path), path.name, path.stat().st_size)
    if isinstance(data, bytes):
        return _Source(lambda: (data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)), size=len(data))
    if _is_file(data):
        return _source_of_file(data)
    return _Source(lambda: iter(data), again=not isinstance(data, Iterator))


def _is_file(data: object) -> TypeGuard[BinaryIO]:
    return hasattr(data, "read")


def _read_path(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from pieces_of(file)


def _source_of_file(file: BinaryIO) -> _Source:
    name = str(getattr(file, "name", ""))
    if not file.seekable():
        return _Source(lambda: pieces_of(file), name, again=False)
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)

    def read() -> Iterator[bytes]:
        file.seek(start)
        return pieces_of(file)

    return _Source(read, name, size)
