from hypothesis import given
from hypothesis import strategies as st

from kb.formats.vocabulary import RDF_LANG_STRING, RDFS_LABEL, XSD, XSD_STRING
from kb.triples import Name, Term, Triple
from tests.kb.formats.reading import NTRIPLES, in_chunks, read

GOOD = b'<http://e/a> <http://e/starredActors> "x" .\n'


def test_iris_become_readable_and_keep_their_identity() -> None:
    batch = read(b"<http://e/The_Beatles> <http://e/starredActors> <http://e/Paul> .", NTRIPLES, source="s")
    assert batch.triples == [
        Triple(
            Term("The Beatles", "http://e/The_Beatles"),
            Term("starred actors", "http://e/starredActors"),
            Term("Paul", "http://e/Paul"),
            "s",
        )
    ]


def test_literals_keep_datatype_and_language() -> None:
    lines = [b'"a"', b'"b"@EN-gb', f'"3"^^<{XSD}integer>'.encode(), b'"c"@he--rtl']
    batch = read(b"".join(b"<http://e/s> <http://e/p> %b .\n" % line for line in lines), NTRIPLES)
    assert [triple.object for triple in batch.triples] == [
        Term("a", None, XSD_STRING),
        Term("b", None, RDF_LANG_STRING, "en-gb"),
        Term("3", None, XSD + "integer"),
        Term("c", None, "http://www.w3.org/1999/02/22-rdf-syntax-ns#dirLangString", "he--rtl"),
    ]


def test_naming_statements_become_names() -> None:
    properties = [
        RDFS_LABEL,
        "http://www.w3.org/2004/02/skos/core#prefLabel",
        "http://www.w3.org/2004/02/skos/core#altLabel",
        "http://schema.org/name",
        "https://schema.org/name",
    ]
    batch = read("".join(f'<http://e/q1> <{iri}> "Rome"@en .\n' for iri in properties).encode(), NTRIPLES)
    assert not batch.triples
    assert batch.names == [Name(Term("q1", "http://e/q1"), "Rome", "en", iri) for iri in properties]


def test_a_naming_property_without_text_states_a_fact() -> None:
    batch = read(f"<http://e/a> <{RDFS_LABEL}> <http://e/b> .\n<http://e/a> <{RDFS_LABEL}> 5 .".encode(), NTRIPLES)
    assert [triple.relation.label for triple in batch.triples] == ["label"]
    assert len(batch.rejected) == 1


def test_blank_nodes_of_two_bodies_never_meet() -> None:
    line = b"_:a <http://e/p> _:a ."
    first = read(line, NTRIPLES, blank_prefix="one").triples[0].subject
    second = read(line, NTRIPLES, blank_prefix="two").triples[0].subject
    assert first == Term("_:a", "_:hopfact-one-a")
    assert second.iri != first.iri


def test_a_blank_node_of_our_own_export_keeps_its_identity() -> None:
    batch = read(b"_:hopfact-one-a <http://e/p> _:hopfact-one-a .", NTRIPLES, blank_prefix="two")
    assert batch.triples[0].subject == Term("_:a", "_:hopfact-one-a")


def test_iris_that_we_minted_are_things_again() -> None:
    batch = read(b"<urn:hopfact:New%20York> <urn:hopfact:starred%20actors> <urn:hopfact:> .", NTRIPLES)
    assert batch.triples[0][:2] == (Term("New York"), Term("starred actors"))
    assert batch.triples[0].object.iri == "urn:hopfact:"


def test_a_bad_line_is_rejected_with_its_number_and_column_and_the_rest_goes_on() -> None:
    batch = read(GOOD + b"# fine\n\n<http://e/a> nonsense .\n" + GOOD, NTRIPLES)
    assert len(batch.triples) == 2
    assert [(line.number, line.text) for line in batch.rejected] == [(4, "<http://e/a> nonsense .")]
    assert batch.rejected[0].reason.startswith("column 14: ")


def test_a_quoted_triple_is_rejected_with_advice() -> None:
    batch = read(b"<http://a/> <http://a/> <<( <http://a/> <http://b/> <http://c/> )>> .\n" + GOOD, NTRIPLES)
    assert len(batch.triples) == 1
    assert "plain triples" in batch.rejected[0].reason


BAD = [
    b'<http://a/> <http://b/> "x .',
    b"<http://a/> <http://b/",
    b'<http://a/>\n<http://b/> "x" .',
    b"<http://a/> <http://b/> <http://c/> . <http://d/> <http://e/> <http://f/> .",
    b"<http://a/> <http://b/> <http://c/>",
    b'"',
    b'<http://a/> <http://b/> "\xff" .',
    b'<http://a/> <http://b/> "" .',
    b'<http://a/> <http://b/> "\\u0000" .',
    b'<http://a/> <http://b/> """x',
    b"@prefix : <http://x/> .",
    b"<a> <b> <c> .",
]


@given(
    st.lists(st.sampled_from([GOOD.rstrip(), b"", b"# comment", b"_:a <http://e/p> _:b .", *BAD])), st.integers(1, 99)
)
def test_blocks_give_what_single_lines_give(lines: list[bytes], size: int) -> None:
    text = b"\n".join(lines)
    expected = [read(line, NTRIPLES) for line in text.split(b"\n") if line]
    batch = read(in_chunks(text + b"\n", size), NTRIPLES)
    assert batch.triples == [triple for single in expected for triple in single.triples]
    reasons = [rejected.reason for single in expected for rejected in single.rejected]
    assert [rejected.reason for rejected in batch.rejected] == reasons
