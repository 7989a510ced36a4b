"""Turtle, streamed: statements over many lines, so that a syntax error ends the reading."""

import re
from collections.abc import Iterable, Iterator
from typing import IO, cast

from pyoxigraph import RdfFormat, parse

from kb.errors import SyntaxErrorAt
from kb.formats.batches import BATCH_ITEMS, Found, ParseOptions, nothing_found
from kb.formats.labels import BadLabel
from kb.formats.rdf import Statements, syntax_reason

# What pyoxigraph calls the nodes that have no label in the text: 128 random bits in hexadecimal, drawn until they
# start with a letter, so that leading zeros make some shorter; fewer than 16 digits come once in 2**64.
_RANDOM_LABEL = re.compile(r"[a-f][0-9a-f]{15,31}")
_WRITTEN_RANDOM_LABEL = re.compile(rb"_:[a-f][0-9a-f]{15}")
_REMEMBERED_NODES = 1 << 19


def parse_turtle(chunks: Iterable[bytes], options: ParseOptions) -> Iterator[Found]:
    """Statements as they come; one that cannot be kept is rejected with about its line.

    Raises: SyntaxErrorAt with the line of the error.
    """
    nodes = _NumberedNodes()
    text = _LineByLine(chunks, nodes)
    statements = Statements(options, nodes.label)
    found = nothing_found()
    quads = parse(input=cast(IO[bytes], text), format=RdfFormat.TURTLE)
    while True:
        try:
            quad = next(quads, None)
        except SyntaxError as error:
            raise SyntaxErrorAt(error.lineno or text.line, syntax_reason(error)) from error
        except MemoryError as error:
            if "buffer" not in str(error):
                raise
            raise SyntaxErrorAt(text.line, "a text or name without end: is a quote or bracket open?") from error
        if quad is None:
            yield found
            return
        try:
            statements.read((quad,), found)
        except BadLabel as error:
            found.reject(text.line, str(error), str(quad))
        if found.num_items() >= BATCH_ITEMS:
            yield found
            found = nothing_found()


class _NumberedNodes:
    """Numbers the nodes without label in their order, so that the same text names them the same every time.

    Such a node is out of reach soon after it came, so the oldest may be forgotten, unless the text writes labels
    that look like pyoxigraph's own: these can come back at any time.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._num_nodes = 0
        self._forgets = True
        self._seam = b""

    def look_at(self, text: bytes) -> None:
        """Sees the text before pyoxigraph does."""
        if self._forgets:
            self._forgets = _WRITTEN_RANDOM_LABEL.search(self._seam + text) is None
            self._seam = text[-33:]

    def label(self, label: str) -> str:
        """The label to use for a node."""
        if _RANDOM_LABEL.fullmatch(label) is None:
            return label
        number = self._numbers.pop(label, None)
        if number is None:
            self._num_nodes += 1
            number = self._num_nodes
        self._numbers[label] = number
        if self._forgets and len(self._numbers) > _REMEMBERED_NODES:
            del self._numbers[next(iter(self._numbers))]
        return f"-{number}"


class _LineByLine:
    """A file that gives at most one line a read, so that it knows how far the parser is."""

    def __init__(self, chunks: Iterable[bytes], nodes: _NumberedNodes) -> None:
        self._chunks = iter(chunks)
        self._nodes = nodes
        self._chunk = b""
        self._position = 0
        self._num_ends = 0

    @property
    def line(self) -> int:
        """The line of the last byte given, from 1."""
        return max(self._num_ends, 1)

    def read(self, size: int = -1) -> bytes:
        """The next line, or as much of it as fits; empty at the end."""
        while self._position == len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._nodes.look_at(chunk)
            self._chunk, self._position = chunk, 0
        start = self._position
        limit = len(self._chunk) if size < 0 else start + size
        stop = self._chunk.find(b"\n", start, limit) + 1 or min(limit, len(self._chunk))
        self._position = stop
        self._num_ends += self._chunk.endswith(b"\n", start, stop)
        return self._chunk[start:stop]
