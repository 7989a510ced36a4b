"""Fuzzes the parsers of uploads: libFuzzer (by atheris) looks for bytes that reach new lines of `kb.formats`.

    python -m tests.soak.fuzz_parsers [FORMAT ...] [--seconds 3600] [--runs 10000000] [--seed 1] [--keep FOLDER]

What must hold of each input is in `tests.soak.parsers`. Each format gets an equal share in a process of its own, and
begins with what our writers write. An input that breaks a promise, takes over MOST_SECONDS of the processor (whatever
else runs) or HANG_SECONDS of the clock, or makes the process larger than MEMORY_MEBIBYTES ends its format: it is shown,
and kept where `--keep` says.

Coverage is seen in Python only. What pyoxigraph does for N-Triples and Turtle, orjson for JSON, zlib and zstandard for
packed bytes is hidden: there inputs change without guidance, by the words of the format.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

MOST_SECONDS = 10
HANG_SECONDS = 120
MEMORY_MEBIBYTES = 700
INPUT_BYTES = 4_096
_FUZZ = "from tests.soak.fuzz_parsers import fuzz; fuzz()"
_FIGURES = {"inputs": "number_of_executed_units", "inputs/s": "average_exec_per_sec", "MiB at most": "peak_rss_mb"}


def main() -> None:
    """Fuzz one format after the other; exit with 1 if anything was found."""
    from tests.soak.parsers import FORMATS

    parser = argparse.ArgumentParser(description="Fuzzes the parsers of uploads.")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"of {', '.join(FORMATS)}; default: all")
    parser.add_argument("--seconds", type=int, default=3_600, help="for all formats together")
    parser.add_argument("--runs", type=int, default=10_000_000, help="most inputs of all formats together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for what was found, and for inputs to begin with next time")
    given = parser.parse_args()
    names = given.formats or [*FORMATS]
    if unknown := {*names} - {*FORMATS}:
        parser.error(f"there is no format {', '.join(sorted(unknown))}")
    print(f"seed {given.seed}", flush=True)
    seconds, runs = (max(1, share // len(names)) for share in (given.seconds, given.runs))
    with TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        good = [fuzzed(name, folder / name, seconds, runs, given.seed) for name in names]
    sys.exit(0 if all(good) else 1)


def fuzzed(name: str, folder: Path, seconds: int, runs: int, seed: int) -> bool:
    """Fuzz a format in a process of its own, and tell its figures; whether nothing was found."""
    from tests.soak.parsers import FORMATS, seeds

    corpus, words = folder / "corpus", folder / "words"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(data)
    words.write_text("".join(f'"{_escaped(word.encode())}"\n' for word in FORMATS[name].words))
    flags = [
        f"-seed={seed}", f"-max_total_time={seconds}", f"-runs={runs}", f"-timeout={HANG_SECONDS}",
        f"-rss_limit_mb={MEMORY_MEBIBYTES}", f"-max_len={INPUT_BYTES}", f"-dict={words}",
        f"-artifact_prefix={folder}/", "-print_final_stats=1", "-verbosity=0",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _FUZZ, name, *flags, str(corpus)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    told = done.stdout + done.stderr
    figures = {label: re.search(rf"stat::{figure}: *(\d+)", told) for label, figure in _FIGURES.items()}
    said = ", ".join(f"{found[1]} {label}" for label, found in figures.items() if found)
    print(f"{name}: {said}, {'nothing found' if done.returncode == 0 else 'found:'}", flush=True)
    if done.returncode != 0:
        print(told, flush=True)
    return done.returncode == 0


def fuzz() -> None:
    """Fuzz the format that the arguments name, with flags of libFuzzer behind it; never returns."""
    import atheris

    with atheris.instrument_imports(include=["kb"]):  # so nothing above may import it
        from tests.soak.parsers import check
    name = sys.argv[1]

    def check_in_time(data: bytes) -> None:
        began = time.process_time()
        check(name, data)
        taken = time.process_time() - began
        assert taken <= MOST_SECONDS, f"took {taken:.1f} s of the processor"

    atheris.Setup([sys.argv[0], *sys.argv[2:]], check_in_time)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    """As libFuzzer's dictionaries have it."""
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
