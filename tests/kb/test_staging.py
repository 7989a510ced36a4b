"""The stage: numbers of terms, names' ranks, what names are found by, the scratch file."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, func, inspect, select

from kb import staging
from kb.database import writing
from kb.errors import IngestionCancelled, TermInvalid
from kb.stage import SMALL_CACHE_KIBIBYTES, attached, create_stage_file, scratch_tables, shrink_cache, stage_tables
from kb.staging import Stager, name_rank, surface_of
from kb.store import TripleStore
from kb.triples import Name, Term, Triple
from tests.factories import ALT_LABEL, LABEL, make_name, make_triple


def test_a_term_is_staged_once_while_it_is_remembered(engine: Engine) -> None:
    with writing(engine) as connection, scratch_tables(connection) as tables:
        stager = Stager(connection, tables)
        for _ in range(3):
            stager.add([make_triple(), make_triple("Tenet")], [make_name()])
        numbers = {
            table.name: connection.scalar(select(func.count()).select_from(table))
            for table in (tables.entity, tables.relation, tables.source, tables.name)
        }
    assert numbers == {"stage_entity": 3, "stage_relation": 1, "stage_source": 0, "stage_name": 3}
    assert (stager.num_triples, stager.num_names) == (6, 3)
    assert [column.tolist() for column in stager.take_triples()] == [[1, 3] * 3, [1] * 6, [2] * 6, [0] * 6]


@pytest.mark.parametrize("datatypes", [(None, None), (None, "d"), ("d", "d")])
def test_what_is_null_in_some_or_all_rows_is_staged_as_it_is(engine: Engine, datatypes: tuple[str | None, ...]) -> None:
    terms = [Term(str(number), None, datatype) for number, datatype in enumerate(datatypes)]
    with writing(engine) as connection, scratch_tables(connection) as tables:
        stager = Stager(connection, tables)
        stager.add([Triple(term, Term("r"), term, term.datatype) for term in terms])
        columns = (tables.entity.c.label, tables.entity.c.iri, tables.entity.c.datatype, tables.entity.c.language)
        staged = [tuple(row) for row in connection.execute(select(*columns).order_by(tables.entity.c.n))]
        sources = [None, *connection.scalars(select(tables.source.c.text).order_by(tables.source.c.n))]
    assert staged == terms
    assert [sources[number] for number in stager.take_triples().sources] == list(datatypes)


def test_forgotten_terms_become_one_entity_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "_MAX_REMEMBERED_TERMS", 1)
    monkeypatch.setattr("kb.merging.Stager.add", _one_by_one)
    with writing(engine) as connection:
        store = TripleStore(connection)
        films = store.create_kb("films")
        store.write(films.id, [make_triple(object=name) for name in "ABAB"])
        assert store.counts(films.id).triples == 2
        assert store.counts(films.id).entities == 3


def _one_by_one(stager: Stager, triples: list[Triple], names: list[Name]) -> None:
    for triple in triples:
        _add(stager, [triple], names)


_add = Stager.add


def test_scratch_tables_leave_nothing_behind(engine: Engine) -> None:
    with writing(engine) as connection:
        with scratch_tables(connection):
            pass
        with scratch_tables(connection) as tables:
            Stager(connection, tables).add([make_triple()])
        before = inspect(connection).get_table_names()
    assert not [name for name in before if name.startswith("stage")]


def test_a_stage_file_replaces_what_a_killed_process_left(tmp_path: Path) -> None:
    path = tmp_path / "stage.sqlite"
    path.write_bytes(b"half a page")
    with create_stage_file(path).connect() as connection, connection.begin():
        stage_tables(None).metadata.create_all(connection)
        assert connection.scalar(select(func.count()).select_from(stage_tables(None).triple)) == 0


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (("en", LABEL), ("en", ALT_LABEL)),
        (("en-GB", ALT_LABEL), (None, LABEL)),
        (("EN", LABEL), (None, LABEL)),
        ((None, LABEL), (None, ALT_LABEL)),
        ((None, ALT_LABEL), ("de", LABEL)),
        (("de", LABEL), ("de", ALT_LABEL)),
        ((None, LABEL), ("eng", LABEL)),
    ],
)
def test_names_are_ranked_by_language_then_by_property(
    better: tuple[str | None, str], worse: tuple[str | None, str]
) -> None:
    assert name_rank(*better) < name_rank(*worse) < staging.OWN_LABEL_RANK


def test_a_surface_is_short_and_never_empty() -> None:
    assert surface_of("Spider-Man") == "spider man"
    assert surface_of("!!!") == "!!!"
    assert len(surface_of("long " * 100)) == staging.SURFACE_CHARACTERS


def test_an_empty_label_is_refused(engine: Engine) -> None:
    with writing(engine) as connection, scratch_tables(connection) as tables:
        stager = Stager(connection, tables)
        with pytest.raises(TermInvalid, match="empty"):
            stager.add([make_triple(object=Term("", "http://example.org/x"))])


def test_a_cache_shrinks_until_the_stage_is_detached(tmp_path: Path) -> None:
    create_stage_file(tmp_path / "stage.sqlite").dispose()
    engine = create_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    with engine.connect() as connection:
        before = cache_of(connection)
        with attached(connection, tmp_path / "stage.sqlite", 300_000):
            assert cache_of(connection) == -300_000
            shrink_cache(connection)
            assert cache_of(connection) == -SMALL_CACHE_KIBIBYTES
        assert cache_of(connection) == before


def test_a_cache_shrinks_after_a_failure_too(tmp_path: Path) -> None:
    create_stage_file(tmp_path / "stage.sqlite").dispose()
    engine = create_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    with engine.connect() as connection:
        before = cache_of(connection)
        with pytest.raises(IngestionCancelled), attached(connection, tmp_path / "stage.sqlite", 300_000):
            raise IngestionCancelled
        assert cache_of(connection) == before


def cache_of(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA main.cache_size").scalar_one())
