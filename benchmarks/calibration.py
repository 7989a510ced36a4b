"""Calibrates a reader on knowledge bases that it has never seen, and says how well its confidence holds on others.

    python -m benchmarks.calibration [--checkpoint F] [--write]

Fitted on the transfer sets of tests/models/transfer: each question as it is, and every fourth once more on its
knowledge base without a relation of its path, where it must be refused: people ask what is there more often than what
is not. One knowledge base at a time is held out, so that the error printed is that of one which neither training nor
the fit has seen. `--write` puts the fit over all into the checkpoint.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from kb.encoding import StaticEncoder
from models import checkpoints
from models.calibration import calibration_error, fit
from models.evaluation import AskedQuestion, Read, read_all
from models.memory import TripleMemory
from models.reader import Reader
from models.threads import limit_threads
from tests.models import transfer

Outcome = tuple[float, bool]

UNANSWERABLE_STEP = 4


def outcomes(reader: Reader, name: str) -> list[Outcome]:
    """Belief in the best chain, and whether its answer set is right, for the questions of one knowledge base."""
    memory, questions = transfer.load(name)
    reads = [*read_all(reader, memory, questions)]
    paths = transfer.paths(name)[::UNANSWERABLE_STEP]
    for relation in memory.relation_labels:
        about = [replace(one, answers=frozenset()) for one, path in paths if relation in path]
        reads += _asked_without(reader, name, relation, about)
    return [_outcome(read) for read in reads]


def _asked_without(reader: Reader, name: str, relation: str, questions: list[AskedQuestion]) -> Iterator[Read]:
    memory = TripleMemory(triple for triple in transfer.triples(name) if triple[1] != relation)
    return read_all(reader, memory, [one for one in questions if one.topic in memory.positions])


def _outcome(read: Read) -> Outcome:
    belief = read.chains[0].probability if read.chains else 0.0
    return belief, bool(read.answers) and set(read.answers) == read.question.answers


def main() -> None:
    """Fit, print, and write if asked to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--checkpoint", type=Path, default=checkpoints.DEFAULT_CHECKPOINT)
    arguments.add_argument("--write", action="store_true")
    given = arguments.parse_args()
    limit_threads(1)
    reader = Reader.load(given.checkpoint, encoder=StaticEncoder())
    found = {name: outcomes(reader, name) for name in transfer.NAMES}
    held_out: list[Outcome] = []
    for name, rows in found.items():
        others = [row for other, theirs in found.items() if other != name for row in theirs]
        calibration = fit(*zip(*others, strict=True))
        held_out += [(calibration.confidence(belief), right) for belief, right in rows]
    everything = [row for rows in found.values() for row in rows]
    calibration = fit(*zip(*everything, strict=True))
    beliefs, right = zip(*everything, strict=True)
    confidences, were_right = zip(*held_out, strict=True)
    figures = {
        "reader": reader.name,
        "questions": len(everything),
        "right": sum(right),
        "error_before": round(calibration_error(beliefs, right), 4),
        "error_held_out": round(calibration_error(confidences, were_right), 4),
        **asdict(calibration),
    }
    print(json.dumps(figures))
    if given.write:
        checkpoints.calibrate(given.checkpoint, calibration)


if __name__ == "__main__":
    main()
