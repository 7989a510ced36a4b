"""The service on PostgreSQL, with the worker as it runs in a process of its own."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.settings import Settings
from app.wiring import WRITES_AT_ONCE
from kb import kbs
from kb.database import writing
from tests.app.running import RunningService, running
from tests.postgres import empty

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def service(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    settings = Settings(
        data=tmp_path_factory.mktemp("postgres-service"),
        database_url=postgres_url,  # type: ignore[arg-type]
        threads=1,
        worker="none",
        log_level="error",
        training_steps=2,
    )
    with running(settings) as started:
        started.services.worker.start()  # as `hopfact worker` does
        started.services.trainer.start()
        yield started
    empty(postgres_url)


def test_an_upload_becomes_facts_that_are_browsed_deleted_and_exported(service: RunningService) -> None:
    kb = service.kb("Bern|capital of|Switzerland")
    job = service.ingest(kb, b"Oslo\tcapital of\tNorway\nbad\nRome\tcapital of\tItaly\n")
    assert (job["state"], job["accepted"], job["rejected"]) == ("succeeded", 2, 1)
    service.http.request("DELETE", f"/v1/kbs/{kb}/triples", params={"subject": "Oslo"})
    assert {subject for subject, _, _ in service.facts(kb)} == {"Bern", "Rome"}
    assert service.http.get(f"/v1/kbs/{kb}/export", params={"format": "tsv"}).text.count("capital of") == 2
    linked = service.http.post(f"/v1/kbs/{kb}/ask", json={"question": "Rome is the capital of what?"}).json()
    assert [one["label"] for one in linked["linked_entities"]] == ["Rome"]


def test_figures_count_jobs_and_their_triples(service: RunningService) -> None:
    def ingested() -> float:
        return float(service.http.get("/metrics").text.partition("\nhopfact_triples_ingested_total ")[2].split("\n")[0])

    before = ingested()
    service.ingest(service.kb(), b"Oslo\tcapital of\tNorway\nRome\tcapital of\tItaly\n")
    assert ingested() == before + 2


def test_sparql_sees_the_facts_that_are_there_now(service: RunningService) -> None:
    kb = service.kb("Bern|capital of|Switzerland", "Rome|capital of|Italy")
    count = {"query": "SELECT (COUNT(*) AS ?count) WHERE { ?city <urn:hopfact:capital%20of> ?land }"}
    for expected in (2, 1):
        found = service.http.get(f"/v1/kbs/{kb}/sparql", params=count, headers={"Accept": "text/csv"})
        assert found.text.split() == ["count", str(expected)]
        service.http.delete(f"/v1/kbs/{kb}/triples", params={"subject": "Rome"})


def test_keys_and_kbs_are_made_and_deleted(service: RunningService) -> None:
    kb = service.kb()
    assert service.http.delete(f"/v1/kbs/{kb}").status_code == 204
    assert service.http.get(f"/v1/kbs/{kb}").status_code == 404


def test_a_reader_is_adapted_activated_and_deleted_with_its_kb(service: RunningService) -> None:
    kb = service.kb(*(f"City {number}|capital of|Land {number}" for number in range(20)))
    questions = [{"question": f"whose capital is City {n}?", "answers": [f"Land {n}"]} for n in range(20)]
    job = service.ended(service.http.post(f"/v1/kbs/{kb}/train", json={"questions": questions}).json()["id"])
    assert (job["state"], job["error"]) == ("succeeded", None)
    version = service.http.get(f"/v1/kbs/{kb}/models").json()["models"][0]["id"]
    model = service.http.post(f"/v1/kbs/{kb}/models/{version}/activate").json()["model"]
    asked = service.http.post(f"/v1/kbs/{kb}/ask", json={"question": "City 3 is the capital of what?"}).json()
    assert asked["model"] == model
    assert service.http.delete(f"/v1/kbs/{kb}").status_code == 204


def test_a_long_merge_into_one_kb_holds_up_no_change_of_another(service: RunningService) -> None:
    kb, other = service.kb("Bern|capital of|Switzerland"), service.kb("Rome|capital of|Italy")
    with ThreadPoolExecutor(WRITES_AT_ONCE + 4) as pool:
        with writing(service.services.engine) as merge:
            kbs.lock(merge, service.services.kb(kb).id)
            waiting = [pool.submit(service.write, kb, f"Town {n}|lies in|Land {n}") for n in range(WRITES_AT_ONCE + 4)]
            time.sleep(1)
            began = time.monotonic()
            assert service.write(other, "Oslo|capital of|Norway").status_code == 200
            seconds = time.monotonic() - began
            assert not any(one.done() for one in waiting)
        assert {one.result().status_code for one in waiting} == {200}
    assert seconds < 3


def test_the_same_file_in_two_jobs_at_once(service: RunningService) -> None:
    kb = service.kb()
    data = b"".join(b"s%d\tr%d\to%d\n" % (number, number % 7, number % 100) for number in range(2_000))
    jobs = [service.ended(service.upload(kb, data).json()["id"]) for _ in range(2)]
    assert sum(job["accepted"] for job in jobs) == sum(job["duplicates"] for job in jobs) == 2_000


def test_a_nul_outside_of_any_label_costs_its_line_or_its_job_and_no_other(service: RunningService) -> None:
    kb = service.kb()
    line = b"<http://e/a> <http://e/r> <http://e/b>\0 .\n"
    job = service.ingest(kb, line, "application/n-triples")
    assert (job["state"], job["rejected"]) == ("succeeded", 1)
    job = service.ingest(kb, line, "text/turtle")
    assert (job["state"], job["error"]["code"]) == ("failed", "syntax_error")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/kbs/{kb}%00"),
        ("GET", "/v1/kbs/{kb}/triples?subject=%00"),
        ("GET", "/v1/kbs/{kb}/triples?relation=a%00"),
        ("GET", "/v1/kbs/{kb}/triples?source=%00"),
        ("DELETE", "/v1/kbs/{kb}/triples?object=a%00b"),
        ("GET", "/v1/kbs/{kb}/entities?q=%00"),
        ("GET", "/v1/jobs?kb=%00"),
    ],
)
def test_a_nul_in_an_address_is_refused(service: RunningService, method: str, path: str) -> None:
    kb = service.kb("Bern|capital of|Switzerland")
    reply = service.http.request(method, path.replace("{kb}", kb))
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_parameter")
    assert service.facts(kb) == {("Bern", "capital of", "Switzerland")}


def test_a_nul_in_the_name_of_a_key_is_refused(service: RunningService) -> None:
    reply = service.http.post("/v1/keys", json={"name": "a\0", "scope": "admin"})
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_parameter")
    assert service.http.get("/v1/keys").json() == {"keys": []}


@pytest.mark.parametrize("question", ["\0", "who \0 Bern?", "Bern\0 is the capital of what?"])
def test_a_nul_in_a_question_is_no_fault(service: RunningService, question: str) -> None:
    address = f"/v1/kbs/{service.kb('Bern|capital of|Switzerland')}/ask"
    assert service.http.post(address, json={"question": question}).status_code == 200
    named = service.http.post(address, json={"question": "capital of what?", "entities": [question]})
    assert (named.status_code, named.json()["code"]) == (422, "unknown_entity")
    other = service.http.post(address, json={"question": "capital of what?", "model": question})
    assert (other.status_code, other.json()["code"]) == (404, "model_not_found")


def test_feedback_does_not_wait_for_a_merge(service: RunningService) -> None:
    kb = service.kb("Ann|knows|Bob")
    with writing(service.services.engine) as connection:
        kbs.lock(connection, service.services.kb(kb).id)
        reply = service.http.post(f"/v1/kbs/{kb}/feedback", json={"question": "whom?", "answers": ["Bob"]}, timeout=5)
    assert reply.status_code == 201


def test_a_change_does_not_wait_for_ever_for_a_merge(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    kb = service.kb("Ann|knows|Bob")
    monkeypatch.setattr("kb.database.BUSY_TIMEOUT_SECONDS", 1)
    with writing(service.services.engine) as connection:
        kbs.lock(connection, service.services.kb(kb).id)
        reply = service.write(kb, "Ann|likes|Cid")
    assert (reply.status_code, reply.json()["code"]) == (503, "busy")
    assert int(reply.headers["Retry-After"]) >= 1
    assert service.write(kb, "Ann|likes|Cid").status_code == 200
