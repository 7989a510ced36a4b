"""The equations of gated recurrent units, one sequence and one step at a time."""

import torch
from torch import Tensor, nn

from models.recurrence import AttentionGRU, TwoWayGRU


def gru_step(cell: nn.GRU | nn.GRUCell, given: Tensor, state: Tensor) -> Tensor:
    suffix = "" if isinstance(cell, nn.GRUCell) else "_l0"
    weights = (getattr(cell, f"{name}{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    of_given, of_state, given_bias, state_bias = (weight.chunk(3) for weight in weights)
    reset = torch.sigmoid(of_given[0] @ given + given_bias[0] + of_state[0] @ state + state_bias[0])
    update = torch.sigmoid(of_given[1] @ given + given_bias[1] + of_state[1] @ state + state_bias[1])
    new = torch.tanh(of_given[2] @ given + given_bias[2] + reset * (of_state[2] @ state + state_bias[2]))
    return (1 - update) * new + update * state


def gru(cell: nn.GRU, sequence: list[Tensor]) -> list[Tensor]:
    state, states = torch.zeros(cell.hidden_size), []
    for given in sequence:
        state = gru_step(cell, given, state)
        states.append(state)
    return states


def two_way_gru(cell: TwoWayGRU, sequence: list[Tensor]) -> list[Tensor]:
    back = gru(cell.backwards, sequence[::-1])[::-1]
    return [one + other for one, other in zip(gru(cell.forwards, sequence), back, strict=True)]


def attention_gru(cell: AttentionGRU, sequence: list[Tensor], gates: list[float]) -> Tensor:
    state = torch.zeros(cell.dim)
    parts = len(cell.state_weight) // cell.dim
    of_given, given_bias, of_state = (
        weight.chunk(parts) for weight in (cell.input_weight, cell.input_bias, cell.state_weight)
    )
    for given, gate in zip(sequence, gates, strict=True):
        reset = torch.sigmoid(of_given[0] @ given + given_bias[0] + of_state[0] @ state)
        new = torch.tanh(of_given[-1] @ given + given_bias[-1] + reset * (of_state[-1] @ state + cell.state_bias))
        if parts == 3:
            update = torch.sigmoid(of_given[1] @ given + given_bias[1] + of_state[1] @ state)
            new = (1 - update) * new + update * state
        state = gate * new + (1 - gate) * state
    return state
