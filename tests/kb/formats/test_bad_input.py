"""What people send by mistake or malice: a clear reason, and the good lines are kept."""

import gzip
import random
import re

import pytest

from kb.errors import EmptyInput, MediaTypeUnknown, SyntaxErrorAt, UnpackFailed
from kb.formats import MEDIA_TYPES, ParseOptions, parse
from kb.formats.batches import BATCH_ITEMS
from tests.kb.formats.reading import CSV, JSONL, NTRIPLES, TSV, TURTLE, in_chunks, labels, read

GOOD = {
    TSV: b"a\tr\tb\n",
    CSV: b"a,r,b\n",
    JSONL: b'{"subject":"a","relation":"r","object":"b"}\n',
    NTRIPLES: b"<http://e/a> <http://e/r> <http://e/b> .\n",
    TURTLE: b"<http://e/a> <http://e/r> <http://e/b> .\n",
}
BY_LINE = [TSV, CSV, JSONL, NTRIPLES]


def with_label(media_type: str, label: bytes) -> bytes:
    """A good line with another object."""
    if media_type in (NTRIPLES, TURTLE):
        return GOOD[media_type].replace(b"<http://e/b>", b'"' + label + b'"')
    return re.sub(rb"\bb\b", lambda match: label, GOOD[media_type])


def assert_second_line_rejected(media_type: str, bad: bytes, reason: str, **options: int) -> None:
    batch = read(GOOD[media_type] + bad.rstrip(b"\n") + b"\n" + GOOD[media_type], media_type, **options)
    assert labels(batch) == [("a", "r", "b")] * 2
    assert [line.number for line in batch.rejected] == [2]
    assert reason in batch.rejected[0].reason
    assert len(batch.rejected[0].text) <= 200


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_an_empty_body_is_refused(media_type: str) -> None:
    with pytest.raises(EmptyInput, match="at least one triple"):
        read(b"", media_type)


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/json"])
def test_a_wrong_media_type_is_refused_with_those_that_are_read(media_type: str) -> None:
    with pytest.raises(MediaTypeUnknown, match="text/turtle"):
        read(b"x", media_type)


def test_a_media_type_may_have_parameters_and_capitals() -> None:
    assert labels(read(b"a\tr\tb", "Text/Tab-Separated-Values; charset=utf-8")) == [("a", "r", "b")]


@pytest.mark.parametrize("media_type", BY_LINE)
def test_a_body_cut_in_the_middle_loses_only_its_last_line(media_type: str) -> None:
    batch = read(GOOD[media_type] * 3 + GOOD[media_type][:4], media_type)
    assert (len(batch.triples), [line.number for line in batch.rejected]) == (3, [4])


def test_a_packed_body_cut_in_the_middle_is_an_error_after_its_batches() -> None:
    packed = gzip.compress(b"".join(b"a%d\tr\tb\n" % number for number in range(50_000)))
    batches = parse([packed[:-20]], ParseOptions(TSV, "gzip"))
    assert len(next(batches).triples) == BATCH_ITEMS
    with pytest.raises(UnpackFailed):
        list(batches)


@pytest.mark.parametrize("media_type", BY_LINE)
def test_invalid_utf8_costs_its_line(media_type: str) -> None:
    assert_second_line_rejected(media_type, with_label(media_type, b"\xff\xfe"), "UTF-8")


@pytest.mark.parametrize("media_type", BY_LINE)
def test_a_nul_costs_its_line(media_type: str) -> None:
    reason = "not JSON" if media_type == JSONL else "NUL"
    assert_second_line_rejected(media_type, with_label(media_type, b"x\0y"), reason)


@pytest.mark.parametrize(
    ("media_type", "bad"),
    [
        (NTRIPLES, b"<http://e/a> <http://e/r> <http://e/b>\0 ."),
        (JSONL, b'{"subject":{"iri":"http://e/\\u0000"},"relation":"r","object":"b"}'),
    ],
)
def test_no_reason_holds_a_nul_which_postgres_would_refuse(media_type: str, bad: bytes) -> None:
    (line,) = read(bad, media_type).rejected
    assert "\0" not in line.reason + line.text


@pytest.mark.parametrize("text", [b"\0", b"x" * 100_000])
def test_what_a_turtle_error_says_is_short_and_holds_no_nul(text: bytes) -> None:
    with pytest.raises(SyntaxErrorAt) as error:
        read(b"<http://e/a> " + text + b":r 1 .\n", TURTLE)
    assert "\0" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_reason_is_short_however_long_the_key_that_it_names() -> None:
    (line,) = read(b'{"%b":1}' % (b"x" * 100_000), JSONL).rejected
    assert len(line.reason) < 300


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_a_byte_order_mark_at_the_start_is_no_part_of_the_first_label(media_type: str) -> None:
    assert labels(read(b"\xef\xbb\xbf" + GOOD[media_type], media_type)) == [("a", "r", "b")]


@pytest.mark.parametrize(("media_type", "delimiter"), [(TSV, "\t"), (CSV, ",")])
@pytest.mark.parametrize("fields", ["1 field", "2 fields", "4 fields"])
def test_a_line_with_too_few_or_too_many_fields_is_rejected(media_type: str, delimiter: str, fields: str) -> None:
    bad = delimiter.join("wxyz"[: int(fields[0])]).encode()
    assert_second_line_rejected(media_type, bad, f"{fields}, not 3")


@pytest.mark.parametrize("media_type", [TSV, CSV, JSONL])
@pytest.mark.parametrize(("field", "role"), [(b"a", "subject"), (b"r", "relation"), (b"b", "object")])
def test_an_empty_field_is_rejected_by_its_name(media_type: str, field: bytes, role: str) -> None:
    bad = re.sub(rb"\b%b\b" % field, b" ", GOOD[media_type])
    assert_second_line_rejected(media_type, bad, f"the {role} is empty")


@pytest.mark.parametrize("media_type", BY_LINE)
def test_an_empty_object_is_rejected(media_type: str) -> None:
    assert_second_line_rejected(media_type, with_label(media_type, b""), "is empty")


@pytest.mark.parametrize("media_type", BY_LINE)
def test_a_label_over_the_limit_is_rejected_and_one_at_the_limit_is_not(media_type: str) -> None:
    assert_second_line_rejected(
        media_type, with_label(media_type, b"x" * 1001), "longer than 1,000", max_label_bytes=1000
    )
    assert len(read(with_label(media_type, b"x" * 1000), media_type, max_label_bytes=1000).triples) == 1
    assert_second_line_rejected(media_type, with_label(media_type, "é".encode() * 501), "longer", max_label_bytes=1000)


@pytest.mark.parametrize("media_type", BY_LINE)
@pytest.mark.parametrize("size", [1000, 10_000_000])
def test_a_label_of_one_megabyte_costs_its_line(media_type: str, size: int) -> None:
    data = GOOD[media_type] + with_label(media_type, b"x" * (1 << 20)) + GOOD[media_type]
    batch = read(in_chunks(data, size), media_type)
    assert len(batch.triples) == 2
    assert [(line.number, len(line.text)) for line in batch.rejected] == [(2, 200)]
    assert "longer than" in batch.rejected[0].reason


@pytest.mark.parametrize("media_type", BY_LINE)
def test_a_line_without_end_is_dropped_in_bounded_memory(media_type: str) -> None:
    data = GOOD[media_type] + b"x" * 500_000 + b"\n" + GOOD[media_type] + b"y" * 500_000
    batch = read(in_chunks(data, 777), media_type, max_line_bytes=10_000)
    assert len(batch.triples) == 2
    assert [line.number for line in batch.rejected] == [2, 4]


def test_a_turtle_label_over_the_limit_is_rejected() -> None:
    data = GOOD[TURTLE] + with_label(TURTLE, b"x" * 1001) + GOOD[TURTLE]
    batch = read(data, TURTLE, max_label_bytes=1000)
    assert (len(batch.triples), [line.number for line in batch.rejected]) == (2, [2])


@pytest.mark.parametrize("media_type", [NTRIPLES, TURTLE])
def test_an_iri_over_the_limit_is_rejected(media_type: str) -> None:
    data = GOOD[media_type].replace(b"/r>", b"/" + b"r" * 1000 + b">") + GOOD[media_type]
    batch = read(data, media_type, max_label_bytes=1000)
    assert (len(batch.triples), [line.number for line in batch.rejected]) == (1, [1])


@pytest.mark.parametrize("media_type", [NTRIPLES, TURTLE])
def test_a_blank_node_with_a_label_over_the_limit_is_rejected(media_type: str) -> None:
    data = GOOD[media_type].replace(b"<http://e/b>", b"_:" + b"b" * 1000) + GOOD[media_type]
    batch = read(data, media_type, max_label_bytes=1000)
    assert (len(batch.triples), [line.number for line in batch.rejected]) == (1, [1])


@pytest.mark.parametrize(
    ("media_type", "line"),
    [
        (TSV, b"a\t%b\tb\n"),
        (JSONL, b'{"subject":"a","relation":{"iri":"http://e/r","label":"%b"},"object":"b"}\n'),
        (NTRIPLES, b"<http://e/a> <http://e/%b> <http://e/b> .\n"),
    ],
)
def test_a_relation_that_is_over_the_limit_once_its_words_are_apart_is_rejected(media_type: str, line: bytes) -> None:
    assert "longer than" in read(line % (b"aB" * 45), media_type, max_label_bytes=100).rejected[0].reason


@pytest.mark.parametrize("media_type", BY_LINE)
def test_each_bad_line_among_many_good_ones_is_listed_with_its_number(media_type: str) -> None:
    bad_numbers = sorted(random.Random(3).sample(range(1, 20_001), 2_000))
    bad = set(bad_numbers)
    data = b"".join(b"bad\n" if number in bad else GOOD[media_type] for number in range(1, 20_001))
    batch = read(in_chunks(data, 100_000), media_type)
    assert [line.number for line in batch.rejected] == bad_numbers
    assert len(batch.triples) == 18_000


def test_a_turtle_syntax_error_names_its_line() -> None:
    with pytest.raises(SyntaxErrorAt, match="line 4001"):
        read(GOOD[TURTLE] * 4000 + b"<http://e/a> oops .\n" + GOOD[TURTLE], TURTLE)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_garbage_ends_in_rejections_or_an_error_never_in_triples(media_type: str) -> None:
    noise = b"\x7fnoise" + random.Random(5).randbytes(200_000)
    if media_type == TURTLE:
        with pytest.raises(SyntaxErrorAt):
            read(noise, media_type)
    else:
        batch = read(noise, media_type)
        assert not batch.triples
        assert batch.rejected
