"""What every network of the literature is to the rest: a batch goes in, scores and attention come out.

Knows no data set; the networks in `networks/` know nothing else of each other.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.packing import Batch


class Answered(NamedTuple):
    """What a network makes of a batch."""

    scores: Tensor  # batch candidates; or batch answers candidates, where each slot has its own answer
    attention: Tensor  # batch hops slots, sums to 1 over the filled slots


class Network(nn.Module, ABC):
    """A network; its constructor takes its configuration and the `Sizes` of its task."""

    @abstractmethod
    def forward(self, batch: Batch) -> Answered:
        """Score the candidates."""

    def loss(self, batch: Batch) -> Tensor:
        """Give the mean loss of the batch's answers; networks that learn from more than answers add to it."""
        return answer_nats(self(batch).scores, batch.answers).mean()

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


def predictions(scores: Tensor) -> Tensor:
    """Best candidates: batch, or batch answers."""
    return torch.argmax(scores, -1)
