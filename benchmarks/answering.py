"""How fast questions are answered over HTTP by one server process; prints JSON, writes it with --out.

    python -m benchmarks.answering [--questions 2000] [--clients 16] [--repeat 3] [--out FILE]

One client asks one question after the other (p50, p99); then 16 clients in processes of their own ask at once (rate).
In the same run and by the same clients: an endpoint that only parses the question and returns the same envelope
(benchmarks.floor). Questions are MetaQA's of its dev sets, one to three hops alike, where the data is; else of one hop
over a generated KB.
"""

import argparse
import lzma
import multiprocessing
import os
import random
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any

from benchmarks import report, service, synthetic

_KB = "benchmark"
_CLIENT_PROCESSES = 2
_WARM_UP = 100


def main() -> None:
    """Loads, asks, reports."""
    given = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tsv = folder / "kb.tsv"
        source = "metaqa" if service.metaqa_as_tsv(given.datasets, tsv) else "synthetic"
        if source == "metaqa":
            questions = _metaqa_questions(given.datasets, given.questions, given.seed)
        else:
            questions = _synthetic_questions(tsv, given.questions, given.seed)
        with service.running(folder / "data", ("-m", "benchmarks.floor")) as server:
            client = server.client()
            service.load(client, _KB, tsv, "text/tab-separated-values")
            _ask_all(server.port, "ask", questions[:_WARM_UP], [])
            figures = _measure(server, questions, given.clients, given.repeat)
            figures["abstained"] = _share_abstained(server.client(), questions[:_WARM_UP])
            figures["memory_mib_peak"] = round(server.peak_memory_mib())
    size = {"kb": source, "questions": len(questions), "clients": given.clients}
    report.write(
        {"benchmark": "answering", **report.circumstances(given.seed), "size": size, "figures": figures}, given.out
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=2_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--datasets", type=Path, default=Path(os.environ.get("HOPFACT_DATASETS", "../shared/data")))
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _metaqa_questions(datasets: Path, count: int, seed: int) -> list[str]:
    questions: list[str] = []
    for hops in (1, 2, 3):
        with lzma.open(datasets / "metaqa" / f"{hops}-hop" / "qa_dev.txt.xz", "rt", encoding="utf-8") as lines:
            asked = [re.sub(r"[\[\]]", "", line.partition("\t")[0]) for line in lines]
        questions += random.Random(seed).sample(asked, count // 3)
    random.Random(seed).shuffle(questions)
    return questions


def _synthetic_questions(tsv: Path, count: int, seed: int) -> list[str]:
    """Makes the KB as well."""
    synthetic.write_tsv(tsv, synthetic.Shape(100_000, 30_000, 50), seed)
    with tsv.open(encoding="utf-8") as lines:
        rows = [line.split("\t") for line in lines]
    return [f"who is the {relation} of {subject}?" for subject, relation, _ in random.Random(seed).sample(rows, count)]


def _measure(server: service.Service, questions: Sequence[str], clients: int, repeat: int) -> dict[str, Any]:
    """The two endpoints in turn, so that what disturbs the machine disturbs both."""
    taken: dict[str, dict[str, list[float]]] = {}
    for _ in range(repeat):
        for endpoint in ("ask", "floor"):
            figures = taken.setdefault(endpoint, {"p50_ms": [], "p99_ms": [], "questions_per_second": []})
            seconds: list[float] = []
            _ask_all(server.port, endpoint, questions, seconds)
            seconds.sort()
            figures["p50_ms"].append(1_000 * seconds[len(seconds) // 2])
            figures["p99_ms"].append(1_000 * seconds[len(seconds) * 99 // 100])
            figures["questions_per_second"].append(_rate(server.port, endpoint, questions, clients))
    return {name: {key: report.spread(values) for key, values in figures.items()} for name, figures in taken.items()}


def _ask_all(port: int, endpoint: str, questions: Sequence[str], seconds: list[float]) -> None:
    client = service.Client(port)
    for question in questions:
        started = time.perf_counter()
        client.call("POST", f"/v1/kbs/{_KB}/{endpoint}", {"question": question})
        seconds.append(time.perf_counter() - started)


def _rate(port: int, endpoint: str, questions: Sequence[str], clients: int) -> float:
    """Questions a second, from the moment that every client is ready to the moment that the last is done."""
    context = multiprocessing.get_context("spawn")
    processes = min(_CLIENT_PROCESSES, clients)
    ready = context.Barrier(processes + 1, timeout=60)
    shares = [questions[number::processes] for number in range(processes)]
    running = [
        context.Process(target=_ask_at_once, args=(port, endpoint, share, clients // processes, ready))
        for share in shares
    ]
    for process in running:
        process.start()
    ready.wait()
    started = time.perf_counter()
    for process in running:
        process.join()
    seconds = time.perf_counter() - started
    if any(process.exitcode for process in running):
        raise service.ServiceFailed("a client ended with an error: its output tells why")
    return len(questions) / seconds


def _ask_at_once(port: int, endpoint: str, questions: Sequence[str], clients: int, ready: Any) -> None:  # noqa: ANN401
    """One process of clients; a thread each, since they only wait."""
    shares = [questions[number::clients] for number in range(clients)]
    taken: list[list[float]] = [[] for _ in shares]
    threads = [
        Thread(target=_ask_all, args=(port, endpoint, share, seconds))
        for share, seconds in zip(shares, taken, strict=True)
    ]
    ready.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if any(len(share) != len(seconds) for share, seconds in zip(shares, taken, strict=True)):
        raise service.ServiceFailed("a client did not ask all of its questions")


def _share_abstained(client: service.Client, questions: Sequence[str]) -> float:
    replies = [client.call("POST", f"/v1/kbs/{_KB}/ask", {"question": question}) for question in questions]
    return sum(1 for reply in replies if reply["abstained"]) / len(replies)


if __name__ == "__main__":
    main()
