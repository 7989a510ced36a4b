import math
from random import Random

import pytest

from models.calibration import Calibration, Held, calibration_error, fit


def test_without_a_fit_beliefs_stay_as_they_are() -> None:
    assert math.isclose(Calibration().confidence(Held(0.37, 0.9, 0.5)), 0.37)


def test_certainty_stays_inside_zero_and_one() -> None:
    assert 0.0 < Calibration().confidence(Held(0.0, 0.0, 0.0)) < Calibration().confidence(Held(1.0, 1.0, 1.0)) < 1.0


def test_a_fit_finds_the_map_that_made_the_answers_right() -> None:
    random = Random(1)
    true = Calibration(slope=0.6, offset=1.2, rejection=-0.4, last=0.5, lack=-1.5)
    held = [Held(*(random.random() for _ in range(4))) for _ in range(20_000)]
    right = [random.random() < true.confidence(one) for one in held]
    found = fit(held, right)
    assert math.isclose(found.slope, true.slope, abs_tol=0.06)
    assert math.isclose(found.offset, true.offset, abs_tol=0.06)
    assert math.isclose(found.rejection, true.rejection, abs_tol=0.06)
    assert math.isclose(found.last, true.last, abs_tol=0.06)
    assert math.isclose(found.lack, true.lack, abs_tol=0.1)
    assert calibration_error([found.confidence(one) for one in held], right) < 0.015


def test_a_higher_belief_never_gives_a_lower_confidence() -> None:
    calibration = fit([Held(belief, 0.5, 0.5) for belief in (0.1, 0.4, 0.6, 0.9)], [False, False, True, True])
    confidences = [calibration.confidence(Held(belief / 10, 0.5, 0.5)) for belief in range(11)]
    assert confidences == sorted(confidences)


def test_nothing_is_learnt_from_right_answers_alone() -> None:
    with pytest.raises(ValueError, match="right and wrong"):
        fit([Held(0.5, 0.5, 0.5), Held(0.6, 0.5, 0.5)], [True, True])


def test_the_error_of_a_reader_that_is_always_sure_is_how_often_it_is_wrong() -> None:
    assert math.isclose(calibration_error([1.0] * 4, [True, True, True, False]), 0.25)
