"""Adapting the reader to a KB: training jobs, versions, activation, feedback."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from app.model_versions import ModelStore
from app.training import judge
from kb.errors import KbNotFound
from tests.app.running import RunningService

NAMES = ("Faust", "Sunrise", "Nosferatu", "Metropolis", "M", "Vampyr", "Ordet", "Gertrud", "Phantom", "Tartuffe")
FACTS = [f"{film}|directed by|Director {number % 3}" for number, film in enumerate(NAMES)]
FACTS += [f"{film}|release year|{1920 + number}" for number, film in enumerate(NAMES)]
QUESTIONS = [
    {"question": question.format(film), "answers": [answer.format(number % 3, 1920 + number)]}
    for question, answer in (
        ("Who is {} by?", "Director {0}"), ("When did {} come out?", "{1}"), ("whose film is {}?", "Director {0}"),
        ("what year is {} from", "{1}"), ("who was in charge of {}", "Director {0}"),
    )
    for number, film in enumerate(NAMES)
]  # fmt: skip


def train(service: RunningService, kb: str, questions: list[dict[str, Any]]) -> int:
    reply = service.http.post(f"/v1/kbs/{kb}/train", json={"questions": questions})
    assert reply.status_code == 202, reply.text
    job = reply.json()
    assert reply.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["kind"], job["progress"]["unit"], job["progress"]["total"]) == ("training", "steps", 4)
    return int(job["id"])


def model_of(service: RunningService, kb: str) -> str:
    reply = service.http.post(f"/v1/kbs/{kb}/ask", json={"question": "Who directed Faust?"}).json()
    assert [answer["label"] for answer in reply["answers"]] == ["Director 0"]
    return str(reply["model"])


@pytest.fixture(scope="module")
def trained(service: RunningService) -> tuple[str, dict[str, Any]]:
    """A KB with one training behind it, and what the API says of its models."""
    kb = service.kb(*FACTS)
    service.http.post(f"/v1/kbs/{kb}/feedback", json={"question": "by whom is Faust?", "answers": ["Director 0"]})
    job = service.ended(train(service, kb, QUESTIONS))
    assert (job["state"], job["error"]) == ("succeeded", None)
    return kb, service.http.get(f"/v1/kbs/{kb}/models").json()


def test_a_training_makes_a_version_with_its_figures(trained: tuple[str, dict[str, Any]]) -> None:
    version, shipped = trained[1]["models"]
    metrics = version["metrics"]
    assert metrics["questions"] == len(QUESTIONS) + 1, "the feedback is asked too"
    assert metrics["held_out"] + metrics["explained"] <= metrics["questions"]
    assert metrics["held_out"] >= 3
    assert metrics["explained"] > 20
    for which in ("active", "candidate"):
        assert set(metrics[which]) == {"hits_at_1", "f1", "exact", "generated"}
    assert version["active"] is metrics["promoted"]
    assert shipped["id"] == 0
    assert version["base"] == shipped["base"]


def test_versions_are_activated_and_rolled_back(service: RunningService, trained: tuple[str, dict[str, Any]]) -> None:
    kb, found = trained
    version = found["models"][0]["id"]
    shipped = found["models"][-1]["base"]
    for chosen in (version, 0, version, 0):
        reply = service.http.post(f"/v1/kbs/{kb}/models/{chosen}/activate")
        assert reply.status_code == 200, reply.text
        assert [one["id"] for one in reply.json()["models"] if one["active"]] == [chosen]
        assert (model_of(service, kb) == shipped) is (chosen == 0)
        assert reply.json()["model"] == model_of(service, kb)
        assert service.http.get(f"/v1/kbs/{kb}").json()["model"] == model_of(service, kb)


def test_a_version_of_another_kb_is_not_there(service: RunningService, trained: tuple[str, dict[str, Any]]) -> None:
    other = service.kb(*FACTS)
    version = trained[1]["models"][0]["id"]
    for kb, chosen in ((other, version), (other, 10**6)):
        reply = service.http.post(f"/v1/kbs/{kb}/models/{chosen}/activate")
        assert (reply.status_code, reply.json()["code"]) == (404, "model_not_found")
    assert service.http.get(f"/v1/kbs/{other}/models").json()["models"][0]["active"]


def test_a_broken_checkpoint_leaves_the_shipped_reader_answering_and_learning(
    service: RunningService, trained: tuple[str, dict[str, Any]]
) -> None:
    kb, shipped = trained[0], trained[1]["models"][-1]["base"]
    kb_id = service.services.kb(kb).id
    job = service.ended(train(service, kb, QUESTIONS))
    with service.services.writing() as connection:
        version = next(one for one in ModelStore(connection).versions(kb_id) if one.job_id == job["id"])
        (service.services.settings.models_folder / version.path).write_bytes(b"not weights")
    service.http.post(f"/v1/kbs/{kb}/models/{version.id}/activate")
    assert model_of(service, kb) == shipped
    again = service.ended(train(service, kb, QUESTIONS))
    assert again["state"] == "succeeded", again["error"]
    newest = service.http.get(f"/v1/kbs/{kb}/models").json()["models"][0]
    assert newest["base"] == shipped, "what answers is what is trained further"
    service.http.post(f"/v1/kbs/{kb}/models/0/activate")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("train", {"questions": [{"question": " ", "answers": ["x"]}]}, 422, "empty_question"),
        ("train", {"questions": [{"question": "who?"}]}, 422, "invalid_body"),
        ("train", {"question": []}, 422, "invalid_body"),
        ("feedback", {"question": "", "answers": []}, 422, "empty_question"),
        ("feedback", {"question": "who?"}, 422, "invalid_body"),
        ("feedback", {"question": "w" * 10_000, "answers": []}, 422, "question_too_long"),
    ],
)
def test_bad_input_is_refused(service: RunningService, path: str, body: dict[str, Any], status: int, code: str) -> None:
    reply = service.http.post(f"/v1/kbs/{service.kb()}/{path}", json=body)
    assert (reply.status_code, reply.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["train", "feedback"])
def test_an_unknown_kb_is_not_found(service: RunningService, path: str) -> None:
    body: dict[str, Any] = {"question": "who?", "answers": []} if path == "feedback" else {}
    reply = service.http.post(f"/v1/kbs/nowhere/{path}", json=body)
    assert (reply.status_code, reply.json()["code"]) == (404, "kb_not_found")


def test_a_kb_without_facts_cannot_be_trained_on_and_says_so(service: RunningService) -> None:
    job = service.ended(train(service, service.kb(), []))
    assert (job["state"], job["error"]["code"]) == ("failed", "nothing_to_learn")


def test_a_question_about_an_unknown_entity_ends_the_training_and_is_named(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    job = service.ended(train(service, kb, [*QUESTIONS, {**QUESTIONS[0], "entities": ["Fausst"]}]))
    assert (job["state"], job["error"]["code"]) == ("failed", "unknown_entity")
    assert "'Fausst'" in job["error"]["detail"]


def test_feedback_on_a_kb_that_was_deleted_meanwhile_is_not_kept(service: RunningService) -> None:
    with pytest.raises(KbNotFound), service.services.writing() as connection:
        ModelStore(connection).add_feedback(10**9, "who?", ["x"], None, None, None)


def test_a_killed_training_changes_nothing(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    job = train(service, kb, QUESTIONS)
    os.kill(_child(), signal.SIGKILL)
    ended = service.ended(job)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "training_failed")
    assert [one["id"] for one in service.http.get(f"/v1/kbs/{kb}/models").json()["models"]] == [0]


def test_a_cancelled_training_ends_and_changes_nothing(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    job = train(service, kb, QUESTIONS)
    child = _child()
    assert service.http.delete(f"/v1/jobs/{job}").status_code == 202
    assert service.ended(job)["state"] == "cancelled"
    assert not Path(f"/proc/{child}").exists()
    assert [one["id"] for one in service.http.get(f"/v1/kbs/{kb}/models").json()["models"]] == [0]


def test_uploads_do_not_wait_for_a_training(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    job = train(service, kb, QUESTIONS)
    assert service.ingest(kb, b"Ordet\tdirected by\tCarl Theodor Dreyer\n")["state"] == "succeeded"
    assert service.http.get(f"/v1/jobs/{job}").json()["state"] in ("queued", "running")
    assert service.ended(job)["state"] == "succeeded"


def test_a_deleted_kb_takes_its_models_with_it(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    service.ended(train(service, kb, QUESTIONS))
    folder = service.services.settings.models_folder / str(service.services.kb(kb).id)
    assert len([*folder.glob("*.safetensors")]) == 1
    service.http.delete(f"/v1/kbs/{kb}")
    assert not folder.exists()


def test_a_kb_deleted_meanwhile_ends_the_training(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    job = train(service, kb, QUESTIONS)
    _child()
    service.http.delete(f"/v1/kbs/{kb}")
    ended = service.ended(job)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "kb_deleted")


def test_a_question_that_is_refused_is_named_by_its_place(service: RunningService) -> None:
    kb, question = service.kb(), {"question": " ", "answers": []}
    for path, body, place in (
        ("feedback", question, ["question"]),
        ("train", {"questions": [{"question": "who?", "answers": []}, question]}, ["questions", 1, "question"]),
    ):
        assert service.http.post(f"/v1/kbs/{kb}/{path}", json=body).json()["errors"][0]["loc"] == place


def test_only_folders_of_deleted_kbs_are_removed(service: RunningService) -> None:
    folder = service.services.settings.models_folder
    for name in ("lost+found", "987654"):
        (folder / name).mkdir(parents=True)
    service.services.worker.tidy()
    assert (folder / "lost+found").exists()
    assert not (folder / "987654").exists()


def scores(exact: float, hits_at_1: float, generated: float) -> dict[str, float]:
    return {"exact": exact, "hits_at_1": hits_at_1, "f1": exact, "generated": generated}


@pytest.mark.parametrize(
    ("candidate", "held_out", "promoted"),
    [
        (scores(0.8, 0.8, 0.7), 50, True),
        (scores(0.7, 0.75, 0.7), 50, True),
        (scores(0.7, 0.7, 0.9), 50, False),
        (scores(0.6, 0.9, 0.9), 50, False),
        (scores(0.9, 0.9, 0.6), 50, False),
        (scores(0.9, 0.9, 0.7), 7, False),
        (scores(0.7, 0.7, 0.7), 50, False),
    ],
)
def test_only_what_is_better_on_enough_questions_is_promoted(
    candidate: dict[str, float], held_out: int, promoted: bool
) -> None:
    active = scores(0.7, 0.7, 0.7)
    assert judge({"active": active, "candidate": candidate, "held_out": held_out})[0] is promoted


def _child() -> int:
    """The process that trains, once it is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                is_it = b"app.adapting" in (process / "cmdline").read_bytes()
                is_ours = f"PPid:\t{os.getpid()}\n" in (process / "status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if is_it and is_ours:
                return int(process.name)
        time.sleep(0.01)
    raise AssertionError("no training began")
