"""Scores of an answer set against the gold set, each between 0 and 1, higher is better; figures of counted answers."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

FAILED_ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Count:
    """What a network did on a part: answers right, answers asked for, and the sum of their nats, -log probability."""

    right: int
    asked: int
    nats: float


Counts = Mapping[str, Count]
"""By part of a data set."""


def hits_at_1(answers: Sequence[str], gold: Collection[str]) -> float:
    """Give 1 if the first answer is gold."""
    return float(bool(answers) and answers[0] in gold)


def set_f1(answers: Collection[str], gold: Collection[str]) -> float:
    """F1 of two sets; 1 if both are empty."""
    found, wanted = set(answers), set(gold)
    if not found and not wanted:
        return 1.0
    return 2 * len(found & wanted) / (len(found) + len(wanted))


def exact_set(answers: Collection[str], gold: Collection[str]) -> float:
    """Give 1 if the sets are equal."""
    return float(set(answers) == set(gold))


def mean(values: Collection[float]) -> float:
    """Mean of scores; 0 of none."""
    return fmean(values) if values else 0.0


def mean_error(counts: Counts) -> float:
    """Mean over parts of the percentage of wrong answers; 0 to 100, lower is better."""
    return fmean(100 * (1 - count.right / count.asked) for count in counts.values())


def accuracy(counts: Counts) -> float:
    """Percentage of all answers that are right, parts weighing by their size; 0 to 100."""
    return 100 * sum(count.right for count in counts.values()) / sum(count.asked for count in counts.values())


def failed_tasks(counts: Counts) -> int:
    """Count the parts with more than 5 % of errors, as bAbI's papers do."""
    return sum(count.asked - count.right > FAILED_ERROR * count.asked for count in counts.values())


def mean_nats(counts: Counts) -> float:
    """Nats per answer, lower is better."""
    return sum(count.nats for count in counts.values()) / sum(count.asked for count in counts.values())


def perplexity(counts: Counts) -> float:
    """Exp of the mean nats per answer; 1 or more, lower is better."""
    return math.exp(mean_nats(counts))
