"""One module a network of the literature, of its name; each has a `CASE` that says how it is held to its promises."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from models.episodes import Episode
from models.network import Network
from models.packing import Batch
from models.training import TrainingConfig

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class NetworkCase:
    """What the contracts need to know of a network."""

    variants: Mapping[str, Settings]
    """Settings of every way that the network can be built, by a name."""
    episodes: Callable[[], Sequence[Episode]]
    """Toy episodes, each with its supporting facts; memories of different lengths."""
    naive: Callable[[Network, Batch, int], Tensor]
    """The paper's equations written as loops: the scores of one episode of a batch."""
    learnt: Settings
    """Settings with which it learns the toy episodes by heart."""
    training: TrainingConfig
    """How it learns them."""
    own_episodes: Mapping[str, Callable[[], Sequence[Episode]]] = field(default_factory=dict)
    """Toy episodes of the variants that cannot read the others: pictures, an answer a slot."""


def names() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def case_of(name: str) -> NetworkCase:
    case = import_module(f"{__name__}.{name}").CASE
    assert isinstance(case, NetworkCase)
    return case


VARIANTS = [(name, variant) for name in names() for variant in case_of(name).variants]
