import numpy as np
import pytest

from models.chances import _gained, _softmax


def test_whether_nothing_fits_is_left_to_the_network() -> None:
    logits, gains = np.array([0.5, 1.0, -np.inf, 2.0], np.float32), np.array([2.0, 0.0, 1.0, 0.0], np.float32)
    before, after = _softmax(logits), _softmax(_gained(logits, gains, rejected=3))
    assert after[3] == pytest.approx(before[3])
    assert after[0] / after[1] == pytest.approx(before[0] / before[1] * np.exp(2.0))
    assert after[2] == 0


def test_where_nothing_else_is_possible_nothing_is_gained() -> None:
    logits = np.array([-np.inf, 0.0], np.float32)
    assert _softmax(_gained(logits, np.ones(2, np.float32), rejected=1)).tolist() == [0.0, 1.0]
