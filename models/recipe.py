"""A recipe: the settings of a training of the literature, the figures published and ours, in one TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.training import TrainingConfig

RECIPES = Path(__file__).parent / "recipes"
RUNS = Path("runs")

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """What a recipe file says; a file that is `like` another says only what differs."""

    path: Path
    title: str  # of the row of results
    published: Table
    figures: Table
    task: Table  # its name, its settings, and `max_slots`
    network: Table  # its name, its settings, and `piece_vectors`
    training: TrainingConfig

    @property
    def name(self) -> str:
        """Name of the file without its ending."""
        return self.path.stem

    @classmethod
    def read(cls, path: Path) -> "Recipe":
        """Read a TOML file."""
        content = settings_of(path)
        return cls(
            path,
            content["title"],
            content.get("published", {}),
            content.get("figures", {}),
            content["task"],
            content["network"],
            TrainingConfig(**content["training"]),
        )

    @property
    def folder(self) -> Path:
        """Where a run of this seed goes."""
        return RUNS / self.name / f"seed-{self.training.seed}"

    def with_seed(self, seed: int | None) -> "Recipe":
        """Give the same recipe with another seed."""
        return self if seed is None else replace(self, training=replace(self.training, seed=seed))


def settings_of(path: Path) -> dict[str, Any]:
    """Read a recipe file over the one that it is `like`; figures are never taken over."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    if "like" not in content:
        return content
    base = settings_of(path.with_name(f"{content.pop('like')}.toml"))
    for name in ("published", "figures"):
        base.pop(name, None)
    for name, value in content.items():
        base[name] = {**base.get(name, {}), **value} if isinstance(value, dict) else value
    return base


def is_literature(path: Path) -> bool:
    """Say whether a recipe is of a network of the literature; the service's reader has recipes of its own."""
    return "task" in settings_of(path)
