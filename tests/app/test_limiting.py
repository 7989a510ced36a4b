"""Rate limits: of the keys of one process, and over HTTP."""

import json
from pathlib import Path

import pytest
from limits import parse_many

from app.errors import TooManyRequests
from app.limiting import RateLimiter
from app.settings import Settings, SettingsError, load_settings
from tests.app.running import running
from tests.processes import serving

ROOT = "a-root-key-of-the-environment"


def test_a_key_is_refused_when_it_asks_too_often_and_others_are_not() -> None:
    limiter = RateLimiter(parse_many("3/hour"))
    for _ in range(3):
        limiter.check("a")
    with pytest.raises(TooManyRequests, match="3 per 1 hour") as refused:
        limiter.check("a")
    assert 1 <= refused.value.seconds <= 7200
    limiter.check("b")


def test_the_tightest_of_several_limits_counts() -> None:
    limiter = RateLimiter(parse_many("100/second; 2/hour"))
    for _ in range(2):
        limiter.check("a")
    with pytest.raises(TooManyRequests, match="2 per 1 hour"):
        limiter.check("a")


def test_without_limits_nothing_is_counted() -> None:
    limiter = RateLimiter(())
    for _ in range(1000):
        limiter.check("a")


@pytest.mark.parametrize("text", ["often", "5", "5/fortnight", "/minute", "-1/minute"])
def test_a_limit_that_cannot_be_read_is_explained(text: str) -> None:
    with pytest.raises(SettingsError, match="HOPFACT_RATE_LIMIT.*600/minute"):
        load_settings(rate_limit=text)


def test_the_service_says_when_to_try_again_and_stays_alive(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, api_key=ROOT, threads=1, log_level="error", rate_limit="5/hour")  # type: ignore[arg-type]
    with running(settings) as service:
        service.http.headers["Authorization"] = f"Bearer {ROOT}"
        assert [service.http.get("/v1/kbs").status_code for _ in range(5)] == [200] * 5
        reply = service.http.get("/v1/kbs")
        assert (reply.status_code, reply.json()["code"]) == (429, "too_many_requests")
        assert int(reply.headers["Retry-After"]) >= 1
        assert service.http.get("/livez").status_code == 200
        assert service.http.get("/v1/kbs", headers={"Authorization": "Bearer x"}).status_code == 401


def test_the_line_of_a_request_names_its_key(tmp_path: Path) -> None:
    with serving(tmp_path, HOPFACT_API_KEY=ROOT) as service:
        service.client.headers["Authorization"] = f"Bearer {ROOT}"
        prefix = service.client.post("/v1/keys", json={"name": "ci", "scope": "ask"}).json()["prefix"]
        service.client.get("/v1/kbs", headers={"Authorization": f"Bearer hf_{prefix}_{'a' * 43}"})
        service.stop()  # a line is written after its reply
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    made, refused = (line for line in lines if line["event"] == "request" and line["path"].startswith("/v1/"))
    assert (made["path"], made["method"], made["key"]) == ("/v1/keys", "POST", "root")
    assert (refused["status"], refused["key"]) == (401, None)
    assert ROOT not in (tmp_path / "log").read_text()
