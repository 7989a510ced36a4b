"""How MemNN is held to its promises."""

import math

import torch
from torch import Tensor

from models.network import Network
from models.networks.memnn import MemNN
from models.packing import Batch
from models.training import TrainingConfig
from models.vocabulary import PAD, UNKNOWN
from tests.contracts.networks import NetworkCase
from tests.models.toys import toy_stories


def naive_text(network: MemNN, table: Tensor, tokens: list[int]) -> Tensor:
    """Sum the features of a text: words, neighbours of unseen ones, N-grams."""
    config, words = network.config, [token for token in tokens if token != PAD]
    vocabulary = network.sizes.words
    total = torch.zeros(table.shape[1])
    for at, word in enumerate(words):
        if config.unseen > 0 and word == UNKNOWN:
            if at > 0:
                total += table[vocabulary + words[at - 1]]
            if at + 1 < len(words):
                total += table[2 * vocabulary + words[at + 1]]
        else:
            total += table[word]
    first_row = vocabulary * (3 if config.unseen > 0 else 1)
    for length in range(2, config.ngrams + 1):
        for at in range(len(words) - length + 1):
            number = words[at]
            for word in words[at + 1 : at + length]:
                number = (number * 1_000_003 + word) % (2**31 - 1)
            total += table[first_row + number % config.ngram_rows]
    return total


def bend(network: MemNN, vector: Tensor, matrix: str) -> Tensor:
    return torch.tanh(getattr(network, matrix) @ torch.tanh(vector)) if network.config.nonlinear else vector


def choose(network: MemNN, asked: Tensor, facts: dict[int, Tensor], last: float) -> int:
    """The fact whose least s_Ot is highest; the stop fact is at -1, before all slots."""

    def s_ot(one: int, other: int) -> float:
        score = asked @ facts[one] - asked @ facts[other]
        if network.config.timed:
            score += asked @ network.times[0] * (one > last) + asked @ network.times[1] * (other > last)
            score += asked @ network.times[2] * (1 if one < other else -1)
        return float(score)

    least = {one: min([s_ot(one, other) for other in facts if other != one], default=math.inf) for one in facts}
    return max(least, key=lambda place: least[place])


def naive(network: Network, batch: Batch, row: int) -> Tensor:
    assert isinstance(network, MemNN)
    config, dim = network.config, network.config.dim
    slots = [tokens for tokens, filled in zip(batch.slots[row].tolist(), batch.filled[row], strict=True) if filled]
    texts = [naive_text(network, network.facts, tokens) for tokens in slots]
    matched = {at: bend(network, text[:dim], "fact_match") for at, text in enumerate(texts)}
    state, last = naive_text(network, network.questions, batch.question[row].tolist()), math.inf
    for hop in range(config.hops):
        facts = dict(matched)
        if config.adaptive and hop > 0:
            facts = {-1: bend(network, network.stop, "fact_match"), **facts}
        chosen = choose(network, bend(network, state[:dim], "fact_match"), facts, last)
        if chosen == -1:
            break
        state = state + texts[chosen][dim : 3 * dim]
        last = chosen
    latest = texts[int(last)][3 * dim :]
    asked = bend(network, state[dim:] + latest, "answer_match")
    return torch.stack([asked @ bend(network, candidate, "answer_match") for candidate in network.candidates])


CASE = NetworkCase(
    variants={
        "one_fact": {"dim": 6, "hops": 1},
        "two_facts": {"dim": 6, "hops": 2, "margin": 5.0},
        "adaptive": {"dim": 6, "hops": 4, "adaptive": True, "margin": 5.0},
        "all": {
            "dim": 6,
            "hops": 4,
            "adaptive": True,
            "ngrams": 3,
            "ngram_rows": 20,
            "nonlinear": True,
            "unseen": 0.5,
            "margin": 5.0,
        },
        "no_time": {"dim": 6, "hops": 2, "timed": False},
    },
    episodes=toy_stories,
    naive=naive,
    learnt={"dim": 20, "hops": 3, "adaptive": True},
    training=TrainingConfig(seed=1, epochs=30, batch=8, optimizer="adam", learning_rate=0.01),
)
