"""The language model of Sukhbaatar, Szlam, Weston, Fergus, "End-To-End Memory Networks" (NIPS 2015), section 5.

Each word is told from those before it, which are the memory. With our names for the paper's letters, for the word after
the newest slot:

    input memory    m_i = A x_i + T_A(age of i)     (A, T_A: `inputs`, `input_ages`)
    output memory   c_i = C x_i + T_C(age of i)     (C, T_C: `outputs`, `output_ages`)
    state           u_1 = 0.1 in every unit, for there is no question
    a hop           attention p = softmax(u . m_i),  read vector o = sum_i p_i c_i,
                    next state H u + o (H: `carry`), the second half of its units rectified
    answer          softmax(W u), one row of W (`candidates`) for each word

An episode is a run of words that share their memory: the answers are the last words, each with a window of `width`
slots that ends before it. u . m_i is computed as u . A x_i, of all states of the run with all its slots at once, of
which a window is a band, plus u . T_A; the read likewise. So a word is looked up once a run, not once a window.

Difference from the paper: a batch is a few runs of neighbouring words, not as many words from anywhere.

Known results: models/recipes/sukhbaatar2015_memn2n_ptb_*.toml.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.network import Answered, Network
from models.packing import Batch, Sizes

FIRST_STATE = 0.1


@dataclass(frozen=True)
class MemN2NLanguageConfig:
    """The settings of one network."""

    dim: int = 150
    hops: int = 6
    width: int = 100  # slots of a window
    dropout: float = 0.0  # of the last state; the paper has none
    init_std: float = 0.05


class MemN2NLanguage(Network):
    """The network of this module's equations."""

    is_static = True

    def __init__(self, config: MemN2NLanguageConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.inputs = nn.Parameter(torch.empty(sizes.words, dim))
        self.outputs = nn.Parameter(torch.empty(sizes.words, dim))
        self.input_ages = nn.Parameter(torch.empty(config.width, dim))
        self.output_ages = nn.Parameter(torch.empty(config.width, dim))
        self.carry = nn.Parameter(torch.empty(dim, dim))
        self.candidates = nn.Parameter(torch.empty(sizes.candidates, dim))
        for weight in self.parameters():
            nn.init.normal_(weight, std=config.init_std)

    def forward(self, batch: Batch) -> Answered:
        """Score the words for every answer of the runs; the attention is that of the last answer."""
        words = batch.slots[..., 0]
        inputs, outputs = functional.embedding(words, self.inputs), functional.embedding(words, self.outputs)
        window, there = self._windows(batch)
        state = inputs.new_full((*window.shape[:2], self.config.dim), FIRST_STATE)  # batch answers dim
        attentions = []
        for _ in range(self.config.hops):
            scores = (state @ inputs.transpose(1, 2)).gather(2, window) + state @ self.input_ages.T
            attention = scores.masked_fill(~there, -math.inf).softmax(-1)  # batch answers ages
            spread = state.new_zeros(*window.shape[:2], words.shape[1]).scatter_add(2, window, attention)
            attentions.append(spread[:, -1])
            state = state @ self.carry.T + spread @ outputs + attention @ self.output_ages
            half = self.config.dim // 2
            state = torch.cat([state[..., :half], state[..., half:].relu()], -1)
        state = functional.dropout(state, self.config.dropout, self.training)
        return Answered(state @ self.candidates.T, torch.stack(attentions, 1))

    def num_losses(self, batch: Batch) -> int:
        """Count what the loss of a batch is the mean of: the words to come."""
        return int((batch.answers >= 0).sum())

    def _windows(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Give the slot of each age before each answer, and whether there is one: both batch answers ages."""
        answers = batch.answers.shape[1]
        numbers = torch.arange(max(answers, self.config.width), device=batch.filled.device)
        newest = batch.filled.sum(-1, keepdim=True) - answers + numbers[:answers]  # batch answers
        slots = newest[..., None] - numbers[: self.config.width]
        return slots.clamp(min=0), slots >= 0
