"""Key-value memory network: Miller, Fisch, Dodge, Karimi, Bordes, Weston, EMNLP 2016, section 3.

The paper is "Key-Value Memory Networks for Directly Reading Documents".

A memory whose slots are addressed by a key and return a value. With our names for the paper's letters:

    question    q_1 = A Phi_X(x), the sum of the rows of `words` (A) of its words
    a hop       attention p_i = softmax(q_j . A Phi_K(k_i)), read vector o = sum_i p_i A Phi_V(v_i),
                next state q_j+1 = R_j (q_j + o), a matrix R_j (`hops`) for each hop
    answer      softmax over all candidates of q_H+1 . B Phi_Y(y_i), B = A if tied, else `candidates`

A key is a bag of words: for facts, the subject or object as one word and the relation, which is another one if read
from object to subject. A slot without a value returns its own text: then this is an end-to-end memory network. Which
facts are in the memory (the paper's key hashing) the task decides: models/keyed_facts.py.

Differences from the paper: in training the softmax runs over the values in the batch's memories, its answers, and some
candidates drawn at random, not over all; in evaluation over all. R_j begins as the identity.

Known results: models/recipes/miller2016_*.toml.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.encoders import sum_words
from models.network import Answered, Network, answer_nats
from models.packing import Batch, Sizes
from models.reading import attend, soft_read
from models.vocabulary import FIRST, PAD


@dataclass(frozen=True)
class KeyValueConfig:
    """The settings of one network."""

    dim: int = 64
    hops: int = 2
    tied: bool = True  # candidates have the vectors of their words
    drawn: int = 1000  # candidates drawn for each batch, beside those in it
    init_std: float = 0.1


class KeyValueNetwork(Network):
    """The network of this module's equations."""

    def __init__(self, config: KeyValueConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.sizes = sizes
        self.words = nn.Parameter(torch.empty(sizes.words, config.dim))
        self.hops = nn.Parameter(torch.eye(config.dim).repeat(config.hops, 1, 1))
        nn.init.normal_(self.words, std=config.init_std)
        if not config.tied:
            self.candidates = nn.Parameter(torch.empty(sizes.candidates, config.dim))
            nn.init.normal_(self.candidates, std=config.init_std)

    def forward(self, batch: Batch) -> Answered:
        """Hop over the memory, then score all candidates."""
        state, attention, _ = self._read(batch, batch.question.new_empty(0))
        table = self.words[FIRST : FIRST + self.sizes.candidates] if self.config.tied else self.candidates
        return Answered(state @ table.T, attention)

    def loss(self, batch: Batch) -> Tensor:
        """Give the mean loss among the candidates of the batch and some drawn ones."""
        given = torch.cat([batch.values.flatten() - FIRST, batch.answers.flatten()])
        given = given[(given >= 0) & (given < self.sizes.candidates)]
        drawn = torch.randint(self.sizes.candidates, (self.config.drawn,), device=given.device)
        chosen = _distinct(torch.cat([given, drawn]))
        state, _, words = self._read(batch, chosen + FIRST)
        table = words if self.config.tied else functional.embedding(chosen, self.candidates)
        answers = torch.where(batch.answers >= 0, torch.searchsorted(chosen, batch.answers.clamp(min=0)), batch.answers)
        return answer_nats(state @ table.T, answers).mean()

    def _read(self, batch: Batch, others: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give the last state, batch dim; the attention of each hop, batch hops slots; and the vectors of other words.

        The words of the batch are looked up once: each look-up costs a gradient as large as the whole table.
        """
        texts = (batch.slots, batch.values, batch.question, others)
        used = _distinct(torch.cat([others.new_tensor([PAD]), *(text.flatten() for text in texts)]))  # PAD stays first
        words = functional.embedding(used, self.words)
        slots, numbers, question, others = (torch.searchsorted(used, text) for text in texts)
        keys = sum_words(words, slots)
        values = torch.where((numbers == PAD)[..., None], keys, functional.embedding(numbers, words))
        state, attentions = sum_words(words, question), []
        for matrix in self.hops:
            attention = attend((keys @ state[..., None])[..., 0], batch.filled)
            attentions.append(attention)
            state = (state + soft_read(attention, values)) @ matrix.T
        return state, torch.stack(attentions, 1), functional.embedding(others, words)


def _distinct(numbers: Tensor) -> Tensor:
    """Give the numbers that occur, sorted."""
    distinct: Tensor = torch.unique(numbers)
    return distinct
