"""The hop over gold paths, without a question: ours, hand-written SQL, SPARQL; prints JSON, writes it with --out.

    python -m benchmarks.hops [--questions 900] [--repeat 5] [--out FILE]

MetaQA's dev paths of one to three hops alike where the data is, else those of a generated KB. In each run the three
ways take turns question by question, so that what disturbs the machine disturbs all. All start from the topic's label
and end with the answers' labels (SPARQL's with IRIs), all lie on disk, and reach the same answers: it is checked.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report, service
from benchmarks.gold_paths import GoldPath, Ours, Sparql, Sql, disagreements, engine_of, our_view, tsv_rows
from benchmarks.questions import MAX_HOPS, Asked
from benchmarks.sources import Source, source_of

KB = "benchmark"


def main() -> None:
    """Loads, follows, reports."""
    arguments = report.arguments(__doc__)
    arguments.add_argument("--questions", type=int, default=900)
    given = report.read(arguments, questions=150)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = source_of(given.datasets, folder, given.questions, given.seed)
        with service.running(folder / "data") as server:
            service.load(server.client(), KB, source.tsv, "text/tab-separated-values")
        figures = over(folder, source, given.repeat)
    report.write("hops", given, {"kb": source.name, "questions": len(source.questions)}, figures)


def over(folder: Path, source: Source, repeat: int) -> dict[str, Any]:
    """Figures over a KB that lies in `data` of a folder."""
    with engine_of(folder / "data") as engine:
        sql = Sql(folder / "bare.sqlite", tsv_rows(source.tsv))
        ways: dict[str, GoldPath] = {
            "ours": Ours(our_view(engine, folder / "data", KB)),
            "sql": sql,
            "sparql": Sparql(folder / "oxigraph", tsv_rows(source.tsv)),
        }
        figures = {"disagreements": len(disagreements(ways, source.questions)), **measured(ways, source, repeat)}
        sql.close()
    return figures


def measured(ways: dict[str, GoldPath], source: Source, repeat: int) -> dict[str, Any]:
    """Milliseconds of each way, at the median and for each number of hops, and the others' time in times of ours.

    `times_of` is the geometric mean over questions, `total_times_of` of all questions together, which is that of a few
    that reach much.
    """
    runs = [_run(ways, source.questions) for _ in range(repeat)]
    hops = np.array([len(one.path) for one in source.questions])
    figures: dict[str, Any] = {}
    for number, way in enumerate(ways):
        seconds = [run[number] for run in runs]
        figures[way] = {
            "p50_ms": report.spread([1_000 * float(np.median(one)) for one in seconds], 4),
            "mean_ms": report.spread([1_000 * float(one.mean()) for one in seconds], 4),
            **{
                f"p50_ms_{count}_hops": report.spread(
                    [1_000 * float(np.median(one[hops == count])) for one in seconds], 4
                )
                for count in range(1, MAX_HOPS + 1)
            },
        }
    for number, way in enumerate(ways):
        if number:
            typical = [float(np.exp(np.log(run[number] / run[0]).mean())) for run in runs]
            figures[f"times_of_{way}"] = report.spread(typical)
            figures[f"total_times_of_{way}"] = report.spread([float(run[number].sum() / run[0].sum()) for run in runs])
    return figures


def _run(ways: dict[str, GoldPath], asked: Sequence[Asked]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Seconds of each way for each question."""
    taken = np.empty((len(ways), len(asked)))
    for place, one in enumerate(asked):
        for number, way in enumerate(ways.values()):
            started = time.perf_counter()
            way.answers(one.topic, one.path)
            taken[number, place] = time.perf_counter() - started
    return taken


if __name__ == "__main__":
    main()
