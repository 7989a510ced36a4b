"""Pages that are made from the code agree with it, and pictures with what is answered now."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from app.settings import PREFIX, Settings
from reference import problems
from reference.__main__ import DOCS, pages
from reference.calls import openapi
from reference.commands import all_commands
from reference.hops import PICTURES, drawn, figures
from tests.docs.test_docs import ROOT, options_of

CLOSE = 3
"""Percent by which a weight may differ: processors add in other orders."""


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_every_page_that_is_made_is_as_it_would_be_made_now(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == pages()[path], "run `python -m reference`"


def test_the_pages_have_every_setting_command_call_and_type() -> None:
    text = {path.stem: path.read_text(encoding="utf-8") for path in pages()}
    assert all(f"| `{PREFIX}{name.upper()}` |" in text["settings"] for name in Settings.model_fields)
    commands = ["hopfact " + " ".join(words[1:]) for words, _ in all_commands()]
    assert len(commands) > 20
    for command in commands:
        section = text["commands"].partition(f"## {command}\n")[2].partition("\n## ")[0]
        for option in options_of(command.split()[1:]) - {"--help"}:
            assert option in section or option.upper() in section, f"{command} {option}"
    document = openapi()
    calls = [f"### {method.upper()} {path}\n" for path, methods in document["paths"].items() for method in methods]
    types = [f"### {name}\n" for name in document["components"]["schemas"]]
    assert [heading for heading in [*calls, *types] if heading not in text["calls"]] == []


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_problem_codes_are_those_of_the_api_page() -> None:
    rows = re.findall(
        r"^\| ((?:\d{3}(?:, )?)+) \| (.+) \|$", (DOCS / "api.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    told = {code for _, cells in rows for code in re.findall(r"`([a-z_]+)`", cells)}
    made = {(status, code) for status, code, words in problems.found() if problems.ELLIPSIS not in (code, words)}
    assert {code for _, code in made} == told
    for statuses, cells in rows:
        for status, code in made:
            assert f"`{code}`" not in cells or str(status) in statuses.split(", "), (status, code)


@pytest.mark.parametrize("code", problems.OF_JOBS)
def test_every_code_of_a_failed_job_is_in_the_sources_with_its_words(code: str) -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py"))
    assert f'"{code}"' in sources
    assert f"`{code}`" in (DOCS / "api.md").read_text(encoding="utf-8").rpartition("A job that has failed")[2]
    if "HOPFACT_" not in problems.OF_JOBS[code]:
        assert problems.OF_JOBS[code] in sources


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_shows_what_is_answered_now(name: str) -> None:
    picture = (DOCS / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    [metadata] = re.findall(r"<metadata>(.*)</metadata>", picture)
    shown: Any = json.loads(unescape(metadata))
    assert drawn(shown) == picture
    now: Any = json.loads(json.dumps(figures(name)))
    assert [now[key] for key in ("question", "answers", "reason")] == [
        shown[key] for key in ("question", "answers", "reason")
    ]
    assert len(now["hops"]) == len(shown["hops"])
    for one, other in zip(now["hops"], shown["hops"], strict=True):
        assert one["facts"] == other["facts"]
        assert [word for word, _ in one["words"]] == [word for word, _ in other["words"]]
        for (word, weight), (_, before) in zip(one["words"], other["words"], strict=True):
            assert abs(weight - before) <= CLOSE, (word, weight, before)
        best, best_before = one["relations"][0], other["relations"][0]
        assert {**best, "weight": 0} == {**best_before, "weight": 0}
        assert abs(best["weight"] - best_before["weight"]) <= CLOSE


def test_every_picture_is_on_a_page_that_asks_its_question() -> None:
    page = (DOCS / "hops.md").read_text(encoding="utf-8")
    for name, (_, question) in PICTURES.items():
        assert f"![{question}](pictures/{name}.svg)" in page
