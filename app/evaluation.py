"""Evaluation: how well questions with known answers are answered, and how far the confidence can be believed. Pure.

Questions are asked without abstaining, so that every threshold can be looked at; what is scored as refused is what the
service's own threshold would refuse.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.answering import Question
from models.calibration import calibration_error
from models.metrics import exact_set, hits_at_1, mean, set_f1

BINS = 10
THRESHOLDS = tuple(step / 20 for step in range(20))
SHOWN_FACTS = 12

Reply = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A question and its right answers, none where it must be refused; kind and hops only sort the figures."""

    text: str
    answers: tuple[str, ...]
    kind: str = ""
    hops: int | None = None
    entities: tuple[str, ...] = ()

    def asked(self) -> Question:
        """The question as it is to be asked: without abstaining."""
        return Question(self.text, self.entities, abstain_below=0.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question; answers compare without case and outer blanks."""

    question: GoldQuestion
    reply: Reply
    is_refused: bool

    @property
    def confidence(self) -> float:
        """How sure the service is of what it found; 0 where it found nothing."""
        return float(self.reply["confidence"]) if self.reply["answers"] else 0.0

    @property
    def found(self) -> list[str]:
        """The labels of the answers, best first."""
        return [_plain(answer["label"]) for answer in self.reply["answers"]]

    @property
    def gold(self) -> set[str]:
        """The right answers."""
        return {_plain(answer) for answer in self.question.answers}

    @property
    def is_right(self) -> bool:
        """Whether the whole answer set is right, refused or not."""
        return bool(self.gold) and bool(exact_set(self.found, self.gold))

    def scores(self) -> dict[str, float]:
        """Its scores, each between 0 and 1: a question without answers scores when it is refused."""
        if not self.gold:
            right = float(self.is_refused)
            return {"hits_at_1": right, "f1": right, "exact": right, "refused": right}
        found = [] if self.is_refused else self.found
        return {
            "hits_at_1": hits_at_1(found, self.gold),
            "f1": set_f1(found, self.gold),
            "exact": exact_set(found, self.gold),
            "refused": float(self.is_refused),
        }


def report(
    questions: Sequence[GoldQuestion], replies: Sequence[Reply], threshold: float, num_mistakes: int
) -> dict[str, Any]:
    """Figures of replies that were asked for without abstaining; `threshold` is where the service abstains."""
    rows = [
        Outcome(question, reply, not reply["answers"] or reply["confidence"] < threshold)
        for question, reply in zip(questions, replies, strict=True)
    ]
    groups: defaultdict[tuple[str, int | None], list[Outcome]] = defaultdict(list)
    for row in rows:
        groups[row.question.kind, row.question.hops].append(row)
    return {
        "questions": len(rows),
        "answerable": sum(bool(row.gold) for row in rows),
        "threshold": threshold,
        "all": _means(rows),
        "groups": [
            {"kind": kind or None, "hops": hops, "questions": len(group), **_means(group)}
            for (kind, hops), group in sorted(groups.items(), key=lambda pair: (pair[0][0], pair[0][1] or 0))
        ],
        "calibration": _calibration(rows),
        "abstention": [_at(rows, least) for least in THRESHOLDS],
        "mistakes": [_mistake(row) for row in _mistakes(rows)[:num_mistakes]],
    }


def _means(rows: Sequence[Outcome]) -> dict[str, float]:
    scores = [row.scores() for row in rows]
    return {name: round(mean([one[name] for one in scores]), 4) for name in ("hits_at_1", "f1", "exact", "refused")}


def _calibration(rows: Sequence[Outcome]) -> dict[str, Any]:
    """The expected calibration error over all that was found, and the bins of the reliability diagram."""
    found = [row for row in rows if row.found]
    bins = []
    for number in range(BINS):
        inside = [row for row in found if min(int(row.confidence * BINS), BINS - 1) == number]
        bins.append(
            {
                "from": number / BINS,
                "to": (number + 1) / BINS,
                "questions": len(inside),
                "confidence": round(mean([row.confidence for row in inside]), 4),
                "right": round(mean([float(row.is_right) for row in inside]), 4),
            }
        )
    chances, right = [row.confidence for row in found], [row.is_right for row in found]
    return {"error": round(calibration_error(chances, right, BINS), 4) if found else 0.0, "bins": bins}


def _at(rows: Sequence[Outcome], least: float) -> dict[str, float]:
    """What abstaining below a confidence costs and brings."""
    answered = [row for row in rows if row.found and row.confidence >= least]
    can, cannot = ([row for row in rows if bool(row.gold) is answerable] for answerable in (True, False))
    return {
        "threshold": least,
        "answered": round(len(answered) / max(len(rows), 1), 4),
        "right": round(mean([float(row.is_right) for row in answered]), 4),
        "answerable_refused": _share_refused(can, answered),
        "unanswerable_refused": _share_refused(cannot, answered),
    }


def _share_refused(rows: Sequence[Outcome], answered: Sequence[Outcome]) -> float:
    kept = {id(row) for row in answered}
    return round(mean([float(id(row) not in kept) for row in rows]), 4)


def _mistakes(rows: Sequence[Outcome]) -> list[Outcome]:
    """Wrong answers, the most confident first, then what was refused and need not have been."""
    wrong = [row for row in rows if not row.is_refused and not row.is_right]
    refused = [row for row in rows if row.is_refused and row.gold]
    return sorted(wrong, key=lambda row: -row.confidence) + sorted(refused, key=lambda row: -row.confidence)


def _mistake(row: Outcome) -> dict[str, Any]:
    answers = row.reply["answers"]
    return {
        "question": row.question.text,
        "expected": list(row.question.answers),
        "answers": [answer["label"] for answer in answers[:SHOWN_FACTS]],
        "confidence": row.reply["confidence"],
        "refused": row.is_refused,
        "reason": row.reply["reason"],
        "linked_entities": row.reply["linked_entities"],
        "evidence": answers[0]["evidence"][:SHOWN_FACTS] if answers else [],
        "hops": row.reply["hops"],
    }


def _plain(label: str) -> str:
    return label.strip().casefold()
