"""What was written is sound: answers follow from the triples, questions can be learnt from, nothing is asked twice."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from kb.triples import readable_relation
from models.episodes import (
    MAX_READS,
    MAX_STEPS,
    MENTION,
    OTHER,
    VALUE,
    Asked,
    End,
    LabelledKey,
    Manner,
    PathEpisode,
    manners,
)
from models.tasks.written import FOLDER, HELD_OUT, LABELS, PathStep, WrittenKb, WrittenPath, WrittenTask, relabelled
from tests.acceptance.unseen.paths import answers

FILES = sorted(FOLDER.glob("*.jsonl"))
KINDS = {"one_hop", "two_hop", "three_hop", "condition", "count", "compare", "whether", "superlative", "unknown"}
SHOP = [
    ("Granit", "hasMaker", "Nordlicht"),
    ("Basalt", "hasMaker", "Nordlicht"),
    ("Granit", "price", "900"),
    ("Basalt", "price", "700"),
    ("Granit", "cordless", "no"),
    ("Basalt", "cordless", "yes"),
    ("Nordlicht", "based in", "Kiel"),
]


def episode(question: str, path: str, topic: str = "") -> PathEpisode | None:
    (made,) = WrittenKb(SHOP, [{"question": question, "path": path, "topic": topic}]).episodes()
    return made


def golds(made: PathEpisode | None) -> list[tuple[str | End, int, Manner]]:
    assert made is not None
    return [
        (choice.gold.label, choice.gold.direction, choice.manner)
        if isinstance(choice.gold, LabelledKey)
        else (choice.gold, 0, choice.manner)
        for choice in made.choices
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_answers_follow_from_the_triples(path: Path) -> None:
    rows = [line.split("\t") for line in path.with_suffix(".tsv").read_text(encoding="utf-8").splitlines()]
    triples = [(subject, relation, value) for subject, relation, value in rows]
    assert len(set(triples)) == len(triples)
    labels = {label for subject, _, value in triples for label in (subject, value)}
    questions = WrittenKb.load(path).questions
    for question in questions:
        if question["kind"] == "unknown":
            assert not question["answers"], question["question"]
            assert question["topic"] in labels, question["question"]
        else:
            assert sorted(question["answers"]) == sorted(answers(triples, question["path"])), question["question"]
    assert {question["kind"] for question in questions} == KINDS
    assert max(Counter(question["question"] for question in questions).values()) == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nearly_every_question_can_be_learnt_from(path: Path) -> None:
    written = WrittenKb.load(path)
    made = list(written.episodes())
    assert sum(one is None for one in made) <= 2
    for one, question in zip(made, written.questions, strict=True):
        steps = len(WrittenPath.read(question["path"]).steps) if one and question["path"] else 0
        is_denied = question["answers"] == ["no"]
        assert one is None or is_denied or len(one.choices) == min(steps + 1, MAX_STEPS), question["question"]
    for one in filter(None, made):
        for hop, choice in enumerate(one.choices):
            is_too_far = hop >= MAX_READS  # nor is it drawn
            assert isinstance(choice.gold, End) or choice.gold in choice.reach, one.question
            assert isinstance(choice.gold, End) or is_too_far or choice.manner in manners(one.question, hop)


def test_a_path_is_read_as_it_is_written() -> None:
    assert WrittenPath.read("count A;B > works for > ^part of [built in>=1990] [max price]") == WrittenPath(
        Asked.COUNT,
        ("A", "B"),
        (
            PathStep("works for", 0, Manner.READ),
            PathStep("part of", 1, Manner.READ),
            PathStep("built in", 0, Manner.ABOVE, "1990", inclusive=True),
            PathStep("price", 0, Manner.MOST),
        ),
    )
    assert WrittenPath.read("ask * [maker=Granit]") == WrittenPath(
        Asked.WHETHER, (), (PathStep("maker", 0, Manner.KEEP, "Granit"),)
    )


def test_an_episode_has_placeholders_for_names_and_the_keys_in_reach() -> None:
    made = episode("where is granit's maker", "Granit > hasMaker > based in")
    assert made is not None
    assert made.question == f"where is {MENTION}'s maker"
    assert golds(made) == [("has maker", 0, Manner.READ), ("based in", 0, Manner.READ), (End.STOP, 0, Manner.READ)]
    assert {key.label for key in made.choices[0].reach} == {"has maker", "price", "cordless"}
    assert {(key.label, key.direction) for key in made.choices[1].reach} == {("has maker", 1), ("based in", 0)}


def test_a_number_is_a_value_and_a_thing_compared_with_a_name() -> None:
    made = episode("what by Nordlicht costs over 800?", "Nordlicht > ^hasMaker [price>800]")
    assert made is not None
    assert made.question == f"what by {MENTION} costs over {VALUE}?"
    made = episode("is Granit dearer than Basalt?", "ask Granit [price>700]")
    assert made is not None
    assert made.question == f"is {MENTION} dearer than {OTHER}?"
    assert golds(made) == [("price", 0, Manner.ABOVE), (End.STOP, 0, Manner.READ)]


def test_no_is_where_the_path_ends() -> None:
    assert golds(episode("is Basalt dearer than Granit?", "ask Basalt [price>900]")) == [("price", 0, Manner.ABOVE)]


def test_what_a_relation_of_yes_and_no_asks_for_is_read() -> None:
    made = golds(episode("which by Nordlicht needs no plug?", "Nordlicht > ^hasMaker [cordless=yes]"))
    assert made == [("has maker", 1, Manner.READ), ("cordless", 0, Manner.READ), (End.STOP, 0, Manner.READ)]
    made = golds(episode("does Granit run without a plug?", "ask Granit [cordless=yes]"))
    assert made == [("cordless", 0, Manner.READ)]
    assert episode("which need no plug?", "* [cordless=yes]") is None


def test_at_least_keeps_what_is_equal() -> None:
    made = golds(episode("is Granit at least 900?", "ask Granit [price>=900]"))
    assert made == [("price", 0, Manner.ABOVE), (End.STOP, 0, Manner.READ)]


def test_what_is_not_there_is_rejected_or_left_out() -> None:
    assert golds(episode("who repairs Granit?", "", "Granit")) == [(End.REJECT, 0, Manner.READ)]
    assert episode("where is its maker?", "Granit > hasMaker > based in") is None
    assert episode("is Nordlicht over 5?", "ask Nordlicht [price>5]") is None


def test_what_is_held_out_is_never_drawn() -> None:
    held_out = [WrittenKb.load(FOLDER / f"{name}.jsonl") for name in HELD_OUT]
    theirs = {one.choices for kb in held_out for one in kb.episodes() if one and len(one.choices) > 2}
    task, random = WrittenTask(Path(), wrong_mentions=0.0, missing=0.0), Random(1)
    drawn = {task.episode(random).choices for _ in range(8_000)}
    assert len(drawn) > 2_000
    assert not drawn & theirs


def test_what_a_recipe_leaves_out_is_never_drawn() -> None:
    names = [path.stem for path in FILES if path.stem != "cinema"]
    task, random = WrittenTask(Path(), wrong_mentions=0.0, missing=0.0, without=names), Random(1)
    golds = [choice.gold for _ in range(500) for choice in task.episode(random).choices]
    relations = [line.split("\t")[1] for line in (FOLDER / "cinema.tsv").read_text(encoding="utf-8").splitlines()]
    others = (LABELS / "cinema.tsv").read_text(encoding="utf-8").replace("^", "").split("\n")
    labels = {readable_relation(label) for label in (*relations, *"\t".join(others).split("\t"))}
    assert {gold.label for gold in golds if isinstance(gold, LabelledKey)} <= labels
    with pytest.raises(ValueError, match="kinema"):
        WrittenTask(Path(), wrong_mentions=0.0, missing=0.0, without=["kinema"])


def test_what_no_reader_can_do_is_never_drawn() -> None:
    """*What went wrong at Pelham Bakery before 2023* reads, reads, compares, and would have to read once more."""
    names = [path.stem for path in FILES if path.stem != "loss_adjusting"]
    task, random = WrittenTask(Path(), wrong_mentions=0.0, missing=0.0, without=names), Random(1)
    for drawn in [task.episode(random) for _ in range(500)]:
        for hop, choice in enumerate(drawn.choices):
            assert isinstance(choice.gold, End) or choice.manner in manners(drawn.question, hop), drawn.question


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_other_labels_are_for_relations_that_there_are_and_name_one_each(path: Path) -> None:
    relations = {line.split("\t")[1] for line in path.with_suffix(".tsv").read_text(encoding="utf-8").splitlines()}
    file = LABELS / path.name.replace(".jsonl", ".tsv")
    lines = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    assert {line[0] for line in lines} == (relations if lines else set())
    named = [{readable_relation(label.removeprefix("^")).casefold() for label in line} for line in lines]
    names = Counter(name for labels in named for name in labels)
    assert not [name for name, times in names.items() if times > 1]


def test_an_episode_may_go_by_other_labels_of_its_relations() -> None:
    made = episode("where is granit's maker", "Granit > hasMaker > based in")
    assert made is not None
    others = {"has maker": ("^makes", "producer"), "based in": ("seat",)}
    drawn = [relabelled(made, others, random) for random in map(Random, range(60))]
    first = {golds(one)[0][:2] for one in drawn}
    assert first == {("has maker", 0), ("makes", 1), ("producer", 0)}
    assert {golds(one)[1][:2] for one in drawn} == {("based in", 0), ("seat", 0)}
    for one in drawn:
        (label, direction, _), back = golds(one)[0], one.choices[1].reach
        assert (label, 1 - direction) in {key[:2] for key in back}
        assert one.choices[0].gold in one.choices[0].reach
        assert [key.profile for key in back] == [key.profile for key in made.choices[1].reach]


def test_slips_are_rejected() -> None:
    task, random = WrittenTask(Path(), wrong_mentions=1.0, missing=0.0), Random(1)
    assert {task.episode(random).choices[0].gold for _ in range(30)} >= {End.REJECT}
    task = WrittenTask(Path(), wrong_mentions=0.0, missing=1.0)
    assert all(End.REJECT in {choice.gold for choice in task.episode(random).choices} for _ in range(30))


def test_lines_hold_nothing_else() -> None:
    for path in FILES:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert set(json.loads(line)) in (
                {"question", "answers", "kind", "path"},
                {"question", "answers", "kind", "path", "topic"},
            )
