"""One module a task of the literature, of its name; each has a `CASE` that says how it is held to its promises."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TaskCase:
    """What the contracts need to know of a task."""

    settings: Mapping[str, Any]
    sizes: Mapping[str, tuple[int, int, int]]
    """Answers of train, valid and test, as published, by part: every part of the task so set."""
    sampled: int = 20_000
    """At most so many episodes of a part are looked at one by one."""


def names() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def case_of(name: str) -> TaskCase:
    case = import_module(f"{__name__}.{name}").CASE
    assert isinstance(case, TaskCase)
    return case
