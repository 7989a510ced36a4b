"""Streams longer than memory may hold: batches come early, stay small, and nothing piles up."""

import tracemalloc
from collections.abc import Iterator
from itertools import islice

import pytest

from kb.formats import MEDIA_TYPES, ParseOptions, parse
from kb.formats.batches import BATCH_ITEMS
from tests.kb.formats.reading import CSV, JSONL, NTRIPLES, TSV, TURTLE

CHUNK_LINES = 100
LINES = {
    TSV: "Entity number {0}\trelation_{1}\tEntity number {2}\n",
    CSV: '"Entity, number {0}",relation_{1},"Entity\nnumber {2}"\n',
    JSONL: '{{"subject": "Entity number {0}", "relation": "relation_{1}", "object": {2}}}\n',
    NTRIPLES: '<http://e/number_{0}> <http://e/relation_{1}> "number {2}" .\n_:b{0} <http://e/relation_1> _:b{2} .\n',
    TURTLE: "<http://e/number_{0}> <http://e/relation_{1}> [ <http://e/p> <http://e/number_{2}> ] .\n",
}


def stream(media_type: str, num_chunks: int) -> Iterator[bytes]:
    """Chunks in which no entity comes twice."""
    line = LINES[media_type]
    for chunk in range(num_chunks):
        numbers = range(chunk * CHUNK_LINES, (chunk + 1) * CHUNK_LINES)
        yield "".join(line.format(number, number % 200, -number - 1) for number in numbers).encode()


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_memory_does_not_grow_with_the_stream(media_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all limits a tenth of what they are, for speed: the peak of a long rest is that of the start."""
    monkeypatch.setattr("kb.formats.lines.BLOCK_BYTES", 8_000)
    monkeypatch.setattr("kb.formats.labels._REMEMBERED_TERMS", 500)
    monkeypatch.setattr("kb.formats.batches.BATCH_ITEMS", 500)
    monkeypatch.setattr("kb.formats.turtle.BATCH_ITEMS", 500)
    monkeypatch.setattr("kb.formats.turtle._REMEMBERED_NODES", 500)
    batches = parse(stream(media_type, 60), ParseOptions(media_type))
    tracemalloc.start()
    try:
        start_bytes = max(batch.bytes_done for batch in islice(batches, 3))
        start_peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        all_bytes = max(batch.bytes_done for batch in batches)
        rest_peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert all_bytes > 3 * start_bytes
    assert rest_peak < 1.2 * start_peak + 50_000


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_batches_come_before_the_stream_ends(media_type: str) -> None:
    batches = list(islice(parse(stream(media_type, 10**9), ParseOptions(media_type)), 3))
    assert [len(batch.triples) for batch in batches] == [BATCH_ITEMS] * 3
    assert batches[0].bytes_done < batches[2].bytes_done


def test_remembered_terms_are_bounded_by_their_text_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.formats.labels._REMEMBERED_CHARACTERS", 100_000)
    lines = (f"{number:09999}\tr\to\n".encode() for number in range(1_000))
    tracemalloc.start()
    try:
        largest = 0
        for _ in parse(lines, ParseOptions(TSV)):
            largest = max(largest, tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert largest < 15_000_000
