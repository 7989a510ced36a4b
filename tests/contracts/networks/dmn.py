"""How the dynamic memory network is held to its promises."""

import torch
from torch import Tensor

from models.network import Network
from models.networks.dmn import DMN
from models.packing import Batch
from models.recurrence import TwoWayGRU
from models.training import TrainingConfig
from models.vocabulary import PAD
from tests.contracts.naive_recurrence import attention_gru, gru, gru_step, two_way_gru
from tests.contracts.networks import NetworkCase
from tests.models.toys import toy_stories, toy_taggings


def naive_score(network: DMN, fact: Tensor, memory: Tensor, question: Tensor) -> Tensor:
    """W2 tanh(W1 z + b1) + b2, with the parts of z where the network keeps their columns of W1."""
    gate, turned = network.gate, network.gate.bilinear.weight @ fact
    likeness = torch.cat(
        [fact * question, (fact - question).abs(), fact * memory, (fact - memory).abs()],
    )
    hidden = gate.fact.weight @ fact + gate.fact.bias + gate.state.weight @ torch.cat([memory, question])
    hidden = hidden + gate.likeness.weight @ likeness
    hidden = hidden + gate.crossed.weight @ torch.stack([turned @ question, turned @ memory])
    score = gate.score.weight[0] @ hidden.tanh()
    return score + gate.score.bias[0] if network.config.gates == "sigmoid" else score


def naive_answer(network: DMN, facts: list[Tensor], question: Tensor) -> Tensor:
    memory = question
    for _ in range(network.config.passes):
        scores = torch.stack([naive_score(network, fact, memory, question) for fact in facts])
        gates = scores.softmax(0) if network.config.gates == "softmax" else scores.sigmoid()
        memory = gru_step(network.memory, attention_gru(network.episode, facts, gates.tolist()), memory)
    return network.candidates.weight @ gru_step(network.answer, question, memory)


def naive(network: Network, batch: Batch, row: int) -> Tensor:
    assert isinstance(network, DMN)
    slots = [
        [network.words[token] for token in tokens.tolist() if token != PAD]
        for tokens, filled in zip(batch.slots[row], batch.filled[row], strict=True)
        if filled
    ]
    if network.config.facts == "slots":
        steps, ends = [torch.stack(words).sum(0) for words in slots], list(range(len(slots)))
    else:
        steps = [word for words in slots for word in words]
        ends = [sum(len(words) for words in slots[: at + 1]) - 1 for at in range(len(slots))]
    reader = network.input
    states = two_way_gru(reader, steps) if isinstance(reader, TwoWayGRU) else gru(reader, steps)
    facts = [states[end] for end in ends]
    if network.question is None:
        scores, window = torch.zeros(batch.filled.shape[1], network.candidates.out_features), network.config.window
        for at, fact in enumerate(facts):
            scores[at] = naive_answer(network, facts[max(0, at - window) : at + window + 1], fact)
        return scores
    question = [network.words[token] for token in batch.question[row].tolist() if token != PAD]
    return naive_answer(network, facts, gru(network.question, question)[-1])


CASE = NetworkCase(
    variants={
        "softmax": {"word_dim": 5, "dim": 6, "passes": 2, "gate_dim": 4},
        "sigmoid": {"word_dim": 5, "dim": 6, "passes": 3, "gate_dim": 4, "gates": "sigmoid"},
        "slots_two_way": {"word_dim": 5, "dim": 6, "passes": 1, "gate_dim": 4, "facts": "slots", "two_way": True},
        "words_two_way": {"word_dim": 5, "dim": 6, "passes": 2, "gate_dim": 4, "two_way": True},
        "sequence": {"word_dim": 5, "dim": 6, "passes": 2, "gate_dim": 4, "facts": "slots", "sequence": True},
    },
    episodes=toy_stories,
    own_episodes={"sequence": toy_taggings},
    naive=naive,
    learnt={"word_dim": 16, "dim": 24, "passes": 1},
    training=TrainingConfig(seed=1, epochs=40, start_epochs=4, start_learning_rate=0.01, batch=8, learning_rate=0.01),
)
