import pytest

from kb.formats.vocabulary import RDF_LANG_STRING, RDFS_LABEL, XSD
from kb.triples import Name, Term, Triple
from tests.kb.formats.reading import JSONL, read


def one(line: str) -> Triple:
    batch = read(line.encode(), JSONL, source="upload")
    assert not batch.rejected
    return batch.triples[0]


def reason(line: str) -> str:
    batch = read(line.encode(), JSONL)
    assert not batch.triples
    assert not batch.names
    return batch.rejected[0].reason


def object_of(value: str) -> Term:
    return one(f'{{"subject": "a", "relation": "r", "object": {value}}}').object


def test_strings_are_things_and_the_relation_is_made_readable() -> None:
    triple = one('{"subject": " Kismet", "relation": "directedBy", "object": "William Dieterle"}')
    assert triple == Triple(Term("Kismet"), Term("directed by"), Term("William Dieterle"), "upload")


def test_a_line_may_name_its_own_source() -> None:
    assert one('{"subject": "a", "relation": "r", "object": "b", "source": "book"}').source == "book"


@pytest.mark.parametrize(
    ("given", "source"),
    [("Cafe\u0301  notes.txt ", "Caf\u00e9 notes.txt"), (" \ufeff", None), ("", None), (None, None)],
)
def test_the_source_of_a_body_is_normalised(given: str | None, source: str | None) -> None:
    batch = read(b'{"subject": "a", "relation": "r", "object": "b"}', JSONL, source=given)
    assert batch.triples[0].source == source


@pytest.mark.parametrize(
    ("value", "label", "datatype"),
    [("12", "12", "integer"), ("-1.5", "-1.5", "double"), ("true", "true", "boolean"), ("false", "false", "boolean")],
)
def test_numbers_and_truth_values_are_literals(value: str, label: str, datatype: str) -> None:
    assert object_of(value) == Term(label, None, XSD + datatype)


def test_objects_say_iri_datatype_and_language() -> None:
    assert object_of('{"iri": "http://e/New_York"}') == Term("New York", "http://e/New_York")
    assert object_of('{"iri": "http://e/1", "label": "One"}') == Term("One", "http://e/1")
    assert object_of('{"label": "Rom", "language": "DE"}') == Term("Rom", None, RDF_LANG_STRING, "de")
    assert object_of(f'{{"label": "7", "datatype": "{XSD}byte"}}') == Term("7", None, XSD + "byte")
    assert object_of('{"label": "plain"}') == Term("plain")


def test_a_relation_may_have_an_iri() -> None:
    triple = one('{"subject": "a", "relation": {"iri": "http://e/starredActors"}, "object": "b"}')
    assert triple.relation == Term("starred actors", "http://e/starredActors")


def test_blank_nodes_belong_to_their_body() -> None:
    assert object_of('{"iri": "_:x"}') == Term("_:x", "_:hopfact-t-x")


def test_a_name_line_is_a_name() -> None:
    lines = (
        b'{"entity": "a", "name": "Ay"}\n'
        b'{"entity": {"iri": "http://e/a"}, "name": "A", "language": "en", "property": "http://e/p"}'
    )
    assert read(lines, JSONL).names == [
        Name(Term("a"), "Ay", None, RDFS_LABEL),
        Name(Term("a", "http://e/a"), "A", "en", "http://e/p"),
    ]


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ('{"subject": "a", "relation": "r"', "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ('{"subject": "a", "relation": "r"}', "no 'object'"),
        ('{"subject": "a", "relation": "r", "object": "b", "souce": "x"}', "unknown key 'souce'"),
        ('{"subject": "", "relation": "r", "object": "b"}', "the subject is empty"),
        ('{"subject": "a", "relation": " ", "object": "b"}', "the relation is empty"),
        ('{"subject": "a", "relation": "r", "object": "\\u0000"}', "the object holds a NUL"),
        ('{"subject": 7, "relation": "r", "object": "b"}', "the subject is a literal"),
        ('{"subject": "a", "relation": 7, "object": "b"}', "the relation is a literal"),
        ('{"subject": "a", "relation": "r", "object": null}', "the object is neither"),
        ('{"subject": "a", "relation": "r", "object": ["b"]}', "the object is neither"),
        ('{"subject": "a", "relation": "r", "object": {}}', "the object has neither a label nor an IRI"),
        ('{"subject": "a", "relation": "r", "object": {"iri": "no iri"}}', "has an IRI that is none"),
        ('{"subject": "a", "relation": "r", "object": {"iri": 5}}', "is not a string"),
        ('{"subject": "a", "relation": "r", "object": {"iri": "_:a b"}}', "has a blank node that is none"),
        ('{"subject": "a", "relation": "r", "object": {"iri": "_:a:b"}}', "its name has a colon"),
        ('{"subject": "a", "relation": {"iri": "_:r"}, "object": "b"}', "the relation is a blank node"),
        ('{"subject": "a", "relation": "r", "object": {"label": "x", "language": "e n"}}', "language that is none"),
        ('{"subject": "a", "relation": "r", "object": {"label": "x", "language": "en--up"}}', "direction"),
        ('{"subject": "a", "relation": "r", "object": {"label": "x", "language": 1}}', "not a string"),
        (
            f'{{"subject": "a", "relation": "r", "object": {{"label": "x", "datatype": "{RDF_LANG_STRING}"}}}}',
            "no lang",
        ),
        ('{"subject": "a", "relation": "r", "object": {"label": "x", "language": "en", "datatype": "d:d"}}', "leave"),
        ('{"subject": "a", "relation": "r", "object": {"iri": "u:x", "language": "en"}}', "not both"),
        ('{"subject": "a", "relation": "r", "object": {"lable": "x"}}', "the object has the unknown key 'lable'"),
        ('{"entity": "a"}', "no 'name'"),
        ('{"entity": 3, "name": "x"}', "the entity is a literal"),
        ('{"entity": "a", "name": 3}', "the name is not a string"),
        ('{"subject": "a", "relation": "r", "object": "b", "source": 3}', "the source is not a string"),
        ('{"subject": "\\ud800", "relation": "r", "object": "b"}', "not JSON"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(line: str, part: str) -> None:
    assert part in reason(line)


def test_bad_lines_are_left_out_and_the_rest_goes_on() -> None:
    good = b'{"subject": "a", "relation": "r", "object": "b"}\n'
    batch = read(good + b"\n  \n{\n" + b'{"subject": "\xff"}\n' + good, JSONL)
    assert len(batch.triples) == 2
    assert [line.number for line in batch.rejected] == [4, 5]


def test_an_iri_of_our_own_is_the_thing_or_relation_without_iri_that_it_stands_for() -> None:
    own = '{"iri": "urn:hopfact:New%20York"}'
    assert object_of(own) == object_of('{"iri": "urn:hopfact:New%20York", "label": "New York"}') == Term("New York")
    assert one(f'{{"subject": {own}, "relation": {own}, "object": "b"}}')[:2] == (Term("New York"), Term("New York"))
    line = '{"subject": {"iri": "urn:hopfact:a", "label": "b"}, "relation": "r", "object": "b"}'
    assert reason(line) == "the subject has the IRI of 'a', which has no other label"
