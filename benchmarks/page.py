"""The results page, made of the JSON of benchmarks.all: tables and links to the pictures of benchmarks.plots."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.limits import judged

Report = Mapping[str, Any]
PICTURES = {
    "answering": "Milliseconds of a question",
    "ingestion": "Triples loaded in a second",
    "retrieval": "Recall against milliseconds",
    "startup": "What grows with the facts",
}
WAYS = {
    "raw_hop ours": "the raw hop, ours",
    "raw_hop sql": "the raw hop, SQL by hand",
    "raw_hop sparql": "the raw hop, pyoxigraph SPARQL",
    "floor": "bare endpoint, same envelope",
    "ask": "`ask`",
    "peers ours_facts_only": "facts only: our encoder and index",
    "peers txtai": "facts only: txtai, same encoder",
    "peers llama_index": "facts only: LlamaIndex property graph, same encoder",
}
BUSY = 2.0
"""Load average a core, at the end of a part, from which the machine did much else: what is measured takes less."""
_VERDICTS = {True: "yes", False: "no", None: "other size"}
_SERVED = {
    "ready_seconds": "start-up to ready, s",
    "rss_mib": "resident when ready, MiB",
    "pss_mib": "the same, shared pages in part (PSS), MiB",
    "rss_mib_after_questions": "resident after questions, MiB",
    "memory_bytes_a_triple": "the same above an empty service, bytes a triple",
    "disk_bytes_a_triple": "disk, bytes a triple: database / derived",
    "ask_p50_ms": "`ask` p50, ms",
    "write_p50_ms": "ten triples written, ms to answerable",
    "load_seconds": "load, s",
    "load_memory_mib_peak": "peak memory of loading, MiB",
}


def page(report: Report) -> str:
    """The page in Markdown."""
    parts = report["parts"]
    sections = [_head(report), _limits(parts), _answering(parts["answering"]), _ingestion(parts["ingestion"])]
    sections += [_retrieval(parts["retrieval"]), _served(parts["startup"]), _training(parts["training"])]
    return "\n\n".join(sections) + "\n"


def of(figures: Mapping[str, Any], digits: int = 2) -> str:
    """A median with its spread: "3.1 (2.9 to 3.4)"."""
    median, least, most = (_number(figures[name], digits) for name in ("median", "min", "max"))
    return median if least == most else f"{median} ({least} to {most})"


def _number(value: float, digits: int) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.{digits}f}".rstrip("0").rstrip(".")


def ways(answering: Report) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Everything that was asked in one run, with its figures, by the name that the page gives it."""
    figures = answering["figures"]
    for key, name in WAYS.items():
        found: Any = figures
        for part in key.split(" "):
            found = found.get(part, {})
        if found:
            yield name, found


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _picture(name: str) -> str:
    return f"![{PICTURES[name]}](benchmarks/{name}.png)"


def _head(report: Report) -> str:
    machine = report["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    form = "The short form: small sizes, few runs. " if report["short"] else ""
    most = max(part["load_average"][0] for part in report["parts"].values())
    busy = "**On a busy machine**: the README's figures are from longer runs on a quiet one. "
    form = (busy if most > BUSY * machine["cores"] else "") + form
    loads = ", ".join(f"{name} {part['load_average'][0]}" for name, part in report["parts"].items())
    return f"""# Benchmarks

Made by `python -m benchmarks.plots` from [results.json](benchmarks/results.json), which `python -m benchmarks.all`
wrote: commit {report["commit"]}, {machine["processor"]}, {machine["cores"]} cores, {machine["memory_gib"]} GiB,
seed {report["seed"]}.
{form}Medians, lowest and highest run in brackets. What stands in one table was measured in one run, by turns.
Load average at the end of each part, which says what else the machine did: {loads}.
{versions}."""


def _limits(parts: Mapping[str, Any]) -> str:
    rows = [[one.what, one.limit, one.measured, _VERDICTS[one.is_met]] for one in judged(parts)]
    return "## Limits\n\n" + _table(["what", "limit", "measured", "reached"], rows)


def _answering(report: Report) -> str:
    rows = []
    for name, one in ways(report):
        digits = 3 if one["p50_ms"]["median"] < 1 else 2
        p99 = of(one["p99_ms"]) if "p99_ms" in one else ""
        cpu = of(one["cpu_ms"]) if "cpu_ms" in one else ""
        rate = of(one["questions_per_second"], 0) if "questions_per_second" in one else ""
        rows.append([name, of(one["p50_ms"], digits), p99, cpu, rate, _share(one.get("found"))])
    figures, size = report["figures"], report["size"]
    rows = [[*row[:5], _share(figures["exact"])] if row[0] == "`ask`" else row for row in rows]
    stages = ", ".join(f"{name} {number}" for name, number in figures["stages_ms"].items())
    head = ["what", "p50, ms", "p99, ms", "processor, ms", f"a second, {size['clients']} clients", "right"]
    return f"""## Answering

{size["kb"]}, {size["questions"]} questions of one to three hops. `right`: of `ask`, the whole answer set is right;
of what finds facts only, an answer is named in them. The raw hop goes along the gold path of the question, in one
process without HTTP, and the three ways reach the same but for {figures["raw_hop"]["disagreements"]} questions.
Medians of the stages that the service tells, in ms: {stages}.

{_picture("answering")}

{_table(head, rows)}"""


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _ingestion(report: Report) -> str:
    rows = [
        [
            name.replace("_", " "),
            of(one["triples_per_second"], 0),
            of(one["seconds"]),
            of(one["cpu_seconds"]) if "cpu_seconds" in one else "",
            of(one["memory_mib_peak"], 0) if "memory_mib_peak" in one else "",
        ]
        for name, one in report["figures"].items()
        if "seconds" in one
    ]
    size = report["size"]
    return f"""## Loading

{size["triples"]:,} generated triples; those that begin with `small`, {size["slow_triples"]:,}.
The service: first byte sent over HTTP to committed and answerable. The bare insert and COPY: rows of integers, neither
parsed nor numbered.

{_picture("ingestion")}

{_table(["what", "triples a second", "seconds", "processor seconds", "peak memory, MiB"], rows)}"""


def _retrieval(report: Report) -> str:
    rows = [
        [
            f"{int(facts):,}",
            one["index"],
            f"{one['recall_at_100']:.3f}",
            of(one["ms"], 3),
            _number(one["bytes_a_fact"], 1),
            _number(one["build_seconds"], 1),
        ]
        for facts, found in report["figures"].items()
        for one in found
    ]
    head = ["facts", "index", "recall@100", "ms", "bytes a fact", "built in, s"]
    return f"""## Nearest facts

FAISS on our vectors of generated facts, {report["size"]["queries"]} questions one at a time on one thread; truth is
an exact search. `service` is what the service builds; the number behind the others is of lists read (`nprobe`) or the
breadth (`efSearch`).

{_picture("retrieval")}

{_table(head, rows)}"""


def _served(report: Report) -> str:
    figures = report["figures"]
    sizes = [name for name in figures if name.isdigit()]
    rows = [[what, *(_cell(figures[size].get(key)) for size in ("empty", *sizes))] for key, what in _SERVED.items()]
    head = ["what", "no KB", *(f"{int(size):,} triples" for size in sizes)]
    return f"## Serving\n\n{_picture('startup')}\n\n{_table(head, rows)}"


def _cell(value: Any) -> str:  # noqa: ANN401 - a figure
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return of(value) if "median" in value else f"{value['database']:,.0f} / {value['derived']:,.0f}"
    return _number(value, 1)


def _training(report: Report) -> str:
    figures, size = report["figures"], report["size"]
    rows = [
        ["drawing a batch, s", of(figures["draw_seconds"], 3)],
        ["a step, s", of(figures["step_seconds"], 3)],
        [f"its {figures['gigaflop_a_step']} GFLOP as one matrix product, s", of(figures["limit_seconds"], 3)],
        ["the step in times of that", of(figures["times_of_limit"])],
        [f"{size['steps']:,} steps at this pace, minutes", of(figures["minutes"], 1)],
    ]
    return f"""## Training

`{size["recipe"]}` on episodes of {size["task"]}, batches of {size["batch"]}, one thread; another draws batches ahead.

{_table(["what", "measured"], rows)}"""
