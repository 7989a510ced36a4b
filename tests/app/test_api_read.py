"""POST /v1/read: a memory that comes with its question."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from models.packing import pack, sizes_of
from models.trained import seeded
from models.vocabulary import vocabulary_of
from tests.app.running import RunningService, running
from tests.models.toys import toy_stories

SENTENCES = ["Mary went to the kitchen.", "John went to the garden."]
TRIPLES = [
    {"subject": "Sunrise", "relation": "directed_by", "object": "F. W. Murnau"},
    {"subject": "Nosferatu", "relation": "release_year", "object": 1922},
    {"subject": "F. W. Murnau", "relation": "born_in", "object": "Bielefeld"},
    {"subject": "Tabu", "relation": "directed_by", "object": "F. W. Murnau"},
]


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose network for sentences is a small one, not trained."""
    folder: Path = tmp_path_factory.mktemp("read")
    episodes = toy_stories()
    vocabulary = vocabulary_of(episodes)
    sizes = sizes_of(pack(episodes, vocabulary), vocabulary)
    seeded(1, "memn2n", {"dim": 8, "hops": 2}, sizes, vocabulary).save(folder / "toy.safetensors", {})
    settings = Settings(
        data=folder / "data", stories=folder / "toy.safetensors", max_memory_slots=50, log_level="warning"
    )
    with running(settings) as started:
        yield started


def read(service: RunningService, memory: list[Any], question: str, **more: Any) -> dict[str, Any]:
    reply = service.http.post("/v1/read", json={"memory": memory, "question": question, **more})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_sentences_are_read_with_attention_for_each_at_each_hop(reading: RunningService) -> None:
    reply = read(reading, SENTENCES, "Where is Mary?")
    assert set(reply) == {"question", "answers", "abstained", "reason", "model", "hops", "request_id"}
    assert reply["model"].startswith("toy-")
    assert {answer["label"] for answer in reply["answers"]} <= {"kitchen", "garden", "office", "hallway"}
    assert [hop["hop"] for hop in reply["hops"]] == [1, 2]
    assert all(sum(hop["attention"]) == pytest.approx(1, abs=1e-5) for hop in reply["hops"])


@pytest.mark.parametrize(("number", "label"), [(2**64 - 1, str(2**64 - 1)), (10**30, "1e+30"), (-(10**30), "-1e+30")])
def test_a_number_beyond_64_bits_is_read_as_in_an_upload(reading: RunningService, number: int, label: str) -> None:
    memory = [{"subject": "Sunrise", "relation": "release_year", "object": number}]
    reply = read(reading, memory, "What is the release year of Sunrise?")
    assert [answer["label"] for answer in reply["answers"]] == [label]


def test_triples_are_read_along_facts_and_each_hop_tells_which(reading: RunningService) -> None:
    reply = read(reading, TRIPLES, "Where was the director of Sunrise born?")
    assert [answer["label"] for answer in reply["answers"]] == ["Bielefeld"]
    assert reply["answers"][0]["probability"] > 0.5
    assert [hop["attention"] for hop in reply["hops"]] == [[1, 0, 0, 0], [0, 0, 1, 0]]
    assert reply["model"].startswith("reader-")


def test_a_question_that_triples_do_not_answer_is_refused_with_a_reason(reading: RunningService) -> None:
    reply = read(reading, TRIPLES, "What is the melting point of tungsten?")
    assert (reply["answers"], reply["abstained"]) == ([], True)
    assert reply["reason"] is not None


def test_the_model_can_be_named_and_an_unknown_one_is_not_there(reading: RunningService) -> None:
    named = read(reading, SENTENCES, "Where is Mary?")["model"]
    assert read(reading, SENTENCES, "Where is Mary?", model=named)["model"] == named
    reply = reading.http.post("/v1/read", json={"memory": TRIPLES, "question": "Who?", "model": named})
    assert (reply.status_code, reply.json()["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"memory": [], "question": "Where is Mary?"}, 422, "empty_memory"),
        ({"memory": SENTENCES, "question": " "}, 422, "empty_question"),
        ({"memory": SENTENCES, "question": "?"}, 422, "empty_sentence"),
        ({"memory": [*SENTENCES, "..."], "question": "Where is Mary?"}, 422, "empty_sentence"),
        ({"memory": ["The zebra flew."], "question": "Where is the zebra?"}, 422, "unknown_words"),
        ({"memory": SENTENCES * 10, "question": "Where is Mary?"}, 413, "memory_too_long"),
        ({"memory": SENTENCES * 100, "question": "Where is Mary?"}, 413, "memory_too_long"),
        ({"memory": SENTENCES, "question": "a" * 3_000}, 422, "question_too_long"),
        ({"memory": [SENTENCES[0], TRIPLES[0]], "question": "Where?"}, 422, "mixed_memory"),
        ({"memory": [{"subject": "", "relation": "is", "object": "b"}], "question": "b?"}, 422, "invalid_triples"),
        ({"memory": [{"subject": "a"}], "question": "b?"}, 422, "invalid_body"),
        ({"memory": "Mary went.", "question": "b?"}, 422, "invalid_body"),
        ({"question": "b?"}, 422, "invalid_body"),
    ],
)
def test_bad_input_is_a_clear_problem(reading: RunningService, body: dict[str, Any], status: int, code: str) -> None:
    reply = reading.http.post("/v1/read", json=body)
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
    assert reply.headers["content-type"] == "application/problem+json"


def test_a_missing_checkpoint_is_told_and_triples_are_still_read(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, stories=tmp_path / "none.safetensors", log_level="warning")
    with running(settings) as service:
        reply = service.http.post("/v1/read", json={"memory": SENTENCES, "question": "Where is Mary?"})
        assert (reply.status_code, reply.json()["code"]) == (503, "model_unavailable")
        assert read(service, TRIPLES, "Who directed Sunrise?")["answers"][0]["label"] == "F. W. Murnau"
