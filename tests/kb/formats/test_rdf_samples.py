"""Real RDF of realistic size: music and movies."""

import lzma
from collections import Counter
from pathlib import Path

import pytest

from kb.formats import Batch
from kb.formats.vocabulary import XSD
from kb.triples import normalise_label
from tests.kb.formats.reading import NTRIPLES, TURTLE, in_chunks, read

RELATIONS = {"track", "type", "date", "member", "producer", "length", "name", "description", "artist", "writer"}

pytestmark = pytest.mark.datasets


def sample(datasets: Path, name: str) -> Batch:
    path = datasets / "rdf-samples" / name
    data = lzma.decompress(path.read_bytes()) if name.endswith(".xz") else path.read_bytes()
    return read(in_chunks(data, 1 << 20), NTRIPLES if ".nt" in name else TURTLE)


@pytest.mark.parametrize(
    ("name", "num_statements", "num_subjects", "num_relations"),
    [
        ("music.ttl.xz", 41_099, 7_039, 10),
        ("music.nt.xz", 41_099, 7_039, 10),
        ("music_schema.ttl", 59, 14, 6),
        ("beatles.ttl", 28, 9, 8),
        ("GettingStarted_Music_Data.ttl.xz", 18_157, 5_443, 8),
        ("GettingStarted_Movie_data.ttl.xz", 68_679, 17_341, 5),
        ("GettingStarted_Movie_Schema.ttl", 11, 6, 4),
    ],
)
def test_every_statement_is_read(
    datasets: Path, name: str, num_statements: int, num_subjects: int, num_relations: int
) -> None:
    batch = sample(datasets, name)
    statements = {(triple.subject, triple.relation, triple.object) for triple in batch.triples}
    names = set(batch.names)
    subjects = {subject for subject, _, _ in statements} | {name.entity for name in names}
    relations = {relation.iri for _, relation, _ in statements} | {name.property for name in names}

    assert not batch.rejected
    assert (len(statements) + len(names), len(subjects), len(relations)) == (
        num_statements,
        num_subjects,
        num_relations,
    )


def test_turtle_and_ntriples_of_one_graph_say_the_same(datasets: Path) -> None:
    assert set(sample(datasets, "music.ttl.xz").triples) == set(sample(datasets, "music.nt.xz").triples)


def test_real_labels_are_readable_and_typed(datasets: Path) -> None:
    triples = sample(datasets, "music.nt.xz").triples
    relations = {triple.relation.label for triple in triples}
    assert relations == RELATIONS
    assert all("_" not in triple.subject.label for triple in triples)
    assert Counter(triple.object.datatype for triple in triples)[XSD + "date"] > 1000
    assert all(normalise_label(triple.object.label) == triple.object.label for triple in triples)
