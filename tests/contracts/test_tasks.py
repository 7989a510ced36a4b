"""What every task of the literature promises."""

import math
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from models import tasks
from models.episodes import Split, Windows
from models.metrics import Count
from models.packing import ABSENT, pack
from models.tasks import PATH_TASKS, TASKS, make_task
from tests.contracts.tasks import case_of, names

OTHERS = {
    "claims", "clauses", "generated", "grammar", "inventions", "metaqa", "own", "pathquestion", "peers", "plans",
    "questions", "simplequestions", "superlatives", "unsaid", "wording", "written",
}  # fmt: skip
"""Modules for the service's reader."""


def test_every_task_has_a_contract() -> None:
    assert set(names()) == set(TASKS)
    files = {path.stem for path in Path(*tasks.__path__).glob("[a-z]*.py")}
    assert files == set(TASKS) | OTHERS
    own = {"own-movies", "own-wikidata"}
    assert PATH_TASKS.keys() - {"generated", "metaqa", "written"} - own == {
        "simplequestions-wikidata",
        "simplequestions-freebase",
    }


@pytest.mark.datasets
@pytest.mark.parametrize("name", names())
def test_splits_have_their_published_sizes(name: str, datasets: Path) -> None:
    case = case_of(name)
    task = make_task(name, datasets, case.settings)
    assert {part for parts in task.groups.values() for part in parts} == set(case.sizes)
    for part, sizes in case.sizes.items():
        for split, size in zip(Split, sizes, strict=True):
            episodes = task.episodes(part, split)
            asked = len(episodes.text) - 1 if isinstance(episodes, Windows) else len(episodes)
            assert (part, split, asked) == (part, split, size)


@pytest.mark.datasets
@pytest.mark.parametrize("name", names())
def test_train_answers_are_candidates_and_supporting_facts_are_slots(name: str, datasets: Path) -> None:
    case = case_of(name)
    task = make_task(name, datasets, case.settings)
    for group, parts in task.groups.items():
        vocabulary = task.vocabulary(group)
        for part in parts:
            for episode in islice(task.episodes(part, Split.train), case.sampled):
                assert episode.answers
                assert all(vocabulary.candidate_of(label) >= 0 for label in episode.answers if label)
                assert all(0 <= fact < len(episode.memory) for fact in episode.supporting)


@pytest.mark.datasets
@pytest.mark.parametrize("name", names())
def test_episodes_come_in_the_same_order_each_time(name: str, datasets: Path) -> None:
    case = case_of(name)
    part = next(iter(case.sizes))
    packs = []
    for _ in range(2):
        task = make_task(name, datasets, case.settings)
        vocabulary = task.vocabulary(next(iter(task.groups)))
        packs.append(pack(task.episodes(part, Split.valid), vocabulary))
    for one, other in zip(*(packed.batch(np.arange(50)) for packed in packs), strict=True):
        assert one.equal(other)
    assert (packs[0].answers.flat != ABSENT).any()


@pytest.mark.parametrize("name", names())
def test_more_right_answers_cost_less_and_figures_are_numbers(name: str) -> None:
    case = case_of(name)
    task = make_task(name, Path(), case.settings)
    better = {part: Count(90, 100, 30.0) for part in case.sizes}
    worse = {part: Count(60, 100, 90.0) for part in case.sizes}
    assert task.cost(better) < task.cost(worse)
    figures = task.figures(better)
    assert figures
    assert all(math.isfinite(value) for value in figures.values())
