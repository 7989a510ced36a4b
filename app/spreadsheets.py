"""Tables of rows and columns as triples: the first cell of a row names a thing, a column's head the relation."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

SEPARATORS = ",;\t|"


class NoTable(ValueError):
    """A file is no table: the message says what is wrong in which line."""


@contextmanager
def as_triples(table: Path) -> Iterator[Path]:
    """Give a CSV of a table's triples, as long as the block lasts.

    Raises:
        NoTable: the file is no table.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{table.stem}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(triples_of(table))
        yield path


def triples_of(table: Path) -> Iterator[tuple[str, str, str]]:
    """One triple for each cell that is not empty: the row's first cell, the column's head, the cell.

    Cells are separated by what the head of the table has most of: comma, semicolon, tab or bar; quotes are those of
    RFC 4180.

    Raises:
        NoTable: the file is no UTF-8, has no head of two columns or more, or a row does not fit it.
    """
    with table.open(newline="", encoding="utf-8-sig") as file:
        try:
            head = file.readline()
            file.seek(0)
            rows = csv.reader(file, delimiter=max(SEPARATORS, key=head.count), strict=True)
            _, *relations = [cell.strip() for cell in next(rows, [""])]
            if not relations or not all(relations):
                raise NoTable("line 1 names no columns: the first line of a table says what is in each")
            for row in rows:
                yield from _triples_of_row(row, relations, rows.line_num)
        except UnicodeDecodeError as error:
            raise NoTable("the file is no UTF-8: save it as such") from error
        except csv.Error as error:
            raise NoTable(f"line {rows.line_num}: {error}") from error


def _triples_of_row(row: list[str], relations: list[str], line: int) -> Iterator[tuple[str, str, str]]:
    cells = [cell.strip() for cell in row]
    if not any(cells):
        return
    if len(cells) != len(relations) + 1:
        raise NoTable(
            f"line {line} has {len(cells)} cells, the first line {len(relations) + 1}: quote what has separators"
        )
    name, *values = cells
    if not name:
        raise NoTable(f"line {line} has no first cell: it names what the row is about")
    yield from ((name, relation, value) for relation, value in zip(relations, values, strict=True) if value)
