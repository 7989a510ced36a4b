"""Asking over HTTP: the envelope, its limits, and bad questions; whether answers are right is tests/acceptance."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.app.running import RunningService

KEYS = {
    "question", "kind", "answers", "answer_count", "confidence", "abstained", "reason", "linked_entities", "hops",
    "sparql", "kb", "kb_revision", "model", "timings_ms", "request_id",
}  # fmt: skip
FACTS = ("Oslo|capital of|Norway", "Rome|capital of|Italy", "Oslo|lies in|Europe")


@pytest.fixture(scope="module")
def kb(service: RunningService) -> str:
    return service.kb(*FACTS)


def ask(service: RunningService, kb: str, question: object, **more: object) -> httpx.Response:
    return service.http.post(f"/v1/kbs/{kb}/ask", json={"question": question, **more})


def refused(reply: httpx.Response) -> tuple[int, str]:
    assert reply.headers["content-type"] == "application/problem+json"
    return reply.status_code, reply.json()["code"]


QUESTIONS = {
    "a question that names an entity": "Oslo is the capital of which country?",
    "a question that names nothing": "why is the sky blue",
    "another script": "Какой город столица Норвегии?",
    "right to left": "ما هي عاصمة النرويج؟",
    "only punctuation": "?!... --- ###",
    "emoji": "🙂🙃",
    "control characters": "Oslo\x07\x1b[31m\u202e\ufeff",
    "a NUL": "Oslo\0Oslo",
    "only the name": "Oslo",
    "the longest that is allowed": "Oslo " * 400,
    "many names": "Oslo Rome Italy Norway Europe " * 60,
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_reply_has_every_key(service: RunningService, kb: str, name: str) -> None:
    question = QUESTIONS[name]
    reply = ask(service, kb, question)
    assert reply.status_code == 200, reply.text
    content = reply.json()
    assert set(content) == KEYS
    assert (content["question"], content["kb"], content["kb_revision"]) == (question, kb, 1)
    assert content["request_id"] == reply.headers["x-request-id"]
    assert 0 <= content["confidence"] <= 1
    assert content["abstained"] == (content["reason"] is not None)
    if content["abstained"]:
        assert (content["answers"], content["answer_count"]) == ([], 0)
    for linked in content["linked_entities"]:
        assert question[linked["start"] : linked["end"]] == linked["mention"]


def test_a_question_on_an_empty_kb_is_refused_with_a_reason(service: RunningService) -> None:
    content = ask(service, service.kb(), "Oslo is the capital of which country?").json()
    assert (set(content), content["abstained"], content["reason"]) == (KEYS, True, "no_entity_linked")


def test_a_fact_written_just_now_is_linked_and_one_deleted_is_not(service: RunningService) -> None:
    kb = service.kb("Oslo|capital of|Norway")
    service.write(kb, "Quito|capital of|Ecuador")
    linked = ask(service, kb, "Quito is the capital of what?").json()
    assert ([one["label"] for one in linked["linked_entities"]], linked["kb_revision"]) == (["Quito"], 2)
    service.http.request("DELETE", f"/v1/kbs/{kb}/triples", params={"subject": "Quito"})
    gone = ask(service, kb, "Quito is the capital of what?").json()
    assert (gone["linked_entities"], gone["kb_revision"]) == ([], 3)


def test_a_kb_made_anew_under_an_old_name_is_the_one_that_answers(service: RunningService) -> None:
    kb = service.kb("Oslo|capital of|Norway")
    assert ask(service, kb, "Oslo?").json()["linked_entities"]
    service.http.delete(f"/v1/kbs/{kb}")
    assert refused(ask(service, kb, "Oslo?")) == (404, "kb_not_found")
    service.http.post("/v1/kbs", json={"name": kb})
    assert ask(service, kb, "Oslo?").json()["linked_entities"] == []


@pytest.mark.parametrize("question", ["", " ", "\n\t\u2003"])
def test_an_empty_question(service: RunningService, kb: str, question: str) -> None:
    assert refused(ask(service, kb, question)) == (422, "empty_question")


def test_a_question_of_100_kilobytes(service: RunningService, kb: str) -> None:
    assert refused(ask(service, kb, "who? " * 20_000)) == (422, "question_too_long")


@pytest.mark.parametrize("max_hops", [0, -1, 99, 4, "two", 1.5])
def test_max_hops_out_of_bounds(service: RunningService, kb: str, max_hops: object) -> None:
    assert refused(ask(service, kb, "Oslo?", max_hops=max_hops)) == (422, "invalid_body")


@pytest.mark.parametrize("more", [{"limit": 0}, {"limit": "x"}, {"entities": "Oslo"}, {"entities": [1]}, {"colour": 1}])
def test_a_field_that_makes_no_sense(service: RunningService, kb: str, more: dict[str, Any]) -> None:
    assert refused(ask(service, kb, "Oslo?", **more)) == (422, "invalid_body")


@pytest.mark.parametrize("question", [None, 1, ["Oslo?"], {"a": 1}])
def test_a_question_that_is_no_text(service: RunningService, kb: str, question: object) -> None:
    assert refused(ask(service, kb, question)) == (422, "invalid_body")


def test_an_unknown_entity_is_named(service: RunningService, kb: str) -> None:
    reply = ask(service, kb, "What is its capital?", entities=["Atlantis"])
    assert refused(reply) == (422, "unknown_entity")
    assert "Atlantis" in reply.json()["detail"]


def test_a_named_entity_is_the_topic(service: RunningService, kb: str) -> None:
    content = ask(service, kb, "It is the capital of what?", entities=["Oslo"]).json()
    assert content["reason"] != "no_entity_linked"


def test_a_model_that_is_not_there(service: RunningService, kb: str) -> None:
    assert refused(ask(service, kb, "Oslo?", model="gpt")) == (404, "model_not_found")
    active = ask(service, kb, "Oslo?").json()["model"]
    assert ask(service, kb, "Oslo?", model=active).status_code == 200


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_question_that_is_not_sent_as_json(service: RunningService, kb: str, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    reply = service.http.post(f"/v1/kbs/{kb}/ask", content=b'{"question": "Oslo?"}', headers=headers)
    assert refused(reply) == (415, "unsupported_media_type")


def test_a_batch_is_answered_in_order(service: RunningService, kb: str) -> None:
    questions = ["Oslo?", {"question": "Rome?", "max_hops": 1}, "Nothing?"]
    replies = service.http.post(f"/v1/kbs/{kb}/ask/batch", json={"questions": questions}).json()["replies"]
    assert [reply["question"] for reply in replies] == ["Oslo?", "Rome?", "Nothing?"]
    assert all(set(reply) == KEYS for reply in replies)
    assert len({reply["request_id"] for reply in replies}) == 1


@pytest.mark.parametrize(
    ("questions", "code"),
    [
        ([], "invalid_body"),
        (["Oslo?", ""], "empty_question"),
        (["Oslo?", {"question": "Rome?", "max_hops": 9}], "invalid_body"),
        (["Oslo?"] * 1_001, "too_many_questions"),
        ("Oslo?", "invalid_body"),
    ],
)
def test_a_batch_with_something_wrong_is_refused(
    service: RunningService, kb: str, questions: object, code: str
) -> None:
    reply = service.http.post(f"/v1/kbs/{kb}/ask/batch", json={"questions": questions})
    assert refused(reply) == (422, code)


def test_many_clients_get_their_own_answers(service: RunningService, kb: str) -> None:
    questions = [f"{name} number {number}?" for number in range(20) for name in ("Oslo", "Rome")]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda question: ask(service, kb, question).json(), questions))
    assert [reply["question"] for reply in replies] == questions
    assert [reply["linked_entities"][0]["label"] for reply in replies] == ["Oslo", "Rome"] * 20


def test_questions_are_counted_by_outcome(service: RunningService, kb: str) -> None:
    ask(service, kb, "?!")
    assert 'hopfact_questions_total{outcome="no_entity_linked"}' in service.http.get("/metrics").text


def test_each_hop_tells_its_attention_to_the_words_of_the_question(service: RunningService, kb: str) -> None:
    question = "  Oslo is the capital of which country?"
    hops = ask(service, kb, question).json()["hops"]
    assert hops
    for hop in hops:
        words = hop["attention"]
        assert [one["word"] for one in words] == question.split()
        assert all(question[one["start"] : one["end"]] == one["word"] for one in words)
        assert 0 < sum(one["weight"] for one in words) <= 1.001


def test_a_name_of_several_words_is_one_word_of_attention(service: RunningService) -> None:
    kb = service.kb("New York City|part of|New York", "Big Apple Tour|starts in|New York City")
    for question in ("What is New York City part of?", "New York City, what is it part of?"):
        for hop in ask(service, kb, question).json()["hops"]:
            assert "New York City" in [one["word"] for one in hop["attention"]]
