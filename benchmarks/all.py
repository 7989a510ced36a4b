"""All benchmarks one after the other, each in a process of its own; prints one JSON, writes it with --out.

    python -m benchmarks.all [--short] [--triples 1000000] [--repeat 5] --out F.json

`benchmarks.answering` brings the raw hop and the peers; ingestion, retrieval and serving go up to --triples facts.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import report

_SMALL = 100_000


def main() -> None:
    """Runs each, reports."""
    arguments = report.arguments(__doc__)
    arguments.add_argument("--triples", type=int, default=1_000_000, help="the largest size")
    given = report.read(arguments)
    parts: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in _parts(given).items():
            out = Path(folder) / f"{name}.json"
            command = [sys.executable, "-m", f"benchmarks.{name}", *_shared(given), *options, "--out", str(out)]
            print("$", " ".join(command[1:]), file=sys.stderr, flush=True)
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            parts[name] = json.loads(out.read_text(encoding="utf-8"))
    report.put(
        {"benchmark": "all", **report.circumstances(given.seed), "short": given.short, "parts": parts}, given.out
    )


def _parts(given: argparse.Namespace) -> dict[str, list[str]]:
    sizes = [str(size) for size in sorted({min(_SMALL, given.triples), given.triples})]
    own: dict[str, list[str]] = {
        "answering": [],
        "ingestion": ["--triples", str(given.triples)],
        "retrieval": ["--facts", *sizes],
        "startup": ["--triples", *sizes],
        "training": [],
    }
    return {name: [] if given.short else options for name, options in own.items()}


def _shared(given: argparse.Namespace) -> list[str]:
    options = ["--seed", str(given.seed), "--datasets", str(given.datasets)]
    return options + (["--short"] if given.short else ["--repeat", str(given.repeat)])


if __name__ == "__main__":
    main()
