"""Every query of a hot path finds its rows by an index, whatever the KB's size."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, event

from kb.database import writing
from kb.store import TriplePattern, TripleStore
from kb.triples import Term
from tests.factories import make_name, make_triple

PATTERNS = [
    TriplePattern(),
    TriplePattern(subject="film 1"),
    TriplePattern(relation="starring"),
    TriplePattern(object="actor 1"),
    TriplePattern("film 1", "starring", "actor 1"),
    TriplePattern(relation="starring", object="actor 1"),
    TriplePattern(subject="Twin"),
    TriplePattern(object="Twin"),
    TriplePattern(source="upload"),
]


@contextmanager
def _recorded(connection: Connection) -> Iterator[list[tuple[str, object]]]:
    seen: list[tuple[str, object]] = []

    def note(_: object, __: object, statement: str, parameters: object, ___: object, many: bool) -> None:
        if not many and statement.lstrip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
            seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    yield seen
    event.remove(connection, "before_cursor_execute", note)


def _scans(connection: Connection, read: Callable[[], object]) -> list[str]:
    """Steps of the plans that walk through a whole table of the KB's, or a whole KB to sort it."""
    with _recorded(connection) as statements:
        read()
    assert statements
    steps: list[str] = []
    for statement, parameters in statements:
        if "stage_" in statement and not statement.startswith("SELECT"):
            continue  # the scratch tables are gone by now; see test_writing_reads_only_what_it_touches
        rows = connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[union-attr]
        steps += [row[3] for row in rows]
    return [step for step in steps if _is_scan(step)]


def _is_scan(step: str) -> bool:
    tables = ("triple", "entity", "alias", "relation", "subject", "object", "change", "deletion")
    words = step.split()
    return words[0] == "SCAN" and words[1] in tables


@pytest.fixture
def connection(sqlite_engine: Engine) -> Iterator[Connection]:
    """A connection to a database with two KBs of some facts and names."""
    with writing(sqlite_engine) as connection:
        store = TripleStore(connection)
        twins = [Term("Twin", f"http://example.org/{number}") for number in range(3)]
        for name in ("films", "books"):
            kb = store.create_kb(name)
            triples = [make_triple(f"film {n}", "starring", f"actor {n % 5}", "upload") for n in range(30)]
            triples += [make_triple(twin, "knows", twin) for twin in twins]
            store.write(kb.id, triples, [make_name("film 1", "First"), make_name(twins[0], "Twin")])
            store.delete(kb.id, TriplePattern("film 7"))
        yield connection


@pytest.mark.parametrize("pattern", PATTERNS)
def test_browsing_scans_no_table(connection: Connection, pattern: TriplePattern) -> None:
    assert _scans(connection, lambda: TripleStore(connection).browse(1, pattern, 5, 10)) == []


@pytest.mark.parametrize("pattern", [PATTERNS[0], *PATTERNS[2:4], PATTERNS[8]])
def test_browsing_what_an_index_has_in_order_sorts_nothing(connection: Connection, pattern: TriplePattern) -> None:
    with _recorded(connection) as statements:
        TripleStore(connection).browse(1, pattern, 5, 10)
    statement, parameters = statements[-1]
    rows = connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[union-attr]
    steps = [row[3] for row in rows]
    assert any("triple_kb_id" in step for step in steps)
    assert sum("TEMP B-TREE" in step for step in steps) <= 1


@pytest.mark.parametrize(
    "read",
    [
        lambda store: store.find_entities(1, "fil", 10),
        lambda store: store.find_entities(1, "", 10),
        lambda store: store.entity(1, 1),
        lambda store: store.facts_of(1, 1, 0, 10),
        lambda store: store.changes_since(1, 0, 1_000),
        lambda store: store.changes_since(1, 1, 1_000),
        lambda store: store.counts(1),
        lambda store: store.kb("films"),
        lambda store: list(store.export(1)),
        lambda store: list(store.names(1)),
        lambda store: list(store.unnamed_entities(1)),
        lambda store: list(store.unnamed_relations(1)),
        lambda store: list(store.triple_rows(1)),
        lambda store: list(store.entity_rows(1)),
        lambda store: store.relations(1),
    ],
)
def test_reading_scans_no_table(connection: Connection, read: Callable[[TripleStore], object]) -> None:
    assert _scans(connection, lambda: read(TripleStore(connection))) == []


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.write(1, [make_triple("New", "starring", "actor 1")], [make_name("New", "Fresh")]),
        lambda store: store.delete(1, TriplePattern("film 2")),
        lambda store: store.delete(1, TriplePattern(relation="knows")),
        lambda store: store.delete_triples(1, [make_triple("film 3", "starring", "actor 3")]),
    ],
)
def test_changing_a_little_reads_only_what_it_touches(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, act: Callable[[TripleStore], object]
) -> None:
    found: list[str] = []

    def explain(_: object, __: object, statement: str, parameters: object, ___: object, many: bool) -> None:
        if not many and statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
            own = connection.connection.driver_connection
            assert own is not None
            found.extend(row[3] for row in own.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(connection, "before_cursor_execute", explain)
    act(TripleStore(connection))
    event.remove(connection, "before_cursor_execute", explain)
    assert found
    assert [step for step in found if _is_scan(step) or "AUTOMATIC" in step] == []
    assert [step for step in found if step.endswith("(kb_id=?)") and "relation" not in step] == []


def test_postgresql_looks_up_the_terms_of_a_large_new_kb_by_their_digests(postgres_engine: Engine) -> None:
    with writing(postgres_engine) as connection:
        store = TripleStore(connection)
        for number in range(20):
            store.write(store.create_kb(f"known-{number}").id, [make_triple("a", "b", "c")], [])
        connection.exec_driver_sql("ANALYZE")
    plans: list[str] = []

    def explain(connection: Connection, _: object, statement: str, parameters: object, __: object, ___: object) -> None:
        if statement.startswith("INSERT INTO pg_temp.stage_entity_id"):
            cursor = connection.connection.driver_connection.execute(f"EXPLAIN {statement}", parameters)  # type: ignore[union-attr]
            plans.append("\n".join(row[0] for row in cursor))

    with writing(postgres_engine) as connection:
        store = TripleStore(connection)
        event.listen(connection, "before_cursor_execute", explain)
        store.write(store.create_kb("new").id, [make_triple(f"film {n}", "by", f"maker {n}") for n in range(3_000)], [])
    (plan,) = plans
    (condition,) = [line for line in plan.splitlines() if "Index Cond" in line]
    assert "digest" in condition, plan
    with writing(postgres_engine) as connection:
        for kb in TripleStore(connection).kbs():
            TripleStore(connection).delete_kb(kb.id)
