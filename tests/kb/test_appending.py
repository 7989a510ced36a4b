"""Numbers on their way into a table: nothing lost, however far apart they lie."""

import numpy as np
import pytest
from sqlalchemy import Engine, select

from kb import appending
from kb.appending import append_numbers
from kb.database import writing
from kb.stage import scratch_tables

FAR = 2**62


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(5, 6, 7, 0)],
        [(n, n % 3, 2 * n, 1) for n in range(25)],
        [(1, 1, 1, 0), (FAR, FAR, FAR, 1), (2, 2, 2, 2), (FAR - 1, 3, FAR, 0), (FAR, FAR, 1, 0)],
    ],
)
def test_rows_of_numbers_arrive_as_they_are(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[int, ...]]
) -> None:
    monkeypatch.setattr(appending, "PACKED_ROWS", 10)
    monkeypatch.setattr(appending, "_COPY_ROWS", 10)
    columns = [np.array([row[place] for row in rows], np.int64) for place in range(4)]
    with writing(engine) as connection, scratch_tables(connection) as tables:
        append_numbers(connection, tables.triple, columns)
        stored = [tuple(row) for row in connection.execute(select(tables.triple).order_by(tables.triple.c.n))]
    assert stored == [(n, *row) for n, row in enumerate(rows, 1)]
