"""Batches drawn ahead: the same ones, by a process that no one has to end."""

import os
import signal
import subprocess
import sys
import time

import pytest

from models.drawing import DrawnAhead

KILLED = """
import os
from models.drawing import DrawnAhead
drawn = DrawnAhead(lambda step: os.getpid())
print(drawn(0), flush=True)
drawn(1)
os.kill(os.getpid(), 9)
"""


def is_running(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def ends(process: int) -> bool:
    until = time.monotonic() + 20
    while is_running(process) and time.monotonic() < until:
        time.sleep(0.05)
    return not is_running(process)


def test_each_step_is_drawn_as_asked_for() -> None:
    drawn = DrawnAhead(lambda step: (step, os.getpid()))
    steps = [0, 1, 2, 7, 8, 3]
    found = [drawn(step) for step in steps]
    assert [step for step, _ in found] == steps
    assert len({process for _, process in found} - {os.getpid()}) == 1


def test_the_process_ends_with_what_began_it() -> None:
    drawn = DrawnAhead(lambda step: os.getpid())
    process = drawn(0)
    assert is_running(process)
    del drawn
    assert ends(process)


def test_the_process_ends_with_a_killed_one() -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert ends(int(killed.stdout))


def test_what_cannot_be_drawn_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    def draw(step: int) -> float:
        return 1 / (1 - step)

    drawn = DrawnAhead(draw)
    assert drawn(0) == 1
    with pytest.raises(EOFError):
        drawn(1)
    assert "ZeroDivisionError" in capfd.readouterr().err
