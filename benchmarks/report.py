"""What every benchmark says beside its figures: commit, machine and versions."""

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PACKAGES = ("faiss-cpu", "fastapi", "numpy", "pyoxigraph", "sqlalchemy", "torch", "uvicorn")
_ROOT = Path(__file__).parent.parent


def circumstances(seed: int) -> dict[str, Any]:
    """Commit (marked when files have changed since), machine, versions and seed."""
    return {
        "commit": _git("rev-parse", "--short=12", "HEAD") + ("+changes" if _git("status", "--porcelain") else ""),
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "memory_gib": _memory_gib()},
        "versions": {"python": platform.python_version(), **{package: version(package) for package in _PACKAGES}},
        "seed": seed,
    }


def spread(values: Sequence[float], digits: int = 2) -> dict[str, Any]:
    """Median, smallest and largest of a few measurements, and all of them in order."""
    rounded = [round(value, digits) for value in values]
    return {
        "median": round(statistics.median(values), digits),
        "min": min(rounded),
        "max": max(rounded),
        "all": rounded,
    }


def write(report: dict[str, Any], out: Path | None) -> None:
    """Prints the report; writes it too where a file is named."""
    text = json.dumps(report, indent=1)
    print(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8")


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
