import math

import numpy as np
import pytest
import torch
from torch import Tensor

from models.episodes import Episode
from models.network import Answered, Network, answer_nats, mean_nats
from models.packing import ABSENT, Batch, pack
from models.scoring import NO_CANDIDATE_NATS, count
from models.vocabulary import UNSEEN, Vocabulary


class Fixed(Network):
    """Gives the same scores to every episode, or to every slot of it."""

    def __init__(self, scores: list[float], *, each_slot: bool = False) -> None:
        super().__init__()
        self._scores = torch.tensor(scores)
        self._each_slot = each_slot

    def forward(self, batch: Batch) -> Answered:
        shape = batch.answers.shape if self._each_slot else batch.answers.shape[:1]
        return Answered(self._scores.expand(*shape, -1), torch.zeros(len(batch.answers), 1, batch.slots.shape[1]))


def episode(*answers: str) -> Episode:
    return Episode((("a",),), ("q",), answers)


VOCABULARY = Vocabulary(["x", "y"], ["a", "q"])
SURE_OF_X = [math.log(0.8), math.log(0.2)]


def test_any_of_the_right_answers_will_do() -> None:
    packed = pack([episode("x"), episode("y"), episode("y", "x")], VOCABULARY)
    counted = count(Fixed(SURE_OF_X), packed)
    assert (counted.right, counted.asked) == (2, 3)
    assert counted.nats == pytest.approx(-math.log(0.8) - math.log(0.2) - (math.log(0.8) + math.log(0.2)) / 2)


def test_each_slot_that_has_its_own_answer_counts() -> None:
    packed = pack([episode("x", "y", "x"), episode("y")], VOCABULARY)
    counted = count(Fixed(SURE_OF_X, each_slot=True), packed)
    assert (counted.right, counted.asked) == (2, 4)
    assert counted.nats == pytest.approx(-2 * math.log(0.8) - 2 * math.log(0.2))


def test_an_answer_that_is_no_candidate_is_wrong_and_costs() -> None:
    counted = count(Fixed(SURE_OF_X), pack([episode("z"), episode("x")], VOCABULARY))
    assert (counted.right, counted.asked) == (1, 2)
    assert counted.nats == pytest.approx(NO_CANDIDATE_NATS - math.log(0.8))


def test_episodes_of_all_lengths_are_counted_once() -> None:
    memories = [(("a",),) * (at % 7 + 1) for at in range(600)]
    counted = count(Fixed(SURE_OF_X), pack([Episode(memory, (), ("x",)) for memory in memories], VOCABULARY))
    assert (counted.right, counted.asked) == (600, 600)


@pytest.mark.parametrize("answers", [[[0], [1]], [[UNSEEN], [2]], [[0, 1], [1, ABSENT]], [[UNSEEN, 0], [1, 0]]])
def test_nats_agree_with_probabilities_written_as_loops(answers: list[list[int]]) -> None:
    scores = torch.tensor([[0.3, -1.0, 0.2], [2.0, 0.1, 0.0]])
    logs = [row - row.exp().sum().log() for row in scores]
    expected = []
    for row, golds in zip(logs, answers, strict=True):
        present = [float(row[gold]) for gold in golds if gold >= 0]
        if present:
            expected.append(-float(np.mean(present)))
    torch.testing.assert_close(answer_nats(scores, torch.tensor(answers)), Tensor(expected))
    torch.testing.assert_close(mean_nats(scores, torch.tensor(answers)), Tensor(expected).mean())
