"""Recurrent reads of a sequence: plain ones from one or both ends, and one that a gate opens slot by slot.

An attention GRU (Kumar et al. 2016, section 2.3), with the equations of a GRU (Cho et al. 2014) and a gate g_t:

    reset r_t = sigmoid(W_r x_t + U_r h_{t-1})     update u_t = sigmoid(W_u x_t + U_u h_{t-1})
    new n_t = tanh(W_n x_t + r_t * (U_n h_{t-1} + b))
    state h_t = h_{t-1} + g_t (1 - u_t) (n_t - h_{t-1})

Where the gate is 0 the state stays as it is, so padding adds nothing. Without an update gate (u = 0) the attention
takes its place (Xiong et al. 2016, section 3.3). The loop over slots runs outside autograd, with a gradient of its own.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class AttentionGRU(nn.Module):
    """The equations above; with `updating=False` without an update gate."""

    def __init__(self, inputs: int, dim: int, *, updating: bool = True) -> None:
        super().__init__()
        self.dim = dim
        self._parts = 3 if updating else 2
        self.input_weight = nn.Parameter(torch.empty(self._parts * dim, inputs))
        self.input_bias = nn.Parameter(torch.empty(self._parts * dim))
        self.state_weight = nn.Parameter(torch.empty(self._parts * dim, dim))
        self.state_bias = nn.Parameter(torch.empty(dim))
        for weight in self.parameters():
            nn.init.uniform_(weight, -1 / math.sqrt(dim), 1 / math.sqrt(dim))

    def project(self, sequence: Tensor) -> Tensor:
        """Give what the units make of the inputs alone: slots parts*dim batch. sequence: batch slots inputs."""
        return functional.linear(sequence, self.input_weight, self.input_bias).permute(1, 2, 0).contiguous()

    def forward(self, projected: Tensor, gates: Tensor) -> Tensor:
        """Give the last state: batch dim. projected: what `project` gives; gates: batch slots."""
        weights = (self.state_weight, self.state_bias)
        states: Tensor = _Scan.apply(projected, *weights, gates.T.contiguous())  # type: ignore[no-untyped-call]
        return states[-1].T


class TwoWayGRU(nn.Module):
    """Two plain GRUs, one from each end; gives the sum of their states at each slot."""

    def __init__(self, inputs: int, dim: int) -> None:
        super().__init__()
        self.forwards = nn.GRU(inputs, dim, batch_first=True)
        self.backwards = nn.GRU(inputs, dim, batch_first=True)

    def forward(self, sequence: Tensor, filled: Tensor) -> Tensor:
        """Give batch slots dim. filled: batch slots, the filled ones first."""
        slots = torch.arange(sequence.shape[1], device=sequence.device)
        turned = (filled.sum(-1, keepdim=True) - 1 - slots) % sequence.shape[1]  # its own inverse where filled
        back, _ = self.backwards(take_slots(sequence, turned))
        return self.forwards(sequence)[0] + take_slots(back, turned)  # type: ignore[no-any-return]


def take_slots(sequence: Tensor, slots: Tensor) -> Tensor:
    """Give slots of each sequence by number: batch taken dim. sequence: batch slots dim; slots: batch taken."""
    return sequence.gather(1, slots[..., None].expand(*slots.shape, sequence.shape[-1]))


def last_states(states: Tensor, filled: Tensor) -> Tensor:
    """Give the states at the last filled slot, the first where none is: batch dim."""
    return take_slots(states, (filled.sum(-1, keepdim=True) - 1).clamp(min=0))[:, 0]


class _Scan(torch.autograd.Function):
    """The loop over slots. projected: slots parts*dim batch; gates: slots batch; states: slots dim batch."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, weight: Tensor, bias: Tensor, gates: Tensor) -> Tensor:  # noqa: ANN401
        slots, _, batch = projected.shape
        dim = len(bias)
        cut = len(weight) - dim  # where the rows of `new` begin; before them reset and, where there is one, update
        states = projected.new_zeros(slots + 1, dim, batch)
        sigmoids = projected.new_empty(slots, cut, batch)
        recalls = projected.new_empty(slots, dim, batch)  # U_n h + b
        news = projected.new_empty(slots, dim, batch)
        half, of_new = weight[:cut] / 2, weight[cut:].contiguous()
        halved, wide_bias = projected[:, :cut] / 2, bias[:, None].expand(dim, batch)
        change = projected.new_empty(dim, batch)
        rows = (states, states[1:], halved, projected[:, cut:], sigmoids, recalls, news, gates)
        for before, after, own, own_new, sigmoid, recall, new, gate in zip(
            *(row.unbind() for row in rows), strict=False
        ):
            torch.addmm(own, half, before, out=sigmoid)
            sigmoid.tanh_().add_(1).mul_(0.5)  # a third of the time of sigmoid_
            torch.addmm(wide_bias, of_new, before, out=recall)
            torch.addcmul(own_new, sigmoid[:dim], recall, out=new)
            new.tanh_()
            torch.sub(new, before, out=change)
            if cut > dim:
                change.addcmul_(sigmoid[dim:], change, value=-1)
            torch.addcmul(before, change, gate, out=after)
        ctx.save_for_backward(states, sigmoids, recalls, news, weight, gates)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # noqa: ANN401
        states, sigmoids, recalls, news, weight, gates = ctx.saved_tensors
        slots, dim, batch = news.shape
        cut = len(weight) - dim
        reset, before = sigmoids[:, :dim], states[:-1]
        towards = news - before
        share = 1 - sigmoids[:, dim:] if cut > dim else torch.ones_like(news)
        step = gates[:, None] * share
        of_new = step * (1 - news * news)
        of_reset = recalls * reset * (1 - reset)
        of_update = -step * towards * (1 - share) if cut > dim else step
        kept = 1 - step
        whole = news.new_empty(slots, len(weight), batch)  # gradients of U h, all parts
        own_new = news.new_empty(slots, dim, batch)  # gradient of W_n x
        arriving = news.new_empty(slots, dim, batch)  # gradient of each state
        back, turned = news.new_zeros(dim, batch), weight.T.contiguous()
        for at in range(slots - 1, -1, -1):
            torch.add(gradients[0][at], back, out=arriving[at])
            torch.mul(arriving[at], of_new[at], out=own_new[at])
            torch.mul(own_new[at], of_reset[at], out=whole[at, :dim])
            if cut > dim:
                torch.mul(arriving[at], of_update[at], out=whole[at, dim:cut])
            torch.mul(own_new[at], reset[at], out=whole[at, cut:])
            torch.mul(arriving[at], kept[at], out=back)
            back.addmm_(turned, whole[at])
        return (
            torch.cat([whole[:, :cut], own_new], 1),
            torch.bmm(whole, before.transpose(1, 2)).sum(0),
            whole[:, cut:].sum((0, 2)),
            (arriving * share * towards).sum(1),
        )
