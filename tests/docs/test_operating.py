"""The alerts, the dashboard and the runbook speak of what there is."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.telemetry import Metrics

OPERATING = Path(__file__).parents[2] / "docs" / "operating"
OF_PROMETHEUS = {"up", "process_resident_memory_bytes"}


def alerts() -> list[dict[str, Any]]:
    content = yaml.safe_load((OPERATING / "alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    for panel in json.loads((OPERATING / "dashboard.json").read_text(encoding="utf-8"))["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def labels_of_samples() -> dict[str, set[str]]:
    """The samples of a page of figures, each with its labels; histograms have `le` too."""
    samples: dict[str, set[str]] = {name: {"job", "instance"} for name in OF_PROMETHEUS}
    for metric in vars(Metrics()).values():
        for family in metric.describe() if hasattr(metric, "describe") else ():
            names = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
            for suffix in names:
                samples[family.name + suffix] = {*metric._labelnames, "le", "job", "instance"}
    return samples


@pytest.mark.parametrize("expression", [*expressions()])
def test_every_figure_that_is_asked_for_exists_with_its_labels(expression: str) -> None:
    samples = labels_of_samples()
    names = re.findall(r"\b((?:hopfact|process)_\w+|up)\b", expression)
    assert names
    assert set(names) <= samples.keys()
    known = set().union(*(samples[name] for name in names))
    used = set(re.findall(r"(\w+)=~?\"", expression))
    for group in re.findall(r"by \(([^)]*)\)", expression):
        used |= {label.strip() for label in group.split(",")}
    assert used <= known


def test_every_figure_is_on_the_dashboard() -> None:
    own = {name.removesuffix("_total") for name in labels_of_samples() if name.startswith("hopfact")}
    shown = " ".join(expressions())
    assert {name for name in own if not name.endswith(("_bucket", "_sum", "_count")) and name not in shown} == set()


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_has_its_place_in_the_runbook(rule: dict[str, Any]) -> None:
    headings = re.findall(r"^## (.+)$", (OPERATING / "runbook.md").read_text(encoding="utf-8"), re.MULTILINE)
    places = {heading.lower().replace(" ", "-") for heading in headings}
    assert rule["annotations"]["runbook"].removeprefix("runbook.md#") in places
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")
