"""The evaluation sets are sound: every answer follows from the triples by the path beside it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.unseen.paths import answers, number

SETS = sorted((Path(__file__).parent / "unseen").glob("*/*.jsonl"))
KINDS = {"1hop", "2hop", "3hop", "condition", "count", "whether", "compare", "superlative", "typo", "unknown"}


def load(path: Path) -> tuple[list[tuple[str, str, str]], list[dict[str, Any]]]:
    rows = [line.split("\t") for line in path.with_suffix(".tsv").read_text(encoding="utf-8").splitlines()]
    questions = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(subject, relation, value) for subject, relation, value in rows], questions


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_answers_follow_from_the_triples(path: Path) -> None:
    triples, questions = load(path)
    assert len(set(triples)) == len(triples)
    for question in questions:
        wanted = answers(triples, question["path"]) if question["path"] else []
        assert question["answers"] == wanted, question["question"]
        assert bool(wanted) != (question["kind"] == "unknown"), question["question"]


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_all_kinds_are_asked_and_nothing_twice(path: Path) -> None:
    _, questions = load(path)
    assert {question["kind"] for question in questions} == KINDS
    texts = Counter(question["question"] for question in questions)
    assert max(texts.values()) == 1


def test_the_halves_share_no_entities() -> None:
    names: dict[str, set[str]] = {"dev": set(), "test": set()}
    for path in SETS:
        triples, _ = load(path)
        names[path.parent.name] |= {subject for subject, _, _ in triples}
    assert not names["dev"] & names["test"]


def test_paths_are_worked_out_as_written() -> None:
    triples = [("a", "size", "2 km"), ("b", "size", "10 km"), ("a", "in", "x"), ("b", "in", "x"), ("b", "in", "y")]
    assert answers(triples, "x > ^in") == ["a", "b"]
    assert answers(triples, "x > ^in [size>2]") == ["b"]
    assert answers(triples, "count x > ^in") == ["2"]
    assert answers(triples, "ask a [in=y]") == ["no"]
    assert answers(triples, "* [max in]") == ["b"]
    assert answers(triples, "a;b [min size]") == ["a"]
    assert number("$3.1 billion") == pytest.approx(3.1e9)
    assert number("blue") is None
