"""Reads of a memory: the maths that networks share."""

import math

from torch import Tensor


def attend(scores: Tensor, filled: Tensor) -> Tensor:
    """Softmax of scores over filled slots; all zero where none is filled. Both: batch slots."""
    attention = scores.masked_fill(~filled, -math.inf).softmax(-1)
    return attention.masked_fill(~filled, 0.0)


def soft_read(attention: Tensor, memory: Tensor) -> Tensor:
    """Weighted sum of slots: batch dim. memory: batch slots dim."""
    return (attention[:, None] @ memory)[:, 0]
