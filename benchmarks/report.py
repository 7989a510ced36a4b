"""What the benchmarks share: their options, and what each says beside its figures: commit, machine and versions."""

import argparse
import json
import os
import platform
import sqlite3
import statistics
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "faiss-cpu",
    "fastapi",
    "llama-index-core",
    "numpy",
    "pyoxigraph",
    "rdflib",
    "sqlalchemy",
    "torch",
    "txtai",
    "uvicorn",
)
_ROOT = Path(__file__).parent.parent


def circumstances(seed: int) -> dict[str, Any]:
    """Commit (marked when files have changed since), machine, versions and seed."""
    return {
        "commit": _git("rev-parse", "--short=12", "HEAD") + ("+changes" if _git("status", "--porcelain") else ""),
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "memory_gib": _memory_gib()},
        "versions": {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, **_versions()},
        "seed": seed,
    }


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="runs, of which the median counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--datasets", type=Path, default=Path(os.environ.get("HOPFACT_DATASETS", "../shared/data")))
    parser.add_argument("--short", action="store_true", help="a small form that takes seconds")
    parser.add_argument("--out", type=Path, help="a file for the JSON")
    return parser


def read(parser: argparse.ArgumentParser, **short: Any) -> argparse.Namespace:  # noqa: ANN401 - of any option
    """The options given; with --short, these for those that were not given."""
    given = parser.parse_args()
    if given.short:
        for name, value in {"repeat": 2, **short}.items():
            if getattr(given, name) == parser.get_default(name):
                setattr(given, name, value)
    return given


def spread(values: Sequence[float], digits: int = 2) -> dict[str, Any]:
    """Median, smallest and largest of a few measurements, and all of them in order."""
    rounded = [round(value, digits) for value in values]
    return {
        "median": round(statistics.median(values), digits),
        "min": min(rounded),
        "max": max(rounded),
        "all": rounded,
    }


def write(name: str, given: argparse.Namespace, size: dict[str, Any], figures: dict[str, Any]) -> None:
    """Prints a report; writes it too where a file is named."""
    load = [round(one, 2) for one in os.getloadavg()]
    said = {"benchmark": name, **circumstances(given.seed), "load_average": load, "size": size, "figures": figures}
    put(said, given.out)


def put(report: dict[str, Any], out: Path | None) -> None:
    """Prints JSON; writes it too where a file is named."""
    text = json.dumps(report, indent=1)
    print(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8")


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _memory_gib() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
