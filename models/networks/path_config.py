"""Sizes of the path reader; saved in its checkpoint."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PathReaderConfig:
    """Sizes of the network, and how its search behaves; saved in the checkpoint."""

    word_dim: int = 256
    context_dim: int = 384
    dim: int = 256
    layers: int = 2
    label_layers: int = 1
    overlaps: int = 2
    heads: int = 4
    feedforward: int = 512
    max_tokens: int = 48
    max_distance: int = 16
    dropout: float = 0.1
    max_hops: int = 3
    mask_topic: bool = True
