import asyncio
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest

from app.answering import Question
from app.batching import QuestionBatcher
from app.errors import DeadlineExceeded, Overloaded
from app.telemetry import Metrics
from kb.consistency import StructuresBusy


class Oracle:
    """Answers with the question; keeps the batches that it saw; waits for `go` first."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[str]]] = []
        self.go = Event()
        self.go.set()

    def ask(self, kb: str, questions: list[Question]) -> list[dict[str, Any]]:
        self.go.wait(10)
        texts = [question.text for question in questions]
        self.batches.append((kb, texts))
        if "bad" in texts:
            raise ValueError("bad question")
        return [{"answer": text} for text in texts]


def batcher(oracle: Oracle, most: int = 4, most_waiting: int = 100) -> QuestionBatcher[str]:
    return QuestionBatcher(oracle.ask, Metrics(), most, most_waiting)


def questions(*texts: str) -> list[Question]:
    return [Question(text) for text in texts]


async def held(oracle: Oracle, asker: QuestionBatcher[str], *asks: Any) -> list[Any]:
    """What the asks give when all of them arrive while the first question is being read."""
    oracle.go.clear()
    first = asyncio.create_task(asker.ask("kb", questions("first")))
    await asyncio.sleep(0.05)
    waiting = [asyncio.create_task(ask) for ask in asks]
    await asyncio.sleep(0.05)
    oracle.go.set()
    await first
    return await asyncio.gather(*waiting, return_exceptions=True)


def test_a_question_on_what_is_being_built_holds_up_no_other() -> None:
    class Building(Oracle):
        def ask(self, kb: str, questions: list[Question]) -> list[dict[str, Any]]:
            replies = super().ask(kb, questions)
            if kb == "built elsewhere" and sum(name == kb for name, _ in self.batches) < 3:
                raise StructuresBusy(1, 0.0)
            return replies

    async def both(asker: QuestionBatcher[str]) -> list[Any]:
        first = asyncio.create_task(asker.ask("built elsewhere", questions("a")))
        await asyncio.sleep(0.05)
        started = monotonic()
        other = await asker.ask("kb", questions("b"))
        assert monotonic() - started < 0.2
        return [await first, other]

    oracle = Building()
    assert asyncio.run(both(batcher(oracle))) == [[{"answer": "a"}], [{"answer": "b"}]]
    assert [kb for kb, _ in oracle.batches] == ["built elsewhere", "kb", "built elsewhere", "built elsewhere"]


def test_a_question_is_put_off_for_some_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.batching._PATIENCE_SECONDS", 0.4)

    class Busy(Oracle):
        def ask(self, kb: str, questions: list[Question]) -> list[dict[str, Any]]:
            super().ask(kb, questions)
            raise StructuresBusy(1, 0.0)

    oracle = Busy()
    with pytest.raises(StructuresBusy):
        asyncio.run(batcher(oracle).ask("kb", questions("a")))
    assert len(oracle.batches) == 3


def test_what_is_put_off_is_refused_at_the_end() -> None:
    class Busy(Oracle):
        def ask(self, kb: str, questions: list[Question]) -> list[dict[str, Any]]:
            raise StructuresBusy(1, 0.0)

    async def ended(asker: QuestionBatcher[str]) -> None:
        task = asyncio.create_task(asker.ask("kb", questions("a")))
        await asyncio.sleep(0.05)
        await asker.close()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(ended(batcher(Busy())))


def test_a_lone_question_is_asked_at_once() -> None:
    oracle = Oracle()
    assert asyncio.run(batcher(oracle).ask("kb", questions("a"))) == [{"answer": "a"}]


def test_questions_that_wait_are_read_together() -> None:
    oracle = Oracle()

    async def crowd() -> list[Any]:
        asker = batcher(oracle)
        return await held(oracle, asker, *(asker.ask("kb", questions(text)) for text in "abc"))

    assert asyncio.run(crowd()) == [[{"answer": text}] for text in "abc"]
    assert oracle.batches == [("kb", ["first"]), ("kb", ["a", "b", "c"])]


def test_questions_on_two_kbs_are_never_mixed() -> None:
    oracle = Oracle()

    async def crowd() -> None:
        asker = batcher(oracle)
        await held(oracle, asker, asker.ask("one", questions("a")), asker.ask("two", questions("b")))

    asyncio.run(crowd())
    assert oracle.batches[1:] == [("one", ["a"]), ("two", ["b"])]


def test_one_bad_question_spoils_no_other() -> None:
    oracle = Oracle()

    async def crowd() -> list[Any]:
        asker = batcher(oracle)
        return await held(oracle, asker, *(asker.ask("kb", questions(text)) for text in ("a", "bad", "c")))

    first, second, third = asyncio.run(crowd())
    assert (first, third) == ([{"answer": "a"}], [{"answer": "c"}])
    assert isinstance(second, ValueError)


def test_single_questions_overtake_a_long_batch() -> None:
    oracle = Oracle()

    async def crowd() -> None:
        asker = batcher(oracle)
        many = asker.ask("kb", questions(*(f"many{number}" for number in range(8))))
        await held(oracle, asker, many, *(asker.ask("kb", questions(text)) for text in "abc"))

    asyncio.run(crowd())
    assert oracle.batches[1] == ("kb", ["a", "b", "c", "many0"])


def test_too_many_questions_are_refused() -> None:
    oracle = Oracle()
    with pytest.raises(Overloaded):
        asyncio.run(batcher(oracle, most_waiting=2).ask("kb", questions("a", "b", "c")))
    assert oracle.batches == []


def test_a_question_that_would_wait_too_long_is_refused_at_once() -> None:
    def ask(_: str, asked: list[Question]) -> list[dict[str, Any]]:
        sleep(0.02 * len(asked))
        return [{"answer": question.text} for question in asked]

    asker = QuestionBatcher(ask, Metrics(), most=2, most_waiting=100, longest_wait=0.2)

    async def crowd() -> tuple[list[Any], float]:
        for number in range(20):
            await asker.ask("kb", questions(f"before {number}"))
        started = monotonic()
        asks = [asyncio.create_task(asker.ask("kb", questions(str(number)))) for number in range(60)]
        return await asyncio.gather(*asks, return_exceptions=True), monotonic() - started

    replies, seconds = asyncio.run(crowd())
    answered = [reply for reply in replies if not isinstance(reply, Overloaded)]
    assert replies[: len(answered)] == answered, "one that came later was taken instead"
    assert 4 <= len(answered) <= 12
    assert seconds < 1.0


def test_a_batch_of_nothing_but_given_up_questions_does_not_stop_the_rest() -> None:
    oracle = Oracle()

    async def crowd() -> list[Any]:
        asker = batcher(oracle, most=1)
        oracle.go.clear()
        first = asyncio.create_task(asker.ask("kb", questions("first")))
        await asyncio.sleep(0.05)
        given_up = asyncio.create_task(asker.ask("kb", questions("given up")))
        last = asyncio.create_task(asker.ask("kb", questions("last")))
        await asyncio.sleep(0.05)
        given_up.cancel()
        await asyncio.sleep(0)
        oracle.go.set()
        await first
        return await last

    assert asyncio.run(crowd()) == [{"answer": "last"}]
    assert oracle.batches == [("kb", ["first"]), ("kb", ["last"])]


def test_what_is_not_read_in_time_is_given_up_and_never_read() -> None:
    oracle = Oracle()

    async def late() -> list[Any]:
        asker = QuestionBatcher(oracle.ask, Metrics(), most=1, most_waiting=9, deadline=0.2)
        oracle.go.clear()
        asked = [asyncio.create_task(asker.ask("kb", questions(text))) for text in ("slow", "waiting")]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        oracle.go.set()
        return [*outcomes, await asker.ask("kb", questions("next"))]

    slow, waiting, then = asyncio.run(late())
    assert isinstance(slow, DeadlineExceeded)
    assert isinstance(waiting, DeadlineExceeded)
    assert then == [{"answer": "next"}]
    assert [texts for _, texts in oracle.batches] == [["slow"], ["next"]]
