"""A training killed with SIGKILL and started again ends with the figures of one that was left alone."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

RECIPE = """
title = "toy"

[task]
name = "babi"
tasks = [1]

[network]
name = "memn2n"
dim = 8
random_noise = 0.1

[training]
epochs = 40
learning_rate = 0.01
"""
PLACES = ("kitchen", "garden", "office")


def write_babi(folder: Path) -> None:
    stories = [f"1 Ann went to the {PLACES[at % 3]}.\n2 Where is Ann?\t{PLACES[at % 3]}\t1\n" for at in range(300)]
    for name, part in (
        ("en/qa1_x_train", stories),
        ("en/qa1_x_test", stories[:9]),
        ("en-valid/qa1_valid", stories[:6]),
    ):
        path = folder / "babi" / f"{name}.txt.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress("".join(part).encode()))


def command(tmp_path: Path, name: str) -> list[str]:
    words = ["train", str(tmp_path / "toy.toml"), "--out", str(tmp_path / name), "--threads", "1"]
    return [sys.executable, "-c", "from app.cli import main; main()", *words]


def result_of(folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return {name: value for name, value in result.items() if name not in ("minutes", "steps_per_second")}


@pytest.mark.slow
def test_a_killed_training_ends_with_the_same_figures(tmp_path: Path) -> None:
    write_babi(tmp_path)
    (tmp_path / "toy.toml").write_text(RECIPE, encoding="utf-8")
    environment = {**os.environ, "HOPFACT_DATASETS": str(tmp_path), "OMP_NUM_THREADS": "1"}
    subprocess.run(command(tmp_path, "whole"), env=environment, check=True, capture_output=True)
    state = tmp_path / "killed" / "joint.resume"
    with subprocess.Popen(command(tmp_path, "killed"), env=environment, stdout=subprocess.DEVNULL) as process:
        while not state.exists():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "killed" / "result.json").exists()
    again = subprocess.run(command(tmp_path, "killed"), env=environment, check=True, capture_output=True, text=True)
    assert "resumed at step" in again.stdout
    assert result_of(tmp_path / "killed") == result_of(tmp_path / "whole")
