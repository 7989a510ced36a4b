"""The programs of docs/clients.md run, one after the other, and print what they should."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ServiceProcess

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")
PRINTED = (
    r"Bielefeld 0\.\d+\n  Sunrise directed by F\. W\. Murnau\n  F\. W\. Murnau born in Bielefeld\n",
    r"Who directed Sunrise\? \['F\. W\. Murnau'\]\nWhere .*\['Bielefeld'\]\nF\. W\. Murnau Bielefeld\n",
    r"66 of 66 bytes sent\n(\w+ \d+\n)*succeeded 66\n2 new facts\n",
    r"kb_not_found There is no .*\n",
    r"Sunrise directed by F\. W\. Murnau\. 0\.\d+\n",
    r"Sunrise directed by F\. W\. Murnau\. 0\.\d+\n",
)


def test_the_programs_of_the_page_run_as_they_are(served: ServiceProcess, tmp_path: Path) -> None:
    programs = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(programs) == len(PRINTED)
    for program, printed in zip(programs, PRINTED, strict=True):
        there = program.replace("http://127.0.0.1:8000", str(served.client.base_url).rstrip("/"))
        ran = subprocess.run(
            [sys.executable, "-c", there], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=120
        )
        assert ran.returncode == 0, ran.stderr
        assert re.fullmatch(printed, ran.stdout), ran.stdout


@pytest.mark.parametrize("name", re.findall(r"`(\w+)`", PAGE.partition("### Errors")[2].partition("```")[0]))
def test_every_name_of_the_section_on_errors_is_there(name: str) -> None:
    from hopfact import errors

    fields = {"code", "status", "detail", "request_id", "retry_after", "job"}
    assert name in fields or hasattr(errors, name)
