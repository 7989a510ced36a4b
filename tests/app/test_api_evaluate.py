"""POST /v1/kbs/{kb}/evaluate, and the same on the command line."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from app import cli, evaluation
from app.api.v1 import evaluations
from app.settings import load_settings
from app.telemetry import configure_logging
from tests.app.running import RunningService

FACTS = ("Nosferatu|directed by|F. W. Murnau", "Faust|directed by|F. W. Murnau", "Nosferatu|release year|1922")
QUESTIONS: list[dict[str, Any]] = [
    {"question": "Who directed Nosferatu?", "answers": ["F. W. Murnau"], "kind": "entity", "hops": 1},
    {"question": "When was Nosferatu released?", "answers": ["1922"], "kind": "value", "hops": 1},
    {"question": "Who directed Faust?", "answers": ["Paul Wegener"], "kind": "entity", "hops": 1},
    {"question": "What is the melting point of tungsten?", "answers": [], "kind": "unanswerable"},
]


def test_an_evaluation_says_what_is_right_and_shows_what_is_not(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    reply = service.http.post(f"/v1/kbs/{kb}/evaluate", json={"questions": QUESTIONS})
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert (found["questions"], found["answerable"], found["kb"]) == (4, 3, kb)
    scores = {group["kind"]: group["exact"] for group in found["groups"]}
    assert scores == {"entity": 0.5, "value": 1.0, "unanswerable": 1.0}
    (mistake,) = found["mistakes"]
    assert (mistake["expected"], mistake["answers"]) == (["Paul Wegener"], ["F. W. Murnau"])
    assert mistake["evidence"][0]["relation"] == "directed by"


def test_an_evaluation_can_be_drawn(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    headers = {"Accept": "image/svg+xml"}
    reply = service.http.post(f"/v1/kbs/{kb}/evaluate", json={"questions": QUESTIONS}, headers=headers)
    assert reply.headers["content-type"] == "image/svg+xml"
    ElementTree.fromstring(reply.text)


def is_in_the_event_loop() -> bool:
    with suppress(RuntimeError):
        return asyncio.get_running_loop() is not None
    return False


def test_nobody_waits_while_an_evaluation_is_summed_up(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb, seen = service.kb(*FACTS), dict[str, bool]()

    def watch(of: object, name: str) -> None:
        watched = getattr(of, name)

        def call(*given: Any) -> Any:
            seen[name] = is_in_the_event_loop()
            return watched(*given)

        monkeypatch.setattr(of, name, call)

    watch(evaluation, "report")
    watch(evaluations, "diagram")
    watch(service.services, "model_of")
    for headers in ({}, {"Accept": "image/svg+xml"}):
        service.http.post(f"/v1/kbs/{kb}/evaluate", json={"questions": QUESTIONS}, headers=headers)
    assert seen == {"report": False, "diagram": False, "model_of": False}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"questions": []}, 422, "invalid_body"),
        ({"questions": [{"question": "who?"}]}, 422, "invalid_body"),
        ({"questions": [{"question": " ", "answers": []}]}, 422, "empty_question"),
        ({"questions": [{"question": "who " * 600, "answers": []}]}, 422, "question_too_long"),
        ({"questions": [{"question": "who?", "answers": [], "entities": ["Metropolis"]}]}, 422, "unknown_entity"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    service: RunningService, body: dict[str, Any], status: int, code: str
) -> None:
    reply = service.http.post(f"/v1/kbs/{service.kb(*FACTS)}/evaluate", json=body)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"


def test_an_unknown_kb_is_not_found(service: RunningService) -> None:
    reply = service.http.post("/v1/kbs/nowhere/evaluate", json={"questions": QUESTIONS})
    assert reply.status_code == 404


def evaluate(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["evaluate", *arguments], env={"COLUMNS": "120"})
    configure_logging(load_settings())
    return result.exit_code, result.output


def test_the_command_line_prints_the_report_and_draws_it(service: RunningService, tmp_path: Path) -> None:
    kb, file, picture = service.kb(*FACTS), tmp_path / "questions.jsonl", tmp_path / "report.svg"
    file.write_text("\n".join(json.dumps(one | {"path": "ignored"}) for one in QUESTIONS) + "\n\n")
    arguments = ("--kb", kb, "--questions", str(file), "--picture", str(picture), "--url", service.url)
    code, output = evaluate(*arguments)
    assert code == 0, output
    assert "expected calibration error" in output
    assert "not Paul Wegener" in output
    ElementTree.parse(picture)


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "has no questions"), ("{}\n", "line 1"), ('{"question": "who?", "answers": []}\nno json\n', "line 2")],
)
def test_a_bad_file_of_questions_is_told_by_its_line(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(content)
    code, output = evaluate("--kb", "films", "--questions", str(file))
    assert code == 2
    assert message in " ".join(output.replace("│", " ").split())  # the path may be too long for a line of the frame


def test_either_a_recipe_or_a_kb_is_evaluated() -> None:
    assert evaluate()[0] == 2
    assert evaluate("--kb", "films")[0] == 2
