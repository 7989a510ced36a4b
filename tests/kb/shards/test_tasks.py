"""Pieces of work come in their order, done by others where they can be, and here where not."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.shards import tasks
from kb.shards.actors import RayTasks
from kb.shards.tasks import scattered
from tests.kb.shards.stand_ins import LocalTasks


class Scripted:
    """Tasks that end at once: some cannot be begun, some fail; notes which."""

    def __init__(self, ahead: int, refused: set[int] = frozenset(), failing: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        self.ahead = ahead
        self.refused, self.failing = refused, failing
        self.begun: list[int] = []

    def submit(self, work: Callable[[Any], Any], piece: Any) -> Future[Any]:
        self.begun.append(piece)
        if piece in self.refused:
            raise ConnectionError
        future: Future[Any] = Future()
        if piece in self.failing:
            future.set_exception(RuntimeError())
        else:
            future.set_result(work(piece))
        return future


class Headless:
    """Ray in a process whose cluster has lost its head: a task is never sent."""

    def is_initialized(self) -> bool:
        return True

    def remote(self, *_: object) -> Any:
        time.sleep(5)
        raise ConnectionError


def there(piece: int) -> tuple[str, int]:
    return "there", piece


def here(piece: int) -> tuple[str, int]:
    return "here", piece


def slow_first(piece: int) -> int:
    time.sleep(0.2 if piece == 0 else 0.0)
    return piece


def never_in_time(piece: int) -> int:
    time.sleep(0.5)
    return piece


def test_pieces_come_in_their_order_whichever_ends_first() -> None:
    assert [*scattered(LocalTasks(), slow_first, there, range(20))] == [*range(20)]


def test_few_pieces_are_begun_before_the_first_is_fetched() -> None:
    scripted = Scripted(ahead=3)
    results = scattered(scripted, there, here, range(10))

    assert next(results) == ("there", 0)
    assert scripted.begun == [0, 1, 2, 3]
    assert next(results) == ("there", 1)
    assert scripted.begun == [0, 1, 2, 3, 4]


def test_a_piece_that_fails_is_done_here_and_no_more_are_begun() -> None:
    scripted = Scripted(ahead=2, failing={3})

    found = [*scattered(scripted, there, here, range(8))]

    assert found == [there(0), there(1), there(2), *map(here, range(3, 8))]
    assert scripted.begun == [0, 1, 2, 3, 4, 5]


def test_who_cannot_be_asked_is_asked_once() -> None:
    scripted = Scripted(ahead=2, refused={0, 1, 2, 3})

    assert [*scattered(scripted, there, here, range(4))] == [*map(here, range(4))]
    assert scripted.begun == [0]


def test_the_time_for_a_piece_that_never_ends_is_spent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PATIENCE_SECONDS", 0.1)
    began = time.monotonic()

    assert [*scattered(LocalTasks(), never_in_time, here, range(5))] == [*map(here, range(5))]
    assert time.monotonic() - began < 0.4


def test_a_cluster_without_its_head_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setitem(sys.modules, "ray", Headless())
    began = time.monotonic()

    assert [*scattered(RayTasks(2), there, here, range(5))] == [*map(here, range(5))]
    assert time.monotonic() - began < 2


@given(st.integers(0, 12), st.integers(0, 5), st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)))
def test_every_piece_is_done_once_whatever_fails(count: int, ahead: int, refused: set[int], failing: set[int]) -> None:
    found = [*scattered(Scripted(ahead, refused, failing), there, here, range(count))]

    assert [piece for _, piece in found] == [*range(count)]
    assert not {piece for place, piece in found if place == "there"} & (refused | failing)
