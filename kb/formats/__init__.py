"""Bytes of triples in, batches of triples out, in bounded memory: one module a format, dispatched by media type."""

from collections.abc import Callable, Iterable, Iterator

from kb.errors import MediaTypeUnknown
from kb.formats.batches import Batch, ParseOptions

__all__ = ["MEDIA_TYPES", "Batch", "ParseOptions", "parse"]

MEDIA_TYPES: dict[str, Callable[..., Iterator[Batch]]] = {}


def parse(chunks: Iterable[bytes], options: ParseOptions) -> Iterator[Batch]:
    """What the bytes say, in batches in their order.

    Raises: the ParseErrors of kb.errors, also after batches were given: keep nothing of them then.
    """
    raise MediaTypeUnknown(options.media_type, tuple(MEDIA_TYPES))
    yield
