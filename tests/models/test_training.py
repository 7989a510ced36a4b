import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import nn

from models.training import Loss, Training, TrainingConfig, run


class Slope:
    """A course whose gradient is the same at every step, and whose costs are given."""

    steps_per_epoch = 2

    def __init__(self, costs: Sequence[float] = ()) -> None:
        self.network = nn.ParameterDict({"a": nn.Parameter(torch.zeros(1, 1)), "b": nn.Parameter(torch.zeros(1, 1))})
        self.starts: list[tuple[int, bool]] = []
        self._costs = list(costs)

    def begin_epoch(self, epoch: int, *, starting: bool) -> None:
        self.starts.append((epoch, starting))

    def loss(self, step: int) -> Loss:
        return Loss(30 * self.network["a"].sum() + 4 * self.network["b"].sum(), {})

    def cost(self) -> float | None:
        return self._costs.pop(0) if self._costs else None


def moves(config: TrainingConfig, course: Slope) -> list[float]:
    """How far `a` goes at each step."""
    training, at, found = Training(course, config), 0.0, []
    while not training.is_over():
        training.advance()
        if training.progress.step % course.steps_per_epoch == 0:
            training.validate()
        now = course.network["a"].item()
        found.append(round(at - now, 4))
        at = now
    return found


def test_stairs_begin_after_the_starting_epochs() -> None:
    config = TrainingConfig(
        epochs=5, optimizer="sgd", learning_rate=0.1, schedule="stairs", decay=0.5, decay_epochs=2,
        start_epochs=1, start_learning_rate=0.01,
    )  # fmt: skip
    course = Slope()
    assert moves(config, course) == [0.3, 0.3, 3.0, 3.0, 3.0, 3.0, 1.5, 1.5, 1.5, 1.5]
    assert course.starts == [(0, True), (1, False), (2, False), (3, False), (4, False)]


def test_a_plateau_lowers_the_rate_until_it_is_too_low() -> None:
    config = TrainingConfig(
        epochs=50, optimizer="sgd", learning_rate=0.1, schedule="plateau", decay=0.5, lowest_learning_rate=0.03
    )
    assert moves(config, Slope([5.0, 6.0, 4.0, 4.0, 3.0])) == [3.0] * 4 + [1.5] * 4


def test_gradients_are_clipped_together_or_each_by_itself() -> None:
    together = TrainingConfig(epochs=1, optimizer="sgd", learning_rate=1.0, clip=10.0)
    assert moves(together, Slope())[0] == pytest.approx(10 * 30 / math.hypot(30, 4), abs=1e-3)
    each = TrainingConfig(epochs=1, optimizer="sgd", learning_rate=1.0, clip=10.0, clip_each=True)
    course = Slope()
    assert moves(each, course)[0] == 10.0
    assert course.network["b"].item() == -8.0


def test_the_weights_of_the_best_epoch_are_kept(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=4, optimizer="sgd", learning_rate=0.1)
    course = Slope([5.0, 2.0, 3.0, 4.0])
    training = Training(course, config)
    run(training, config, tmp_path / "state.resume", report=lambda line: None)
    assert course.network["a"].item() == pytest.approx(-12.0)
    assert (training.progress.best_epoch, training.progress.best_cost) == (1, 2.0)


def test_a_starting_epoch_is_never_the_best() -> None:
    course = Slope([1.0, 2.0, 3.0])
    training = Training(course, TrainingConfig(epochs=3, optimizer="sgd", start_epochs=1))
    for _ in range(3):
        training.advance()
        training.advance()
        training.validate()
    assert training.progress.best_epoch == 1
