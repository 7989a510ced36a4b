"""What every parser takes and gives: options in, batches out."""

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import uuid4

from kb.triples import Name, RejectedLine, Triple

BATCH_ITEMS = 5_000


def _random_prefix() -> str:
    return uuid4().hex


@dataclass(frozen=True)
class ParseOptions:
    """How to read one body.

    `blank_prefix` (letters and digits) keeps blank nodes of different bodies apart. Give the digest of the body,
    and the same body sent twice names the same blank nodes; left out, it is random.
    """

    media_type: str
    content_encoding: str | None = None
    source: str | None = None
    max_label_bytes: int = 16 * 1024
    max_unpacked_bytes: int = 64 * 1024**3
    max_line_bytes: int = 1024**2
    blank_prefix: str = field(default_factory=_random_prefix)


class Batch(NamedTuple):
    """At most about BATCH_ITEMS of what was read, and how many bytes of the (packed) input were read so far."""

    triples: list[Triple]
    names: list[Name]
    rejected: list[RejectedLine]
    bytes_done: int
