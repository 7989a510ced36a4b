import gzip
import math
from pathlib import Path

import pytest

from models.episodes import Split
from models.metrics import Count
from models.tasks.ptb import PtbTask


def test_a_line_ends_with_a_mark_and_memory_goes_across_lines(tmp_path: Path) -> None:
    (tmp_path / "ptb").mkdir()
    with gzip.open(tmp_path / "ptb" / "ptb.valid.txt.gz", "wt", encoding="utf-8") as file:
        file.write(" a b \n c \n")
    episodes = PtbTask(tmp_path, width=2).episodes("ptb", Split.valid)
    assert [episode.answers for episode in episodes] == [("b",), ("<eos>",), ("c",), ("<eos>",)]
    assert episodes[3].memory == (("<eos>",), ("c",))


def test_the_figure_is_perplexity() -> None:
    task = PtbTask(Path(), width=2)
    counts = {"ptb": Count(0, 50, 50 * math.log(120))}
    assert task.figures(counts) == pytest.approx({"perplexity": 120})
    assert task.cost(counts) == pytest.approx(120)


@pytest.mark.datasets
def test_the_split_is_the_published_one(datasets: Path) -> None:
    task = PtbTask(datasets, width=100)
    assert len(task.vocabulary("ptb").candidates) == 10_000
    sizes = [len(task.episodes("ptb", split)) + 1 for split in Split]
    assert sizes == [929_589, 73_760, 82_430]
