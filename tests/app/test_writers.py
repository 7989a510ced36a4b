"""Changes that wait for each other, or for a long merge, take no thread from anybody else."""

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import httpx
import pytest

from app.errors import WritersBusy
from app.settings import Settings
from app.writers import Writers
from tests.app.running import running, triples

MOST_THREADS = 40
"""That anyio lends to all else."""


def test_as_many_changes_as_may_are_written_at_once() -> None:
    at_work, most = 0, 0

    def change(seconds: float) -> float:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(seconds)
        at_work -= 1
        return seconds

    async def many() -> list[float]:
        writers = Writers(2, 10, 5)
        return await asyncio.gather(*(writers.run(change, 0.05) for _ in range(8)))

    assert asyncio.run(many()) == [0.05] * 8
    assert most == 2


@pytest.mark.parametrize(("most_waiting", "patience"), [(0, 5), (5, 0.05)])
def test_a_change_for_which_there_is_no_place_or_no_time_is_refused(most_waiting: int, patience: float) -> None:
    async def crowd() -> None:
        writers, done = Writers(1, most_waiting, patience), Event()
        first = asyncio.create_task(writers.run(done.wait))
        await asyncio.sleep(0)
        with pytest.raises(WritersBusy):
            await writers.run(done.set)
        done.set()
        assert await first
        assert await writers.run(done.is_set)

    asyncio.run(crowd())


def test_changes_of_one_kb_take_no_place_of_those_of_others() -> None:
    async def crowd() -> list[bool]:
        writers, done = Writers(8, 20, 5), Event()
        waiting = [asyncio.create_task(writers.run_in("a", done.wait)) for _ in range(12)]
        await asyncio.sleep(0.05)
        with pytest.raises(WritersBusy):
            await writers.run_in("a", done.is_set)
        told = [await writers.run_in("b", done.is_set), await writers.run(done.is_set)]
        done.set()
        assert all(await asyncio.gather(*waiting))
        return [*told, await writers.run_in("a", done.is_set)]

    assert asyncio.run(crowd()) == [False, False, True]


def test_while_changes_wait_for_a_merge_all_else_goes_on(tmp_path: Path) -> None:
    with running(Settings(data=tmp_path, threads=1, log_level="error", worker="none")) as service:
        kb = service.kb("Ann|knows|Bob")
        limits = httpx.Limits(max_connections=2 * MOST_THREADS)
        with (
            closing(sqlite3.connect(tmp_path / "hopfact.sqlite", isolation_level=None)) as merge,
            httpx.Client(base_url=service.url, timeout=60, limits=limits) as http,
            ThreadPoolExecutor(MOST_THREADS + 4) as pool,
        ):
            merge.execute("BEGIN IMMEDIATE")
            body = {"triples": triples("Ann|likes|Cid")}
            waiting = [
                pool.submit(http.post, f"/v1/kbs/{kb}/{path}", json=content)
                for path, content in (("triples", body), ("feedback", {"question": "whom?", "answers": ["Bob"]}))
                for _ in range(MOST_THREADS // 2 + 2)
            ]
            time.sleep(1)
            began = time.monotonic()
            asked = service.http.post(f"/v1/kbs/{kb}/ask", json={"question": "whom does Ann know?"})
            seen = [service.http.get(path).status_code for path in ("/readyz", "/v1/kbs")]
            seconds = time.monotonic() - began
            done = [one for one in waiting if one.done()]
            merge.execute("ROLLBACK")
            assert {one.result().status_code for one in waiting} == {200, 201}
    assert (asked.status_code, seen, done) == (200, [200, 200], [])
    assert seconds < 5
