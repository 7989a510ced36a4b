"""Pieces of bytes to blocks of whole lines, with their numbers; a line over the limit is left out, not held."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kb.formats.batches import Found, nothing_found

BLOCK_BYTES = 64 * 1024
_KEPT_BYTES = 1024


class LineBlock(NamedTuple):
    """Whole lines, the number of the first one, and a Found to fill that already tells of lines too long."""

    first: int
    content: bytes
    found: Found

    def text_lines(self) -> list[str]:
        """The lines as text; one that is not UTF-8 is rejected and left blank."""
        try:
            lines = self.content.decode().split("\n")
        except UnicodeDecodeError:
            lines = [self._text(number, line) for number, line in enumerate(self.content.split(b"\n"), self.first)]
        if not lines[-1]:
            lines.pop()
        return lines

    def _text(self, number: int, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            self.found.reject(number, f"not UTF-8 at byte {error.start + 1}: save the file as UTF-8", line)
            return ""


def line_blocks(chunks: Iterable[bytes], max_line_bytes: int) -> Iterator[LineBlock]:
    """Blocks of about BLOCK_BYTES (more only where one line is longer); memory is bounded by max_line_bytes."""
    number, rest, skipping = 1, b"", False
    found = nothing_found()
    for piece in _evenly(chunks):
        if skipping:
            line_end = piece.find(b"\n")
            if line_end < 0:
                continue
            piece, number, skipping = piece[line_end + 1 :], number + 1, False
        cut = piece.rfind(b"\n") + 1
        if cut:
            content, rest = rest + piece[:cut], piece[cut:]
            yield LineBlock(number, _without_long_lines(content, number, max_line_bytes, found), found)
            number, found = number + content.count(b"\n"), nothing_found()
        else:
            rest += piece
        if len(rest) > max_line_bytes:
            _reject_long(found, number, max_line_bytes, rest)
            rest, skipping = b"", True
    if rest or any(found):
        yield LineBlock(number, rest, found)


def _evenly(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of about BLOCK_BYTES: small chunks are joined, large ones cut."""
    small: list[bytes] = []
    held = 0
    for chunk in chunks:
        small.append(chunk)
        held += len(chunk)
        if held >= BLOCK_BYTES:
            whole = b"".join(small)
            for start in range(0, held, BLOCK_BYTES):
                yield whole[start : start + BLOCK_BYTES]
            small, held = [], 0
    if held:
        yield b"".join(small)


def _without_long_lines(content: bytes, number: int, max_line_bytes: int, found: Found) -> bytes:
    """The content with each line that is too long made blank and rejected."""
    if len(content) <= max_line_bytes:
        return content
    lines = content.split(b"\n")
    for position, line in enumerate(lines):
        if len(line) > max_line_bytes:
            _reject_long(found, number + position, max_line_bytes, line)
            lines[position] = b""
    return b"\n".join(lines)


def _reject_long(found: Found, number: int, max_line_bytes: int, line: bytes) -> None:
    found.reject(number, f"longer than {max_line_bytes:,} bytes: shorten it, or raise the limit", line[:_KEPT_BYTES])
