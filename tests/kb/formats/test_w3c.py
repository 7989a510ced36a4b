"""The W3C suites of N-Triples and Turtle, each test through our parsers.

Tests give documents a base, which our parser takes from the document only, so an @base line is put before each Turtle
document. By design labels are normalised, a literal without text or with NUL is rejected, and a body of no bytes is
refused: the expected graphs are normalised likewise, and nothing else may be rejected.
"""

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Dataset, Literal, NamedNode, Quad, RdfFormat
from pyoxigraph import parse as parse_rdf

from kb.errors import EmptyInput, SyntaxErrorAt
from kb.formats import Batch
from kb.formats.vocabulary import XSD_STRING
from kb.triples import BLANK_NODE, Term, normalise_label
from tests.kb.formats.reading import NTRIPLES, TURTLE, read

pytestmark = pytest.mark.datasets

BASE = "https://w3c.github.io/rdf-tests/rdf/rdf11/rdf-turtle/"
MANIFEST = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
KIND = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
NOTHING = Batch([], [], [], 0)


class Case(NamedTuple):
    name: str
    kind: str
    document: bytes
    result: bytes


def cases(archive: Path) -> Iterator[Case]:
    """The tests of a suite's manifest."""
    with tarfile.open(archive) as suite:
        files = {Path(member.name).name: suite.extractfile(member) for member in suite if member.isfile()}
        contents = {name: file.read() for name, file in files.items() if file is not None}
    facts: dict[str, dict[str, str]] = {}
    for quad in parse_rdf(input=contents["manifest.ttl"], format=RdfFormat.TURTLE, base_iri=BASE):
        if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode):
            facts.setdefault(quad.subject.value, {})[quad.predicate.value] = quad.object.value
    for iri, fact in facts.items():
        kind = fact.get(KIND.value, "").rpartition("#")[2]
        if kind.startswith("Test"):
            action = Path(fact[MANIFEST + "action"]).name
            result = contents[Path(fact[MANIFEST + "result"]).name] if "Eval" in kind else b""
            document = contents[action]
            if action.endswith(".ttl") and document:
                document = f"@base <{BASE}{action}> .\n".encode() + document
            yield Case(iri.rpartition("#")[2], kind, document, result)


def read_case(case: Case, media_type: str) -> Batch:
    try:
        return read(case.document, media_type)
    except EmptyInput:
        assert case.document == b""
        return NOTHING


def is_accepted(case: Case, media_type: str) -> bool:
    """Whether the document was read without a syntax error."""
    try:
        batch = read_case(case, media_type)
    except SyntaxErrorAt:
        return False
    return all(line.reason.startswith("the literal ") for line in batch.rejected)


def to_rdf(term: Term) -> NamedNode | BlankNode | Literal:
    if term.language is not None:
        return Literal(term.label, language=term.language)
    if term.datatype is not None:
        return Literal(term.label, datatype=NamedNode(term.datatype))
    assert term.iri is not None
    if term.iri.startswith(BLANK_NODE):
        return BlankNode(term.iri.removeprefix(BLANK_NODE))
    return NamedNode(term.iri)


def graph(quads: Iterable[Quad]) -> Dataset:
    """The graph without regard to how its blank nodes are called."""
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return dataset


def our_graph(batch: Batch) -> Dataset:
    facts = [(triple.subject, triple.relation, to_rdf(triple.object)) for triple in batch.triples]
    for name in batch.names:
        text = to_rdf(Term(name.text, None, XSD_STRING, name.language))
        facts.append((name.entity, Term("", name.property), text))
    return graph(Quad(to_rdf(subject), to_rdf(relation), value) for subject, relation, value in facts)  # type: ignore[arg-type]


def kept(quad: Quad) -> Quad | None:
    """The quad as our rules keep it."""
    value = quad.object
    if not isinstance(value, Literal):
        return quad
    label = normalise_label(value.value)
    if not label or "\0" in label:
        return None
    same = Literal(label, language=value.language) if value.language else Literal(label, datatype=value.datatype)
    return Quad(quad.subject, quad.predicate, same)


def is_equal(case: Case) -> bool:
    expected = map(kept, parse_rdf(input=case.result, format=RdfFormat.N_TRIPLES))
    return our_graph(read_case(case, TURTLE)) == graph(quad for quad in expected if quad is not None)


@pytest.mark.parametrize(
    ("archive", "media_type", "num_positive", "num_negative", "num_evaluated"),
    [("rdf-n-triples", NTRIPLES, 41, 29, 0), ("rdf-turtle", TURTLE, 74, 94, 145)],
)
def test_every_test_of_the_suite_passes(
    datasets: Path, archive: str, media_type: str, num_positive: int, num_negative: int, num_evaluated: int
) -> None:
    suite = list(cases(datasets / "rdf-tests" / f"{archive}.tar.xz"))
    positive = [case for case in suite if case.kind.endswith("PositiveSyntax")]
    negative = [case for case in suite if "Negative" in case.kind]
    evaluated = [case for case in suite if case.kind.endswith("Eval")]

    assert (len(positive), len(negative), len(evaluated)) == (num_positive, num_negative, num_evaluated)
    assert [case.name for case in [*positive, *evaluated] if not is_accepted(case, media_type)] == []
    assert [case.name for case in negative if is_accepted(case, media_type)] == []
    assert [case.name for case in evaluated if not is_equal(case)] == []
