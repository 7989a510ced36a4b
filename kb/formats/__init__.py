"""Bytes of triples in, batches of triples out, in bounded memory: one module a format, dispatched by media type."""

from collections.abc import Callable, Iterable, Iterator

from kb.errors import MediaTypeUnknown
from kb.formats.batches import Batch, CountedChunks, Found, ParseOptions, in_batches
from kb.formats.delimited import parse_csv, parse_tsv
from kb.formats.jsonl import parse_jsonl
from kb.formats.ntriples import parse_ntriples
from kb.formats.turtle import parse_turtle
from kb.formats.unpacking import unpacked
from kb.formats.writers import own_names, write_jsonl, write_ntriples, write_tsv

__all__ = [
    "CONTENT_ENCODINGS",
    "MEDIA_TYPES",
    "Batch",
    "ParseOptions",
    "own_names",
    "parse",
    "write_jsonl",
    "write_ntriples",
    "write_tsv",
]

MEDIA_TYPES: dict[str, Callable[[Iterable[bytes], ParseOptions], Iterator[Found]]] = {
    "text/tab-separated-values": parse_tsv,
    "text/csv": parse_csv,
    "application/x-ndjson": parse_jsonl,
    "application/n-triples": parse_ntriples,
    "text/turtle": parse_turtle,
}
CONTENT_ENCODINGS = ("gzip", "zstd")


def parse(chunks: Iterable[bytes], options: ParseOptions) -> Iterator[Batch]:
    """What the bytes say, in batches in their order.

    Raises: the ParseErrors of kb.errors, also after batches were given: keep nothing of them then.
    """
    parser = MEDIA_TYPES.get(options.media_type.partition(";")[0].strip().lower())
    if parser is None:
        raise MediaTypeUnknown(options.media_type, tuple(MEDIA_TYPES))
    counted = CountedChunks(chunks)
    text = unpacked(counted, options.content_encoding, options.max_unpacked_bytes)
    return in_batches(parser(text, options), counted)
