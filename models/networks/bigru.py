"""A GRU from each end: the plain network that the dynamic memory network has to beat on sentiment and tags.

    state h_i: the sum of the states of two GRUs at slot i, one from the left and one from the right, over the sums of
        the slots' word vectors (the input of `dmn` with two_way and facts = "slots")
    answer: softmax(W s + b), where s is the mean of the states, or, for a sequence of answers, each of them

There is no question and no memory; the reported attention is the weight of each slot in the mean.

Known results: models/recipes/bigru_*.toml.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.encoders import sum_words
from models.network import Answered, Network
from models.packing import Batch, Sizes
from models.reading import attend, soft_read
from models.recurrence import TwoWayGRU


@dataclass(frozen=True)
class BiGRUConfig:
    """The settings of one network."""

    word_dim: int = 50
    dim: int = 80
    sequence: bool = False  # an answer a slot
    word_dropout: float = 0.0  # of the units of word vectors
    dropout: float = 0.0  # of the units of the states that answer


class BiGRU(Network):
    """The network of this module's equations."""

    def __init__(self, config: BiGRUConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.words = nn.Parameter(torch.randn(sizes.words, config.word_dim) * 0.1)
        self.input = TwoWayGRU(config.word_dim, config.dim)
        self.candidates = nn.Linear(config.dim, sizes.candidates)

    def forward(self, batch: Batch) -> Answered:
        """Read the slots from both ends, then score the candidates."""
        words = functional.dropout(sum_words(self.words, batch.slots), self.config.word_dropout, self.training)
        states: Tensor = self.input(words, batch.filled)
        even = attend(torch.zeros_like(states[..., 0]), batch.filled)
        if not self.config.sequence:
            states = soft_read(even, states)
        scores = self.candidates(functional.dropout(states, self.config.dropout, self.training))
        if self.config.sequence:
            scores = scores * batch.filled[..., None]
        return Answered(scores, even[:, None])

    def num_losses(self, batch: Batch) -> int:
        """Count what the loss of a batch is the mean of: answers, if each slot has one."""
        return int((batch.answers >= 0).sum()) if self.config.sequence else super().num_losses(batch)
