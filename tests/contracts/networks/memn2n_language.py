"""How MemN2N's language model is held to its promises."""

import torch
from torch import Tensor

from models.episodes import Episode, Windows
from models.network import Network
from models.networks.memn2n_language import FIRST_STATE, MemN2NLanguage
from models.packing import Batch
from models.training import TrainingConfig
from tests.contracts.networks import NetworkCase

WIDTH, RUN = 4, 3


def toy_text() -> list[Episode]:
    """A text in which each word but the first two repeats the one two before it, so that it supports itself."""
    episodes = []
    for at, pair in enumerate(
        [("a", "b"), ("c", "d"), ("b", "d"), ("e", "a"), ("d", "c"), ("c", "e"), ("f", "b"), ("a", "f")]
    ):
        text = (pair * 4)[: WIDTH + RUN + at % 2]
        windows = Windows(text[-(WIDTH + RUN) :] if at % 3 else text[: RUN + 2], WIDTH, RUN)
        run = windows[len(windows) - 1]
        last = len(run.memory) - 2
        episodes.append(Episode(run.memory, (), run.answers, (last,)))
    return episodes


def naive(network: Network, batch: Batch, row: int) -> Tensor:
    assert isinstance(network, MemN2NLanguage)
    dim, width, run = network.config.dim, network.config.width, batch.answers.shape[1]
    words = batch.slots[row, : int(batch.filled[row].sum()), 0].tolist()
    rows = []
    for answer in range(run):
        before = words[: len(words) - run + answer + 1][-width:]
        ages = range(len(before) - 1, -1, -1)
        inputs = [network.inputs[word] + network.input_ages[age] for word, age in zip(before, ages, strict=True)]
        outputs = [network.outputs[word] + network.output_ages[age] for word, age in zip(before, ages, strict=True)]
        state = torch.full((dim,), FIRST_STATE)
        for _ in range(network.config.hops):
            weights = torch.tensor([float(state @ memory) for memory in inputs]).softmax(0)
            read = sum((weight * memory for weight, memory in zip(weights, outputs, strict=True)), torch.zeros(dim))
            state = network.carry @ state + read
            state = torch.stack([unit if at < dim // 2 else unit.clamp(min=0) for at, unit in enumerate(state)])
        rows.append(torch.stack([candidate @ state for candidate in network.candidates]))
    return torch.stack(rows)


CASE = NetworkCase(
    variants={"three_hops": {"dim": 6, "hops": 3, "width": WIDTH}, "odd": {"dim": 5, "hops": 1, "width": WIDTH}},
    episodes=toy_text,
    naive=naive,
    learnt={"dim": 12, "hops": 2, "width": WIDTH},
    training=TrainingConfig(seed=1, epochs=150, batch=4, optimizer="adam", learning_rate=0.02),
)
