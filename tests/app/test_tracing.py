"""Traces, by a real service and a real collector."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from app.otlp import OtlpTracing
from app.settings import SettingsError, load_settings
from app.tracing import NO_SPAN, Attributes, Span, Stages
from tests.app.collector import Collector, ToldSpan, collecting
from tests.processes import environment_of, serving, wait

ROOT = "a-root-key-of-the-environment"
ASK = "POST /v1/kbs/{kb}/ask"
SECRETS = ("Zanzibar", "Quagmire", "harbour", "tellmewhere", "archipelago", ROOT)
"""Words of the facts, the name of the KB, words of the question, and the key."""
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Traced(NamedTuple):
    """What the collector heard of a service that was used, and what the service logged."""

    collector: Collector
    log: list[dict[str, Any]]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """A service that took in facts, answered, refused, and was stopped at once: what waited is sent as it ends."""
    folder = tmp_path_factory.mktemp("traced")
    with collecting() as collector:
        variables = {
            "HOPFACT_OTLP_ENDPOINT": collector.url,
            "HOPFACT_API_KEY": ROOT,
            "HOPFACT_LOG_QUESTIONS": "true",
            "HOPFACT_REMEMBERED_ANSWERS": "0",
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",  # FastAPI's own must stay off
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",
        }
        with serving(folder, **variables) as service:
            http = service.client
            http.headers["Authorization"] = f"Bearer {ROOT}"
            http.post("/v1/kbs", json={"name": "archipelago"})
            upload = "Zanzibar\tharbour\tQuagmire\n" * 3
            types = {"Content-Type": "text/tab-separated-values"}
            job = http.post("/v1/kbs/archipelago/triples", content=upload, headers=types).json()["id"]
            wait(lambda: http.get(f"/v1/jobs/{job}").json()["state"] == "succeeded", "the job did not end")
            parent = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "ask-1"}
            ask = "/v1/kbs/archipelago/ask"
            asked = {"question": "tellmewhere: what is the harbour of Zanzibar?"}
            assert http.post(ask, json=asked, headers=parent).json()["answers"][0]["label"] == "Quagmire"
            http.post(f"{ask}/batch", json={"questions": [asked, asked]}, headers={"traceparent": "nonsense"})
            http.get("/v1/kbs/archipelago/entities", params={"q": "Zanz"})
            http.get("/nowhere/Zanzibar")
            http.post("/v1/kbs/archipelago/triples", content=b"\x1f", headers={**types, "Content-Encoding": "gzip"})
            service.stop()
        lines = (folder / "log").read_text().splitlines()
        yield Traced(collector, [json.loads(line) for line in lines])


def one(spans: list[ToldSpan]) -> ToldSpan:
    (span,) = spans
    return span


def test_a_question_is_a_span_with_its_stages_below(traced: Traced) -> None:
    span = one(traced.collector.named(ASK))
    assert (span.trace_id, span.parent_id) == (TRACE, PARENT)
    assert span.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/kbs/{kb}/ask",
        "http.response.status_code": 200,
        "hopfact.request_id": "ask-1",
    }
    assert traced.collector.below(span) == ["link", "read", "prove"]
    for stage in (stage for stage in traced.collector.spans if stage.parent_id == span.span_id):
        assert span.began <= stage.began <= stage.ended <= span.ended
        assert stage.trace_id == TRACE
        assert stage.attributes == {"hopfact.questions": 1}


def test_questions_of_a_batch_share_their_stages(traced: Traced) -> None:
    span = one(traced.collector.named(f"{ASK}/batch"))
    assert span.parent_id == ""
    assert traced.collector.below(span) == ["link", "read", "prove"]
    assert [s.attributes for s in traced.collector.spans if s.parent_id == span.span_id] == [
        {"hopfact.questions": 2}
    ] * 3


def test_a_job_is_a_span_with_its_stages_below(traced: Traced) -> None:
    good, bad = traced.collector.named("job ingestion")
    assert traced.collector.below(good) == ["ingest", "make answerable"]
    assert (good.attributes, good.failed) == ({"hopfact.job": 1, "hopfact.job_state": "succeeded"}, False)
    assert traced.collector.below(bad) == ["ingest"]
    assert (bad.attributes["error.type"], bad.failed) == ("unpack_failed", True)


def test_each_request_is_a_span_named_by_its_route(traced: Traced) -> None:
    names = {span.name for span in traced.collector.spans if "http.request.method" in span.attributes}
    assert names == {
        *("POST /v1/kbs", "POST /v1/kbs/{kb}/triples", "GET /v1/jobs/{job_id}", ASK, f"{ASK}/batch"),
        *("GET /v1/kbs/{kb}/entities", "GET"),
    }
    assert one(traced.collector.named("GET")).attributes["http.response.status_code"] == 404


def test_no_word_of_a_fact_a_question_or_a_key_is_told(traced: Traced) -> None:
    told = b"".join(traced.collector.bodies)
    assert [word for word in SECRETS if word.encode() in told] == []


def test_only_our_spans_are_sent_and_the_service_is_named(traced: Traced) -> None:
    assert traced.collector.paths == {"/v1/traces"}
    assert traced.collector.services == {"hopfact"}


def test_log_lines_carry_the_id_of_their_trace(traced: Traced) -> None:
    asked = [line for line in traced.log if line.get("request_id") == "ask-1"]
    assert [(line["event"], line["trace_id"]) for line in asked] == [("question", TRACE), ("request", TRACE)]
    job = traced.collector.named("job ingestion")[0]
    ids = {line["trace_id"] for line in traced.log if line["event"] in ("job begins", "job ends") and line["job"] == 1}
    assert ids == {job.trace_id}


def unreachable() -> str:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


def test_a_dead_collector_neither_fails_a_request_nor_holds_up_the_end(tmp_path: Path) -> None:
    variables = {"HOPFACT_OTLP_ENDPOINT": unreachable(), "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with serving(tmp_path, **variables) as service:
        for number in range(50):
            assert service.client.post("/v1/kbs", json={"name": f"kb-{number}"}).status_code == 201
        began = time.monotonic()
        service.stop()
        assert time.monotonic() - began < 8


def test_a_collector_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tracing = OtlpTracing(f"http://127.0.0.1:{silent.getsockname()[1]}")
        tracing.begin_job().end("job", {})
        began = time.monotonic()
        tracing.close()
        assert time.monotonic() - began < 5


def test_the_variables_of_opentelemetry_are_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "answers")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    with collecting() as collector:
        tracing = OtlpTracing(f"{collector.url}/")
        tracing.begin_request([]).end("not sampled", {})
        tracing.begin_request([(b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())]).end("sampled", {})
        tracing.close()
    assert [span.name for span in collector.spans] == ["sampled"]
    assert collector.services == {"answers"}


def test_without_the_extra_the_start_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['opentelemetry.sdk'] = None; from app.cli import main; main()"
    environment = {**environment_of(tmp_path), "HOPFACT_OTLP_ENDPOINT": "http://localhost:4318"}
    command = [sys.executable, "-c", code, "serve", "--port", "0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "HOPFACT_OTLP_ENDPOINT" in done.stderr
    assert "pip install -c constraints.txt -e '.[telemetry]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_collector_nothing_of_it_is_imported(tmp_path: Path) -> None:
    code = """
import sys
from app.main import create_app
from app.settings import load_settings
from app.telemetry import Metrics
from app.wiring import Services
services = Services(load_settings(), Metrics())
create_app(services.settings, services)
services.close()
sys.exit(", ".join(name for name in sys.modules if name.startswith("opentelemetry.sdk") or name == "app.otlp") or None)
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment_of(tmp_path), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("url", ["collector:4318", "grpc://collector:4317", "http://", "http://collector/?a=b"])
def test_an_address_that_is_none_stops_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match="HOPFACT_OTLP_ENDPOINT: .*http://collector:4318"):
        load_settings(otlp_endpoint=url)


class NotedSpan(Span):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, float, float, Attributes | None]] = []

    def add_stage(self, name: str, began: float, ended: float, attributes: Attributes | None = None) -> None:
        self.stages.append((name, began, ended, attributes))


def test_requests_whose_questions_were_read_together_hear_of_their_own() -> None:
    first, second, stages = NotedSpan(), NotedSpan(), Stages()
    for span, began in ((first, 1.0), (second, 2.0), (first, 3.0), (NO_SPAN, 4.0)):
        stages.add(span, "link", began, began + 0.5)
    stages.tell()
    assert first.stages == [("link", 1.0, 3.5, {"hopfact.questions": 2})]
    assert second.stages == [("link", 2.0, 2.5, {"hopfact.questions": 1})]
