"""Packed bytes to plain bytes, piece by piece: gzip and zstd, their damage, and bombs; knows no format."""

import zlib
from collections.abc import Callable, Iterable, Iterator

import zstandard

from kb.errors import EmptyInput, EncodingUnknown, NotGzip, NotText, NotZstd, UnpackedTooLarge, UnpackFailed

_PIECE_BYTES = 64 * 1024
_GZIP_START = b"\x1f\x8b\x08"
_ZSTD_START = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = bytes(range(0x50, 0x60))
_START_BYTES = 4
# A zstd block of 4 bytes may hold 128 KiB, so 512 bytes hold at most 16 MiB: what a bomb can put in memory at once.
_ZSTD_STEP_BYTES = 512
# What `zstd --ultra -22` and `zstd --long` write; larger windows cost more memory than one job may take.
_ZSTD_WINDOW_BYTES = 1 << 27
_MARK = b"\xef\xbb\xbf"
_CUT = "it is cut before its end"


def unpacked(chunks: Iterable[bytes], content_encoding: str | None, max_unpacked_bytes: int) -> Iterator[bytes]:
    """The plain bytes without a byte-order mark, in pieces of bounded size.

    Raises: EncodingUnknown, EmptyInput, NotText, and when packed NotGzip, NotZstd, UnpackFailed, UnpackedTooLarge.
    """
    if content_encoding is None:
        return _text(iter(chunks))
    if content_encoding not in _UNPACKERS:
        raise EncodingUnknown(content_encoding)
    return _text(_limited(_UNPACKERS[content_encoding](chunks), max_unpacked_bytes))


def _limited(pieces: Iterable[bytes], max_unpacked_bytes: int) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > max_unpacked_bytes:
            raise UnpackedTooLarge(max_unpacked_bytes)
        yield piece


def _with_start(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes with at least _START_BYTES in the first piece, if there are that many; no piece is empty."""
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= _START_BYTES:
            break
    if start:
        yield start
    yield from filter(None, pieces)


def _text(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Checks the first bytes: something there, no other encoding; a UTF-8 byte-order mark is dropped."""
    whole = _with_start(pieces)
    start = next(whole, b"").removeprefix(_MARK)
    if start.startswith(_GZIP_START):
        raise NotText("gzip", "send it with Content-Encoding: gzip")
    if start.startswith(_ZSTD_START):
        raise NotText("zstd", "send it with Content-Encoding: zstd")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotText("UTF-16", "save it as UTF-8")
    if not start and (start := next(whole, b"")) == b"":
        raise EmptyInput
    yield start
    yield from whole


def _gunzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Any number of gzip members, one after the other, perhaps with zeros behind them as tapes and tar leave them."""
    stream = _checked(chunks, _starts_gzip, NotGzip)
    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        for chunk in stream:
            waiting = chunk
            while waiting:
                if member.eof:
                    waiting = waiting.lstrip(b"\0")
                    if not waiting:
                        break
                    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
                yield member.decompress(waiting, _PIECE_BYTES)
                waiting = member.unused_data if member.eof else member.unconsumed_tail
        # The last input may be taken in before all of its output is given out.
        while not member.eof and (piece := member.decompress(b"", _PIECE_BYTES)):
            yield piece
    except zlib.error as error:
        raise UnpackFailed("gzip", f"it is damaged ({error})") from error
    if not member.eof:
        raise UnpackFailed("gzip", _CUT)


def _unzstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Any number of zstd frames, one after the other."""
    stream = _checked(chunks, _starts_zstd, NotZstd)
    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    frame = unpacker.decompressobj()
    try:
        for chunk in stream:
            for start in range(0, len(chunk), _ZSTD_STEP_BYTES):
                waiting = chunk[start : start + _ZSTD_STEP_BYTES]
                while waiting:
                    if frame.eof:
                        frame = unpacker.decompressobj()
                    yield frame.decompress(waiting)
                    waiting = frame.unused_data if frame.eof else b""
    except zstandard.ZstdError as error:
        raise UnpackFailed("zstd", f"it is damaged ({error})") from error
    if not frame.eof:
        raise UnpackFailed("zstd", _CUT)


def _checked(
    chunks: Iterable[bytes], is_start: Callable[[bytes], bool], refusal: Callable[[], UnpackFailed]
) -> Iterator[bytes]:
    stream = _with_start(iter(chunks))
    start = next(stream, b"")
    if not start:
        raise EmptyInput
    if not is_start(start):
        raise refusal()
    yield start
    yield from stream


def _starts_gzip(start: bytes) -> bool:
    return start.startswith(_GZIP_START[: len(start)])


def _starts_zstd(start: bytes) -> bool:
    skippable = start[:1] and start[0] in _ZSTD_SKIPPABLE and start[1:4] == b"\x2a\x4d\x18"
    return bool(skippable) or start.startswith(_ZSTD_START[: len(start)])


_UNPACKERS: dict[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {"gzip": _gunzipped, "zstd": _unzstd}
