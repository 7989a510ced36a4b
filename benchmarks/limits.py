"""What the figures of benchmarks.all should be, and whether they are."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

Figures = Mapping[str, Any]


class Judged(NamedTuple):
    """A limit beside what was measured."""

    what: str
    limit: str
    measured: str
    is_met: bool | None
    """None: at another size than the limit's."""


class _Limit(NamedTuple):
    what: str
    limit: str
    measure: Callable[[Figures], float]
    is_met: Callable[[float], bool]
    size: int | None = None
    """The triples that it speaks of."""


def judged(parts: Mapping[str, Any]) -> Iterator[Judged]:
    """Every limit, with what was measured at its size, or at the largest that was."""
    figures = {name: part["figures"] for name, part in parts.items()}
    for one in _LIMITS:
        try:
            value = one.measure(figures)
        except KeyError:
            yield Judged(one.what, one.limit, "not measured", None)
            continue
        is_at_size = one.size is None or one.size <= _largest(parts, one)
        shown = f"{value:.3g}" if value < 1_000 else f"{value:,.0f}"
        suffix = "" if is_at_size else f" (at {_largest(parts, one):,})"
        yield Judged(one.what, one.limit, shown + suffix, one.is_met(value) if is_at_size else None)


def _largest(parts: Mapping[str, Any], one: _Limit) -> int:
    if one.what.startswith("recall"):
        return int(max(parts["retrieval"]["size"]["facts"]))
    if one.what.startswith("bulk"):
        return int(parts["ingestion"]["size"]["triples"])
    return int(max(parts["startup"]["size"]["triples"]))


def _median(figures: Figures, *names: str) -> float:
    found: Any = figures
    for name in names:
        found = found[name]
    return float(found["median"])


def _served(figures: Figures, last: bool = True) -> Any:  # noqa: ANN401 - of one size
    sizes = sorted((size for size in figures["startup"] if size.isdigit()), key=int)
    return figures["startup"][sizes[-1 if last else 0]]


def _growth(figures: Figures) -> float:
    return _median(_served(figures), "ask_p50_ms") / _median(_served(figures, last=False), "ask_p50_ms")


def _of_index(figures: Figures, what: str) -> float:
    """Of what the service builds, at the largest size."""
    size = max(figures["retrieval"], key=int)
    found = next(one for one in figures["retrieval"][size] if one["index"] == "service")
    return float(found[what]["median"] if isinstance(found[what], dict) else found[what])


def _against_txtai(figures: Figures) -> float:
    peers = figures["answering"]["peers"]
    return _median(peers, "txtai", "p50_ms") / _median(peers, "ours_facts_only", "p50_ms")


_LIMITS = (
    _Limit("`ask` p50, one client", "2 ms", lambda f: _median(f, "answering", "ask", "p50_ms"), lambda v: v <= 2),
    _Limit("`ask` p99, one client", "8 ms", lambda f: _median(f, "answering", "ask", "p99_ms"), lambda v: v <= 8),
    _Limit(
        "`ask` rate, 16 clients, against the bare endpoint",
        "0.5",
        lambda f: _median(f, "answering", "rate_against_floor"),
        lambda v: v >= 0.5,
    ),
    _Limit("`ask` p50, largest KB against smallest", "2 times at 10^7 against 10^5", _growth, lambda v: v <= 2, 10**7),
    _Limit(
        "hop over the gold path: time of pyoxigraph's SPARQL against ours",
        "over 1",
        lambda f: _median(f, "answering", "raw_hop", "times_of_sparql"),
        lambda v: v > 1,
    ),
    _Limit(
        "bulk load: time of pyoxigraph's `bulk_load` against ours",
        "1.5 at 10^6",
        lambda f: _median(f, "ingestion", "times_of_pyoxigraph_bulk_load"),
        lambda v: v >= 1.5,
        10**6,
    ),
    _Limit(
        "bulk load: time of a bare SQLite insert against ours",
        "over 1 at 10^6",
        lambda f: _median(f, "ingestion", "times_of_sqlite_living_indexes"),
        lambda v: v > 1,
        10**6,
    ),
    _Limit(
        "load, largest KB, seconds",
        "360 s at 10^7",
        lambda f: float(_served(f)["load_seconds"]),
        lambda v: v <= 360,
        10**7,
    ),
    _Limit(
        "load, largest KB, peak memory in MiB",
        "4,096 at 10^7",
        lambda f: float(_served(f)["load_memory_mib_peak"]),
        lambda v: v <= 4_096,
        10**7,
    ),
    _Limit(
        "served, largest KB, resident bytes a triple",
        "120 at 10^7",
        lambda f: float(_served(f)["memory_bytes_a_triple"]),
        lambda v: v <= 120,
        10**7,
    ),
    _Limit(
        "start-up to ready, largest KB, seconds",
        "5 s at 10^7",
        lambda f: _median(_served(f), "ready_seconds"),
        lambda v: v <= 5,
        10**7,
    ),
    _Limit(
        "recall@100 of the service's index",
        "0.97 at 10^6",
        lambda f: _of_index(f, "recall_at_100"),
        lambda v: v >= 0.97,
        10**6,
    ),
    _Limit("recall: ms of one search", "under 1 ms at 10^6", lambda f: _of_index(f, "ms"), lambda v: v < 1, 10**6),
    _Limit(
        "write of ten triples, largest KB, ms to answerable",
        "50 ms at 10^7",
        lambda f: _median(_served(f), "write_p50_ms"),
        lambda v: v <= 50,
        10**7,
    ),
    _Limit(
        "the reader's training, minutes",
        "10 for MetaQA",
        lambda f: _median(f, "training", "minutes"),
        lambda v: v <= 10,
    ),
    _Limit(
        "indexing: time of txtai, same encoder, against ours",
        "over 1",
        lambda f: _median(f, "ingestion", "times_of_small_txtai"),
        lambda v: v > 1,
    ),
    _Limit("facts for a question: time of txtai against ours", "over 1", _against_txtai, lambda v: v > 1),
)
