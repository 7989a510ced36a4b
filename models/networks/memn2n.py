"""MemN2N: Sukhbaatar, Szlam, Weston, Fergus, "End-To-End Memory Networks" (NIPS 2015), sections 2 to 5.

A memory that is read softly, several hops in a row. With our names for the paper's letters:

    input memory    m_i = sum_j l_j * A x_ij + T_A(age of i)     (A, T_A: parts of `words`, `ages`; l: positions)
    output memory   c_i = sum_j l_j * C x_ij + T_C(age of i)
    state           u_1 = sum_j l_j * B q_j
    a hop           attention p = softmax(u . m_i),  read vector o = sum_i p_i c_i,  next state u + o
    answer          softmax(W u), one row of W (`candidates`) for each candidate

Adjacent tying: the output memory of a hop is the input memory of the next, B is the first input table and W the last
output table. Layer-wise tying: all hops share A and C, and the next state is H u + o (H: `carry`). The language model
of section 5 is a module of its own, memn2n_language.

Linear start: in the first epochs of training the hops have no softmax. Random noise: the ages of slots skip up to a
tenth of the numbers, as if empty memories lay between (so does the authors' code add its "10 % of empty memories").

Differences from the paper: candidates are the answers seen in training, not all words. As in the authors' code, l has
twice the paper's size (its mean is 1, as without position encoding), and J is the length of the longest sentence.

Known results: models/recipes/sukhbaatar2015_*.toml.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.encoders import sum_words
from models.network import Answered, Network
from models.packing import Batch, Sizes
from models.reading import attend, soft_read
from models.vocabulary import FIRST

POSITION_SCALE = 2.0


@dataclass(frozen=True)
class MemN2NConfig:
    """The settings of one network."""

    dim: int = 20
    hops: int = 3
    adjacent: bool = True  # else layer-wise
    position_encoding: bool = True
    linear_start: bool = False
    random_noise: float = 0.0  # share of ages that are skipped, at most
    init_std: float = 0.1


class MemN2N(Network):
    """The network of this module's equations."""

    def __init__(self, config: MemN2NConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.sizes = sizes
        self._parts = config.hops + 1 if config.adjacent else 2
        self.words = nn.ParameterList(torch.empty(sizes.words, config.dim) for _ in range(self._parts))
        self.ages = nn.ParameterList(torch.empty(sizes.slots, config.dim) for _ in range(self._parts))
        if not config.adjacent:
            self.question_words = nn.Parameter(torch.empty(sizes.words, config.dim))
            self.carry = nn.Parameter(torch.empty(config.dim, config.dim))
            self.candidates = nn.Parameter(torch.empty(sizes.candidates, config.dim))
        self._linear = False
        for weight in self.parameters():
            nn.init.normal_(weight, std=config.init_std)

    def start(self, *, starting: bool) -> None:
        """Read without softmax in the first epochs, if so configured."""
        self._linear = starting and self.config.linear_start

    def forward(self, batch: Batch) -> Answered:
        """Hop over the memory, then score the candidates."""
        tables, ages = torch.cat([*self.words], 1), torch.cat([*self.ages], 1)  # side by side: one look-up for all
        memory = self._sum_words(tables, batch.slots, self._parts)
        memory = memory + functional.embedding(self._ages(batch.filled), ages)
        parts = memory.view(*memory.shape[:-1], self._parts, self.config.dim).unbind(-2)  # each batch slots dim
        state, attentions = self._question(batch), []
        for hop in range(self.config.hops):
            inputs, outputs = (parts[hop], parts[hop + 1]) if self.config.adjacent else parts
            scores = (inputs @ state[..., None])[..., 0]
            attention = scores * batch.filled if self._linear else attend(scores, batch.filled)
            attentions.append(attention)
            state = self._advance(state, soft_read(attention, outputs))
        return Answered(state @ self._candidate_table().T, torch.stack(attentions, 1))

    def _sum_words(self, table: Tensor, tokens: Tensor, parts: int) -> Tensor:
        if not self.config.position_encoding:
            return sum_words(table, tokens, parts=parts)
        return POSITION_SCALE * sum_words(table, tokens, by_position=True, longest=self.sizes.tokens, parts=parts)

    def _question(self, batch: Batch) -> Tensor:
        table = self.words[0] if self.config.adjacent else self.question_words
        return self._sum_words(table, batch.question, 1)

    def _advance(self, state: Tensor, read: Tensor) -> Tensor:
        carried: Tensor = state if self.config.adjacent else state @ self.carry.T
        return carried + read

    def _candidate_table(self) -> Tensor:
        if not self.config.adjacent:
            return self.candidates
        last: Tensor = self.words[-1]
        return last[FIRST : FIRST + self.sizes.candidates]

    def _ages(self, filled: Tensor) -> Tensor:
        """Give the row of `ages` of each slot, 0 for the newest; 0 as well where no slot is filled."""
        ages = filled.sum(-1, keepdim=True) - filled.cumsum(-1)
        if self.training and self.config.random_noise > 0:
            ages = ages + self._skips(filled, ages)
        return ages.clamp(max=self.sizes.slots - 1)

    def _skips(self, filled: Tensor, ages: Tensor) -> Tensor:
        """Draw how many ages each slot skips: those of n slots become a random n of n + skipped numbers, in order."""
        counts = filled.sum(-1, keepdim=True)
        most = (counts * self.config.random_noise).ceil()
        skipped = (torch.rand(counts.shape, device=counts.device) * (most + 1)).floor().long()
        width = filled.shape[1] + int(most.max())
        numbers = torch.arange(width, device=counts.device).expand(len(filled), width)
        keys = torch.rand(numbers.shape, device=counts.device).masked_fill(numbers >= counts + skipped, 2.0)
        chosen = keys.argsort(-1).argsort(-1) < counts  # the subset, as flags
        drawn = torch.where(chosen, numbers, width).sort(-1).values  # its numbers, in order
        return drawn.gather(-1, ages.clamp(max=width - 1)).clamp(max=self.sizes.slots) - ages
