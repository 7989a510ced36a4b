"""A collector of traces: OTLP over HTTP on loopback, which keeps what it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage


class ToldSpan(NamedTuple):
    """A span as it arrived."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    began: int
    ended: int
    attributes: dict[str, Any]
    failed: bool

    @classmethod
    def of(cls, span: SpanMessage) -> "ToldSpan":
        return cls(
            span.name,
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes},
            span.status.code == span.status.STATUS_CODE_ERROR,
        )


class Collector:
    """What was told so far: spans, the bodies they came in, the paths they came to, and who told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[ToldSpan] = []
        self.bodies: list[bytes] = []
        self.paths: set[str] = set()
        self.services: set[str] = set()

    def take(self, path: str, body: bytes) -> None:
        told = ExportTraceServiceRequest.FromString(body)
        self.paths.add(path)
        self.bodies.append(body)
        for resource in told.resource_spans:
            self.services |= {
                one.value.string_value for one in resource.resource.attributes if one.key == "service.name"
            }
            self.spans += [ToldSpan.of(span) for scope in resource.scope_spans for span in scope.spans]

    def named(self, name: str) -> list[ToldSpan]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]

    def below(self, parent: ToldSpan) -> list[str]:
        """The names of the parts of a span, in their order."""
        parts = (span for span in self.spans if span.parent_id == parent.span_id)
        return [span.name for span in sorted(parts, key=lambda span: span.began)]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            reply = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="collector", daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
