"""Keys over HTTP: a service of its own, because the first key closes it."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import inf
from statistics import median
from time import perf_counter
from typing import Any

import httpx
import pytest

from app.keys import _digest
from app.settings import Settings
from tests.app.running import TSV, RunningService, running, triples

ROOT = "a-root-key-of-the-environment"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a key from the environment, a KB `one`, and a KB `two`; no cache, so that changes show at once."""
    settings = Settings(
        data=tmp_path_factory.mktemp("closed"),
        api_key=ROOT,  # type: ignore[arg-type]
        threads=1,
        key_cache_seconds=0,
        log_level="error",
    )
    with running(settings) as service:
        service.http.headers["Authorization"] = f"Bearer {ROOT}"
        for name in ("one", "two"):
            service.http.post("/v1/kbs", json={"name": name})
        yield service


def made(service: RunningService, scope: str, kb: str | None = None, **more: Any) -> dict[str, Any]:
    reply = service.http.post("/v1/keys", json={"name": "test", "scope": scope, "kb": kb, **more})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def client(service: RunningService, key: str | None) -> httpx.Client:
    return httpx.Client(base_url=service.url, headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=60)


def refused(reply: httpx.Response) -> tuple[int, str]:
    assert reply.headers["content-type"] == "application/problem+json"
    return reply.status_code, reply.json()["code"]


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer x", "Bearer hf_" + "a" * 54, "Basic YTpi", "\xff"])
def test_an_unknown_key_is_401(closed: RunningService, authorization: str | None) -> None:
    headers = {} if authorization is None else {b"Authorization": authorization.encode("latin-1")}
    with httpx.Client(base_url=closed.url, headers=headers) as stranger:
        reply = stranger.get("/v1/kbs")
    assert refused(reply) == (401, "key_refused")
    assert reply.headers["www-authenticate"] == "Bearer"


def test_health_needs_no_key(closed: RunningService) -> None:
    with client(closed, None) as stranger:
        assert [stranger.get(path).status_code for path in ("/livez", "/readyz", "/metrics", "/openapi.json")] == [
            200
        ] * 4


def test_a_key_is_shown_once_and_kept_as_a_hash(closed: RunningService) -> None:
    key = made(closed, "ask")
    listed = [one for one in closed.http.get("/v1/keys").json()["keys"] if one["id"] == key["id"]]
    assert listed == [{name: value for name, value in key.items() if name != "key"}]
    database = closed.services.settings.data / "hopfact.sqlite"
    secret = key["key"].split("_", 2)[2].encode()  # it may hold underscores of its own
    assert len(secret) == 43
    for file in database.parent.glob("hopfact.sqlite*"):
        assert secret not in file.read_bytes()


def test_each_scope_may_do_what_is_below_it(closed: RunningService) -> None:
    body = {"triples": triples("a|b|c")}
    calls: dict[str, Callable[[httpx.Client], httpx.Response]] = {
        "ask": lambda http: http.get("/v1/kbs/one/triples"),
        "write": lambda http: http.post("/v1/kbs/one/triples", json=body),
        "admin": lambda http: http.get("/v1/keys"),
    }
    for number, scope in enumerate(calls):
        with client(closed, made(closed, scope)["key"]) as http:
            for other, (needed, call) in enumerate(calls.items()):
                reply = call(http)
                if other <= number:
                    assert reply.status_code == 200, (scope, needed)
                else:
                    assert refused(reply) == (403, "scope_too_small"), (scope, needed)


def test_another_kb_is_as_if_it_did_not_exist(closed: RunningService) -> None:
    job = closed.ingest("two", b"x\ty\tz\n", TSV)
    with client(closed, made(closed, "admin", "one")["key"]) as http:
        unknown = http.get("/v1/kbs/none").json()
        for method, path in (
            ("GET", "/v1/kbs/two"),
            ("DELETE", "/v1/kbs/two"),
            ("GET", "/v1/kbs/two/triples"),
            ("GET", "/v1/kbs/two/export"),
            ("GET", "/v1/kbs/two/entities"),
            ("GET", "/v1/kbs/two/relations"),
        ):
            reply = http.request(method, path)
            assert refused(reply) == (404, "kb_not_found")
            assert reply.json()["detail"] == unknown["detail"].replace("none", "two")
        assert [kb["name"] for kb in http.get("/v1/kbs").json()["kbs"]] == ["one"]
        assert refused(http.get(f"/v1/jobs/{job['id']}")) == (404, "job_not_found")
        assert refused(http.delete(f"/v1/jobs/{job['id']}")) == (404, "job_not_found")
        assert {one["kb"] for one in http.get("/v1/jobs").json()["jobs"]} <= {"one"}
        assert http.get("/v1/jobs", params={"kb": "two"}).json()["jobs"] == []


BODIES: dict[str, Any] = {
    "ask": {"question": "who?"}, "ask_batch": {"questions": ["who?"]}, "train": {},
    "feedback": {"question": "who?", "answers": []},
    "evaluate": {"questions": [{"question": "who?", "answers": []}]}, "write_triples": {"triples": triples("a|b|c")},
}  # fmt: skip


def test_no_call_tells_another_kb_from_none(closed: RunningService) -> None:
    """Status, body and headers alike, for every call on a KB that the document has."""
    paths = closed.http.get("/openapi.json").json()["paths"]
    calls = [(m, path, one) for path, methods in paths.items() if "{kb}" in path for m, one in methods.items()]
    assert len(calls) > 14
    closed.write("two", "secret|kept by|somebody")
    with client(closed, made(closed, "admin", "one")["key"]) as http:
        for method, path, call in calls:
            seen = []
            for kb in ("two", "none"):
                address = path.format(kb=kb, entity_id=1, version=1)
                body = BODIES.get(call["operationId"], {"triples": triples("a|b|c")})
                reply = http.request(method, address, json=None if method == "get" else body)
                left_out = ("request_id", "x-request-id", "date", "content-length")
                told = {
                    name: str(value).replace(kb, "KB") for name, value in reply.json().items() if name not in left_out
                }
                headers = {name: value for name, value in reply.headers.items() if name not in left_out}
                seen.append((reply.status_code, told, headers))
            assert seen[0] == seen[1], (method, path)
            assert seen[0][0] == 404, (method, path)


def test_a_cursor_of_another_kb_shows_nothing_of_it(closed: RunningService) -> None:
    closed.write("two", *(f"secret {number}|kept by|somebody" for number in range(4)))
    closed.write("one", *(f"thing {number}|kept by|anybody" for number in range(4)))
    for _ in range(2):
        closed.ingest("two", b"secret\tkept by\tsomebody\n", TSV)
    for address in ("/v1/kbs/{}/triples", "/v1/jobs"):
        cursor = closed.http.get(address.format("two"), params={"limit": 1}).json()["next_cursor"]
        assert cursor
        with client(closed, made(closed, "ask", "one")["key"]) as http:
            told = http.get(address.format("one"), params={"cursor": cursor}).text
            assert "secret" not in told
            assert '"two"' not in told


def test_figures_name_no_kb(closed: RunningService) -> None:
    assert closed.write("two", "secret|kept by|somebody").status_code == 200
    closed.http.post("/v1/kbs/two/ask", json={"question": "who keeps secret?"})
    closed.ingest("two", b"secret\tkept by\tsomebody\n", TSV)
    told = closed.http.get("/metrics").text
    values = {value for line in told.splitlines() for value in re.findall(r'="([^"]*)"', line)}
    assert not values & {"two", "one", "secret"}


def test_not_yours_takes_as_long_as_not_there(closed: RunningService) -> None:
    closed.write("two", *(f"secret {number}|kept by|somebody" for number in range(500)))
    seconds: dict[str, list[float]] = {"two": [], "none": []}
    with client(closed, made(closed, "ask", "one")["key"]) as http:
        for _ in range(150):
            for kb, taken in seconds.items():
                started = perf_counter()
                assert http.post(f"/v1/kbs/{kb}/ask", json={"question": "who keeps secret 1?"}).status_code == 404
                taken.append(perf_counter() - started)
    ratio = median(seconds["two"]) / median(seconds["none"])
    assert 0.7 < ratio < 1.4, ratio


def test_a_kb_does_not_inherit_the_jobs_of_a_deleted_one(closed: RunningService) -> None:
    closed.http.post("/v1/kbs", json={"name": "reused"})
    old = closed.ingest("reused", b"a\tb\tc\na line with a secret\n", TSV)
    assert closed.http.get(f"/v1/jobs/{old['id']}/rejected").json()["rejected"] != []
    closed.http.delete("/v1/kbs/reused")
    assert closed.http.get(f"/v1/jobs/{old['id']}").json()["state"] == "succeeded"
    assert closed.http.get(f"/v1/jobs/{old['id']}/rejected").json()["rejected"] == []
    closed.http.post("/v1/kbs", json={"name": "reused"})
    with client(closed, made(closed, "admin", "reused")["key"]) as http:
        assert http.get("/v1/jobs").json()["jobs"] == []
        assert refused(http.get(f"/v1/jobs/{old['id']}")) == (404, "job_not_found")


def test_a_key_for_one_kb_makes_neither_kbs_nor_wider_keys(closed: RunningService) -> None:
    with client(closed, made(closed, "admin", "one")["key"]) as http:
        assert refused(http.post("/v1/kbs", json={"name": "three"})) == (403, "scope_too_small")
        assert refused(http.post("/v1/keys", json={"name": "x", "scope": "ask"})) == (403, "scope_too_small")
        assert refused(http.post("/v1/keys", json={"name": "x", "scope": "ask", "kb": "two"})) == (404, "kb_not_found")
        assert http.post("/v1/keys", json={"name": "x", "scope": "ask", "kb": "one"}).status_code == 201
        assert {key["kb"] for key in http.get("/v1/keys").json()["keys"]} == {"one"}


def test_a_revoked_key_is_refused_from_then_on(closed: RunningService) -> None:
    key = made(closed, "ask")
    with client(closed, key["key"]) as http:
        assert http.get("/v1/kbs").status_code == 200
        assert closed.http.delete(f"/v1/keys/{key['id']}").status_code == 204
        assert refused(http.get("/v1/kbs")) == (401, "key_refused")


def test_an_expired_key_is_refused(closed: RunningService) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    with client(closed, made(closed, "ask", expires_at=soon)["key"]) as http:
        assert http.get("/v1/kbs").status_code == 200
        time.sleep(1.1)
        assert refused(http.get("/v1/kbs")) == (401, "key_refused")
    with client(closed, made(closed, "ask", expires_at=future)["key"]) as http:
        assert http.get("/v1/kbs").status_code == 200


def test_the_keys_of_a_deleted_kb_are_gone(closed: RunningService) -> None:
    closed.http.post("/v1/kbs", json={"name": "short-lived"})
    key = made(closed, "ask", "short-lived")
    closed.http.delete("/v1/kbs/short-lived")
    closed.http.post("/v1/kbs", json={"name": "short-lived"})
    with client(closed, key["key"]) as http:
        assert http.get("/v1/kbs/short-lived").status_code in (401, 404)


def test_a_key_that_is_still_remembered_does_not_reach_the_next_kb_of_its_name(closed: RunningService) -> None:
    """As on another replica, or by a request whose body came slowly while the KB was deleted and made again."""
    closed.http.post("/v1/kbs", json={"name": "acme"})
    key, keys = made(closed, "admin", "acme")["key"], closed.services.keys
    access = keys.authenticate(f"Bearer {key}", "")
    closed.http.delete("/v1/kbs/acme")
    closed.http.post("/v1/kbs", json={"name": "acme"})
    closed.write("acme", "Bob|secret|bananas")
    job = closed.ingest("acme", b"secret\tkept by\tBob\n", TSV)
    asked = {"question": "what is Bob's secret?"}
    assert closed.http.post("/v1/kbs/acme/ask", json=asked).status_code == 200
    others = made(closed, "ask", "acme")
    keys._remembered[_digest(key)] = (access, inf)
    with client(closed, key) as http:
        paths = http.get("/openapi.json").json()["paths"]
        calls = [(m, path, one) for path, methods in paths.items() if "{kb}" in path for m, one in methods.items()]
        for method, path, call in calls:
            body = BODIES.get(call["operationId"], {"triples": triples("a|b|c")})
            reply = http.request(method, path.format(kb="acme", entity_id=1, version=0), json=body)
            if call["operationId"] not in ("query_sparql", "post_sparql", "give_feedback"):  # which such bodies stop
                assert refused(reply) == (404, "kb_not_found"), (method, path)
        found = [
            http.get("/v1/kbs/acme/sparql", params={"query": "ASK {}"}),
            http.post("/v1/kbs/acme/sparql", data={"query": "ASK {}"}),
            http.post("/v1/kbs/acme/feedback", json={**asked, "answers": ["apples"]}),
            http.post("/v1/kbs/acme/ask", json={**asked, "model": "any"}),
            http.post("/v1/kbs/acme/triples", content=b"a\tb\tc\n", headers={"Content-Type": TSV}),
            http.post("/v1/keys", json={"name": "x", "scope": "ask", "kb": "acme"}),
        ]
        assert [refused(reply) for reply in found] == [(404, "kb_not_found")] * len(found)
        assert refused(http.get(f"/v1/jobs/{job['id']}")) == (404, "job_not_found")
        assert refused(http.delete(f"/v1/keys/{others['id']}")) == (404, "key_not_found")
        told = [http.get(path).json() for path in ("/v1/kbs", "/v1/jobs", "/v1/keys")]
        assert told == [{"kbs": []}, {"jobs": [], "next_cursor": None}, {"keys": []}]
    assert closed.facts("acme") == {("Bob", "secret", "bananas"), ("secret", "kept by", "Bob")}
    del keys._remembered[_digest(key)]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scope": "root"},
        {"name": "", "scope": "ask"},
        {"scope": "ask"},
        {"name": "x", "scope": "ask", "kb": "../x"},
        {"name": "x", "scope": "ask", "expires_at": "2130-01-01T00:00:00"},
        {"name": "x", "scope": "ask", "expires_at": "9999-12-31T23:59:59-12:00"},
        {"name": "x", "scope": "ask", "expires_at": "0001-01-01T00:00:00+14:00"},
        {"name": "x", "scope": "admin", "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "x", "scope": "ask", "colour": "red"},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(closed: RunningService, body: dict[str, str]) -> None:
    assert refused(closed.http.post("/v1/keys", json=body)) == (422, "invalid_body")


def test_an_open_service_closes_with_its_first_key(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(data=tmp_path_factory.mktemp("open"), threads=1, log_level="error")
    with running(settings) as service:
        rebound = service.http.get("/v1/kbs", headers={"Host": "evil.example"})
        assert refused(rebound) == (401, "key_refused")
        assert service.http.get("/v1/kbs").status_code == 200
        locked_out = service.http.post("/v1/keys", json={"name": "x", "scope": "ask"})
        assert refused(locked_out) == (409, "first_key_must_be_admin")
        key = made(service, "admin")["key"]
        assert refused(service.http.get("/v1/kbs")) == (401, "key_refused")
        with client(service, key) as http:
            assert http.get("/v1/kbs").status_code == 200
