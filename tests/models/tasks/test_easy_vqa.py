import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from models.episodes import Split
from models.metrics import Count
from models.tasks.easy_vqa import EasyVqaTask, all_ways


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, count in (("train", 12), ("test", 2)):
        part = tmp_path / "easy-vqa" / name
        part.mkdir(parents=True)
        pictures = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
        np.savez(part / "images.npz", images=pictures)
        rows = [[question, "yes", number] for number in range(count) for question in ("is it red?", "is it not?")]
        with gzip.open(part / "questions.json.gz", "wt", encoding="utf-8") as file:
            json.dump(rows, file)
    return tmp_path


def test_no_picture_is_both_in_train_and_in_validation(folder: Path) -> None:
    task = EasyVqaTask(folder)
    shown = [{int(episode.memory[0, 0, 0]) for episode in task.episodes("all", split)} for split in Split]  # type: ignore[call-overload]
    assert shown == [{1, 2, 3, 4, 5, 6, 7, 8, 9, 11}, {0, 10}, {0, 1}]


def test_questions_about_a_picture_share_it(folder: Path) -> None:
    one, other, *_ = EasyVqaTask(folder).episodes("all", Split.test)
    assert one.memory is other.memory
    assert one.question == ("is", "it", "red")


def test_the_score_is_the_accuracy(folder: Path) -> None:
    assert EasyVqaTask(folder).figures({"all": Count(1, 2, 1.0)}) == {"accuracy": 50.0}


def test_train_pictures_may_be_shown_in_all_ways_of_turning_them(folder: Path) -> None:
    task, plain = EasyVqaTask(folder, turned=True), EasyVqaTask(folder)
    once, often = (one.episodes("all", Split.train) for one in (plain, task))
    assert len(often) == 8 * len(once)
    assert [one.question for one in often] == 8 * [one.question for one in once]
    for split in (Split.valid, Split.test):
        assert len(task.episodes("all", split)) == len(plain.episodes("all", split))


def test_the_ways_of_turning_a_picture_are_eight_and_show_the_same() -> None:
    picture = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    ways = all_ways(picture)
    assert len({way.tobytes() for way in ways}) == 8
    assert all(
        sorted(map(tuple, way.reshape(-1, 3).tolist())) == sorted(map(tuple, picture.reshape(-1, 3).tolist()))
        for way in ways
    )
