"""Short ways to parse in tests."""

from collections.abc import Iterable, Iterator
from typing import Any

from kb.formats import Batch, ParseOptions, parse
from kb.triples import Name, RejectedLine, Term, Triple

TSV = "text/tab-separated-values"
CSV = "text/csv"
JSONL = "application/x-ndjson"
NTRIPLES = "application/n-triples"
TURTLE = "text/turtle"


def read(data: bytes | Iterable[bytes], media_type: str, **options: Any) -> Batch:
    """All batches as one."""
    triples: list[Triple] = []
    names: list[Name] = []
    rejected: list[RejectedLine] = []
    done = 0
    chunks = [data] if isinstance(data, bytes) else data
    for batch in parse(chunks, ParseOptions(media_type, **{"blank_prefix": "t", **options})):
        triples += batch.triples
        names += batch.names
        rejected += batch.rejected
        done = batch.bytes_done
    return Batch(triples, names, rejected, done)


def labels(batch: Batch) -> list[tuple[str, str, str]]:
    """The triples' labels."""
    return [(triple.subject.label, triple.relation.label, triple.object.label) for triple in batch.triples]


def in_chunks(data: bytes, size: int) -> Iterator[bytes]:
    """The data in chunks of a size."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def thing(label: str) -> Term:
    """A thing without IRI."""
    return Term(label)
