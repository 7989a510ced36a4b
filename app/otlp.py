"""Spans by OpenTelemetry, sent in batches by a thread of their own: OTLP over HTTP. Needs the extra `telemetry`.

The variables of OpenTelemetry itself (`OTEL_...`) set headers, certificates, sampling, batches and the service's name.
"""

import time
from threading import Thread

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind, StatusCode, Tracer, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.tracing import Attributes, Headers, Span, Tracing

_PATH = "/v1/traces"
_PARENT = (b"traceparent", b"tracestate")
_CLOSE_SECONDS = 2.0


class OtlpTracing(Tracing):
    """Begins spans that a collector is told of; what it does not take in time is lost, and nothing waits for it."""

    def __init__(self, endpoint: str) -> None:
        """Send to a collector's address, to which the path of traces is added."""
        self._exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + _PATH)
        resource = Resource.create({"service.name": "hopfact"}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("hopfact")
        self._parents = TraceContextTextMapPropagator()

    def begin_request(self, headers: Headers) -> Span:
        """A request, in the trace of whoever sent it."""
        carrier = {str(name, "latin-1"): str(value, "latin-1") for name, value in headers if name in _PARENT}
        return _OtlpSpan(self._tracer, self._parents.extract(carrier, Context()), SpanKind.SERVER)

    def begin_job(self) -> Span:
        """A job, in a trace of its own."""
        return _OtlpSpan(self._tracer, Context(), SpanKind.INTERNAL)

    def close(self) -> None:
        """Send what waits; a collector that does not take it is given up."""
        ending = Thread(target=self._provider.shutdown, name="hopfact-last-spans", daemon=True)
        ending.start()
        ending.join(_CLOSE_SECONDS)
        if ending.is_alive():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]


class _OtlpSpan(Span):
    def __init__(self, tracer: Tracer, parent: Context, kind: SpanKind) -> None:
        self._tracer = tracer
        self._span: OtelSpan = tracer.start_span("unnamed", parent, kind)
        self._as_parent = set_span_in_context(self._span, Context())
        self.trace_id = format_trace_id(self._span.get_span_context().trace_id)

    def add_stage(self, name: str, began: float, ended: float, attributes: Attributes | None = None) -> None:
        stage = self._tracer.start_span(name, self._as_parent, attributes=attributes, start_time=_wall(began))
        stage.end(_wall(ended))

    def end(self, name: str, attributes: Attributes, error: str | None = None) -> None:
        self._span.update_name(name)
        self._span.set_attributes(attributes)
        if error is not None:
            self._span.set_attribute("error.type", error)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def _wall(moment: float) -> int:
    """Nanoseconds since 1970, of a time as `perf_counter` tells it."""
    return time.time_ns() - int((time.perf_counter() - moment) * 1e9)
