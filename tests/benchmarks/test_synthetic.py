"""The generator: as large as asked, the same for the same seed, of the shape it promises, alike in both formats."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyoxigraph
import pytest

from benchmarks import labels, synthetic
from benchmarks.questions import synthetic_questions
from benchmarks.synthetic import KnowledgeBase, Shape

SHAPE = Shape(20_000, 6_000, 60)
Row = tuple[str, str, str]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [row for facts in KnowledgeBase(SHAPE, 3).blocks() for row in facts.rows()]


def read_tsv(folder: Path, shape: Shape, seed: int) -> list[Row]:
    path = folder / "kb.tsv"
    synthetic.write_tsv(path, shape, seed)
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(subject, relation, value) for subject, relation, value in (line.split("\t") for line in lines)]


@pytest.mark.parametrize("shape", [SHAPE, Shape(2_049, 2_049, 2), Shape(5_000, 300, 200), Shape(45, 20, 3)], ids=str)
def test_as_many_different_triples_as_asked_and_every_entity_a_subject(shape: Shape) -> None:
    made = [row for facts in KnowledgeBase(shape, 1).blocks() for row in facts.rows()]
    assert len(made) == len(set(made)) == shape.num_triples
    assert {subject for subject, _, _ in made} == {labels.entity_label(number) for number in range(shape.num_entities)}


def test_the_file_says_what_the_blocks_say(tmp_path: Path, rows: list[Row]) -> None:
    assert read_tsv(tmp_path, SHAPE, 3) == rows


def test_another_seed_gives_other_facts(tmp_path: Path, rows: list[Row]) -> None:
    assert len(set(read_tsv(tmp_path, SHAPE, 4)) & set(rows)) < SHAPE.num_triples / 10


def test_ntriples_are_the_same_facts_with_datatypes_and_aliases(tmp_path: Path, rows: list[Row]) -> None:
    path = tmp_path / "kb.nt"
    synthetic.write_ntriples(path, SHAPE, 3)
    statements = list(pyoxigraph.parse(path=path))
    names = [one for one in statements if one.predicate.value.endswith("altLabel")]
    facts = [one for one in statements if not one.predicate.value.endswith("altLabel")]

    def label(term: object) -> str:
        assert isinstance(term, pyoxigraph.NamedNode | pyoxigraph.Literal)
        return term.value.rpartition("/")[2].replace("_", " ")

    assert [(label(one.subject), label(one.predicate), label(one.object)) for one in facts] == rows
    datatypes = {one.object.datatype.value for one in facts if isinstance(one.object, pyoxigraph.Literal)}
    assert {datatype.rpartition("#")[2] for datatype in datatypes} == {"date", "integer", "string"}
    aliases = {label(one.subject): one.object.value for one in names}
    assert aliases == {
        labels.entity_label(number): labels.entity_alias(number)
        for number in range(0, SHAPE.num_entities, synthetic.ALIAS_STEP)
    }


def test_few_entities_have_many_facts(rows: list[Row]) -> None:
    known = {labels.entity_label(number) for number in range(SHAPE.num_entities)}
    for degrees in (Counter(row[0] for row in rows), Counter(row[2] for row in rows if row[2] in known)):
        counts = np.array(sorted(degrees.values(), reverse=True))
        assert counts[0] > 20 * np.median(counts)
        assert counts[: len(counts) // 10].sum() > counts.sum() / 4


def test_a_few_valued_relation_has_one_value_and_others_have_several(rows: list[Row]) -> None:
    values = Counter((subject, relation) for subject, relation, _ in rows)
    most = Counter[str]()
    for (_, relation), count in values.items():
        most[relation] = max(most[relation], count)
    few = {labels.relation_label(n) for n in range(60) if n % 2 == 0 or synthetic.value_kind(n) != labels.THING}
    assert {relation for relation, count in most.items() if count == 1} >= few
    assert max(most[relation] for relation in most.keys() - few) > 5


def test_names_differ() -> None:
    numbers = [*range(5_000), *range(labels.MAX_ENTITIES - 5_000, labels.MAX_ENTITIES)]
    assert len({labels.entity_label(number) for number in numbers}) == len(numbers)
    assert len({labels.relation_label(number) for number in range(labels.MAX_RELATIONS)}) == labels.MAX_RELATIONS


def test_questions_have_the_answers_of_their_paths(rows: list[Row]) -> None:
    asked = list(synthetic_questions(KnowledgeBase(SHAPE, 3), 60, 7))
    for one in asked:
        reached = {one.topic}
        for relation, _ in one.path:
            reached = {value for subject, label, value in rows if subject in reached and label == relation}
        assert reached == one.answers
        assert one.topic in one.text
    assert Counter(len(one.path) for one in asked) == {1: 20, 2: 20, 3: 20}


@pytest.mark.parametrize("shape", [(10, 20, 5), (100, 50, 1), (11_000, 300, 2), (10, labels.MAX_ENTITIES + 1, 5)])
def test_a_shape_that_cannot_be_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"names|every entity|so many"):
        KnowledgeBase(Shape(*shape), 1)
