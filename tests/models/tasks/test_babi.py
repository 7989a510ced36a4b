import gzip
from collections import Counter
from pathlib import Path

import pytest

from models.episodes import Episode, Split
from models.metrics import Count
from models.tasks.babi import BabiTask, parse

STORY = (
    "1 Mary moved to the bathroom.",
    "2 Where is Mary? \tbathroom\t1",
    "3 John's dog went there.",
    "4 What is there?\tdog,mary\t3 1",
)


def test_a_story_becomes_its_questions_each_with_the_sentences_before_it() -> None:
    mary, dog = ("mary", "moved", "to", "the", "bathroom"), ("john's", "dog", "went", "there")
    assert parse(STORY) == [
        Episode((mary,), ("where", "is", "mary"), ("bathroom",), (0,)),
        Episode((mary, dog), ("what", "is", "there"), ("dog,mary",), (1, 0)),
    ]


def write(path: Path, stories: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(f"1 {story} sat.\n2 Who sat?\t{story}\t1\n" for story in stories)


def test_train_is_the_train_file_less_valid_counted_with_repeats(tmp_path: Path) -> None:
    write(tmp_path / "babi" / "en" / "qa1_x_train.txt.gz", ["ann", "bob", "ann", "ann", "eve"])
    write(tmp_path / "babi" / "en-valid" / "qa1_valid.txt.gz", ["ann", "eve"])
    task = BabiTask(tmp_path, tasks=(1,))
    train = [episode.answers[0] for episode in task.episodes("qa1", Split.train)]
    assert Counter(train) == {"ann": 2, "bob": 1}
    assert [episode.answers[0] for episode in task.episodes("qa1", Split.valid)] == ["ann", "eve"]
    assert task.vocabulary("joint").candidates == ("ann", "bob")


def test_groups_are_one_for_all_tasks_or_one_a_task() -> None:
    assert list(BabiTask(Path()).groups) == ["joint"]
    assert len(BabiTask(Path()).groups["joint"]) == 20
    assert BabiTask(Path(), joint=False, tasks=(2, 7)).groups == {"qa2": ("qa2",), "qa7": ("qa7",)}


def test_figures_are_mean_error_and_failed_tasks() -> None:
    counts = {"qa1": Count(95, 100, 9.0), "qa2": Count(94, 100, 9.0), "qa3": Count(300, 1000, 9.0)}
    assert BabiTask(Path()).figures(counts) == pytest.approx(
        {"mean_error": 27.0, "failed_tasks": 2, "error_qa1": 5.0, "error_qa2": 6.0, "error_qa3": 70.0}
    )


@pytest.mark.datasets
def test_ten_thousand_questions_a_task_but_for_task_three(datasets: Path) -> None:
    task = BabiTask(datasets, "10k", tasks=(1, 3))
    sizes = [len(task.episodes(part, split)) for part in task.groups["joint"] for split in Split]
    assert sizes == [9000, 1000, 1000, 925, 1000, 1000]
