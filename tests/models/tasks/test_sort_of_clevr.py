from pathlib import Path

import numpy as np
import pytest

from models.episodes import Split
from models.metrics import Count
from models.tasks import sort_of_clevr
from models.tasks.sort_of_clevr import (
    COLOURS,
    Scene,
    SortOfClevrTask,
    all_ways,
    draw,
    drawn,
    non_relational,
    relational,
)

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
        ((scene, picture),) = drawn(number)
        for circle, colour in zip(scene.circles, COLOURS.values(), strict=True):
            assert (picture.reshape(-1, 3) == colour).all(-1).sum() == (97 if circle else 121)


def test_the_same_number_gives_the_same_picture() -> None:
    before = drawn(7)[0][1]
    drawn.cache_clear()
    np.testing.assert_array_equal(drawn(7)[0][1], before)


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


def test_a_train_scene_may_be_turned_and_is_asked_about_as_it_then_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sort_of_clevr.PICTURES, Split.train, range(2))
    often, once = (
        SortOfClevrTask(Path(), turned=turned).episodes("relational", Split.train) for turned in (True, False)
    )
    assert len(often) == 8 * len(once) == 160
    assert [episode.answers for episode in often[:10]] == [episode.answers for episode in often[70:80]]
    places = [non_relational(scene, kind, 0)[1] for scene in all_ways(SCENE) for kind in (1, 2)]  # red, at top left
    assert sorted(places) == ["no"] * 8 + ["yes"] * 8
    ways = [draw(scene) for scene in all_ways(SCENE)]
    assert len({way.tobytes() for way in ways}) == 8
    np.testing.assert_array_equal(ways[2], ways[0][::-1])
    np.testing.assert_array_equal(ways[4], ways[0].transpose(1, 0, 2))
