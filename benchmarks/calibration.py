"""Calibrates a reader on knowledge bases that it has never seen, and says how well its confidence holds on others.

    python -m benchmarks.calibration [--checkpoint F] [--write]

Questions are asked as a user asks them, names linked by us: those of tests/models/transfer, tests/acceptance/kbs and
tests/acceptance/unseen/dev, and every fourth of the answerable ones once more on its knowledge base without a relation
of its answer's evidence, where it must be refused. One knowledge base at a time is held out, so that the error printed
and the table of thresholds are those of one which neither training nor the fit has seen. `--write` puts the fit over all
into the checkpoint.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import create_engine

from app.answering import AnsweringLimits, Question, QuestionAnswerer
from app.sparql import QueryWriter
from kb.consistency import Views
from kb.encoding import StaticEncoder
from kb.inline import inline_view
from kb.triples import Term, Triple, readable_relation
from models import checkpoints
from models.calibration import Calibration, calibration_error, fit
from models.episodes import MENTION
from models.reader import Reader
from models.threads import limit_threads
from tests.models import transfer

TESTS = Path(__file__).parents[1] / "tests"
FOLDERS = (TESTS / "acceptance" / "kbs", TESTS / "acceptance" / "unseen" / "dev")
THRESHOLDS = (0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7)
UNANSWERABLE_STEP = 4


class Outcome(NamedTuple):
    """What came of a question: the belief in the best chain, 0 if none was worth it; whether that was right."""

    belief: float
    right: bool
    answerable: bool


Rows = list[tuple[str, str, str]]
Asked = tuple[str, frozenset[str]]


def knowledge_bases() -> Iterator[tuple[str, Rows, list[Asked]]]:
    """Name, triples and questions of each knowledge base; no answers where it has none."""
    for name in transfer.NAMES:
        questions = [(one.text.replace(MENTION, one.topic), one.answers) for one in transfer.load(name)[1]]
        yield name, transfer.triples(name), questions
    for path in sorted(path for folder in FOLDERS for path in folder.glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        rows: Rows = []
        for line in path.with_suffix(".tsv").read_text(encoding="utf-8").splitlines():
            subject, relation, value = line.split("\t")
            rows.append((subject, relation, value))
        yield path.stem, rows, [(one["question"], frozenset(map(str, one["answers"]))) for one in lines]


def outcomes(
    answerer: QuestionAnswerer, encoder: StaticEncoder, rows: Rows, questions: Sequence[Asked]
) -> list[Outcome]:
    """Outcomes of the questions of one knowledge base, and of some of them without what answers them."""
    replies = _ask(answerer, encoder, rows, [text for text, _ in questions])
    found = [_outcome(reply, gold) for reply, (_, gold) in zip(replies, questions, strict=True)]
    answered = [pair for pair in zip(replies, questions, strict=True) if _outcome(pair[0], pair[1][1]).right]
    for reply, (text, gold) in answered[::UNANSWERABLE_STEP]:
        facts = reply["answers"][0]["evidence"] if gold else []
        if facts:
            gone = {fact["relation"] for fact in facts[-1:]}
            left = [row for row in rows if readable_relation(row[1]) not in gone]
            found += [_outcome(one, frozenset()) for one in _ask(answerer, encoder, left, [text])]
    return found


def _ask(answerer: QuestionAnswerer, encoder: StaticEncoder, rows: Rows, texts: Sequence[str]) -> list[dict[str, Any]]:
    triples = [
        Triple(Term(subject), Term(readable_relation(relation)), Term(value)) for subject, relation, value in rows
    ]
    view = inline_view(triples, encoder)
    return [answerer.ask_view(view, Question(text)) for text in texts]


def _outcome(reply: dict[str, Any], gold: frozenset[str]) -> Outcome:
    labels = {answer["label"].casefold() for answer in reply["answers"]}
    is_right = bool(gold) and labels == {answer.casefold() for answer in gold}
    return Outcome(0.0 if reply["abstained"] else reply["confidence"], is_right, bool(gold))


def thresholds(confidences: Sequence[float], rows: Sequence[Outcome]) -> list[dict[str, float]]:
    """What each threshold costs: the answerable refused, the unanswerable answered, how right the rest is."""
    table = []
    for least in THRESHOLDS:
        given = [confidence >= least for confidence in confidences]
        can = [said for said, row in zip(given, rows, strict=True) if row.answerable]
        cannot = [said for said, row in zip(given, rows, strict=True) if not row.answerable]
        right = [row.right for said, row in zip(given, rows, strict=True) if said]
        table.append(
            {
                "threshold": least,
                "answerable_refused": round(1 - sum(can) / len(can), 4),
                "unanswerable_refused": round(1 - sum(cannot) / len(cannot), 4),
                "right_of_answered": round(sum(right) / len(right), 4),
            }
        )
    return table


def main() -> None:
    """Fit, print, and write if asked to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--checkpoint", type=Path, default=checkpoints.DEFAULT_CHECKPOINT)
    arguments.add_argument("--write", action="store_true")
    given = arguments.parse_args()
    limit_threads(1)
    encoder = StaticEncoder()
    reader = Reader.load(given.checkpoint, encoder=encoder)
    reader.calibration = Calibration()  # confidence is belief
    engine = create_engine("sqlite://")
    limits = AnsweringLimits(abstain_below=0.0)
    answerer = QuestionAnswerer(Views(engine, Path(), encoder), reader, encoder, QueryWriter(engine), limits)
    found = {name: outcomes(answerer, encoder, rows, asked) for name, rows, asked in knowledge_bases()}
    held_out: list[tuple[float, Outcome]] = []
    for name, rows in found.items():
        others = [row for other, theirs in found.items() if other != name for row in theirs if row.belief]
        calibration = fit([row.belief for row in others], [row.right for row in others])
        held_out += [(calibration.confidence(row.belief) if row.belief else 0.0, row) for row in rows]
    everything = [row for rows in found.values() for row in rows]
    answered = [row for row in everything if row.belief]
    said = [(confidence, row.right) for confidence, row in held_out if row.belief]
    right = [row.right for row in answered]
    calibration = fit([row.belief for row in answered], right)
    figures = {
        "reader": reader.name,
        "questions": len(everything),
        "answerable": sum(row.answerable for row in everything),
        "right": sum(row.right for row in everything),
        "error_before": round(calibration_error([row.belief for row in answered], right), 4),
        "error_held_out": round(calibration_error([one for one, _ in said], [is_right for _, is_right in said]), 4),
        "held_out": thresholds([one for one, _ in held_out], [row for _, row in held_out]),
        **asdict(calibration),
    }
    print(json.dumps(figures, indent=2))
    if given.write:
        checkpoints.calibrate(given.checkpoint, calibration)


if __name__ == "__main__":
    main()
