"""A service under steady load, and under three times what it can do; prints JSON, writes it with --out.

    python -m benchmarks.load [--minutes 30] [--share 0.8] [--times 3] [--wait 2] [--out FILE]

Facts are written, uploaded and deleted again all the while, and never many are held of these. First the peak: as many
questions a second as 16 clients that ask one after the other get answered, once they have done so for a while. Then
questions arrive by chance at a share of it, whoever still waits; each minute has its percentiles, memory and open
files, and memory its slope. Then for a minute three times the peak. Latency is counted from the moment at which a
question should have been sent, so a service that stalls cannot hide it. Beside it each minute says for how long a
thread that does nothing was not woken, how long the slowest write took and what the host took of the processors, so
that a stall of the machine is told from one of the service. The clients run on the same machine. It ends with 1 when a
request failed, when the memory kept growing, or when of three times the peak nothing was refused.
"""

import argparse
import asyncio
import http.client
import json
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np

from benchmarks import report, service, synthetic

_KB = "load"
_CLIENTS = 16
_NO_REPLY = 0
"""As a status: the connection was ended."""
_SHAPE = synthetic.Shape(100_000, 30_000, 50)
_WARM_SECONDS, _PEAK_SECONDS, _OVERLOAD_SECONDS = 20, 40, 60
_PULSE_SECONDS = 0.01
_MOST_HELD = 50
"""Writes whose facts are not deleted yet."""
_MOST_GROWTH = 1.0
"""MiB a minute that memory may grow over the second half."""


@dataclass
class Outcomes:
    """What came of questions: how long those took that were answered, and the statuses of all."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def figures(self) -> dict[str, Any]:
        """Statuses, and milliseconds of those that were answered."""
        p50, p99 = (round(1_000 * float(np.percentile(self.seconds or [np.nan], share)), 1) for share in (50, 99))
        return {"statuses": dict(self.statuses), "p50_ms": p50, "p99_ms": p99}


@dataclass
class Beside:
    """What was seen beside the questions since it was last told."""

    writes: Counter[int] = field(default_factory=Counter)
    """Statuses, of the whole run."""
    slowest_write: float = 0.0
    latest_pulse: float = 0.0
    stolen: float = field(default_factory=lambda: _stolen_seconds())

    def figures(self) -> dict[str, float]:
        """Milliseconds of the slowest write and of the latest pulse, and seconds that the host took; begins anew."""
        write, pulse, stolen = 1_000 * self.slowest_write, 1_000 * self.latest_pulse, _stolen_seconds()
        took = stolen - self.stolen
        self.slowest_write, self.latest_pulse, self.stolen = 0.0, 0.0, stolen
        return {"write_ms": round(write, 1), "machine_held_up_ms": round(pulse, 1), "stolen_seconds": round(took, 2)}


def main() -> None:
    """Loads, measures, reports, and says by its status whether all went well."""
    given = _arguments()
    with tempfile.TemporaryDirectory() as name:
        tsv = Path(name) / "kb.tsv"
        synthetic.write_tsv(tsv, _SHAPE, given.seed)
        questions = _questions(tsv, given.seed)
        with service.running(Path(name) / "data", HOPFACT_MAX_WAIT_SECONDS=str(given.wait)) as server:
            service.load(server.client(), _KB, tsv, "text/tab-separated-values")
            figures = _measure(server, questions, given)
    troubles = _troubles(figures)
    size = {"facts": _SHAPE.num_triples, "minutes": given.minutes, "max_wait_seconds": given.wait}
    circumstances = {"benchmark": "load", **report.circumstances(given.seed), "size": size}
    report.put({**circumstances, "figures": figures, "troubles": troubles}, given.out)
    sys.exit(1 if troubles else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--share", type=float, default=0.8, help="of the peak")
    parser.add_argument("--times", type=float, default=3, help="the peak, at the end")
    parser.add_argument("--wait", type=float, default=2.0, help="HOPFACT_MAX_WAIT_SECONDS, by default what it is")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _questions(tsv: Path, seed: int) -> list[str]:
    with tsv.open(encoding="utf-8") as lines:
        rows = [line.split("\t") for line in lines]
    return [f"who is the {relation} of {subject}?" for subject, relation, _ in random.Random(seed).sample(rows, 60_000)]


def _measure(server: service.Service, questions: Sequence[str], given: argparse.Namespace) -> dict[str, Any]:
    minutes: list[dict[str, Any]] = []
    whole, rest = divmod(given.minutes * 60, 60)
    with _watching(server.port, given.seed) as beside:
        _in_a_process(_ask_in_turn, server.port, questions[::2], _WARM_SECONDS)
        closed = _in_a_process(_ask_in_turn, server.port, questions[1::2], _PEAK_SECONDS)
        peak = closed.statuses[200] / _PEAK_SECONDS
        beside.figures()  # of the peak, which has none
        for seconds in [60.0] * int(whole) + ([rest] if rest else []):
            outcomes = _in_a_process(_ask_at_rate, server.port, questions, seconds, given.share * peak, len(minutes))
            now = {"memory_mib": round(server.memory_mib(), 1), "open_files": server.open_files()}
            minutes.append({**outcomes.figures(), **beside.figures(), **now})
        over = given.times * peak
        overload = _in_a_process(_ask_at_rate, server.port, questions, _OVERLOAD_SECONDS, over, given.seed)
    held = [one["memory_mib"] for one in minutes][len(minutes) // 2 :]
    slope = float(np.polyfit(range(len(held)), held, 1)[0]) if len(held) > 2 else None
    return {
        "peak_questions_per_second": round(peak, 1),
        "at_peak": closed.figures(),
        "steady": minutes,
        "writes": dict(beside.writes),
        "memory_slope_mib_per_minute": None if slope is None else round(slope, 3),
        "overload": overload.figures(),
    }


def _troubles(figures: dict[str, Any]) -> list[str]:
    """What is not as it should be."""
    found = []
    for minute, one in enumerate(figures["steady"]):
        if set(one["statuses"]) != {200}:
            found.append(f"minute {minute}: {one['statuses']}")
    if set(figures["writes"]) - {200, 202}:
        found.append(f"writes: {figures['writes']}")
    if (figures["memory_slope_mib_per_minute"] or 0) > _MOST_GROWTH:
        found.append("memory grows")
    if set(figures["overload"]["statuses"]) != {200, 503}:  # none without a reply, and some refused
        found.append(f"overload: {figures['overload']['statuses']}")
    return found


def _in_a_process(work: Any, *arguments: Any) -> Outcomes:  # noqa: ANN401
    """Work in a process of its own, so that the clients' interpreter is not ours."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        outcomes: Outcomes = pool.apply(work, arguments)
        return outcomes


def _ask_in_turn(port: int, questions: Sequence[str], seconds: float) -> Outcomes:
    """Clients that ask as soon as they have a reply."""
    return asyncio.run(_in_turn(port, questions, seconds))


async def _in_turn(port: int, questions: Sequence[str], seconds: float) -> Outcomes:
    asker, end = _Asker(port), time.perf_counter() + seconds

    async def client(number: int) -> None:
        for question in questions[number::_CLIENTS]:
            if time.perf_counter() > end:
                return
            await asker.ask(question, time.perf_counter())

    await asyncio.gather(*(client(number) for number in range(_CLIENTS)))
    return asker.outcomes


def _ask_at_rate(port: int, questions: Sequence[str], seconds: float, rate: float, seed: int) -> Outcomes:
    """Questions that arrive by chance, at a mean rate, whoever still waits."""
    chance = np.random.default_rng(seed)
    moments = np.cumsum(chance.exponential(1 / rate, int(1.2 * rate * seconds) + 100))
    moments = moments[moments < seconds]
    return asyncio.run(_at(port, moments.tolist(), chance.choice(questions, len(moments)).tolist()))


async def _at(port: int, moments: Sequence[float], questions: Sequence[str]) -> Outcomes:
    asker, start = _Asker(port), time.perf_counter()
    async with asyncio.TaskGroup() as asks:
        for moment, question in zip(moments, questions, strict=True):
            await asyncio.sleep(max(0.0, start + moment - time.perf_counter()))
            asks.create_task(asker.ask(question, start + moment))
    return asker.outcomes


class _Asker:
    """Asks over as many connections as wait at once, each used again: a tenth of http.client's time."""

    def __init__(self, port: int) -> None:
        self.outcomes = Outcomes()
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, question: str, since: float) -> None:
        """One question, counted from a moment."""
        body = json.dumps({"question": question}).encode()
        head = f"POST /v1/kbs/{_KB}/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        sent = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        while True:
            reused = bool(self._idle)
            reader, writer = self._idle.pop() if reused else await asyncio.open_connection("127.0.0.1", self._port)
            try:
                writer.write(sent)
                received = await reader.readuntil(b"\r\n\r\n")
                break
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                if not reused:  # one that was idle for long may have been closed
                    self.outcomes.statuses[_NO_REPLY] += 1
                    return
        [length] = re.findall(rb"content-length: (\d+)", received)
        await reader.readexactly(int(length))
        self._idle.append((reader, writer))
        status = int(received.split(b" ", 2)[1])
        self.outcomes.statuses[status] += 1
        if status == 200:
            self.outcomes.seconds.append(time.perf_counter() - since)


@contextmanager
def _watching(port: int, seed: int) -> Iterator[Beside]:
    """Write all the while, and watch the machine."""
    beside, ended = Beside(), Event()
    threads = [Thread(target=_write, args=(port, ended, seed, beside)), Thread(target=_pulse, args=(ended, beside))]
    for thread in threads:
        thread.start()
    try:
        yield beside
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _write(port: int, ended: Event, seed: int, beside: Beside) -> None:
    """Each second a small write or the deletion of what one wrote, each half minute an upload."""
    chance = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    held: list[list[tuple[str, str, str]]] = []
    number = 0
    while not ended.wait(1):
        number += 1
        uploads = number % 30 == 0
        deletes = not uploads and bool(held) and (len(held) > _MOST_HELD or chance.random() < 0.5)
        if deletes:
            facts = held.pop(chance.randrange(len(held)))
        else:
            visits = [(chance.randrange(500), chance.randrange(500)) for _ in range(5)]
            facts = [(f"visitor {visitor}", "visited", f"place {place}") for visitor, place in visits]
            held.append(facts)
        if uploads:
            body, kind = "\n".join(["\t".join(fact) for fact in facts] * 200), "text/tab-separated-values"
        else:
            triples = [dict(zip(("subject", "relation", "object"), fact, strict=True)) for fact in facts]
            body, kind = json.dumps({"triples": triples}), "application/json"
        began = time.perf_counter()
        connection.request("DELETE" if deletes else "POST", f"/v1/kbs/{_KB}/triples", body, {"Content-Type": kind})
        reply = connection.getresponse()
        reply.read()
        beside.slowest_write = max(beside.slowest_write, time.perf_counter() - began)
        beside.writes[reply.status] += 1


def _pulse(ended: Event, beside: Beside) -> None:
    """Sleep, and see how late it is afterwards."""
    while not ended.is_set():
        began = time.perf_counter()
        time.sleep(_PULSE_SECONDS)
        beside.latest_pulse = max(beside.latest_pulse, time.perf_counter() - began - _PULSE_SECONDS)


def _stolen_seconds() -> float:
    """What the host has taken of all processors so far (man 5 proc, steal)."""
    steal = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[8]
    return int(steal) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
