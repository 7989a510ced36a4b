from hypothesis import given
from hypothesis import strategies as st

from kb.formats import write_jsonl, write_ntriples, write_tsv
from kb.formats.vocabulary import NAMING_PROPERTIES, RDF_LANG_STRING, XSD, XSD_STRING
from kb.triples import Name, Term, Triple, local_name, normalise_label, readable_relation, relation_name
from tests.kb.formats.reading import JSONL, NTRIPLES, TSV, read

labels = st.text(min_size=1, max_size=20).map(normalise_label).filter(lambda label: label and "\0" not in label)
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


def test_a_first_triple_that_looks_like_a_header_survives_tsv() -> None:
    facts = [Triple(Term("head"), Term("relation"), Term("tail")), Triple(Term("a"), Term("r"), Term("b"))]
    assert read(b"".join(write_tsv(facts)), TSV).triples == facts


def test_writers_give_pieces_not_the_whole() -> None:
    facts = (Triple(Term(str(number)), Term("r"), Term("o")) for number in range(2_500))
    assert [piece.count(b"\n") for piece in write_tsv(facts)] == [1000, 1000, 500]


def test_a_display_label_is_not_needed_to_come_back() -> None:
    fact = Triple(Term("Rome", "http://e/q220"), Term("capital of", "http://e/P1376"), Term("Italy", "http://e/q38"))
    back = read(b"".join(write_ntriples([fact], [])), NTRIPLES).triples[0]
    assert [term.iri for term in back[:3]] == [term.iri for term in fact[:3]]
