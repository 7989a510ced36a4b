"""What every network of the literature is to the rest: a batch goes in, scores and attention come out.

Knows no data set; the networks in `networks/` know nothing else of each other.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.packing import Batch

_NO_GOLD = -100
"""What torch leaves out of a mean."""


class Answered(NamedTuple):
    """What a network makes of a batch."""

    scores: Tensor  # batch candidates; or batch answers candidates, where each slot has its own answer
    attention: Tensor  # batch hops slots, sums to 1 over the filled slots


class Network(nn.Module, ABC):
    """A network; its constructor takes its configuration and the `Sizes` of its task."""

    is_static: ClassVar[bool] = False
    """Whether a loss is always the same operations on tensors of the same sizes, for batches of the same sizes."""

    @abstractmethod
    def forward(self, batch: Batch) -> Answered:
        """Score the candidates."""

    def loss(self, batch: Batch) -> Tensor:
        """Give the mean loss of the batch's answers; networks that learn from more than answers add to it."""
        return mean_nats(self(batch).scores, batch.answers)

    def num_losses(self, batch: Batch) -> int:
        """Count what the loss of a batch is the mean of: episodes with an answer that is a candidate."""
        return int((batch.answers >= 0).any(-1).sum())

    @property
    def device(self) -> torch.device:
        """Where the network computes, and its batches must be."""
        return next((weight.device for weight in self.parameters()), torch.device("cpu"))

    def start(self, *, starting: bool) -> None:
        """Enter or leave the first epochs of training, which some papers train in another way."""


def answer_nats(scores: Tensor, answers: Tensor) -> Tensor:
    """Nats of the answers that are there, one entry each; where any of several will do, each weighs a share."""
    asked = answers >= 0
    if scores.ndim == 3 or answers.shape[1] == 1:  # one answer a column
        golds = answers.clamp(min=0).flatten()
        return functional.cross_entropy(scores.reshape(len(golds), -1), golds, reduction="none")[asked.flatten()]
    nats = -scores.log_softmax(-1).gather(-1, answers.clamp(min=0)) * asked
    return (nats.sum(-1) / asked.sum(-1).clamp(min=1))[asked.any(-1)]


def mean_nats(scores: Tensor, answers: Tensor) -> Tensor:
    """Give the mean of `answer_nats`, without tensors whose sizes depend on which answers are there."""
    if scores.ndim == 3 or answers.shape[1] == 1:
        golds = answers.flatten()
        return functional.cross_entropy(scores.reshape(len(golds), -1), golds.where(golds >= 0, _NO_GOLD))
    return answer_nats(scores, answers).mean()


def predictions(scores: Tensor) -> Tensor:
    """Best candidates: batch, or batch answers."""
    return torch.argmax(scores, -1)
