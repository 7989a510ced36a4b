"""How the baseline of two GRUs is held to its promises."""

import torch
from torch import Tensor

from models.network import Network
from models.networks.bigru import BiGRU
from models.packing import Batch
from models.training import TrainingConfig
from models.vocabulary import PAD
from tests.contracts.naive_recurrence import two_way_gru
from tests.contracts.networks import NetworkCase
from tests.models.toys import toy_first_words, toy_taggings


def naive(network: Network, batch: Batch, row: int) -> Tensor:
    assert isinstance(network, BiGRU)
    slots = [tokens for tokens, filled in zip(batch.slots[row], batch.filled[row], strict=True) if filled]
    inputs = [torch.stack([network.words[token] for token in tokens if token != PAD]).sum(0) for tokens in slots]
    states = two_way_gru(network.input, inputs)
    weight, bias = network.candidates.weight, network.candidates.bias
    if not network.config.sequence:
        return weight @ (torch.stack(states).sum(0) / len(states)) + bias
    scores = torch.zeros(batch.filled.shape[1], len(bias))
    for at, state in enumerate(states):
        scores[at] = weight @ state + bias
    return scores


CASE = NetworkCase(
    variants={"one_answer": {"word_dim": 5, "dim": 6}, "sequence": {"word_dim": 5, "dim": 6, "sequence": True}},
    episodes=toy_first_words,
    own_episodes={"sequence": toy_taggings},
    naive=naive,
    learnt={"word_dim": 8, "dim": 16},
    training=TrainingConfig(seed=1, epochs=25, batch=8, learning_rate=0.02),
)
