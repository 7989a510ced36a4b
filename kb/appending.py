"""Rows into tables by the fastest way that each database has; knows columns, not what they mean."""

from collections.abc import Iterator, Sequence
from operator import itemgetter

import numpy as np
from sqlalchemy import Connection, Table

from kb.database import driver
from kb.graph import IdArray, LongArray

Row = tuple[object, ...]

PACKED_ROWS = 20_000
"""Rows of numbers that go to SQLite as one value."""
_COPY_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
_COPY_ROWS = 100_000


def append_rows(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Append rows that hold all columns."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        _rows_to_sqlite(connection, table, rows)
        return
    columns = ", ".join(column.name for column in table.columns)
    with driver(connection).cursor() as cursor, cursor.copy(f"COPY {table.fullname} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _rows_to_sqlite(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Leaves out columns that are null in every row: the driver takes a microsecond for a None, more than for a row."""
    columns = list(table.columns)
    kept = [n for n, column in enumerate(columns) if not column.nullable or any(row[n] is not None for row in rows)]
    if len(kept) < len(columns):
        rows = list(map(itemgetter(*kept), rows))
    names, marks = ", ".join(columns[n].name for n in kept), ", ".join("?" * len(kept))
    connection.exec_driver_sql(f"INSERT INTO {table.fullname} ({names}) VALUES ({marks})", rows)


def append_numbers(connection: Connection, table: Table, columns: Sequence[IdArray]) -> None:
    """Append rows of whole numbers, counted from 1 in the table's first column; `columns` are those after it."""
    names = [column.name for column in table.columns]
    assert len(names) == len(columns) + 1
    if connection.dialect.name != "sqlite":
        _numbers_to_postgresql(connection, f"COPY {table.fullname} ({', '.join(names)}) FROM STDIN BINARY", columns)
        return
    values = ", ".join("? + value / ? % ?" for _ in columns)
    statement = f"INSERT INTO {table.fullname} ({', '.join(names)}) SELECT key + ?, {values} FROM json_each(?)"
    for start in range(0, len(columns[0]), PACKED_ROWS):
        for first, parameters, codes in _packed(start, [column[start : start + PACKED_ROWS] for column in columns]):
            connection.exec_driver_sql(statement, (first + 1, *parameters, str(codes.tolist())))


def _packed(first: int, columns: Sequence[IdArray]) -> Iterator[tuple[int, list[int], LongArray]]:
    """Rows as one number each, which SQLite takes apart again, and what it needs for that: three numbers a column.

    One value bound instead of a million, one statement instead of as many steps: a third of the time of executemany,
    and other threads run meanwhile. Rows whose numbers lie too far apart to fit are cut in two, down to a single one.
    """
    lows = [int(column.min()) for column in columns]
    spans = [int(column.max()) - low + 1 for column, low in zip(columns, lows, strict=True)]
    radix, parameters = 1, list[int]()
    for low, span in zip(reversed(lows), reversed(spans), strict=True):
        parameters = [low, radix, span, *parameters]
        radix *= span
    if radix < 2**63:
        codes = np.zeros(len(columns[0]), np.int64)
        for column, low, span in zip(columns, lows, spans, strict=True):
            codes = codes * span + (column - low)
        yield first, parameters, codes
        return
    half = len(columns[0]) // 2
    yield from _packed(first, [column[:half] for column in columns])
    yield from _packed(first + half, [column[half:] for column in columns])


def _numbers_to_postgresql(connection: Connection, statement: str, columns: Sequence[IdArray]) -> None:
    width = len(columns) + 1
    fields = [(f"{kind}{n}", form) for n in range(width) for kind, form in (("length", ">i4"), ("value", ">i8"))]
    with driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_COPY_BEGIN)
        for start in range(0, len(columns[0]), _COPY_ROWS):
            parts = [column[start : start + _COPY_ROWS] for column in columns]
            rows = np.empty(len(parts[0]), np.dtype([("width", ">i2"), *fields]))
            rows["width"] = width
            for n, part in enumerate([np.arange(start + 1, start + len(rows) + 1), *parts]):
                rows[f"length{n}"], rows[f"value{n}"] = 8, part
            copy.write(rows.tobytes())
        copy.write(_COPY_END)
