"""What is given as numbers of terms says the same as what is given as triples."""

import pytest

from kb.formats import ParseOptions, parse
from kb.formats.lines import BLOCK_BYTES
from kb.triples import Term
from tests.kb.formats.reading import NTRIPLES, TSV, read

LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"
IRI = "<http://e.org/{}>"


class Numbers:
    """Numbers terms and tells them."""

    def __init__(self) -> None:
        self.entities: list[Term] = []
        self.relations: list[Term] = []

    def entity(self, term: Term) -> int:
        """Its place, from 1."""
        return _place(self.entities, term)

    def relation(self, term: Term) -> int:
        """Its place, from 1."""
        return _place(self.relations, term)


def _place(terms: list[Term], term: Term) -> int:
    if term not in terms:
        terms.append(term)
    return terms.index(term) + 1


def _triples(data: bytes, media_type: str) -> tuple[list[tuple[Term, ...]], Numbers, int]:
    """All triples in any order, who numbered them, and how many of them were numbered."""
    numbers, found, num_numbered = Numbers(), list[tuple[Term, ...]](), 0
    for batch in parse([data], ParseOptions(media_type, blank_prefix="t", numbers=numbers)):
        found += [(triple.subject, triple.relation, triple.object) for triple in batch.triples]
        if batch.numbered is not None:
            columns = (column.tolist() for column in batch.numbered)
            for subject, relation, value in zip(*columns, strict=True):
                found.append(
                    (numbers.entities[subject - 1], numbers.relations[relation - 1], numbers.entities[value - 1])
                )
                num_numbered += 1
    return sorted(found, key=str), numbers, num_numbered


def _assert_same(data: bytes, media_type: str, num_numbered: int) -> None:
    expected = read(data, media_type)
    found, numbers, counted = _triples(data, media_type)
    assert found == sorted(((t.subject, t.relation, t.object) for t in expected.triples), key=str)
    used = {term for triple in expected.triples for term in (triple.subject, triple.object)}
    assert set(numbers.entities) <= used
    assert set(numbers.relations) <= {triple.relation for triple in expected.triples}
    assert counted == num_numbered
    batches = list(parse([data], ParseOptions(media_type, blank_prefix="t", numbers=Numbers())))
    assert [line for batch in batches for line in batch.rejected] == expected.rejected
    assert sorted(name for batch in batches for name in batch.names) == sorted(expected.names)


def _tsv(*blocks: str) -> bytes:
    """Blocks of lines, each filled up to what is read at once by lines that say nothing new."""
    return b"".join((block + "A\tknows\tB\n" * 20_000).encode() for block in blocks)


@pytest.mark.parametrize(
    ("block", "is_numbered"),
    [
        ("Ada\tbornIn\tLondon\n", True),
        (" Ada  L \tborn_in\t\u00e9\u0301x\n", True),
        ("Ada\tborn in\tLondon\r\n", True),
        ("Ada\tborn in\n", False),
        ("Ada\tborn in\tLondon\tup\n", False),
        ("Ada\tborn in\t \nEve\tborn in\tRome\n", False),
        ("\nAda\tborn in\tLondon\n", False),
        ("Ada\tborn\0in\tLondon\n", False),
    ],
)
def test_plain_rows_are_numbered_and_others_are_read_as_ever(block: str, is_numbered: bool) -> None:
    data = _tsv("", block)
    num_numbered = _triples(data, TSV)[2]
    _assert_same(data, TSV, num_numbered)
    blocks_of_rows = (data.count(b"\n") - num_numbered) * len("A\tknows\tB\n") / BLOCK_BYTES
    assert round(blocks_of_rows) == (1 if is_numbered else 2)  # the first is looked at for a header


@pytest.mark.parametrize("encoded", [b"caf\xe9\tin\tParis\n", b"object\trelation\tsubject\nA\tb\tC\n"])
def test_rows_that_are_not_utf8_or_have_another_order_are_not_numbered(encoded: bytes) -> None:
    _assert_same(encoded, TSV, 0)


@pytest.mark.parametrize(
    ("lines", "num_numbered"),
    [
        (
            [
                "{a} {p} {b} .",
                '{a} {q} "5"^^<http://www.w3.org/2001/XMLSchema#integer> .',
                '{a} {q} "x y \\"z\\" ."@EN .',
            ],
            3,
        ),
        (["_:x {p} _:y .", "{a} {p} <http://e.org/\\u0041> .", "<urn:hopfact:Ada> {p} <urn:hopfact:Eve> ."], 3),
        (["{a} " + LABEL + ' "Ada"@en .', "{a} {p} {b} .", "{a} " + LABEL + " {b} ."], 1),
        (["{a} " + LABEL + ' "Ada" .'], 0),
        (["{a}  {p} {b} .", "{a} {p} {b} ."], 0),
        (["{a} {p} {b} . # so", "{a} {p} {b} ."], 0),
        (["# a comment .", "{a} {p} {b} ."], 0),
        (["{a} {p} {b} . {a} {p} {a} .", "{a} {q} {b} ."], 0),
        (["{a} {p} bad .", "{a} {q} {b} ."], 0),
        (["{a} {p} {b} {c} .", "{a} {q} {b} ."], 0),
        (["{a}{p} {b} {c} .", "{a} {q} {b} ."], 0),
        (['"5" {p} {b} .', '{a} {q} "5" .'], 0),
        (['{a} {p} " " .', "{a} {q} {b} ."], 0),
        (["<<( {a} {p} {b} )>> {q} {b} .", "{a} {q} {b} ."], 0),
        (["{a} {p} <<( {a} {p} {b} )>> .", "{a} {q} {b} ."], 0),
        (["{a} _:p {b} .", "{a} {q} {b} ."], 0),
        (["", "{a} {q} {b} ."], 0),
    ],
)
def test_statements_of_three_tokens_are_numbered_and_others_are_read_as_ever(
    lines: list[str], num_numbered: int
) -> None:
    names = {name: IRI.format(name) for name in "abcpq"}
    for name, iri in names.items():
        lines = [line.replace(f"{{{name}}}", iri) for line in lines]
    _assert_same("".join(f"{line}\n" for line in lines).encode(), NTRIPLES, num_numbered)


def test_a_literal_known_as_object_is_no_subject() -> None:
    lines = ['<x:a> <x:p> "5" .', "<x:a> <x:p> <x:b> ."]
    data = "".join(f"{line}\n" for line in [*lines * 4_000, '"5" <x:p> <x:b> .']).encode()
    expected = read(data, NTRIPLES)
    assert len(expected.rejected) == 1
    _assert_same(data, NTRIPLES, _triples(data, NTRIPLES)[2])
