"""A service that stops: what is asked gets its answer or is told, who follows a job is let go at once."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.main import create_app, server_of
from app.settings import Settings
from tests.app.running import running


def settings_in(folder: Path, deadline_seconds: float = 30.0) -> Settings:
    return Settings(data=folder, threads=1, log_level="error", worker="none", deadline_seconds=deadline_seconds)


@pytest.mark.parametrize("seconds", [0.5, 30.0, 90.0])
def test_every_question_has_its_deadline_before_it_is_cut(tmp_path: Path, seconds: float) -> None:
    settings = settings_in(tmp_path, seconds)
    waits = server_of(create_app(settings), settings).config.timeout_graceful_shutdown
    assert waits is not None
    assert seconds < waits <= seconds + 2


def test_what_does_not_end_in_time_is_told_that_the_service_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    with ThreadPoolExecutor(1) as pool:
        with running(settings_in(tmp_path, 0.2)) as service:
            kb = service.kb("Ann|knows|Bob")
            monkeypatch.setattr(service.services.batcher, "ask", never)
            asked = pool.submit(httpx.post, f"{service.url}/v1/kbs/{kb}/ask", json={"question": "a?"}, timeout=60)
            time.sleep(0.5)
        reply = asked.result()
    assert reply.headers["content-type"] == "application/problem+json"
    assert (reply.status_code, reply.json()["code"]) == (503, "stopping")
    assert reply.json()["request_id"] == reply.headers["x-request-id"]
    assert int(reply.headers["Retry-After"]) >= 1


def test_who_follows_a_job_is_let_go_at_once(tmp_path: Path) -> None:
    def follow(url: str) -> list[str]:
        with httpx.stream("GET", url, timeout=60) as events:
            return [line for line in events.iter_lines() if line.startswith("event")]

    with ThreadPoolExecutor(1) as pool:
        with running(settings_in(tmp_path)) as service:
            number = service.upload(service.kb(), b"a\tb\tc\n").json()["id"]
            followed = pool.submit(follow, f"{service.url}/v1/jobs/{number}/events")
            time.sleep(0.5)
            began = time.monotonic()
        seconds = time.monotonic() - began
        assert followed.result() == ["event: job"]
    assert seconds < 5
