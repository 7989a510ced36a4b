"""No version gets slower by much, in ratios to others that run beside us: `python -m benchmarks.ratios`."""

import json

import pytest

from benchmarks.ratios import COMMITTED, measured

MOST_LOST = 0.25


@pytest.fixture(scope="module")
def ratios() -> dict[str, float]:
    return measured()


@pytest.mark.parametrize(("name", "committed"), json.loads(COMMITTED.read_text(encoding="utf-8")).items())
def test_no_ratio_falls_by_over_a_quarter(name: str, committed: float, ratios: dict[str, float]) -> None:
    assert ratios[name] >= (1 - MOST_LOST) * committed, f"{name}: {ratios[name]:.3f}, was {committed}"


def test_every_ratio_is_held(ratios: dict[str, float]) -> None:
    assert ratios.keys() == json.loads(COMMITTED.read_text(encoding="utf-8")).keys()
