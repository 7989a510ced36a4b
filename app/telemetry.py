"""Telemetry: structured logs and Prometheus figures; their names, and nothing of the web."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from structlog.typing import EventDict, Processor

from app.settings import Settings

METRICS_MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
STAGES = ("link", "read", "prove")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


def configure_logging(settings: Settings) -> None:
    """Send every log line, also of libraries, to standard error; as JSON when that is no terminal.

    Our own lines go there straight: on a busy service the logging module would cost as much as the rest of HTTP.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_as_json)]
        if as_json
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, *render],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    handler = logging.StreamHandler(sys.stderr)
    of_libraries: list[Processor] = [structlog.stdlib.add_logger_name, *shared]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=of_libraries,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("uvicorn.access", "alembic", "httpx", "mcp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # a line for what is lost, none for each try


def _as_json(event: EventDict, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()


def logger(name: str) -> Any:  # noqa: ANN401 - structlog's bound loggers have no common type
    """A structured logger; fields are keyword arguments, never formatted into the text."""
    return structlog.get_logger(component=name)


class ToldCounter(Collector):
    """A counter that is kept elsewhere: its values are told all at once."""

    def __init__(self, name: str, words: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._name, self._words, self._labelnames = name, words, labels
        self._values: Mapping[tuple[str, ...], float] = {}
        registry.register(self)

    def tell(self, values: Mapping[tuple[str, ...], float]) -> None:
        """What it shows from now on, by the values of its labels."""
        self._values = values

    def describe(self) -> list[CounterMetricFamily]:
        """It without values, by which the registry knows its name."""
        return [CounterMetricFamily(self._name, self._words, labels=self._labelnames)]

    def collect(self) -> Iterator[CounterMetricFamily]:
        """It with the values that were told last."""
        [family] = self.describe()
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        yield family


class Metrics:
    """The figures of one service, in a registry of its own, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.requests = Counter(
            "hopfact_requests",
            "HTTP requests by endpoint, method and status",
            ("endpoint", "method", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "hopfact_request_seconds",
            "Time from request to the end of its response",
            ("endpoint",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.questions = Counter(
            "hopfact_questions",
            "Questions by outcome: answered, or the reason of the refusal",
            ("outcome",),
            registry=self.registry,
        )
        self.stage_seconds = Histogram(
            "hopfact_stage_seconds",
            "Time of a question by stage: link, read, prove",
            ("stage",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.question_batch = Histogram(
            "hopfact_question_batch",
            "Questions read at once",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=self.registry,
        )
        self.questions_waiting = Gauge("hopfact_questions_waiting", "Questions that wait", registry=self.registry)
        self.jobs = ToldCounter(
            "hopfact_jobs",
            "Jobs that have ended, by kind and state, of all processes",
            ("kind", "state"),
            self.registry,
        )
        self.open_jobs = Gauge(
            "hopfact_jobs_open",
            "Jobs that have not ended, by kind and state",
            ("kind", "state"),
            registry=self.registry,
        )
        self.oldest_job = Gauge(
            "hopfact_jobs_oldest_seconds", "Age of the oldest job that has not ended", registry=self.registry
        )
        self.database_up = Gauge(
            "hopfact_database_up", "Whether the database was reached for this page", registry=self.registry
        )
        self.shards_missing = Gauge(
            "hopfact_shards_missing", "Shards that do not answer, whose parts are read here", registry=self.registry
        )
        self.triples = Counter(
            "hopfact_triples_written", "Triples that were new in small writes to this process", registry=self.registry
        )
        self.ingested = ToldCounter(
            "hopfact_triples_ingested", "Triples that were new in jobs, of all processes", (), self.registry
        )

    def page(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)

    def count_reply(self, reply: Mapping[str, Any]) -> None:
        """Count one answered or refused question, and the time of its stages; a kept reply went through none."""
        for stage in (name for name in STAGES if reply["timings_ms"][name]):
            self.stage_seconds.labels(stage).observe(reply["timings_ms"][stage] / 1000)
        self.questions.labels(reply["reason"] or "unknown" if reply["abstained"] else "answered").inc()
