"""How the key-value memory network is held to its promises."""

from random import Random

import torch
from torch import Tensor

from models.episodes import Episode, KeyValue
from models.network import Network
from models.networks.keyvalue import KeyValueNetwork
from models.packing import Batch
from models.training import TrainingConfig
from models.vocabulary import FIRST, PAD
from tests.contracts.networks import NetworkCase

FILMS = tuple(f"film{number}" for number in range(12))
PEOPLE = tuple(f"person{number}" for number in range(12))
RELATIONS = {"directed by": "directed", "written by": "wrote", "starred": "played"}


def films() -> list[Episode]:
    """Of each film, two or three facts in any order; the question is for one of them."""
    random, episodes = Random(3), []
    for film in FILMS:
        for relation, verb in RELATIONS.items():
            relations = [relation, *random.sample([other for other in RELATIONS if other != relation], 1)]
            relations += [other for other in RELATIONS if other not in relations and random.random() < 0.5]
            random.shuffle(relations)
            people = random.sample(PEOPLE, len(relations))
            memory = tuple(KeyValue((film, key), person) for key, person in zip(relations, people, strict=True))
            asked = relations.index(relation)
            episodes.append(Episode(memory, ("who", verb, film), (people[asked],), (asked,)))
    return episodes


def naive_bag(network: KeyValueNetwork, tokens: list[int]) -> Tensor:
    words = [network.words[token] for token in tokens if token != PAD]
    return sum(words, torch.zeros(network.config.dim))


def naive(network: Network, batch: Batch, row: int) -> Tensor:
    assert isinstance(network, KeyValueNetwork)
    count = int(batch.filled[row].sum())
    keys = [naive_bag(network, tokens) for tokens in batch.slots[row].tolist()[:count]]
    numbers = batch.values[row].tolist()[:count]
    values = [network.words[value] if value != PAD else key for value, key in zip(numbers, keys, strict=True)]
    state = naive_bag(network, batch.question[row].tolist())
    for hop in range(network.config.hops):
        attention = torch.tensor([float(state @ key) for key in keys]).softmax(0)
        read = sum((weight * value for weight, value in zip(attention, values, strict=True)), torch.zeros(len(state)))
        state = network.hops[hop] @ (state + read)
    table = network.words[FIRST:] if network.config.tied else network.candidates
    return torch.stack([table[candidate] @ state for candidate in range(network.sizes.candidates)])


CASE = NetworkCase(
    variants={
        "one_hop": {"dim": 6, "hops": 1, "drawn": 4},
        "three_hops": {"dim": 6, "hops": 3, "drawn": 4},
        "untied": {"dim": 6, "hops": 2, "tied": False, "drawn": 0},
    },
    episodes=films,
    naive=naive,
    learnt={"dim": 20, "hops": 2, "drawn": 8, "init_std": 0.3},
    training=TrainingConfig(seed=1, epochs=60, batch=6, optimizer="adam", learning_rate=0.01),
)
