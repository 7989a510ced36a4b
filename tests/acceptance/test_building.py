"""Labels encoded by tasks on three nodes make the generation of one process, while a node is killed too."""

from importlib.util import find_spec
from typing import Any

import pytest

from benchmarks import building, nodes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install -e '.[ray]'"),
    pytest.mark.skipif(not nodes.can_unshare(), reason="no network of its own can be made here (unshare, ip)"),
]

PIECES = 12


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return building.measured(100_000)


def test_every_node_encodes_and_the_vectors_are_those_of_one_process(report: dict[str, Any]) -> None:
    assert report["vectors_equal"]
    assert len(report["pieces_by_node"]) == 3
    assert sum(report["pieces_by_node"]) == report["encoding"]["tasks"]["replied"] == PIECES


def test_a_generation_made_by_tasks_is_that_of_one_process(report: dict[str, Any]) -> None:
    assert report["files"] == 33
    assert report["files_equal"] == 33


def test_the_pieces_of_a_killed_node_are_done_on_the_nodes_that_are_left(report: dict[str, Any]) -> None:
    assert report["killed"]["begun_on_the_killed"] > 0
    assert report["killed"]["begun"] > report["killed"]["pieces"] == PIECES
    assert report["killed"]["replied"] == PIECES
    assert report["files_equal_when_killed"] == 33
