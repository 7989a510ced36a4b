import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from kb.formats import own_names, write_jsonl, write_ntriples, write_tsv
from kb.formats.vocabulary import NAMING_PROPERTIES, RDF_LANG_STRING, XSD, XSD_STRING
from kb.triples import Name, Term, Triple, local_name, normalise_label, readable_relation, relation_name
from tests.kb.formats.reading import CSV, JSONL, NTRIPLES, TSV, TURTLE, read

texts = st.text(min_size=1, max_size=20).filter(lambda text: normalise_label(text) and "\0" not in text)
labels = texts.map(normalise_label)
things = labels.map(lambda label: Term(label))
local_parts = st.sampled_from(["The_Beatles", "starredActors", "%22x%22", "a%20b", "été", "x#y", "a/b/"])
iris = local_parts.map(lambda part: "http://example.org/" + part)
resources = iris.map(lambda iri: Term(local_name(iri), iri))
blanks = st.sampled_from(["x", "b-1.2", "-7"]).map(lambda label: Term("_:" + label, "_:hopfact-other-" + label))
typed_literals = st.builds(
    Term, labels, st.none(), st.sampled_from([XSD_STRING, XSD + "integer", "urn:own"]), st.none()
)
literals = typed_literals | st.builds(
    Term, labels, st.none(), st.just(RDF_LANG_STRING), st.sampled_from(["en", "de-at"])
)
subjects = things | resources | blanks
relations = labels.map(lambda label: Term(readable_relation(label))) | iris.map(
    lambda iri: Term(relation_name(iri), iri)
)
names = st.builds(
    Name, subjects, labels, st.none() | st.sampled_from(["en", "zh-hant"]), st.sampled_from(sorted(NAMING_PROPERTIES))
)


def triples(sources: st.SearchStrategy[str | None]) -> st.SearchStrategy[list[Triple]]:
    return st.lists(st.builds(Triple, subjects, relations, subjects | literals, sources))


@given(triples(st.none()), st.lists(names))
def test_ntriples_come_back_as_written(facts: list[Triple], called: list[Name]) -> None:
    written = b"".join(write_ntriples(facts, called))
    if written:
        batch = read(written, NTRIPLES)
        assert (batch.triples, batch.names, batch.rejected) == (facts, called, [])


@given(triples(st.none()), st.lists(names))
def test_turtle_reads_what_is_written_as_ntriples(facts: list[Triple], called: list[Name]) -> None:
    written = b"".join(write_ntriples(facts, called))
    if written:
        batch = read(written, TURTLE)
        assert (batch.triples, batch.names, batch.rejected) == (facts, called, [])


@given(triples(st.none() | labels), st.lists(names))
def test_json_lines_come_back_as_written(facts: list[Triple], called: list[Name]) -> None:
    written = b"".join(write_jsonl(facts, called))
    if written:
        batch = read(written, JSONL)
        assert (batch.triples, batch.names, batch.rejected) == (facts, called, [])


@given(st.lists(st.builds(Triple, things, relations.map(lambda term: Term(term.label)), things, st.none()), min_size=1))
def test_tsv_comes_back_as_written(facts: list[Triple]) -> None:
    batch = read(b"".join(write_tsv(facts)), TSV)
    assert (batch.triples, batch.rejected) == (facts, [])


@given(st.lists(st.tuples(texts, texts, texts), min_size=1))
def test_csv_comes_back_as_another_program_writes_it(rows: list[tuple[str, str, str]]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([("subject", "relation", "object"), *rows])
    batch = read(written.getvalue().encode(), CSV)
    normal = (tuple(map(normalise_label, row)) for row in rows)
    facts = [Triple(Term(head), Term(readable_relation(relation)), Term(tail)) for head, relation, tail in normal]
    assert (batch.triples, batch.rejected) == (facts, [])


def test_a_label_whose_own_iri_is_over_the_limit_comes_back() -> None:
    fact = Triple(Term("é" * 50), Term("ü" * 50), Term("%" * 100))
    written = b"".join(write_ntriples([fact], []))
    assert read(written, NTRIPLES, max_label_bytes=100).triples == [fact]


def test_a_blank_node_whose_own_label_is_over_the_limit_comes_back() -> None:
    fact = Triple(Term("_:x", "_:hopfact-" + "0" * 64 + "-x"), Term("r"), Term("b"))
    assert read(b"".join(write_jsonl([fact], [])), JSONL, max_label_bytes=20).triples == [fact]
    assert read(b"".join(write_ntriples([fact], [])), NTRIPLES, max_label_bytes=20).triples == [fact]


def test_a_first_triple_that_looks_like_a_header_survives_tsv() -> None:
    facts = [Triple(Term("head"), Term("relation"), Term("tail")), Triple(Term("a"), Term("r"), Term("b"))]
    assert read(b"".join(write_tsv(facts)), TSV).triples == facts


def test_writers_give_pieces_not_the_whole() -> None:
    facts = (Triple(Term(str(number)), Term("r"), Term("o")) for number in range(2_500))
    assert [piece.count(b"\n") for piece in write_tsv(facts)] == [1000, 1000, 500]


def test_a_label_that_is_not_in_the_iri_is_an_own_name() -> None:
    douglas, born = Term("Douglas Adams", "http://e/Q42"), Term("place of birth", "http://e/P19")
    blank = Term("somebody", "_:hopfact-t-x")
    implied = [Term("_:x", "_:hopfact-t-x"), *(Term(local_name(iri), iri) for iri in ("http://e/New_York", "urn:x:"))]
    assert [name[:2] for name in own_names([douglas, blank, *implied], [born])] == [
        (term, term.label) for term in (douglas, blank, born)
    ]
    assert list(own_names([], [Term("starred actors", "http://e/starredActors")])) == []


def test_a_display_label_is_not_needed_to_come_back() -> None:
    fact = Triple(Term("Rome", "http://e/q220"), Term("capital of", "http://e/P1376"), Term("Italy", "http://e/q38"))
    back = read(b"".join(write_ntriples([fact], [])), NTRIPLES).triples[0]
    assert [term.iri for term in back[:3]] == [term.iri for term in fact[:3]]
