"""How DMN+ is held to its promises."""

import torch
from torch import Tensor, nn

from models.network import Network
from models.networks.dmn_plus import DMNPlus, Regions
from models.packing import Batch
from models.training import TrainingConfig
from models.vocabulary import PAD
from tests.contracts.naive_recurrence import attention_gru, gru, two_way_gru
from tests.contracts.networks import NetworkCase
from tests.contracts.networks.memn2n import naive_text
from tests.models.toys import toy_pictures, toy_stories


def naive_regions(regions: Regions, picture: Tensor) -> list[Tensor]:
    """The regions of a picture, from the left in even rows, from the right in odd ones."""
    grid = (picture / 255).permute(2, 0, 1)[None]
    for layer in regions.convolutions:
        grid = layer(grid)
    _, _, rows, columns = grid.shape
    found = []
    for row in range(rows):
        for column in range(columns) if row % 2 == 0 else reversed(range(columns)):
            place = [-1 + 2 * row / max(rows - 1, 1), -1 + 2 * column / max(columns - 1, 1)]
            units = torch.cat([grid[0, :, row, column], torch.tensor(place)])
            found.append((regions.project.weight @ units + regions.project.bias).tanh())
    return found


def naive_score(network: DMNPlus, fact: Tensor, memory: Tensor, question: Tensor) -> Tensor:
    compared = torch.cat([fact * question, (fact - question).abs(), fact * memory, (fact - memory).abs()])
    return network.score.weight[0] @ (network.compared.weight @ compared + network.compared.bias).tanh()


def naive(network: Network, batch: Batch, row: int) -> Tensor:
    assert isinstance(network, DMNPlus)
    if network.regions is not None:
        inputs = naive_regions(network.regions, batch.pictures[row])
    else:
        slots = [tokens for tokens, filled in zip(batch.slots[row].tolist(), batch.filled[row], strict=True) if filled]
        lengths = [sum(token != PAD for token in tokens) for tokens in slots]
        inputs = [
            naive_text(network.words, tokens, length, by_position=True) / 2  # it gives twice the paper's weights
            for tokens, length in zip(slots, lengths, strict=True)
        ]
    facts = two_way_gru(network.fusion, inputs)
    words = [network.words[token] for token in batch.question[row].tolist() if token != PAD]
    question = gru(network.question, words)[-1]
    memory = question
    for update in network.updates:
        gates = torch.stack([naive_score(network, fact, memory, question) for fact in facts]).softmax(0)
        if network.context is None:
            context = sum((gate * fact for gate, fact in zip(gates, facts, strict=True)), torch.zeros(len(memory)))
        else:
            context = attention_gru(network.context, facts, gates.tolist())
        assert isinstance(update, nn.Linear)
        memory = (update.weight @ torch.cat([memory, context, question]) + update.bias).relu()
    return network.candidates.weight @ torch.cat([question, memory]) + network.candidates.bias


CASE = NetworkCase(
    variants={
        "attention_gru": {"dim": 6, "passes": 3, "gate_dim": 5},
        "soft_attention": {"dim": 6, "passes": 2, "gate_dim": 5, "attention_gru": False},
        "pictures": {"dim": 6, "passes": 2, "gate_dim": 5, "channels": (4, 4)},
    },
    episodes=toy_stories,
    own_episodes={"pictures": toy_pictures},
    naive=naive,
    learnt={"dim": 24, "passes": 1, "input_dropout": 0.3},
    training=TrainingConfig(seed=3, epochs=60, batch=8, learning_rate=0.01),
)
