import numpy as np
import pytest

from models.chances import _OF_AN_AGE, _THINGS, _gained, _softmax
from models.episodes import MENTION, VALUE


def test_whether_nothing_fits_is_left_to_the_network() -> None:
    logits, gains = np.array([0.5, 1.0, -np.inf, 2.0], np.float32), np.array([2.0, 0.0, 1.0, 0.0], np.float32)
    before, after = _softmax(logits), _softmax(_gained(logits, gains, rejected=3))
    assert after[3] == pytest.approx(before[3])
    assert after[0] / after[1] == pytest.approx(before[0] / before[1] * np.exp(2.0))
    assert after[2] == 0


def test_where_nothing_else_is_possible_nothing_is_gained() -> None:
    logits = np.array([-np.inf, 0.0], np.float32)
    assert _softmax(_gained(logits, np.ones(2, np.float32), rejected=1)).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "is_of_things"),
    [
        (f"{MENTION} walks", True),
        (f"list all {MENTION} incidents?", True),
        (f"{MENTION} glass", False),
        (f"who {MENTION} walks", False),
        (f"{MENTION} walks near the lake", False),
    ],
)
def test_things_follow_how_they_are(text: str, is_of_things: bool) -> None:
    assert bool(_THINGS.fullmatch(text)) is is_of_things


@pytest.mark.parametrize(
    ("text", "is_of_an_age"),
    [
        (f"patients over {VALUE}", True),
        (f"who is older than {VALUE}?", True),
        (f"trails over {VALUE}", False),
        (f"players over {VALUE} cm", False),
    ],
)
def test_a_number_behind_people_is_an_age(text: str, is_of_an_age: bool) -> None:
    assert bool(_OF_AN_AGE.search(text)) is is_of_an_age
