"""The store, on SQLite and PostgreSQL alike."""

from collections.abc import Sized
from threading import Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, Connection, Engine, Table, event, func, select

from kb import deletion
from kb.database import reading, writing
from kb.errors import EmptyPattern, EntityNotFound, KbExists, KbNotFound, TermInvalid
from kb.store import Counts, Kb, TriplePattern, TripleStore
from kb.tables import alias, change, entity, relation, triple
from kb.tables import deletion as deletion_table
from kb.tables import kb as kb_table
from kb.triples import Name, Term, Triple
from tests.factories import ALT_LABEL, LABEL, LANG_STRING, STRING, make_name, make_triple

NOLAN = "Christopher Nolan"


def _all(store: TripleStore, kb: Kb, pattern: TriplePattern = TriplePattern()) -> list[Triple]:  # noqa: B008 - frozen
    return [stored.triple for stored in store.browse(kb.id, pattern, 0, 1_000)]


def _entity_id(store: TripleStore, kb: Kb, label: str) -> int:
    return next(row.id for row in store.find_entities(kb.id, label, 10) if row.label == label)


def _connection(store: TripleStore) -> Connection:
    return store._connection


class TestKbs:
    def test_a_new_kb_is_empty_at_revision_0(self, store: TripleStore) -> None:
        made = store.create_kb("films")
        assert store.kb("films") == made
        assert (made.name, made.revision) == ("films", 0)
        assert store.counts(made.id) == Counts(0, 0, 0, 0, 0)

    def test_kbs_are_listed_by_name(self, store: TripleStore) -> None:
        made = [store.create_kb(name) for name in ("films", "books")]
        assert store.kbs() == made[::-1]

    def test_a_name_is_taken_once_and_the_transaction_goes_on(self, store: TripleStore, films: Kb) -> None:
        with pytest.raises(KbExists) as caught:
            store.create_kb("films")
        assert caught.value.name == "films"
        assert store.kbs() == [films]

    def test_an_unknown_kb_is_not_found(self, store: TripleStore) -> None:
        with pytest.raises(KbNotFound):
            store.kb("films")
        for read in (store.revision, store.counts, store.delete_kb):
            with pytest.raises(KbNotFound):
                read(77)
        with pytest.raises(KbNotFound):
            store.write(77, [make_triple()])

    def test_a_deleted_kb_leaves_no_row_and_frees_its_name(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple()], [make_name()])
        store.delete(films.id, TriplePattern(relation="directed by"))
        store.write(films.id, [make_triple()], [make_name()])
        store.delete_kb(films.id)
        for table in (kb_table, entity, alias, relation, triple, change, deletion_table):
            assert _connection(store).scalar(select(func.count()).select_from(table)) == 0, table.name
        assert store.create_kb("films").id > films.id

    def test_deleting_one_kb_leaves_the_other(self, store: TripleStore, films: Kb) -> None:
        books = store.create_kb("books")
        for kb in (films, books):
            store.write(kb.id, [make_triple()], [make_name()])
        store.delete_kb(films.id)
        assert _all(store, books) == [make_triple()]
        assert len(list(store.names(books.id))) == 1


def test_a_large_kb_is_gone_at_once_and_its_rows_in_short_transactions(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "PURGED_ROWS", 7)
    with writing(engine) as connection:
        store = TripleStore(connection)
        films = store.create_kb("films")
        store.write(films.id, [make_triple(object=f"person {number}") for number in range(40)])
    with writing(engine) as connection:
        TripleStore(connection).delete_kb(films.id)
    with reading(engine) as connection:
        assert TripleStore(connection).kbs() == []
        assert connection.scalar(select(func.count()).select_from(triple)) == 33
        with pytest.raises(KbNotFound):
            TripleStore(connection).revision(films.id)
    stopping = Event()
    stopping.set()
    assert deletion.purge(engine, stopping) == 0
    assert deletion.purge(engine) == 1
    assert deletion.purge(engine) == 0
    with reading(engine) as connection:
        for table in (triple, entity, relation, kb_table):
            assert connection.scalar(select(func.count()).select_from(table)) == 0


class TestWriting:
    def test_what_is_written_is_there(self, store: TripleStore, films: Kb) -> None:
        triples = [
            make_triple(source="a.tsv"),
            make_triple("Inception", "released in", Term("2010", None, "http://www.w3.org/2001/XMLSchema#gYear")),
            make_triple(Term("Paris", "http://example.org/Paris"), "motto", Term("Fluctuat", None, LANG_STRING, "la")),
        ]
        written = store.write(films.id, triples)
        assert (written.accepted, written.duplicates, written.revision) == (3, 0, 1)
        assert sorted(_all(store, films)) == sorted(triples)
        assert store.counts(films.id) == Counts(triples=3, entities=3, literals=2, relations=3, aliases=0)

    def test_writing_the_same_again_changes_nothing(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple()], [make_name()])
        again = store.write(films.id, [make_triple(source="other"), make_triple()], [make_name()])
        assert (again.accepted, again.duplicates, again.names, again.revision) == (0, 2, 0, 1)
        assert store.revision(films.id) == 1
        assert _all(store, films) == [make_triple()]

    def test_duplicates_in_one_write_are_counted(self, store: TripleStore, films: Kb) -> None:
        written = store.write(films.id, [make_triple(), make_triple(), make_triple(relation="written by")])
        assert (written.accepted, written.duplicates) == (2, 1)

    def test_writing_nothing_changes_nothing(self, store: TripleStore, films: Kb) -> None:
        assert store.write(films.id, []).revision == 0

    def test_every_change_counts_up_by_one(self, store: TripleStore, films: Kb) -> None:
        revisions = [store.write(films.id, [make_triple(object=name)]).revision for name in ("A", "B", "B", "C")]
        assert revisions == [1, 2, 2, 3]
        assert store.kb("films").revision == 3

    def test_ids_grow_with_the_revision(self, store: TripleStore, films: Kb) -> None:
        books = store.create_kb("books")
        for label in ("Z", "A", "M"):
            store.write(films.id, [make_triple(label)])
            store.write(books.id, [make_triple(label)])
        assert [stored.subject.label for stored in _all(store, films)] == ["Z", "A", "M"]

    def test_equal_terms_of_two_kbs_are_two_entities(self, store: TripleStore, films: Kb) -> None:
        books = store.create_kb("books")
        store.write(films.id, [make_triple()])
        store.write(books.id, [make_triple()])
        assert _entity_id(store, films, NOLAN) != _entity_id(store, books, NOLAN)
        with pytest.raises(EntityNotFound):
            store.entity(books.id, _entity_id(store, films, NOLAN))

    def test_an_iri_is_one_entity_whatever_its_label(self, store: TripleStore, films: Kb) -> None:
        iri = "http://example.org/n"
        store.write(films.id, [make_triple(Term("Nolan", iri)), make_triple(Term("C. Nolan", iri), "is", "a man")])
        assert {found.subject for found in _all(store, films)} == {Term("Nolan", iri)}

    def test_a_thing_and_a_literal_with_one_label_are_two(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple(object="42"), make_triple(object=Term("42", None, STRING))])
        assert len({found.object for found in _all(store, films)}) == 2

    @pytest.mark.parametrize(
        "triple_",
        [
            make_triple("nul \0 inside"),
            make_triple(object="half \ud800 pair"),
            make_triple(relation=""),
            make_triple(source="a\0b"),
        ],
    )
    def test_a_text_that_no_database_keeps_is_refused_by_name(
        self, store: TripleStore, films: Kb, triple_: Triple
    ) -> None:
        with pytest.raises(TermInvalid):
            store.write(films.id, [triple_])

    def test_very_long_labels_and_names_are_kept(self, store: TripleStore, films: Kb) -> None:
        long = "long ä " * 20_000
        store.write(films.id, [make_triple(long, long, long)], [make_name(long, long)])
        assert _all(store, films) == [make_triple(long, long, long)]
        assert [name.text for name in store.names(films.id)] == [long]

    def test_the_number_of_statements_does_not_depend_on_the_number_of_triples(
        self, store: TripleStore, films: Kb
    ) -> None:
        def statements(num_triples: int, relation_: str) -> int:
            seen: list[str] = []

            def note(_: object, __: object, statement: str, *___: object) -> None:
                seen.append(statement)

            event.listen(_connection(store), "before_cursor_execute", note)
            store.write(films.id, [make_triple(f"film {n}", relation_) for n in range(num_triples)])
            event.remove(_connection(store), "before_cursor_execute", note)
            return len(seen)

        assert statements(1, "a") == statements(200, "b")


class TestNames:
    IRI = "http://example.org/Q25188"
    FILM = Term("Q25188", IRI)

    def _label(self, store: TripleStore, kb: Kb) -> str:
        return _all(store, kb)[0].subject.label

    def test_english_comes_before_no_language_and_that_before_others(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple(self.FILM)])
        expected = {"fr": "Origine", None: "Inception (2010)", "en-GB": "Inception"}
        for language, text in expected.items():
            store.write(films.id, [], [make_name(self.FILM, text, language)])
            assert self._label(store, films) == text
        store.write(films.id, [], [make_name(self.FILM, "Anfang", "de"), make_name(self.FILM, "Other", None)])
        assert self._label(store, films) == "Inception"

    def test_an_alternative_name_comes_after_others_of_its_language(self, store: TripleStore, films: Kb) -> None:
        names = [make_name(self.FILM, "The dream film", "en", ALT_LABEL), make_name(self.FILM, "Inception", "en")]
        store.write(films.id, [make_triple(self.FILM)], names)
        assert self._label(store, films) == "Inception"
        assert store.entity(films.id, _entity_id(store, films, "Inception")).aliases == ["The dream film"]

    def test_names_may_come_before_the_facts(self, store: TripleStore, films: Kb) -> None:
        written = store.write(films.id, [], [make_name(self.FILM, "Inception")])
        assert (written.accepted, written.names, written.revision) == (0, 1, 1)
        store.write(films.id, [make_triple(self.FILM)])
        assert self._label(store, films) == "Inception"

    def test_a_renamed_entity_is_found_by_its_new_label(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple(self.FILM)])
        store.write(films.id, [], [make_name(self.FILM, "Inception")])
        assert [row.label for row in store.find_entities(films.id, "incep", 5)] == ["Inception"]
        assert store.find_entities(films.id, "q25", 5) == []

    def test_a_thing_without_an_iri_keeps_its_label(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple()], [make_name("Inception", "Origin", "en")])
        assert self._label(store, films) == "Inception"
        assert [row.label for row in store.find_entities(films.id, "origin", 5)] == ["Inception"]

    def test_a_relation_takes_the_name_of_its_iri_before_or_after(self, store: TripleStore, films: Kb) -> None:
        director, writer = Term("P57", "http://example.org/P57"), Term("P58", "http://example.org/P58")
        store.write(films.id, [make_triple(relation=director)], [make_name(writer, "screenwriter")])
        store.write(films.id, [make_triple(relation=writer)], [make_name(director, "director")])
        assert [row.label for row in store.relations(films.id)] == ["director", "screenwriter"]

    def test_names_are_given_back(self, store: TripleStore, films: Kb) -> None:
        names = [
            make_name(self.FILM, "Inception", "en"),
            make_name(self.FILM, "Origine", "fr", ALT_LABEL),
            make_name(self.FILM, "Origine", None, ALT_LABEL),
        ]
        store.write(films.id, [make_triple(self.FILM)], [*names, names[0]])
        label = self.FILM._replace(label="Inception")
        assert list(store.names(films.id)) == [name._replace(entity=label) for name in names]
        assert store.counts(films.id).aliases == 3


class TestDeleting:
    def test_each_part_of_a_pattern_narrows(self, store: TripleStore, films: Kb) -> None:
        kept = [make_triple("Tenet"), make_triple(relation="written by"), make_triple(object="A. Other")]
        other_source = make_triple("Inception", "directed by", "Somebody", "b.tsv")
        store.write(films.id, [make_triple(source="a.tsv"), *kept, other_source])
        pattern = TriplePattern("Inception", "directed by", NOLAN, "a.tsv")
        deleted = store.delete(films.id, pattern)
        assert (deleted.count, deleted.revision) == (1, 2)
        assert sorted(_all(store, films), key=str) == sorted([*kept, other_source], key=str)
        assert store.delete(films.id, TriplePattern(source="b.tsv")).count == 1

    def test_the_empty_pattern_is_refused(self, store: TripleStore, films: Kb) -> None:
        with pytest.raises(EmptyPattern):
            store.delete(films.id, TriplePattern())

    @pytest.mark.parametrize(
        "pattern",
        [TriplePattern("Nobody"), TriplePattern(NOLAN), TriplePattern(relation="x"), TriplePattern(source="x")],
    )
    def test_deleting_what_is_not_there_changes_nothing(
        self, store: TripleStore, films: Kb, pattern: TriplePattern
    ) -> None:
        store.write(films.id, [make_triple()])
        deleted = store.delete(films.id, pattern)
        assert (deleted.count, deleted.revision) == (0, 1)
        assert store.delete_triples(films.id, [make_triple("Nobody")]).revision == 1

    def test_exactly_the_given_triples_go(self, store: TripleStore, films: Kb) -> None:
        kept = make_triple("Tenet")
        store.write(films.id, [make_triple(source="a.tsv"), kept])
        deleted = store.delete_triples(films.id, [make_triple(), make_triple(), make_triple("Unknown")])
        assert (deleted.count, deleted.revision) == (1, 2)
        assert _all(store, films) == [kept]

    def test_what_lost_its_last_triple_goes_with_its_names(self, store: TripleStore, films: Kb) -> None:
        film, directed = Term("F", "http://example.org/f"), Term("P57", "http://example.org/P57")
        kept = make_triple("Tenet", "written by", NOLAN)
        names = [make_name(film, "Inception"), make_name(directed, "director"), make_name(NOLAN, "C. Nolan")]
        store.write(films.id, [make_triple(film, directed), kept], names)
        store.delete(films.id, TriplePattern(subject="Inception"))
        assert _all(store, films) == [kept]
        assert [row.label for row in store.relations(films.id)] == ["written by"]
        assert [name.text for name in store.names(films.id)] == ["C. Nolan"]
        assert store.counts(films.id) == Counts(triples=1, entities=2, literals=0, relations=1, aliases=1)
        assert store.find_entities(films.id, "incep", 5) == store.find_entities(films.id, "director", 5) == []

    def test_a_relation_in_use_keeps_its_names(self, store: TripleStore, films: Kb) -> None:
        directed = Term("P57", "http://example.org/P57")
        used = make_triple(relation=directed)
        typed = make_triple(directed, "type", Term("Property", "http://example.org/Property"))
        store.write(films.id, [used, typed], [make_name(directed, "directed by")])
        store.delete_triples(films.id, [typed])
        assert [name.text for name in store.names(films.id)] == ["directed by"]
        assert store.counts(films.id) == Counts(triples=1, entities=3, literals=0, relations=1, aliases=1)
        store.delete_triples(films.id, [used])
        assert store.counts(films.id) == Counts(0, 0, 0, 0, 0)

    def test_a_deletion_binds_nothing_for_each_relation_that_goes(self, store: TripleStore, films: Kb) -> None:
        bound: list[int] = []

        def note(_: object, __: object, ___: str, parameters: Sized, ____: object, many: bool) -> None:
            bound.append(0 if many else len(parameters))

        store.write(films.id, [make_triple(relation=f"relation {number}") for number in range(300)])
        event.listen(_connection(store), "before_cursor_execute", note)
        assert store.delete(films.id, TriplePattern("Inception")).count == 300
        assert store.counts(films.id) == Counts(0, 0, 0, 0, 0)
        assert 0 < max(bound) < 100

    def test_what_comes_back_has_new_ids(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple()])
        before = store.browse(films.id, TriplePattern(), 0, 1)[0]
        store.delete_triples(films.id, [make_triple()])
        store.write(films.id, [make_triple()])
        after = store.browse(films.id, TriplePattern(), 0, 1)[0]
        assert after.id > before.id
        assert after.subject_id > before.subject_id
        assert after.relation_id > before.relation_id

    def test_another_kb_keeps_its_triples(self, store: TripleStore, films: Kb) -> None:
        books = store.create_kb("books")
        for kb in (films, books):
            store.write(kb.id, [make_triple()])
        store.delete(films.id, TriplePattern("Inception"))
        assert _all(store, books) == [make_triple()]
        assert store.revision(books.id) == 1


LETTERS = st.sampled_from("ABCD")
THINGS = st.one_of(
    LETTERS.map(Term),
    LETTERS.map(lambda letter: Term(f"thing {letter}", f"http://example.org/{letter}")),
    LETTERS.map(lambda letter: Term(letter, None, STRING)),
)
TRIPLES = st.builds(Triple, THINGS, LETTERS.map(Term), THINGS, st.none())
NAMES = st.builds(Name, THINGS, st.sampled_from(["Ada", "Bob"]), st.sampled_from(["en", None, "de"]), st.just(LABEL))
Step = tuple[str, list[Triple], list[Name]]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("write"), st.lists(TRIPLES, max_size=6), st.lists(NAMES, max_size=2)),
    st.tuples(st.just("delete triples"), st.lists(TRIPLES, max_size=3), st.just([])),
    st.tuples(st.just("delete subject"), st.lists(TRIPLES, min_size=1, max_size=1), st.just([])),
)


@given(steps=st.lists(STEPS, max_size=8))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_changes_keeps_counts_orphans_and_log_right(engine: Engine, steps: list[Step]) -> None:
    with writing(engine) as connection, connection.begin_nested() as undone:
        store = TripleStore(connection)
        kb = store.create_kb("films")
        expected: dict[tuple[object, ...], Triple] = {}
        seen: dict[int, tuple[int, int, int, int, str | None]] = {}
        revision = 0
        for kind, triples, names in steps:
            _apply(store, kb, kind, triples, names, expected)
            changes = store.changes_since(kb.id, revision, 1_000)
            assert changes is not None
            seen |= {row[0]: row for row in changes.triples}
            for number in changes.deleted_triple_ids:
                seen.pop(number, None)
            revision = changes.last.revision
        assert {_identity(stored) for stored in _all(store, kb)} == set(expected)
        assert sorted(seen.values()) == [row for chunk in store.triple_rows(kb.id) for row in chunk]
        _assert_consistent(store, kb)
        undone.rollback()


def _identity(triple_: Triple) -> tuple[object, ...]:
    return tuple(term.iri or term[:1] + term[2:] for term in triple_[:3])


def _apply(
    store: TripleStore,
    kb: Kb,
    kind: str,
    triples: list[Triple],
    names: list[Name],
    expected: dict[tuple[object, ...], Triple],
) -> None:
    before = store.revision(kb.id)
    if kind == "write":
        written = store.write(kb.id, triples, names)
        assert written.accepted + written.duplicates == len(triples)
        assert written.names <= len(names)
        assert written.revision == before + bool(written.accepted or written.names)
        expected |= {_identity(one): one for one in triples}
        return
    if kind == "delete triples":
        doomed = {_identity(one) for one in triples}
        deleted = store.delete_triples(kb.id, triples)
    else:
        subject = triples[0].subject
        doomed = {key for key in expected if key[0] == (subject.iri or (subject.label, None, None))}
        if subject.iri is None:  # a label means every term that has it
            labels = {found.id for found in store.browse(kb.id, TriplePattern(subject.label), 0, 1_000)}
            doomed = {
                _identity(one.triple) for one in store.browse(kb.id, TriplePattern(), 0, 1_000) if one.id in labels
            }
        deleted = store.delete(kb.id, TriplePattern(subject.iri or subject.label))
    gone = doomed & set(expected)
    assert deleted.count == len(gone)
    assert deleted.revision == before + bool(gone)
    for key in gone:
        del expected[key]


def _assert_consistent(store: TripleStore, kb: Kb) -> None:
    connection = _connection(store)

    def count(table: Table, *conditions: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(table).where(table.c.kb_id == kb.id, *conditions)
        return connection.scalar(query) or 0

    assert store.counts(kb.id) == Counts(
        count(triple),
        count(entity, entity.c.datatype.is_(None)),
        count(entity, entity.c.datatype.is_not(None)),
        count(relation),
        count(alias),
    )
    used = select(triple.c.subject_id).union(select(triple.c.object_id), select(alias.c.entity_id))
    assert count(entity, entity.c.id.not_in(used)) == 0
    assert count(relation, relation.c.id.not_in(select(triple.c.relation_id))) == 0
    assert count(alias, alias.c.entity_id.not_in(select(entity.c.id))) == 0
