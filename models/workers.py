"""The workers of a training: each learns from its part of every batch, and all take the same step.

Knows neither networks nor who starts the workers. A step of several is the step of one process on the whole batch but
for rounding. It differs where a network draws at random (dropout, noise, words that it takes for unseen, candidates to
rank among): each worker draws for its own part. The key-value network also ranks among the candidates of its part only.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import torch
from torch import Tensor, distributed, nn

Found = TypeVar("Found")


class Workers(Protocol):
    """All workers of a training, as one of them sees them."""

    @property
    def rank(self) -> int:
        """The number of this one; 0 is the first, which validates and writes."""
        ...

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def total(self, values: Tensor) -> Tensor:
        """Give the sum of what all workers give, to the last digit the same to each."""
        ...

    def of_first(self, find: Callable[[], Found]) -> Found:
        """Give what the first worker finds; no other looks for it."""
        ...


class Alone:
    """One worker, which has every batch whole."""

    rank = 0
    size = 1

    def total(self, values: Tensor) -> Tensor:
        """Give its own."""
        return values

    def of_first(self, find: Callable[[], Found]) -> Found:
        """Give what it finds."""
        return find()


ALONE = Alone()


class ProcessGroup:
    """The workers of torch's process group, which is there already."""

    def __init__(self) -> None:
        self.rank = distributed.get_rank()
        self.size = distributed.get_world_size()

    def total(self, values: Tensor) -> Tensor:
        """Give the sum of what all workers give; it takes the place of `values`."""
        distributed.all_reduce(values)
        return values

    def of_first(self, find: Callable[[], Found]) -> Found:
        """Send what the first worker finds to all."""
        found: list[Found | None] = [None if self.rank else find()]
        distributed.broadcast_object_list(found, src=0)
        return found[0]  # type: ignore[return-value]


def learn_together(workers: Workers, weights: Sequence[nn.Parameter], loss: Tensor, num_losses: int) -> Tensor:
    """Give the loss of the whole batch, and every weight its gradient, from the mean losses of the parts.

    A part's loss is the mean of `num_losses` of those that the whole's is the mean of; a part of none has no say.
    """
    if num_losses:
        (loss * num_losses).backward()  # type: ignore[no-untyped-call]
    gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
    learners = [float(weight.grad is not None) for weight in weights]
    figures = torch.tensor([loss.item() * num_losses if num_losses else 0.0, num_losses, *learners])
    sums = workers.total(torch.cat([*(gradient.flatten() for gradient in gradients), figures]))
    learnt, (total, counted), learners_there = torch.split(sums, [len(sums) - len(figures), 2, len(learners)])
    parts = torch.split(learnt / counted, [weight.numel() for weight in weights])
    for weight, part, learns in zip(weights, parts, learners_there.tolist(), strict=True):
        weight.grad = part.view_as(weight) if learns else None
    whole: Tensor = total / counted
    return whole
