"""How MemN2N is held to its promises."""

import torch
from torch import Tensor

from models.network import Network
from models.networks.memn2n import MemN2N
from models.packing import Batch
from models.training import TrainingConfig
from models.vocabulary import FIRST, PAD
from tests.contracts.networks import NetworkCase
from tests.models.toys import toy_stories


def naive_text(table: Tensor, tokens: list[int], longest: int, *, by_position: bool) -> Tensor:
    """Sum over j of l_j * (row of word j), l_kj = 1 + 4 (k/d - 1/2) (j/J - 1/2), twice the paper's."""
    words = [token for token in tokens if token != PAD]
    total, dim = torch.zeros(table.shape[1]), table.shape[1]
    for j, word in enumerate(words, 1):
        for k in range(1, dim + 1):
            weight = 1 + 4 * (k / dim - 0.5) * (j / longest - 0.5) if by_position else 1.0
            total[k - 1] += weight * table[word, k - 1]
    return total


def naive(network: Network, batch: Batch, row: int) -> Tensor:
    assert isinstance(network, MemN2N)
    config, dim = network.config, network.config.dim
    slots = [tokens for tokens, filled in zip(batch.slots[row].tolist(), batch.filled[row], strict=True) if filled]
    parts = range(config.hops + 1 if config.adjacent else 2)
    memories = []
    for part in parts:
        words, ages = network.words[part], network.ages[part]
        texts = [
            naive_text(words, tokens, network.sizes.tokens, by_position=config.position_encoding) for tokens in slots
        ]
        memories.append([text + ages[len(slots) - 1 - at] for at, text in enumerate(texts)])
    table = network.words[0] if config.adjacent else network.question_words
    state = naive_text(table, batch.question[row].tolist(), network.sizes.tokens, by_position=config.position_encoding)
    for hop in range(config.hops):
        inputs, outputs = (memories[hop], memories[hop + 1]) if config.adjacent else memories
        scores = [float(state @ memory) for memory in inputs]
        weights = torch.tensor(scores).softmax(0)
        read = sum((weight * memory for weight, memory in zip(weights, outputs, strict=True)), torch.zeros(dim))
        state = (state if config.adjacent else network.carry @ state) + read
    if config.adjacent:
        last = network.words[config.hops]
        return torch.stack([last[FIRST + candidate] @ state for candidate in range(network.sizes.candidates)])
    return torch.stack([row @ state for row in network.candidates])


CASE = NetworkCase(
    variants={
        "adjacent": {"dim": 6, "hops": 3},
        "one_hop_bag": {"dim": 6, "hops": 1, "position_encoding": False},
        "layer_wise": {"dim": 6, "hops": 2, "adjacent": False},
        "seven_hops": {"dim": 4, "hops": 7},
    },
    episodes=toy_stories,
    naive=naive,
    learnt={"dim": 20, "hops": 1},
    training=TrainingConfig(seed=1, epochs=60, batch=8, optimizer="adam", learning_rate=0.02),
)
