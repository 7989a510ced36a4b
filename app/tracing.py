"""Tracing: a span for each request and each job, with its stages below. Here spans do nothing; `app.otlp` sends them.

A span tells names, times, counts, ids of requests and jobs, and codes of errors: no question, no fact, label or key,
and no path, which holds names and ids.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from time import perf_counter

from structlog.contextvars import bound_contextvars

Attributes = Mapping[str, str | int]
Headers = Iterable[tuple[bytes, bytes]]


class Span:
    """One piece of work, from when it was made; this one is told to nobody."""

    trace_id: str | None = None

    def add_stage(self, name: str, began: float, ended: float, attributes: Attributes | None = None) -> None:
        """Tell of a part that is over, with its times as of `perf_counter`."""

    def end(self, name: str, attributes: Attributes, error: str | None = None) -> None:
        """Tell of all of it, now that it is over; `error` is the code of what went wrong."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The block as a part."""
        began = perf_counter()
        try:
            yield
        finally:
            self.add_stage(name, began, perf_counter())

    def in_log(self) -> AbstractContextManager[object]:
        """Lines of the log that the block writes carry the id of the trace."""
        return nullcontext() if self.trace_id is None else bound_contextvars(trace_id=self.trace_id)


NO_SPAN = Span()
_current: ContextVar[Span] = ContextVar("hopfact_span", default=NO_SPAN)


def current_span() -> Span:
    """The request that is being served."""
    return _current.get()


def set_current_span(span: Span) -> None:
    """What is served from now on, in this task and those that it starts."""
    _current.set(span)


class Tracing:
    """Begins spans, which are told to nobody."""

    def begin_request(self, headers: Headers) -> Span:
        """A request with these headers: `traceparent` may say which trace it is part of."""
        return NO_SPAN

    def begin_job(self) -> Span:
        """A job."""
        return NO_SPAN

    def close(self) -> None:
        """Tell what is not told yet, within seconds."""


class Stages:
    """The stages of questions read together: each request is told its own once, from its first question to its last."""

    def __init__(self) -> None:
        self._times: dict[tuple[Span, str], list[float]] = {}

    def add(self, span: Span, stage: str, began: float, ended: float) -> None:
        """Note a stage of one question."""
        if span is not NO_SPAN:
            self._times.setdefault((span, stage), []).extend((began, ended))

    def tell(self) -> None:
        """Add them to their spans."""
        for (span, stage), times in self._times.items():
            span.add_stage(stage, min(times), max(times), {"hopfact.questions": len(times) // 2})
