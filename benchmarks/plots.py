"""The results page and its pictures, made of the JSON of benchmarks.all.

    python -m benchmarks.plots F.json [--docs docs]

Writes docs/benchmarks.md, docs/benchmarks/*.png and the JSON itself as docs/benchmarks/results.json.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.page import PICTURES, Report, page, ways

mpl.use("Agg")
from matplotlib import pyplot

_OURS, _OTHERS = "#1b6ca8", "#9aa5b1"
_SIZE = (8.0, 4.0)
_DOTS_AN_INCH = 90


def main() -> None:
    """Draws, writes."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("report", type=Path)
    arguments.add_argument("--docs", type=Path, default=Path("docs"))
    given = arguments.parse_args()
    report = json.loads(given.report.read_text(encoding="utf-8"))
    folder = given.docs / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    draw = {"answering": _answering, "ingestion": _ingestion, "retrieval": _retrieval, "startup": _startup}
    for name, title in PICTURES.items():
        figure = draw[name](report["parts"][name], title)
        figure.savefig(folder / f"{name}.png", dpi=_DOTS_AN_INCH, metadata={"Software": None})
        pyplot.close(figure)
    (folder / "results.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (given.docs / "benchmarks.md").write_text(page(report), encoding="utf-8")


def _bars(names: list[str], figures: list[dict[str, Any]], ours: list[bool], title: str) -> Any:  # noqa: ANN401
    """One bar for each, on a logarithmic scale, with its spread."""
    figure, axes = pyplot.subplots(figsize=(_SIZE[0], 0.6 + 0.36 * len(names)), layout="constrained")
    medians = [one["median"] for one in figures]
    spreads = [[one["median"] - one["min"] for one in figures], [one["max"] - one["median"] for one in figures]]
    axes.barh(names, medians, xerr=spreads, color=[_OURS if own else _OTHERS for own in ours], ecolor="#444444")
    for place, median in enumerate(medians):
        axes.annotate(f" {median:,.4g}", (figures[place]["max"], place), va="center", fontsize=8)
    axes.set(xscale="log", title=title)
    axes.margins(x=0.12)
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)
    return figure


def _answering(report: Report, title: str) -> Any:  # noqa: ANN401 - a figure of matplotlib
    found = list(ways(report))
    names = [name.replace("`", "") for name, _ in found]
    ours = ["ours" in name or "our " in name or name == "ask" for name in names]
    return _bars(names, [one["p50_ms"] for _, one in found], ours, f"{title}: median")


def _ingestion(report: Report, title: str) -> Any:  # noqa: ANN401
    found = {name: one for name, one in report["figures"].items() if "seconds" in one}
    names = [name.replace("_", " ") for name in found]
    return _bars(
        names, [one["triples_per_second"] for one in found.values()], ["service" in one for one in names], title
    )


def _retrieval(report: Report, title: str) -> Any:  # noqa: ANN401
    figure, axes = pyplot.subplots(figsize=_SIZE, layout="constrained")
    for facts, found in report["figures"].items():
        kinds: dict[str, list[dict[str, Any]]] = {}
        for one in found:
            kinds.setdefault(one["index"].split(" ")[0], []).append(one)
        for kind, points in kinds.items():
            times, recalls = ([point[name] for point in points] for name in ("ms", "recall_at_100"))
            label = f"{kind}, {int(facts):,} facts, {points[0]['bytes_a_fact']:.0f} B each"
            axes.plot(
                [time["median"] for time in times], recalls, marker="*" if kind == "service" else ".", label=label
            )
    axes.set(xscale="log", xlabel="ms of one search", ylabel="recall@100", title=title)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    return figure


def _startup(report: Report, title: str) -> Any:  # noqa: ANN401
    shown = {
        "ready_seconds": "start-up, s",
        "rss_mib_after_questions": "resident, MiB",
        "ask_p50_ms": "ask p50, ms",
        "write_p50_ms": "ten triples written, ms",
    }
    figure, rows = pyplot.subplots(1, len(shown), figsize=(_SIZE[0], 2.6), layout="constrained")
    figures = report["figures"]
    sizes = [name for name in figures if name.isdigit()]
    for axes, (key, what) in zip(rows, shown.items(), strict=True):
        medians = [figures[size][key]["median"] for size in sizes]
        axes.plot([int(size) for size in sizes], medians, marker="o", color=_OURS)
        axes.set(xscale="log", ylim=(0, 1.2 * max(medians)), xlabel="triples")
        axes.set_title(what, fontsize=9)
        axes.tick_params(labelsize=7)
    figure.suptitle(title, fontsize=10)
    return figure


if __name__ == "__main__":
    main()
