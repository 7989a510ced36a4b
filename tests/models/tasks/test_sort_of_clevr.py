from pathlib import Path

import numpy as np
import pytest

from models.episodes import Split
from models.metrics import Count
from models.tasks import sort_of_clevr
from models.tasks.sort_of_clevr import COLOURS, Scene, SortOfClevrTask, draw, drawn, non_relational, relational

CENTRES = np.array([[10, 10], [10, 30], [10, 69], [60, 10], [60, 40], [40, 20]])
SCENE = Scene(CENTRES, np.array([True, False, True, True, False, True]))  # red green blue orange gray yellow


def test_questions_about_others_are_answered_by_distance_and_likeness() -> None:
    assert relational(SCENE, 0, 0) == (("what", "shape", "is", "closest", "to", "the", "red", "one"), "square")
    assert relational(SCENE, 1, 0) == (("what", "shape", "is", "furthest", "from", "the", "red", "one"), "circle")
    assert relational(SCENE, 2, 0)[1] == "3"
    assert relational(SCENE, 2, 4)[1] == "1"


def test_questions_about_one_shape_are_answered_by_its_look_and_place() -> None:
    assert non_relational(SCENE, 0, 1) == (("what", "shape", "is", "the", "green", "one"), "square")
    assert non_relational(SCENE, 1, 2) == (("is", "the", "blue", "one", "on", "the", "left"), "no")
    assert non_relational(SCENE, 2, 2)[1] == "yes"


def test_a_picture_shows_its_scene() -> None:
    picture = draw(SCENE)
    assert picture.shape == (75, 75, 3)
    for (row, column), circle, colour in zip(SCENE.centres, SCENE.circles, COLOURS.values(), strict=True):
        assert tuple(picture[row, column]) == colour
        assert (tuple(picture[row - 5, column - 5]) == colour) != circle


def test_shapes_of_a_scene_do_not_overlap() -> None:
    for number in range(50):
        picture = drawn(number)[1].reshape(-1, 3)
        for circle, colour in zip(drawn(number)[0].circles, COLOURS.values(), strict=True):
            assert (picture == colour).all(-1).sum() == (97 if circle else 121)


def test_the_same_number_gives_the_same_picture() -> None:
    before = drawn(7)[1]
    drawn.cache_clear()
    np.testing.assert_array_equal(drawn(7)[1], before)


def test_both_halves_ask_ten_questions_about_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sort_of_clevr.PICTURES, Split.valid, range(3))
    task = SortOfClevrTask(Path())
    halves = [task.episodes(part, Split.valid) for part in task.groups["all"]]
    assert [len(half) for half in halves] == [30, 30]
    assert halves[0][10].memory is halves[1][10].memory
    assert {episode.question[-1] for episode in halves[0]} == {"one"}


def test_splits_share_no_picture() -> None:
    ranges = [set(sort_of_clevr.PICTURES[split]) for split in Split]
    assert len(set.union(*ranges)) == 10_000


def test_each_half_has_its_own_score() -> None:
    counts = {"relational": Count(1, 2, 1.0), "non_relational": Count(4, 4, 1.0)}
    assert SortOfClevrTask(Path()).figures(counts) == {"relational": 50.0, "non_relational": 100.0}
