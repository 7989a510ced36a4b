import time
from concurrent.futures import ThreadPoolExecutor

import orjson

from tests.app.running import TSV, RunningService

MANY = b"".join(b"subject %d\trelation %d\tobject %d\n" % (n, n % 50, n % 9_000) for n in range(30_000))
PACKED_LINES = b"a\tb\tc\n"


def test_a_job_shows_every_field_of_the_envelope(service: RunningService) -> None:
    job = service.ingest(service.kb(), PACKED_LINES)
    assert set(job) == {
        "id", "kind", "kb", "state", "created_at", "started_at", "finished_at", "progress", "accepted", "duplicates",
        "names", "rejected", "kb_revision", "error",
    }  # fmt: skip
    assert job["progress"] == {"done": 6, "total": 6, "unit": "bytes", "triples": 1}
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    assert job["error"] is None


def test_jobs_are_listed_newest_first_in_pages(service: RunningService) -> None:
    kb = service.kb()
    numbers = [service.ingest(kb, PACKED_LINES)["id"] for _ in range(3)]
    first = service.http.get("/v1/jobs", params={"kb": kb, "limit": 2}).json()
    rest = service.http.get("/v1/jobs", params={"kb": kb, "limit": 2, "cursor": first["next_cursor"]}).json()
    assert [job["id"] for job in first["jobs"] + rest["jobs"]] == numbers[::-1]
    assert rest["next_cursor"] is None
    assert service.http.get("/v1/jobs", params={"kb": kb, "state": "failed"}).json()["jobs"] == []


def test_events_follow_a_job_to_its_end(service: RunningService) -> None:
    kb = service.kb()
    number = service.upload(kb, MANY).json()["id"]
    states = []
    with service.http.stream("GET", f"/v1/jobs/{number}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        for line in events.iter_lines():
            if line.startswith("data: "):
                states.append(orjson.loads(line.removeprefix("data: "))["state"])
    assert states[-1] == "succeeded"
    assert states == sorted(states, key=["queued", "running", "succeeded"].index)


def test_a_running_job_is_cancelled_and_changes_nothing(service: RunningService) -> None:
    kb = service.kb("Oslo|capital of|Norway")
    number = service.upload(kb, MANY).json()["id"]
    while service.http.get(f"/v1/jobs/{number}").json()["state"] == "queued":
        time.sleep(0.005)
    reply = service.http.delete(f"/v1/jobs/{number}")
    job = service.ended(number)
    assert reply.status_code == 202
    assert (job["state"], job["kb_revision"]) == ("cancelled", None)
    assert service.facts(kb) == {("Oslo", "capital of", "Norway")}


def test_a_queued_job_is_cancelled_at_once(service: RunningService) -> None:
    kb = service.kb()
    first, second = (service.upload(kb, MANY).json()["id"] for _ in range(2))
    assert service.http.delete(f"/v1/jobs/{second}").json()["state"] == "cancelled"
    assert service.http.delete(f"/v1/jobs/{second}").json()["state"] == "cancelled"
    service.http.delete(f"/v1/jobs/{first}")
    assert service.ended(first)["state"] in ("cancelled", "succeeded")


def test_a_job_that_has_ended_cannot_be_cancelled(service: RunningService) -> None:
    job = service.ingest(service.kb(), PACKED_LINES)
    reply = service.http.delete(f"/v1/jobs/{job['id']}")
    assert (reply.status_code, reply.json()["code"]) == (409, "job_finished")


def test_a_kb_deleted_while_its_job_runs_fails_the_job(service: RunningService) -> None:
    kb = service.kb()
    running, waiting = (service.upload(kb, MANY).json()["id"] for _ in range(2))
    while service.http.get(f"/v1/jobs/{running}").json()["state"] == "queued":
        time.sleep(0.005)
    assert service.http.delete(f"/v1/kbs/{kb}").status_code == 204
    for number in (running, waiting):
        job = service.ended(number)
        assert (job["state"], job["error"]["code"], job["kb"]) == ("failed", "kb_deleted", kb)
    assert service.http.get(f"/v1/kbs/{kb}").status_code == 404


def test_the_service_answers_while_a_job_runs(service: RunningService) -> None:
    kb, other = service.kb(), service.kb("Oslo|capital of|Norway")
    number = service.upload(kb, MANY).json()["id"]
    slowest = 0.0
    while service.http.get(f"/v1/jobs/{number}").json()["state"] in ("queued", "running"):
        started = time.perf_counter()
        assert service.http.get(f"/v1/kbs/{other}").status_code == 200
        slowest = max(slowest, time.perf_counter() - started)
    assert slowest < 2


def test_small_writes_to_one_kb_at_once_are_all_kept(service: RunningService) -> None:
    kb = service.kb()
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda number: service.write(kb, f"s{number}|r|o"), range(40)))
    assert {reply.status_code for reply in replies} == {200}
    assert len(service.facts(kb)) == 40
    assert service.http.get(f"/v1/kbs/{kb}").json()["revision"] == 40


def test_a_job_of_each_state_is_counted_in_the_metrics(service: RunningService) -> None:
    service.ingest(service.kb(), PACKED_LINES, TSV)
    page = service.http.get("/metrics").text
    assert 'hopfact_jobs_total{kind="ingestion",state="succeeded"}' in page
    assert 'hopfact_requests_total{endpoint="write_triples",method="POST",status="202"}' in page


def test_figures_tell_of_jobs_and_of_the_stages_of_questions(service: RunningService) -> None:
    kb = service.kb("Oslo|capital of|Norway")
    service.http.post(f"/v1/kbs/{kb}/ask", json={"question": "what is Oslo the capital of?"})
    page = service.http.get("/metrics").text
    assert "hopfact_database_up 1.0" in page
    assert "hopfact_jobs_oldest_seconds " in page
    for stage in ("link", "read", "prove"):
        assert float(page.partition(f'hopfact_stage_seconds_count{{stage="{stage}"}} ')[2].split("\n")[0]) >= 1
    assert kb not in page
