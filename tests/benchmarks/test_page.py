"""The results page is the one that its figures make, and its pictures are small."""

import json
from pathlib import Path

import pytest

from benchmarks.limits import judged
from benchmarks.page import PICTURES, page

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = json.loads((DOCS / "benchmarks" / "results.json").read_text(encoding="utf-8"))


def test_the_page_is_made_of_the_results_beside_it() -> None:
    assert (DOCS / "benchmarks.md").read_text(encoding="utf-8") == page(RESULTS)


@pytest.mark.parametrize(("load", "is_busy"), [(1.5, False), (9.0, True)])
def test_a_run_on_a_busy_machine_says_so(load: float, is_busy: bool) -> None:
    parts = {name: {**part, "load_average": [load]} for name, part in RESULTS["parts"].items()}
    assert ("busy machine" in page({**RESULTS, "parts": parts})) is is_busy


def test_every_picture_is_there_and_small() -> None:
    sizes = {path.stem: path.stat().st_size for path in (DOCS / "benchmarks").glob("*.png")}
    assert sizes.keys() == PICTURES.keys()
    assert max(sizes.values()) < 100_000


def test_a_limit_is_judged_at_its_size_only() -> None:
    figures = {"times_of_sqlite_living_indexes": {"median": 2.0}}
    for triples, verdict in ((10**6, True), (10**5, None)):
        parts = {"ingestion": {"figures": figures, "size": {"triples": triples}}}
        [found] = [one for one in judged(parts) if "SQLite" in one.what]
        assert found.is_met is verdict


def test_a_limit_without_a_figure_is_not_reached() -> None:
    assert {one.measured for one in judged({})} == {"not measured"}
