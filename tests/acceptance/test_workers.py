"""Two workers on two nodes train together; one node is killed on the way."""

from typing import Any

import pytest

from benchmarks import nodes, workers
from models import cluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not cluster.is_installed(), reason="no Ray Train: pip install -e '.[ray-train]'"),
    pytest.mark.skipif(not nodes.can_unshare(), reason="no network of its own can be made here (unshare, ip)"),
]


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return workers.measured(0)


def test_a_training_goes_on_from_its_last_state_when_a_node_is_killed(report: dict[str, Any]) -> None:
    (resumed,) = report["killed"]["resumed"]
    assert int(resumed.rpartition(" ")[2]) > 0


def test_it_ends_with_the_figures_of_a_trained_network(report: dict[str, Any]) -> None:
    assert report["killed"]["workers"] == 2
    assert report["killed"]["error"] < 10  # percent; 83 by guessing


def test_more_workers_than_there_are_processors_are_refused(report: dict[str, Any]) -> None:
    assert "99 workers of 1 threads want 99" in report["crowd"]
