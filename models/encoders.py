"""Texts to vectors: the maths that networks share."""

import torch
from torch import Tensor
from torch.nn import functional

from models.vocabulary import PAD


def sum_words(
    table: Tensor, tokens: Tensor, *, by_position: bool = False, longest: int | None = None, parts: int = 1
) -> Tensor:
    """Sum the word vectors of texts: ... parts*dim, for tokens: ... tokens. PAD counts for nothing.

    `by_position` weighs word j of J by (1 - j/J) - (k/d)(1 - 2j/J) in its dimension k of d, both from 1 (Sukhbaatar et
    al. 2015, section 4.1): linear in k, so that two weighted sums of whole vectors make it. J is the text's length, or
    `longest` where given. A table of several parts side by side is looked up once; each part has dimensions 1 to d.
    """
    width, shape = table.shape[1], (*tokens.shape[:-1], table.shape[1])
    present = tokens != PAD
    lengths = present.sum(-1)
    if not by_position:
        return _sum(table, tokens[present], lengths).view(shape)
    total = lengths.clamp(min=1)[..., None] if longest is None else longest
    place = (present.cumsum(-1) / total)[present]  # j / J
    dim = width // parts
    dimension = torch.arange(1, dim + 1, dtype=table.dtype, device=table.device).repeat(parts) / dim
    whole = _sum(table, tokens[present], lengths, 1 - place)
    slope = _sum(table, tokens[present], lengths, 1 - 2 * place)
    return (whole - dimension * slope).view(shape)


def _sum(table: Tensor, tokens: Tensor, lengths: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sum the vectors of texts that stand one after the other."""
    flat = lengths.flatten()
    starts = flat.cumsum(0) - flat
    return functional.embedding_bag(tokens, table, starts, mode="sum", per_sample_weights=weights)
