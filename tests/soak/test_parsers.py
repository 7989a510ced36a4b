"""The parsers of uploads under fuzzing, for seconds; `scripts/soak fuzz` does it for an hour."""

import subprocess
import sys

import pytest

from tests.soak.parsers import FORMATS, check, seeds

RUNS_A_CALL = 4
"""A call of the service takes as long as so many inputs."""


@pytest.mark.parametrize("name", FORMATS)
def test_what_our_writers_write_keeps_every_promise(name: str) -> None:
    for data in seeds(name):
        check(name, data)


def test_no_bytes_are_found_that_break_a_promise(soak_calls: int, soak_seed: int) -> None:
    pytest.importorskip("atheris", reason="there is no atheris for this Python or machine")
    words = ["--runs", str(soak_calls * RUNS_A_CALL), "--seconds", "86400", "--seed", str(soak_seed)]
    command = [sys.executable, "-m", "tests.soak.fuzz_parsers", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
