"""Rows of cells to triples: tab-separated lines without quoting, and CSV as RFC 4180 has it."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

import numpy as np

from kb.formats.batches import Found, NumberedTriples, ParseOptions, nothing_found
from kb.formats.labels import BadLabel, NumberedTexts, Relations, Things, checked_label
from kb.formats.lines import LineBlock, line_blocks
from kb.formats.records import BadRecord, Records, sniffed_delimiter
from kb.triples import Triple

_ROLES = {
    "subject": {"subject", "head", "s", "h"},
    "relation": {"relation", "predicate", "property", "r", "p"},
    "object": {"object", "tail", "o", "t"},
    "source": {"source"},
}
_TAB, _NEWLINE = b"\t\n"
_THREE_CELLS = np.array([_TAB, _TAB, _NEWLINE], np.uint8)
_HEADERS = (["object", "relation", "subject"], ["object", "relation", "source", "subject"])


class Columns(NamedTuple):
    """Which cell says what."""

    subject: int = 0
    relation: int = 1
    object: int = 2
    source: int | None = None

    @property
    def num_cells(self) -> int:
        """How many cells a row has."""
        return 3 if self.source is None else 4

    @classmethod
    def from_header(cls, cells: list[str]) -> Self | None:
        """The columns that a header row names, in any order; None when the row is not literally a header."""
        names = [cell.strip().casefold() for cell in cells]
        roles = [role for name in names for role, known in _ROLES.items() if name in known]
        if len(roles) != len(cells) or sorted(roles) not in _HEADERS:
            return None
        source = roles.index("source") if "source" in roles else None
        return cls(roles.index("subject"), roles.index("relation"), roles.index("object"), source)


class Rows:
    """Turns rows into triples; the first one may be a header."""

    def __init__(self, options: ParseOptions, delimiter: str) -> None:
        self._options = options
        self._delimiter = delimiter
        self._things = Things(options.max_label_bytes)
        self._relations = Relations(options.max_label_bytes)
        self._columns: Columns | None = None
        numbers = options.numbers
        self._numbers = (NumberedTexts(numbers.entity), NumberedTexts(numbers.relation)) if numbers else None

    def numbered(self, block: LineBlock) -> NumberedTriples | None:
        """The triples of a block of lines that all have three good cells; None when it must be read row by row."""
        cells = _three_cells(block.content) if self._numbers and self._columns == Columns() else None
        if cells is None:
            return None
        assert self._numbers is not None
        things, relations = self._numbers
        subjects, predicates, objects = cells[0::3], cells[1::3], cells[2::3]
        new_things, new_relations = things.unknown(subjects + objects), relations.unknown(predicates)
        try:
            made = [self._things.make(text) for text in new_things], [self._relations.make(t) for t in new_relations]
        except BadLabel:
            return None
        things.learn(new_things, made[0])
        relations.learn(new_relations, made[1])
        return NumberedTriples(
            np.fromiter(map(things.__getitem__, subjects), np.int32, len(subjects)),
            np.fromiter(map(relations.__getitem__, predicates), np.int32, len(subjects)),
            np.fromiter(map(things.__getitem__, objects), np.int32, len(subjects)),
        )

    def read(self, rows: Iterable[tuple[int, list[str]]], found: Found) -> None:
        """Adds the rows' triples, and the rows that make none, to what was found; blank rows are skipped."""
        rows = iter(rows)
        columns = self._columns or self._first_columns(rows, found)
        things, relations, triples = self._things, self._relations, found.triples
        source = self._options.source
        is_plain = columns == Columns()
        for number, cells in rows:
            if not is_plain or len(cells) != 3:
                self._read_row(number, cells, found)
                continue
            subject, relation, object_ = cells
            try:
                terms = things[subject], relations[relation], things[object_], source
            except BadLabel:
                self._read_row(number, cells, found)
            else:
                triples.append(tuple.__new__(Triple, terms))  # half the time of Triple(...)

    def _first_columns(self, rows: Iterator[tuple[int, list[str]]], found: Found) -> Columns | None:
        """Looks at the first row that is not blank: a header sets the columns, any other row is read."""
        for number, cells in rows:
            if not _is_blank(cells):
                header = Columns.from_header(cells)
                self._columns = header or Columns()
                if header is None:
                    self._read_row(number, cells, found)
                break
        return self._columns

    def _read_row(self, number: int, cells: list[str], found: Found) -> None:
        if _is_blank(cells):
            return
        columns = self._columns or Columns()
        text = self._delimiter.join(cells)
        if len(cells) != columns.num_cells:
            fields = "1 field" if len(cells) == 1 else f"{len(cells)} fields"
            found.reject(number, f"{fields}, not {columns.num_cells}", text)
            return
        role = "subject"
        try:
            subject = self._things[cells[columns.subject]]
            role = "relation"
            relation = self._relations[cells[columns.relation]]
            role = "object"
            object_ = self._things[cells[columns.object]]
            role = "source"
            source = self._source(cells, columns)
        except BadLabel as error:
            found.reject(number, f"the {role} {error}", text)
            return
        found.triples.append(Triple(subject, relation, object_, source))

    def _source(self, cells: list[str], columns: Columns) -> str | None:
        if columns.source is None or not cells[columns.source].strip():
            return self._options.source
        return checked_label(cells[columns.source], self._options.max_label_bytes)


def _three_cells(content: bytes) -> list[str] | None:
    """All cells of lines that have three each, one after the other; None when some have more or fewer."""
    characters = np.frombuffer(content, np.uint8)
    marks = characters[(characters == _TAB) | (characters == _NEWLINE)]
    if len(marks) % 3 or (marks.reshape(-1, 3) != _THREE_CELLS).any() or not content.endswith(b"\n"):
        return None
    try:
        cells = content.decode().replace("\n", "\t").split("\t")
    except UnicodeDecodeError:
        return None
    cells.pop()
    return cells


def _is_blank(cells: list[str]) -> bool:
    return len(cells) == 1 and not cells[0].strip()


def parse_tsv(chunks: Iterable[bytes], options: ParseOptions) -> Iterator[Found]:
    """Lines of three cells between tabs; a quote is a character like any other."""
    rows = Rows(options, "\t")
    for block in line_blocks(chunks, options.max_line_bytes):
        numbered = rows.numbered(block)
        if numbered is None:
            rows.read(enumerate([line.split("\t") for line in block.text_lines()], block.first), block.found)
        yield block.found._replace(numbered=numbered)


def parse_csv(chunks: Iterable[bytes], options: ParseOptions) -> Iterator[Found]:
    """Records of three cells, perhaps quoted, between commas, semicolons, tabs or bars: whatever fits the start."""
    reader: tuple[Records, Rows] | None = None
    next_number = 1
    for block in line_blocks(chunks, options.max_line_bytes):
        lines = block.text_lines()
        if reader is None:
            delimiter = sniffed_delimiter(lines, options.max_line_bytes)
            reader = Records(delimiter, options.max_line_bytes), Rows(options, delimiter)
        records, rows = reader
        rows.read(_good_records(records, lines, block.first, block.found, final=False), block.found)
        next_number = block.first + len(lines)
        yield block.found
    if reader is not None:
        found = nothing_found()
        records, rows = reader
        rows.read(_good_records(records, [], next_number, found, final=True), found)
        yield found


def _good_records(
    records: Records, lines: list[str], first: int, found: Found, *, final: bool
) -> Iterator[tuple[int, list[str]]]:
    for record in records.feed(lines, first, final=final):
        if isinstance(record, BadRecord):
            found.reject(*record)
        else:
            yield record
