"""What derived structures are fed with, on SQLite and PostgreSQL alike."""

import pytest

from kb import database, kbs
from kb.store import Kb, LastChange, TriplePattern, TripleStore
from kb.triples import Term
from tests.factories import STRING, make_name, make_triple

NOLAN = "Christopher Nolan"


class TestFeeds:
    def test_feeds_give_everything_in_the_order_of_ids(self, store: TripleStore, films: Kb) -> None:
        store.create_kb("books")
        store.write(films.id, [make_triple(source="a"), make_triple(object=Term("2010", None, STRING))], [make_name()])
        entities = [row for chunk in store.entity_rows(films.id) for row in chunk]
        assert sorted((label, literal) for _, label, literal in entities) == [
            ("2010", True),
            (NOLAN, False),
            ("Inception", False),
        ]
        ids = {label: number for number, label, _ in entities}
        assert list(store.alias_rows(films.id)) == [[(ids["Inception"], "Origin")]]
        [(relation_id, label)] = store.relation_rows(films.id)
        assert label == "directed by"
        triples = [row for chunk in store.triple_rows(films.id) for row in chunk]
        assert {row[1:] for row in triples} == {
            (ids["Inception"], relation_id, ids[NOLAN], "a"),
            (ids["Inception"], relation_id, ids["2010"], None),
        }
        assert triples == sorted(triples)
        assert entities == sorted(entities)

    @pytest.mark.parametrize("num_rows", [0, 1, 2, 7])
    def test_a_stream_gives_every_row_once_and_in_order(
        self, store: TripleStore, films: Kb, num_rows: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "STREAMED_ROWS", 3)
        store.write(films.id, [make_triple(f"film {number}", "year", "1927") for number in range(num_rows)])
        chunks = [*store.triple_rows(films.id)]
        ids = [row[0] for chunk in chunks for row in chunk]
        assert len(set(ids)) == len(ids) == num_rows
        assert ids == sorted(ids)
        assert sum(len(chunk) for chunk in store.entity_rows(films.id)) == (num_rows + 1 if num_rows else 0)

    @pytest.mark.parametrize("num_rows", range(5))
    def test_streams_lose_no_row_at_the_edges_of_chunks(
        self, store: TripleStore, films: Kb, monkeypatch: pytest.MonkeyPatch, num_rows: int
    ) -> None:
        monkeypatch.setattr(database, "STREAMED_ROWS", 2)
        triples = [make_triple(object=f"person {number}") for number in range(num_rows)]
        store.write(films.id, triples, [make_name(text=f"name {number}") for number in range(num_rows)])
        chunks = list(store.triple_rows(films.id))
        assert [len(chunk) for chunk in chunks] == [2, 2, 2][: num_rows // 2] + [1] * (num_rows % 2)
        assert sum(map(len, store.alias_rows(films.id))) == num_rows
        assert sorted(store.export(films.id)) == sorted(triples)
        assert len(list(store.names(films.id))) == num_rows

    def test_an_empty_kb_feeds_nothing(self, store: TripleStore, films: Kb) -> None:
        assert list(store.triple_rows(films.id)) == []
        assert list(store.entity_rows(films.id)) == []

    def test_nothing_changed_since_now(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple()])
        changes = store.changes_since(films.id, 1, 10)
        assert changes is not None
        assert changes.last == store.last_change(films.id) == LastChange(1, changes.last.token)
        assert (changes.triples, changes.entities, changes.relations, changes.aliases) == ([], [], [], [])

    def test_changes_are_what_was_added_named_and_deleted(self, store: TripleStore, films: Kb) -> None:
        film = Term("F", "http://example.org/f")
        store.write(films.id, [make_triple(film), make_triple("Tenet", "written by", "Gone")])
        gone = next(stored for stored in store.browse(films.id, TriplePattern("Tenet"), 0, 1))
        store.write(films.id, [make_triple(film, "starring", "A")], [make_name(film, "Inception")])
        store.delete(films.id, TriplePattern("Tenet"))
        store.write(films.id, [make_triple("Dunkirk")])
        changes = store.changes_since(films.id, 1, 100)
        assert changes is not None
        assert changes.last.revision == 4
        assert len(changes.triples) == 2
        assert changes.deleted_triple_ids == [gone.id]
        assert changes.deleted_entity_ids == sorted([gone.subject_id, gone.object_id])
        assert changes.deleted_relation_ids == [gone.relation_id]
        assert sorted(label for _, label, _ in changes.entities) == ["A", NOLAN, "Dunkirk", "Inception"]
        assert [text for _, text in changes.aliases] == ["Inception"]
        assert [label for _, label in changes.relations] == ["directed by", "starring"]

    def test_a_relation_that_a_name_renamed_is_among_the_changes(self, store: TripleStore, films: Kb) -> None:
        directed = Term("P57", "http://example.org/P57")
        store.write(films.id, [make_triple(relation=directed)])
        store.write(films.id, [], [make_name(directed, "director")])
        changes = store.changes_since(films.id, 1, 100)
        assert changes is not None
        assert [label for _, label in changes.relations] == ["director"]

    def test_added_and_deleted_between_is_only_deleted(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple()])
        store.write(films.id, [make_triple("Tenet")])
        store.delete(films.id, TriplePattern("Tenet"))
        changes = store.changes_since(films.id, 1, 100)
        assert changes is not None
        assert changes.triples == []
        assert len(changes.deleted_triple_ids) == 1

    @pytest.mark.parametrize(("limit", "given"), [(3, True), (2, False)])
    def test_too_many_changes_are_not_given(self, store: TripleStore, films: Kb, limit: int, given: bool) -> None:
        store.write(films.id, [make_triple("Tenet"), make_triple()], [make_name()])
        assert (store.changes_since(films.id, 0, limit) is not None) is given

    @pytest.mark.parametrize(("revision", "rows"), [(1, 3), (2, 2), (3, 0)])
    def test_the_size_of_a_change_is_what_it_added_and_deleted(
        self, store: TripleStore, films: Kb, revision: int, rows: int
    ) -> None:
        store.write(films.id, [make_triple(), make_triple(object="Nolan")], [make_name(), make_name(text="Start")])
        store.write(store.create_kb("books").id, [make_triple()])
        store.delete(films.id, TriplePattern(object="Nolan"))
        assert store.is_larger(films.id, revision, rows - 1)
        assert not store.is_larger(films.id, revision, rows)

    def test_a_trimmed_log_and_a_revision_of_the_future_give_none(
        self, store: TripleStore, films: Kb, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kbs, "KEPT_REVISIONS", 2)
        monkeypatch.setattr(kbs, "_TRIM_EVERY", 1)
        for number in range(5):
            store.write(films.id, [make_triple(f"film {number}")])
        assert store.changes_since(films.id, 2, 100) is None
        assert store.changes_since(films.id, 3, 100) is not None
        assert store.changes_since(films.id, 6, 100) is None

    def test_a_change_is_told_from_another_one_of_its_revision(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple()])
        written = store.last_change(films.id)
        store.delete(films.id, TriplePattern(object=NOLAN))
        deleted = store.last_change(films.id)
        assert (written.revision, deleted.revision) == (1, 2)
        assert None not in (written.token, deleted.token)
        assert all(store.has_seen(films.id, one) for one in (LastChange(0, None), written, deleted))
        others = [LastChange(1, deleted.token), LastChange(1, None), LastChange(2, written.token), LastChange(3, 1)]
        assert not any(store.has_seen(films.id, one) for one in others)

    def test_of_a_change_too_long_ago_the_number_is_believed(
        self, store: TripleStore, films: Kb, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kbs, "KEPT_REVISIONS", 2)
        monkeypatch.setattr(kbs, "_TRIM_EVERY", 1)
        for number in range(4):
            store.write(films.id, [make_triple(f"film {number}")])
        assert [store.has_seen(films.id, LastChange(revision, 1)) for revision in (2, 3)] == [True, False]
