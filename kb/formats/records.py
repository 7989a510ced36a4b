"""CSV records out of lines, as RFC 4180 has them; a quote that is never closed costs its own line only."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

DELIMITERS = (",", ";", "\t", "|")
_MAX_RECORD_LINES = 1_000
_QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')
_SNIFFED_RECORDS = 32
_NEVER_CLOSED = 'a quote is opened but never closed: write a quote inside a quoted field as ""'


class Record(NamedTuple):
    """One record and the number of its first line."""

    number: int
    cells: list[str]


class BadRecord(NamedTuple):
    """A line from which no record can be read."""

    number: int
    reason: str
    text: str


class _BadQuoting(ValueError):
    """The first line that waits begins no record."""


class Records:
    """Reads records from lines as they come; lines of a record that is still open wait for the next ones."""

    def __init__(self, delimiter: str, max_record_bytes: int) -> None:
        self._delimiter = delimiter
        self._max_record_bytes = max_record_bytes
        self._waiting: deque[str] = deque()
        self._number = 1

    def feed(self, lines: Sequence[str], first: int, *, final: bool = False) -> Iterator[Record | BadRecord]:
        """The records that are complete, given lines of which the first has that number.

        Quotes count only at the start of a field, so that 5" stays 5".
        """
        if not self._waiting:
            self._number = first
        # A line that was too long came before these and is gone: keep the numbers right.
        self._waiting.extend([""] * (first - self._number - len(self._waiting)))
        self._waiting.extend(lines)
        waiting, delimiter = self._waiting, self._delimiter
        while waiting:
            line = waiting[0]
            if '"' not in line:
                yield Record(self._number, line.split(delimiter))
                waiting.popleft()
                self._number += 1
                continue
            try:
                taken = self._take(final)
            except _BadQuoting as error:
                yield BadRecord(self._number, str(error), line)
                self._drop(1)
                continue
            if taken is None:
                return
            cells, used = taken
            yield Record(self._number, cells)
            self._drop(used)

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._waiting.popleft()
        self._number += count

    def _take(self, final: bool) -> tuple[list[str], int] | None:
        """The first waiting record and how many lines it has; None when its end has not come yet."""
        text, used, position = self._waiting[0].removesuffix("\r"), 1, 0
        cells: list[str] = []
        while True:
            if text.startswith('"', position):
                match = _QUOTED.match(text, position)
                if match is None:
                    more = self._continued(text[position:], used, final)
                    if more is None:
                        return None
                    (text, used), position = more, 0
                    continue
                cells.append(match.group(1).replace('""', '"'))
                position = match.end()
                if position < len(text) and not text.startswith(self._delimiter, position):
                    raise _BadQuoting(f"field {len(cells)} has text after its closing quote")
            else:
                end = text.find(self._delimiter, position)
                cells.append(text[position:] if end < 0 else text[position:end])
                position = len(text) if end < 0 else end
            if position == len(text):
                return cells, used
            position += 1

    def _continued(self, text: str, used: int, final: bool) -> tuple[str, int] | None:
        """The open field with the lines up to the one that closes it: the first that makes its quotes even."""
        parts, num_quotes, size = [text], text.count('"'), len(text)
        while num_quotes % 2:
            if used >= len(self._waiting) and not final:
                return None
            if used >= min(len(self._waiting), _MAX_RECORD_LINES) or size > self._max_record_bytes:
                raise _BadQuoting(_NEVER_CLOSED)
            line = self._waiting[used].removesuffix("\r")
            parts.append(line)
            num_quotes += line.count('"')
            size += len(line) + 1
            used += 1
        return "\n".join(parts), used


def sniffed_delimiter(lines: Sequence[str], max_record_bytes: int) -> str:
    """The delimiter that cuts most of the first records into three or four cells; the comma when none does."""
    return max(DELIMITERS, key=lambda delimiter: _fitting_records(lines, delimiter, max_record_bytes))


def _fitting_records(lines: Sequence[str], delimiter: str, max_record_bytes: int) -> float:
    fitting = 0.0
    records = Records(delimiter, max_record_bytes).feed(lines[:_SNIFFED_RECORDS], 1, final=True)
    for record in records:
        if isinstance(record, Record):
            fitting += {3: 1.0, 4: 0.5}.get(len(record.cells), 0.0)
    return fitting
