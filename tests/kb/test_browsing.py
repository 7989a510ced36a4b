"""Reading a KB as people do, on SQLite and PostgreSQL alike."""

import pytest

from kb.formats import ParseOptions, parse, write_jsonl
from kb.store import Kb, TriplePattern, TripleStore
from kb.triples import Term, Triple
from tests.factories import LANG_STRING, make_name, make_triple

NOLAN = "Christopher Nolan"


def _all(store: TripleStore, kb: Kb, pattern: TriplePattern = TriplePattern()) -> list[Triple]:  # noqa: B008 - frozen
    return [stored.triple for stored in store.browse(kb.id, pattern, 0, 1_000)]


def _entity_id(store: TripleStore, kb: Kb, label: str) -> int:
    return next(row.id for row in store.find_entities(kb.id, label, 10) if row.label == label)


class TestBrowsing:
    @pytest.fixture
    def facts(self, store: TripleStore, films: Kb) -> list[Triple]:
        """Facts in the order of their ids."""
        twins = [Term("Paris", "http://example.org/fr"), Term("Paris", "http://example.org/tx")]
        facts = [make_triple("Ada", "lives in", twins[0]), make_triple("Bob", "lives in", twins[1], "b.tsv")]
        facts += [make_triple("Cem", "was born in", twins[0]), make_triple(twins[0], "lies in", "France")]
        for fact in facts:
            store.write(films.id, [fact])
        return facts

    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            (TriplePattern(), [0, 1, 2, 3]),
            (TriplePattern(subject="Ada"), [0]),
            (TriplePattern(subject="  Ada\n"), [0]),
            (TriplePattern(subject="ada"), []),
            (TriplePattern(object="Paris"), [0, 1, 2]),
            (TriplePattern(object="http://example.org/tx"), [1]),
            (TriplePattern(relation="lives in"), [0, 1]),
            (TriplePattern(relation="lives_in"), [0, 1]),
            (TriplePattern(relation="lives in", object="http://example.org/fr"), [0]),
            (TriplePattern(subject="Paris"), [3]),
            (TriplePattern(source="b.tsv"), [1]),
            (TriplePattern(subject="Ada", source="b.tsv"), []),
            (TriplePattern(subject="Paris", object="Paris"), []),
        ],
    )
    def test_triples_match_by_label_or_iri(
        self, store: TripleStore, films: Kb, facts: list[Triple], pattern: TriplePattern, expected: list[int]
    ) -> None:
        assert _all(store, films, pattern) == [facts[number] for number in expected]

    @pytest.mark.parametrize("pattern", [TriplePattern(), TriplePattern(object="Paris"), TriplePattern("Hub")])
    def test_pages_give_everything_once(
        self, store: TripleStore, films: Kb, facts: list[Triple], pattern: TriplePattern
    ) -> None:
        store.write(films.id, [make_triple("Hub", "knows", f"person {number}") for number in range(7)])
        paged, cursor = [], 0
        while page := store.browse(films.id, pattern, cursor, 2):
            assert len(page) <= 2
            paged += [stored.triple for stored in page]
            cursor = page[-1].id
        assert paged == _all(store, films, pattern)

    def test_facts_of_an_entity_are_those_of_both_sides_in_pages(
        self, store: TripleStore, films: Kb, facts: list[Triple]
    ) -> None:
        paris = next(row for row in store.find_entities(films.id, "paris", 5) if row.iri == "http://example.org/fr")
        assert paris.num_facts == 3
        assert [f.triple for f in store.facts_of(films.id, paris.id, 0, 10)] == [facts[0], facts[2], facts[3]]
        first = store.facts_of(films.id, paris.id, 0, 2)
        assert [f.triple for f in store.facts_of(films.id, paris.id, first[-1].id, 2)] == [facts[3]]

    def test_a_fact_of_an_entity_about_itself_comes_once(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple("Ouroboros", "eats", "Ouroboros")])
        snake = _entity_id(store, films, "Ouroboros")
        assert len(store.facts_of(films.id, snake, 0, 10)) == 1

    @pytest.mark.parametrize("query", ["spider", "SPIDER-M", "spider man", "Spider-Man", "Peter P", "  spider"])
    def test_entities_are_found_by_the_start_of_a_name(self, store: TripleStore, films: Kb, query: str) -> None:
        names = [make_name("Spider-Man", "Peter Parker"), make_name("Spider-Man", "Peter P.")]
        store.write(films.id, [make_triple("Spider-Man"), make_triple("The Spider")], names)
        assert [row.label for row in store.find_entities(films.id, query, 5)] == ["Spider-Man"]

    def test_letters_outside_ascii_are_folded_alike(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple("Ödön von Horváth"), make_triple("ÉMILE"), make_triple("Ωmega")])
        for query, label in (("öDÖN", "Ödön von Horváth"), ("émil", "ÉMILE"), ("ωM", "Ωmega")):
            assert [row.label for row in store.find_entities(films.id, query, 5)] == [label]

    def test_an_exact_name_comes_first_and_the_limit_holds(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple(f"New York {number}") for number in range(9)] + [make_triple("New York")])
        found = [row.label for row in store.find_entities(films.id, "new york", 3)]
        assert found == ["New York", "New York 0", "New York 1"]
        assert len(store.find_entities(films.id, "", 4)) == 4

    def test_a_name_of_punctuation_is_found(self, store: TripleStore, films: Kb) -> None:
        store.write(films.id, [make_triple("!!!"), make_triple("%_%")])
        assert [row.label for row in store.find_entities(films.id, "!!", 3)] == ["!!!"]
        assert [row.label for row in store.find_entities(films.id, "%", 3)] == ["%_%"]
        assert _all(store, films, TriplePattern("!!!")) == [make_triple("!!!")]

    def test_relations_come_with_their_counts(self, store: TripleStore, films: Kb, facts: list[Triple]) -> None:
        assert [(row.label, row.count) for row in store.relations(films.id)] == [
            ("lies in", 1),
            ("lives in", 2),
            ("was born in", 1),
        ]


class TestExport:
    def test_what_no_name_calls_so_is_told(self, store: TripleStore, films: Kb) -> None:
        film, directed = Term("Inception", "http://example.org/f"), Term("directed by", "http://example.org/P57")
        nolan, written = Term("Q25191", "http://example.org/Q25191"), Term("written by", "http://example.org/P58")
        triples = [make_triple(film, directed, nolan), make_triple(film, written), make_triple(film, "in", "1")]
        store.write(films.id, triples, [make_name(nolan, NOLAN), make_name(written, "screenwriter")])
        assert list(store.unnamed_entities(films.id)) == [film]
        assert list(store.unnamed_relations(films.id)) == [directed]

    def test_what_is_exported_is_ingested_as_the_same(self, store: TripleStore, films: Kb) -> None:
        film = Term("F", "http://example.org/f")
        triples = [
            make_triple(film, source="a"),
            make_triple(film, "released", Term("2010", None, LANG_STRING, "en")),
            make_triple(),
        ]
        store.write(films.id, triples, [make_name(film, "Inception"), make_name(NOLAN, "C. Nolan", None)])
        body = b"".join(write_jsonl(store.export(films.id), store.names(films.id)))
        copy = store.create_kb("copy")
        for batch in parse([body], ParseOptions("application/x-ndjson")):
            assert batch.rejected == []
            store.write(copy.id, batch.triples, batch.names)
        assert set(store.export(copy.id)) == set(store.export(films.id))
        assert set(store.names(copy.id)) == set(store.names(films.id))
        assert store.counts(copy.id) == store.counts(films.id)
