import gzip
import random
import zlib
from collections.abc import Callable, Iterator

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import (
    EmptyInput,
    EncodingUnknown,
    NotGzip,
    NotText,
    NotZstd,
    UnpackedTooLarge,
    UnpackFailed,
)
from kb.formats.unpacking import unpacked
from tests.kb.formats.reading import in_chunks

Pack = Callable[[bytes], bytes]
LIMIT = 1 << 30


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


PACKINGS = pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstd)])
NOISE = random.Random(1).randbytes(300_000)


@PACKINGS
@pytest.mark.parametrize("size", [1, 7, 4096, 10_000_000])
def test_packed_bytes_come_out_whatever_the_chunks(encoding: str, pack: Pack, size: int) -> None:
    data = NOISE[:3000] if size < 100 else NOISE
    assert b"".join(unpacked(in_chunks(pack(data), size), encoding, LIMIT)) == data


@PACKINGS
def test_several_members_are_read_as_one(encoding: str, pack: Pack) -> None:
    packed = pack(b"first\n") + pack(b"") + pack(NOISE)
    assert b"".join(unpacked(in_chunks(packed, 999), encoding, LIMIT)) == b"first\n" + NOISE


@PACKINGS
@given(st.lists(st.binary()), st.integers(1, 99))
def test_any_members_come_out_as_one(encoding: str, pack: Pack, members: list[bytes], size: int) -> None:
    packed = b"".join(map(pack, [b"text", *members]))
    assert b"".join(unpacked(in_chunks(packed, size), encoding, LIMIT)) == b"text" + b"".join(members)


def test_zeros_behind_gzip_are_padding() -> None:
    assert b"".join(unpacked([gzip.compress(b"data") + bytes(600), bytes(9)], "gzip", LIMIT)) == b"data"


def test_a_skippable_zstd_frame_is_skipped() -> None:
    skippable = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    assert b"".join(unpacked([skippable + zstd(b"data")], "zstd", LIMIT)) == b"data"


@PACKINGS
@pytest.mark.parametrize("lost", [1, 5, 1000, 299_000])
def test_a_body_cut_in_the_middle_is_refused(encoding: str, pack: Pack, lost: int) -> None:
    with pytest.raises(UnpackFailed, match="cut before its end"):
        list(unpacked([pack(NOISE)[:-lost]], encoding, LIMIT))


@PACKINGS
def test_a_damaged_body_is_refused(encoding: str, pack: Pack) -> None:
    packed = bytearray(pack(b"abcdefghij" * 10_000 + NOISE))
    packed[len(packed) // 2] ^= 0xFF
    packed[10:14] = b"\xff\xff\xff\xff"
    with pytest.raises(UnpackFailed, match=r"damaged|cut"):
        list(unpacked([bytes(packed)], encoding, LIMIT))


@PACKINGS
def test_garbage_behind_a_member_is_refused(encoding: str, pack: Pack) -> None:
    with pytest.raises(UnpackFailed):
        list(unpacked([pack(b"data") + b"garbage garbage"], encoding, LIMIT))


def test_gzip_that_is_not_gzip_is_refused() -> None:
    with pytest.raises(NotGzip, match="gzip header"):
        list(unpacked([b"a\tb\tc\n"], "gzip", LIMIT))


def test_zstd_that_is_not_zstd_is_refused() -> None:
    with pytest.raises(NotZstd, match="zstd frame"):
        list(unpacked([b"a\tb\tc\n"], "zstd", LIMIT))


@PACKINGS
def test_a_bomb_is_stopped_at_the_limit_with_little_in_memory(encoding: str, pack: Pack) -> None:
    bomb = pack(bytes(64 << 20))
    pieces: Iterator[bytes] = unpacked([bomb], encoding, 1 << 20)
    sizes: list[int] = []
    with pytest.raises(UnpackedTooLarge, match="1,048,576 bytes"):
        sizes.extend(len(piece) for piece in pieces)
    assert len(bomb) < 100_000
    assert sum(sizes) <= 1 << 20


def test_a_piece_of_gzip_is_small_however_much_its_input_holds() -> None:
    assert max(len(piece) for piece in unpacked([gzip.compress(bytes(8 << 20))], "gzip", LIMIT)) <= 1 << 16


def test_a_piece_of_zstd_is_bounded_however_much_its_input_holds() -> None:
    bomb = zstd(bytes(200 << 20))
    assert max(len(piece) for piece in unpacked([bomb], "zstd", LIMIT)) <= 16 << 20


@pytest.mark.parametrize("encoding", [None, "gzip", "zstd"])
@pytest.mark.parametrize("chunks", [[], [b""], [b"", b""]])
def test_an_empty_body_is_refused(encoding: str | None, chunks: list[bytes]) -> None:
    with pytest.raises(EmptyInput):
        list(unpacked(chunks, encoding, LIMIT))


@PACKINGS
def test_a_packed_empty_body_is_refused(encoding: str, pack: Pack) -> None:
    with pytest.raises(EmptyInput):
        list(unpacked([pack(b"")], encoding, LIMIT))


def test_a_body_of_only_a_byte_order_mark_is_empty() -> None:
    with pytest.raises(EmptyInput):
        list(unpacked([b"\xef", b"\xbb\xbf"], None, LIMIT))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_a_byte_order_mark_at_the_start_is_dropped_once(size: int) -> None:
    data = b"\xef\xbb\xbfa\xef\xbb\xbfb"
    assert b"".join(unpacked(in_chunks(data, size), None, LIMIT)) == b"a\xef\xbb\xbfb"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (gzip.compress(b"x", mtime=0), "gzip"),
        (zstd(b"x"), "zstd"),
        ("a\tb\tc".encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_plainly_no_text_is_refused_with_advice(data: bytes, found: str) -> None:
    with pytest.raises(NotText, match=found):
        list(unpacked([data], None, LIMIT))


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(EncodingUnknown, match="'br' is not known"):
        list(unpacked([b"x"], "br", LIMIT))


def test_a_gzip_member_whose_check_sum_is_wrong_is_refused() -> None:
    packed = bytearray(gzip.compress(b"data"))
    packed[-8] ^= 1
    with pytest.raises(UnpackFailed, match="check"):
        list(unpacked([bytes(packed)], "gzip", LIMIT))


def test_raw_deflate_is_not_gzip() -> None:
    with pytest.raises(NotGzip):
        list(unpacked([zlib.compress(b"data")], "gzip", LIMIT))
