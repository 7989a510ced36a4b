"""Batching: concurrent questions are read together, off the event loop.

No timer: whatever waits when the reader gets free is the next batch, so a lone question waits for nothing and a crowd
is read at once. Questions of an `ask/batch` get a quarter of each batch, and what single questions leave of it. A
question whose KB has its structures built by another process is put off for a while, so that no other waits for them.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Generic, TypeVar

from app.answering import Question
from app.errors import DeadlineExceeded, Overloaded
from app.telemetry import Metrics
from app.tracing import NO_SPAN, current_span
from kb.consistency import StructuresBusy

_REMEMBERED = 8
"""Batches whose median tells what a question takes, so that a lone slow one refuses nobody."""

_AGAIN_SECONDS = 0.25
"""How long a question is put off whose KB's structures are being built."""
_PATIENCE_SECONDS = 5.0
"""After these it is put off no more."""

_TOO_MANY = "Too many questions are waiting: send it again in a few seconds."

K = TypeVar("K", bound=Hashable)
Reply = dict[str, Any]


@dataclass
class _Waiting(Generic[K]):
    kb: K
    question: Question
    future: "asyncio.Future[Reply]"
    queue: "deque[_Waiting[K]]"
    patient_until: float


class QuestionBatcher(Generic[K]):
    """Collects questions of all requests and asks them in one thread; lives in one event loop.

    Args:
        ask: answers questions on a KB, named in its way; all replies or an exception.
        most: questions in one batch.
        most_waiting: questions in the queue before new ones are refused.
        deadline: seconds after which the questions of a request are given up.
        longest_wait: seconds that a single question may wait; one that would wait longer, as the last batches tell,
            is refused, so that those that are taken are answered soon whatever comes.
    """

    def __init__(
        self,
        ask: Callable[[K, list[Question]], list[Reply]],
        metrics: Metrics,
        most: int,
        most_waiting: int,
        deadline: float = 30.0,
        longest_wait: float = 30.0,
    ) -> None:
        self._ask = ask
        self._metrics = metrics
        self._most = most
        self._most_waiting = most_waiting
        self._deadline = deadline
        self._longest_wait = longest_wait
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)
        """What a question took in each of the last batches."""
        self._pace = 0.0
        self._single: deque[_Waiting[K]] = deque()
        self._bulk: deque[_Waiting[K]] = deque()
        self._put_off: deque[_Waiting[K]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hopfact-ask")
        self._running: asyncio.Task[None] | None = None

    async def ask(self, kb: K, questions: Sequence[Question]) -> list[Reply]:
        """The replies, in order.

        Raises:
            Overloaded: too many questions wait already.
            DeadlineExceeded: they were not all read in time; the rest is taken out of the queue.
            Exception: what asking one of the questions raised, the first one.
        """
        if len(questions) == 1:
            self.check_wait()
        queue = self._single if len(questions) == 1 else self._bulk
        if len(self._single) + len(self._bulk) + len(questions) > self._most_waiting:
            raise Overloaded(_TOO_MANY)
        if (span := current_span()) is not NO_SPAN:
            questions = [replace(question, span=span) for question in questions]
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE_SECONDS
        waiting = [_Waiting(kb, question, loop.create_future(), queue, until) for question in questions]
        queue.extend(waiting)
        self._run()
        try:
            async with asyncio.timeout(self._deadline):
                replies = await asyncio.gather(*(one.future for one in waiting), return_exceptions=True)
        except TimeoutError:
            advice = "send it again, or fewer questions at once"
            raise DeadlineExceeded(f"Not answered within {self._deadline:g} s: {advice}.") from None
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
        return replies  # type: ignore[return-value] # mypy keeps the exceptions that were just raised

    def check_wait(self) -> None:
        """Refuse a single question that would wait too long; asked first, it costs the least.

        Raises:
            Overloaded: it would.
        """
        if len(self._single) * self._pace > self._longest_wait:
            raise Overloaded(_TOO_MANY)

    async def close(self) -> None:
        """Let the batch that is being read end, and refuse the rest."""
        for one in (*self._single, *self._bulk, *self._put_off):
            one.future.cancel()
        self._put_off.clear()
        if self._running is not None:
            await self._running
        self._thread.shutdown()

    def _run(self) -> None:
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._drain())

    def _resume(self) -> None:
        """Ask again what was put off first; after `close` there is none."""
        if self._put_off:
            one = self._put_off.popleft()
            one.queue.append(one)
            self._run()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while batch := self._take():
                self._metrics.question_batch.observe(len(batch))
                started = loop.time()
                outcomes = await loop.run_in_executor(self._thread, self._ask_batch, batch)
                self._seconds.append((loop.time() - started) / len(batch))
                self._pace = median(self._seconds)
                for one, outcome in zip(batch, outcomes, strict=True):
                    if one.future.done():
                        continue
                    if isinstance(outcome, StructuresBusy) and loop.time() < one.patient_until:
                        self._put_off.append(one)
                        loop.call_later(_AGAIN_SECONDS, self._resume)
                    elif isinstance(outcome, Exception):
                        one.future.set_exception(outcome)
                    else:
                        one.future.set_result(outcome)
        finally:
            self._running = None

    def _take(self) -> list[_Waiting[K]]:
        reserved = min(len(self._bulk), max(1, self._most // 4))
        batch = [self._single.popleft() for _ in range(min(len(self._single), self._most - reserved))]
        batch += [self._bulk.popleft() for _ in range(min(len(self._bulk), self._most - len(batch)))]
        self._metrics.questions_waiting.set(len(self._single) + len(self._bulk))
        return [one for one in batch if not one.future.done()] or (self._take() if batch else [])

    def _ask_batch(self, batch: list[_Waiting[K]]) -> list[Reply | Exception]:
        by_kb: dict[K, list[int]] = {}
        for number, one in enumerate(batch):
            by_kb.setdefault(one.kb, []).append(number)
        outcomes: dict[int, Reply | Exception] = {}
        for kb, numbers in by_kb.items():
            found = self._ask_kb(kb, [batch[number].question for number in numbers])
            outcomes.update(zip(numbers, found, strict=True))
        return [outcomes[number] for number in range(len(batch))]

    def _ask_kb(self, kb: K, questions: list[Question]) -> Sequence[Reply | Exception]:
        try:
            return self._ask(kb, questions)
        except Exception as error:
            if len(questions) == 1:
                return [error]
        # One bad question must not spoil the batch that it happened to meet.
        return [outcome for question in questions for outcome in self._ask_kb(kb, [question])]
