import gzip
from pathlib import Path

import pytest

from models.episodes import Episode, Split
from models.metrics import Count
from models.tasks.sst import QUESTION, SstTask, parse

TREES = {
    "train": ["(3 (2 A) (3 (4 good) (2 film)))", "(1 (2 a) (1 (0 (2 very) (0 bad)) (2 film)))", "(2 (2 A) (2 film))"],
    "dev": ["(2 (2 a) (2 film))", "(4 (4 good) (2 -LRB-))"],
    "test": ["(0 (0 bad) (2 film))"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sst" / "trees").mkdir(parents=True)
    for name, lines in TREES.items():
        with gzip.open(tmp_path / "sst" / "trees" / f"{name}.txt.gz", "wt", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
    return tmp_path


def test_a_tree_gives_every_phrase_with_its_label() -> None:
    assert parse("(3 (2 A) (4 (3 very) (2 9\\/10)))") == [
        ("2", ("a",)),
        ("3", ("very",)),
        ("2", ("9/10",)),
        ("4", ("very", "9/10")),
        ("3", ("a", "very", "9/10")),
    ]


def test_each_distinct_phrase_of_train_is_an_episode(folder: Path) -> None:
    episodes = SstTask(folder).episodes("fine", Split.train)
    assert Episode((("a",), ("good",), ("film",)), QUESTION, ("positive",)) in episodes
    assert len(episodes) == len(set(episodes)) == 11
    whole = SstTask(folder, phrases=False).episodes("fine", Split.train)
    assert [episode.answers for episode in whole] == [("positive",), ("negative",), ("neutral",)]


def test_validation_and_test_are_whole_sentences(folder: Path) -> None:
    valid = SstTask(folder).episodes("fine", Split.valid)
    assert [episode.memory for episode in valid] == [(("a",), ("film",)), (("good",), ("(",))]
    assert [episode.answers for episode in SstTask(folder).episodes("fine", Split.test)] == [("very negative",)]


def test_two_classes_leave_the_neutral_out(folder: Path) -> None:
    task = SstTask(folder, "binary")
    assert [episode.answers for episode in task.episodes("binary", Split.valid)] == [("positive",)]
    assert set(task.vocabulary("binary").candidates) == {"positive", "negative"}


def test_rare_words_are_unknown(folder: Path) -> None:
    words = SstTask(folder).vocabulary("fine").words
    assert {"a", "film"} <= set(words)
    assert "very" not in words


def test_the_score_is_the_accuracy(folder: Path) -> None:
    assert SstTask(folder).figures({"fine": Count(3, 4, 1.0)}) == {"accuracy": 75.0}


@pytest.mark.datasets
def test_whole_sentences_are_as_many_as_published(datasets: Path) -> None:
    for classes, sizes in (("fine", [8_544, 1_101, 2_210]), ("binary", [6_920, 872, 1_821])):
        task = SstTask(datasets, classes, phrases=False)
        assert [len(task.episodes(classes, split)) for split in Split] == sizes
