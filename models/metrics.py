"""Scores of an answer set against the gold set: each between 0 and 1, higher is better."""

from collections.abc import Collection, Sequence
from statistics import fmean


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
