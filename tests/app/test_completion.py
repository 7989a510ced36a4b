"""Completion of the command line, installed and asked for in the shells themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMPLETES = {
    "bash": "source ~/.bashrc; COMP_WORDS=(hopfact kb exp); COMP_CWORD=2; _hopfact_completion hopfact; echo $COMPREPLY",
    # Outside of its line editor zsh completes nothing: what it would be told is printed instead.
    "zsh": "source ~/.zshrc; _arguments() { print -r $* }; autoload +X _hopfact; "
    "words=(hopfact kb exp) CURRENT=3; _hopfact; _hopfact_completion",
    "fish": "complete --do-complete 'hopfact kb exp'",
}


@pytest.fixture(params=COMPLETES)
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not here")
    return str(request.param)


def said(shell: str, words: str, home: Path) -> str:
    """What a shell prints, run as at home in a new home."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"HOME": str(home), "PATH": path, "TERM": "dumb", "LANG": "C.UTF-8"}
    ran = subprocess.run(
        [shell, "-c", words], env=environment, cwd=home, check=False, capture_output=True, text=True, timeout=120
    )
    return ran.stdout + ran.stderr


def test_a_shell_completes_once_it_was_told_to(shell: str, tmp_path: Path) -> None:
    assert f"{shell} completion installed" in said(shell, "hopfact --install-completion; true", tmp_path)
    completed = said(shell, COMPLETES[shell], tmp_path)
    assert "export" in completed
    assert "evaluate" not in completed


def test_the_script_can_be_shown_instead(shell: str, tmp_path: Path) -> None:
    assert f"complete_{shell}" in said(shell, "hopfact --show-completion; true", tmp_path)
    assert [*tmp_path.iterdir()] == [] or shell == "fish"  # which makes folders of its own
