"""Seconds a step of one process and of two workers on two nodes, and what a killed node costs a training.

    python -m benchmarks.workers [--epochs N] [--out FILE]

Stories like those of bAbI are made here; one network is small, one large. The small one is trained once more by two
workers, whose node is killed on the way. Needs Ray Train, and `unshare`.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import nodes, report

NODES = 2
STORIES = 400
PEOPLE = ("Mary", "John", "Daniel", "Sandra")
PLACES = ("kitchen", "garden", "office", "hallway", "bathroom", "bedroom")
RECIPE = """
title = "stories made here"
task = {{name = "babi", tasks = [1]}}
network = {{{network}}}
training = {{epochs = {epochs}, batch = 64, learning_rate = 0.01}}
"""
NETWORKS = {
    "small": 'name = "memn2n", dim = 20, hops = 3, random_noise = 0.1',
    "large": 'name = "dmn", word_dim = 80, dim = 160',
}
KILLED_EPOCHS = 30
"""Enough to learn where everybody is, and to be under way when the node is killed."""


PATIENCE_SECONDS = 240.0


def write_stories(folder: Path) -> None:
    """Write data of bAbI's first task: who went where, and where one of them is."""
    random = Random(1)
    stories = [_story(random) for _ in range(STORIES)]
    parts = {"en/qa1_x_train": stories[40:], "en/qa1_x_test": stories[:20], "en-valid/qa1_valid": stories[20:40]}
    for name, part in parts.items():
        path = folder / "babi" / f"{name}.txt.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress("".join(part).encode()))


def _story(random: Random) -> str:
    lines, where = [], {}
    for at in range(0, 15, 3):
        for number in (at + 1, at + 2):
            person = random.choice(PEOPLE)
            where[person] = (random.choice(PLACES), number)
            lines.append(f"{number} {person} went to the {where[person][0]}.\n")
        person = random.choice([*where])
        lines.append(f"{at + 3} Where is {person}?\t{where[person][0]}\t{where[person][1]}\n")
    return "".join(lines)


class Run:
    """One training, by the command line."""

    def __init__(self, data: Path, name: str, network: str, epochs: int, workers: int) -> None:
        self.folder = data / name
        self.state = self.folder / "joint.resume"
        recipe = data / f"{name}.toml"
        recipe.write_text(RECIPE.format(network=NETWORKS[network], epochs=epochs))
        words = ["train", str(recipe), "--out", str(self.folder), "--threads", "1", "--workers", str(workers)]
        self._log = data / f"{name}.log"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from app.cli import main; main()", *words],
                env=os.environ | {"HOPFACT_DATASETS": str(data), "HOPFACT_RAY_ADDRESS": nodes.ADDRESS},
                stdout=log,
                stderr=log,
            )
        self._began = time.monotonic()

    def has_saved(self) -> bool:
        """Say whether a state is there to go on from."""
        assert self._process.poll() is None, self._log.read_text()[-4_000:]
        return self.state.exists()

    def figures(self) -> dict[str, Any]:
        """Wait for the end; what came of it."""
        assert self._process.wait() == 0, self._log.read_text()[-4_000:]
        result = json.loads((self.folder / "result.json").read_text())
        return {
            "workers": result["workers"],
            "ms_a_step": round(1_000 / result["steps_per_second"], 2),
            "seconds": round(time.monotonic() - self._began, 1),
            "error": result["test"]["mean_error"],
        }

    def refusal(self) -> str:
        """Wait for the end, which is to be an error; what it said last."""
        assert self._process.wait() == 1, self._log.read_text()[-4_000:]
        return self._log.read_text().splitlines()[-1]


def lose_a_node(run: Run, node: nodes.Node) -> dict[str, Any]:
    """Kill a node once a state is saved; how long it took to go on."""
    nodes.wait(run.has_saved, PATIENCE_SECONDS)
    node.kill()
    killed, began = run.state.stat().st_mtime_ns, time.monotonic()
    nodes.wait(lambda: run.state.stat().st_mtime_ns > killed, PATIENCE_SECONDS)
    return {"again_seconds": round(time.monotonic() - began, 1)}


def run(data: Path, epochs: int) -> dict[str, Any]:
    """Everything, in the network that this process is in."""
    write_stories(data)
    members = nodes.start(NODES)
    found: dict[str, Any] = {"nodes": NODES}
    for network in NETWORKS if epochs else ():
        for workers in (1, 2):
            name = f"{network}-{workers}"
            found[name] = Run(data, name, network, epochs, workers).figures()
    found["crowd"] = Run(data, "crowd", "small", 1, 99).refusal()
    killed = Run(data, "killed", "small", KILLED_EPOCHS, 2)
    found["killed"] = lose_a_node(killed, members[1]) | killed.figures()
    logs = Path(data, "ray", "session_latest", "logs").glob("worker-*.out")
    found["killed"]["resumed"] = [line for log in logs for line in log.read_text().splitlines() if "resumed" in line]
    return found


def main() -> None:
    """Run it in a network of its own, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        nodes.report(options.inside, run(options.inside, options.epochs))
        return
    report.put(measured(options.epochs), options.out)


def measured(epochs: int) -> dict[str, Any]:
    """The figures of a run in a network of its own; with 0 epochs, of the killed node alone."""
    return nodes.reported("benchmarks.workers", "--epochs", str(epochs))


if __name__ == "__main__":
    main()
