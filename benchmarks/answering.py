"""How fast questions are answered over HTTP by one server process; prints JSON, writes it with --out.

    python -m benchmarks.answering [--questions 900] [--clients 16] [--repeat 5] [--peers] [--out FILE]

One client asks one question after the other (p50, p99); then 16 clients in processes of their own ask at once (rate).
In the same run and by the same clients: an endpoint that only parses the question and returns the same envelope
(benchmarks.floor); and in this process the raw hop along the gold paths of the same questions (benchmarks.hops) and,
unless --no-peers, what finds facts without a language model (benchmarks.peers). Questions are MetaQA's of its dev sets,
one to three hops alike, where the data is; else those of a generated KB. `stages_ms` says where the time goes as the
service itself tells it; `remembered` is of questions that it was asked before, whose answers it keeps; `cpu_ms` is
what a question costs in processor time of the whole process.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import hops, report, service
from benchmarks.clients import ask_all, rate
from benchmarks.questions import Asked
from benchmarks.sources import source_of

_KB = hops.KB
_PATH = f"/v1/kbs/{_KB}/"
_PROCESSES = 2
"""That the clients are in."""
_WARM_UP = 100
_REMEMBERED = 100
_STAGES = ("link", "read", "prove", "total")


def main() -> None:
    """Loads, asks, reports."""
    arguments = report.arguments(__doc__)
    arguments.add_argument("--questions", type=int, default=900)
    arguments.add_argument("--clients", type=int, default=16)
    arguments.add_argument("--no-peers", action="store_true", help="leave the other programs out")
    given = report.read(arguments, questions=150)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = source_of(given.datasets, folder, given.questions, given.seed)
        questions = [one.text for one in source.questions]
        with service.running(folder / "data", ("-m", "benchmarks.floor")) as server:
            service.load(server.client(), _KB, source.tsv, "text/tab-separated-values")
            ask_all(server.port, _PATH + "ask", questions[:_WARM_UP])
            figures = _measure(server, questions, given.clients, given.repeat)
            figures |= _said(server.client(), source.questions)
            figures["memory_mib_peak"] = round(server.peak_memory_mib())
        with service.running(folder / "data", HOPFACT_REMEMBERED_ANSWERS=str(_REMEMBERED)) as server:
            figures["remembered"] = _remembered(server, questions[:_REMEMBERED], given.repeat)
        figures["raw_hop"] = hops.over(folder, source, given.repeat)
        if not given.no_peers:
            figures["peers"] = _peers(folder / "peers.json", given)
    size = {"kb": source.name, "questions": len(questions), "clients": given.clients}
    report.write("answering", given, size, figures)


def _peers(out: Path, given: Any) -> dict[str, Any]:  # noqa: ANN401 - options
    """Measured in a process of its own, so that what they import weighs on nothing here."""
    command = [sys.executable, "-m", "benchmarks.peers", "--questions", str(given.questions), "--out", str(out)]
    command += ["--seed", str(given.seed), "--repeat", str(given.repeat), "--datasets", str(given.datasets)]
    subprocess.run(command + ["--short"] * given.short, stdout=subprocess.DEVNULL, check=True)
    figures: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))["figures"]
    return figures


def _measure(server: service.Service, questions: Sequence[str], clients: int, repeat: int) -> dict[str, Any]:
    """The two endpoints in turn, so that what disturbs the machine disturbs both."""
    taken: dict[str, dict[str, list[float]]] = {}
    for _ in range(repeat):
        for endpoint in ("ask", "floor"):
            figures = taken.setdefault(endpoint, {"p50_ms": [], "p99_ms": [], "cpu_ms": [], "questions_per_second": []})
            before = server.cpu_seconds()
            seconds = ask_all(server.port, _PATH + endpoint, questions)
            figures["cpu_ms"].append(1_000 * (server.cpu_seconds() - before) / len(questions))
            figures["p50_ms"].append(1_000 * float(np.percentile(seconds, 50)))
            figures["p99_ms"].append(1_000 * float(np.percentile(seconds, 99)))
            figures["questions_per_second"].append(rate(server.port, _PATH + endpoint, questions, clients, _PROCESSES))
    rates = (taken[endpoint]["questions_per_second"] for endpoint in ("ask", "floor"))
    share = [ask / floor for ask, floor in zip(*rates, strict=True)]
    return {
        **{name: {key: report.spread(values) for key, values in figures.items()} for name, figures in taken.items()},
        "rate_against_floor": report.spread(share, 3),
    }


def _remembered(server: service.Service, questions: Sequence[str], repeat: int) -> dict[str, Any]:
    """Questions that were asked before of a knowledge base that has not changed since."""
    ask_all(server.port, _PATH + "ask", questions)
    runs = [ask_all(server.port, _PATH + "ask", questions) for _ in range(repeat)]
    return {
        f"p{rank}_ms": report.spread([1_000 * float(np.percentile(run, rank)) for run in runs]) for rank in (50, 99)
    }


def _said(client: service.Client, asked: Sequence[Asked]) -> dict[str, Any]:
    """How often the answers are the whole set, how often there are none, and the median time of each stage."""
    exact = abstained = 0
    stages = []
    for one in asked:
        reply = client.call("POST", _PATH + "ask", {"question": one.text})
        exact += {answer["label"] for answer in reply["answers"]} == one.answers
        abstained += reply["abstained"]
        stages.append([reply["timings_ms"][stage] for stage in _STAGES])
    medians = np.median(stages, axis=0).round(3).tolist()
    return {
        "exact": round(exact / len(asked), 3),
        "abstained": round(abstained / len(asked), 3),
        "stages_ms": dict(zip(_STAGES, medians, strict=True)),
    }


if __name__ == "__main__":
    main()
