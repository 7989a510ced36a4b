"""Calibrates a reader on knowledge bases that it has never seen, and says how well its confidence holds on others.

    python -m benchmarks.calibration [--checkpoint F] [--write]

Questions are asked as a user asks them, names linked by us: those of tests/models/transfer, tests/acceptance/kbs,
tests/acceptance/unseen/dev and the written ones that are held out (models/tasks/written). Every fourth of those that
are answered right is asked twice more, where it must be refused: on its knowledge base without the relation of its
last step, and without the very facts of it. One knowledge base at a time is held out, so that the error printed and
the table of thresholds are those of one which neither training nor the fit has seen. `--write` puts the fit over all
into the checkpoint.

Left out of the fit, and refused nearly always: every fourth question of another domain, and small talk. `refused` has
for each kind of question the share refused and how many were asked.
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
from kb.context import ContextEncoder
from kb.encoding import StaticEncoder
from kb.inline import inline_view
from kb.triples import Term, Triple, readable_relation
from models import checkpoints
from models.calibration import Calibration, Held, calibration_error, fit
from models.episodes import MENTION
from models.reader import Reader
from models.tasks.written import FOLDER, HELD_OUT
from models.threads import limit_threads
from tests.models import transfer

TESTS = Path(__file__).parents[1] / "tests"
FOLDERS = (TESTS / "acceptance" / "kbs", TESTS / "acceptance" / "unseen" / "dev")
SMALL_TALK = (Path(__file__).parent / "small_talk.txt").read_text(encoding="utf-8").splitlines()
THRESHOLDS = (0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7)
UNANSWERABLE_STEP = 4
SETS = ("entities", "value")
ANSWERABLE = "answerable"
FITTED = (ANSWERABLE, "unanswerable", "relation_gone", "fact_gone")


class Outcome(NamedTuple):
    """What came of a question: what was held of the best chain, None without one; whether that was right."""

    kind: str
    held: Held | None
    right: bool


class Recorder(Calibration):
    """Notes what it is asked about, and is sure of everything."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Held]
        self.__dict__["asked"] = []  # the values themselves are frozen

    def confidence(self, held: Held) -> float:
        """Note it; give certainty."""
        self.asked.append(held)
        return 1.0


Rows = list[tuple[str, str, str]]
Asked = tuple[str, frozenset[str]]


def knowledge_bases() -> Iterator[tuple[str, Rows, list[Asked]]]:
    """Name, triples and questions of each knowledge base; no answers where it has none."""
    for name in transfer.NAMES:
        questions = [(one.text.replace(MENTION, one.topic), one.answers) for one in transfer.load(name)[1]]
        yield name, transfer.triples(name), questions
    written = [FOLDER / f"{name}.jsonl" for name in HELD_OUT]
    for path in [*sorted(path for folder in FOLDERS for path in folder.glob("*.jsonl")), *written]:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        rows: Rows = []
        for line in path.with_suffix(".tsv").read_text(encoding="utf-8").splitlines():
            subject, relation, value = line.split("\t")
            rows.append((subject, relation, value))
        yield path.stem, rows, [(one["question"], frozenset(map(str, one["answers"]))) for one in lines]


class Asker:
    """Asks one reader as the service does, over knowledge bases that are stored nowhere."""

    def __init__(self, checkpoint: Path) -> None:
        self._encoder = StaticEncoder()
        self._recorder = Recorder()
        self.reader = Reader.load(checkpoint, encoder=ContextEncoder(self._encoder))
        self.reader.calibration = self._recorder
        engine = create_engine("sqlite://")
        views, queries = Views(engine, Path(), self._encoder), QueryWriter(engine)
        self._answerer = QuestionAnswerer(views, self.reader, self._encoder, queries, AnsweringLimits())

    def outcomes(self, rows: Rows, questions: Sequence[Asked], others: Sequence[Asked]) -> list[Outcome]:
        """Outcomes of the questions of one knowledge base, of some of them without their facts, and of strange ones."""
        found = []
        for number, (outcome, reply) in enumerate(self._ask(rows, questions)):
            found.append(outcome)
            if outcome.right and number % UNANSWERABLE_STEP == 0:
                for kind, left in _without(rows, reply):
                    found += [one for one, _ in self._ask(left, [(questions[number][0], frozenset())], kind)]
        labels = [label.casefold() for subject, _, value in rows for label in (subject, value) if len(label) > 2]
        texts = [text for text, _ in others[::UNANSWERABLE_STEP]]
        foreign = [text for text in texts if not any(label in text.casefold() for label in labels)]
        for kind, strange in (("other_domain", foreign), ("small_talk", SMALL_TALK)):
            found += [one for one, _ in self._ask(rows, [(text, frozenset()) for text in strange], kind)]
        return found

    def _ask(
        self, rows: Rows, questions: Sequence[Asked], kind: str = "unanswerable"
    ) -> Iterator[tuple[Outcome, dict[str, Any]]]:
        """Outcomes and replies; `kind` is of those that nothing answers."""
        triples = [Triple(Term(subject), Term(readable_relation(name)), Term(value)) for subject, name, value in rows]
        view = inline_view(triples, self._encoder)
        for text, gold in questions:
            self._recorder.asked.clear()
            reply = self._answerer.ask_view(view, Question(text))
            labels = {answer["label"].casefold() for answer in reply["answers"]}
            is_right = bool(gold) and labels == {answer.casefold() for answer in gold}
            held = self._recorder.asked[0] if self._recorder.asked else None
            yield Outcome(ANSWERABLE if gold else kind, held, is_right), reply


def _without(rows: Rows, reply: dict[str, Any]) -> Iterator[tuple[str, Rows]]:
    """The facts without the relation of an answer's last step, and without the facts of it, each with its kind."""
    last = [answer["evidence"][-1] for answer in reply["answers"] if answer["evidence"]]
    if last:
        yield "relation_gone", [row for row in rows if readable_relation(row[1]) != last[0]["relation"]]
    if all(hop["relations"][0]["manner"] == "read" for hop in reply["hops"]) and reply["kind"] in SETS:
        gone = set(map(_names, last))
        yield "fact_gone", [row for row in rows if (row[0], readable_relation(row[1]), row[2]) not in gone]


def _names(fact: dict[str, Any]) -> tuple[str, str, str]:
    return fact["subject"], fact["relation"], fact["object"]


def confidences(calibration: Calibration, rows: Sequence[Outcome]) -> list[float]:
    """How sure a calibration is of each outcome."""
    return [calibration.confidence(row.held) if row.held else 0.0 for row in rows]


def fitted(rows: Sequence[Outcome]) -> Calibration:
    """The calibration of outcomes."""
    said = [(row.held, row.right) for row in rows if row.held and row.kind in FITTED]
    return fit(*zip(*said, strict=True))


def error(chances: Sequence[float], rows: Sequence[Outcome]) -> float:
    """The expected calibration error where something was found at all."""
    said = [(chance, row.right) for chance, row in zip(chances, rows, strict=True) if row.held and row.kind in FITTED]
    return round(calibration_error([chance for chance, _ in said], [right for _, right in said]), 4)


def thresholds(chances: Sequence[float], rows: Sequence[Outcome]) -> list[dict[str, float]]:
    """What each threshold costs: the answerable refused, the unanswerable answered, how right the rest is."""
    table = []
    asked = [(chance, row) for chance, row in zip(chances, rows, strict=True) if row.kind in FITTED]
    for least in THRESHOLDS:
        can = [chance >= least for chance, row in asked if row.kind == ANSWERABLE]
        cannot = [chance >= least for chance, row in asked if row.kind != ANSWERABLE]
        right = [row.right for chance, row in asked if chance >= least]
        table.append(
            {
                "threshold": least,
                "answerable_refused": round(1 - sum(can) / len(can), 4),
                "unanswerable_refused": round(1 - sum(cannot) / len(cannot), 4),
                "right_of_answered": round(sum(right) / len(right), 4),
            }
        )
    return table


def refused(chances: Sequence[float], rows: Sequence[Outcome]) -> dict[str, tuple[float, int]]:
    """For each kind of question, the share refused where nobody sets a threshold, and how many were asked."""
    said: dict[str, list[bool]] = {}
    for chance, row in zip(chances, rows, strict=True):
        said.setdefault(row.kind, []).append(chance < AnsweringLimits().abstain_below)
    return {kind: (round(sum(those) / len(those), 4), len(those)) for kind, those in said.items()}


def main() -> None:
    """Fit, print, and write if asked to."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--checkpoint", type=Path, default=checkpoints.DEFAULT_CHECKPOINT)
    arguments.add_argument("--write", action="store_true")
    given = arguments.parse_args()
    limit_threads(1)
    asker = Asker(given.checkpoint)
    bases = list(knowledge_bases())
    everything: dict[str, list[Outcome]] = {}
    for (name, rows, asked), (_, _, others) in zip(bases, bases[1:] + bases[:1], strict=True):
        everything[name] = asker.outcomes(rows, asked, others)
    outcomes = [row for rows in everything.values() for row in rows]
    held_out: list[float] = []
    for name, theirs in everything.items():
        without = fitted([row for other, rows in everything.items() if other != name for row in rows])
        held_out += confidences(without, theirs)
    calibration = fitted(outcomes)
    figures = {
        "reader": asker.reader.name,
        "right": sum(row.right for row in outcomes),
        "error_before": error(confidences(Calibration(), outcomes), outcomes),
        "error_held_out": error(held_out, outcomes),
        "held_out": thresholds(held_out, outcomes),
        "refused": refused(held_out, outcomes),
        **asdict(calibration),
    }
    print(json.dumps(figures, indent=2))
    if given.write:
        checkpoints.calibrate(given.checkpoint, calibration)


if __name__ == "__main__":
    main()
