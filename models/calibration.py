"""Calibration: from how sure a network is to how often such an answer is right (Platt 1999, with his targets).

    confidence = sigmoid(slope * logit(belief) + rejection * logit(rejected) + last * logit(final)
                         + lack * lacking + offset)

`belief` is what the reader holds of its best chain: its probability times the score of its reading; `rejected` is its
probability that nothing in reach fits; `final` that of the chain's last step where it is taken, which counts for more
than the others: a step that goes without saying is doubtful until what was asked for is found behind it; `lacking` how
likely a relation is meant that the things on the way do not have while others like them do. The parameters are fitted
on knowledge bases that training never saw, and kept in the checkpoint.
"""

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
SMALLEST = 1e-6
MAX_STEPS = 100
CLOSE = 1e-10


class Held(NamedTuple):
    """What a reader holds of its best chain, each in [0, 1]."""

    belief: float
    rejected: float
    final: float
    lacking: float = 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """A map of what a reader holds of a chain to how often such a chain is right; the default gives the belief."""

    slope: float = 1.0
    offset: float = 0.0
    rejection: float = 0.0
    last: float = 0.0
    lack: float = 0.0

    def confidence(self, held: Held) -> float:
        """The probability that an answer held with this belief is right, in (0, 1)."""
        weights = (self.slope, self.rejection, self.last, self.lack, self.offset)
        return 1.0 / (1.0 + math.exp(-sum(map(operator.mul, weights, _inputs(held)))))


def fit(held: Sequence[Held], right: Sequence[bool]) -> Calibration:
    """Fit by maximum likelihood, with targets a little inside 0 and 1 so that few samples do not make it certain.

    Raises:
        ValueError: there are no right or no wrong answers to learn from.
    """
    num_right = sum(right)
    num_wrong = len(right) - num_right
    if not num_right or not num_wrong:
        raise ValueError("calibration needs right and wrong answers")
    high, low = (num_right + 1) / (num_right + 2), 1 / (num_wrong + 2)
    targets = np.where(right, high, low)
    inputs = np.array([_inputs(one) for one in held])
    parameters = np.eye(inputs.shape[1])[0]
    for _ in range(MAX_STEPS):  # Newton's method, halving a step that does not help
        chances = 0.5 * (1 + np.tanh(0.5 * (inputs @ parameters)))
        gradient = inputs.T @ (chances - targets)
        curvature = (inputs * (chances * (1 - chances))[:, None]).T @ inputs + CLOSE * np.eye(len(parameters))
        step = np.linalg.solve(curvature, gradient)
        while _loss(inputs, targets, parameters - step) > _loss(inputs, targets, parameters):
            step /= 2
        parameters = parameters - step
        if np.abs(step).max() < CLOSE:
            break
    slope, rejection, last, lack, offset = (round(parameter, 4) for parameter in parameters.tolist())
    return Calibration(slope, offset, rejection, last, lack)


def _loss(inputs: FloatArray, targets: FloatArray, parameters: FloatArray) -> float:
    """Cross-entropy of the targets."""
    logits = inputs @ parameters
    return float((np.logaddexp(0.0, logits) - targets * logits).sum())


def calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over bins of equal width (Guo et al. 2017, eq. 3); in [0, 1], lower is better."""
    total, count = 0.0, len(right)
    for number in range(bins):
        inside = [at for at in range(count) if min(int(confidences[at] * bins), bins - 1) == number]
        if inside:
            total += abs(sum(confidences[at] for at in inside) - sum(right[at] for at in inside))
    return total / count


def _inputs(held: Held) -> tuple[float, ...]:
    """What the weights of a calibration are multiplied with; the last is the offset's."""
    return _logit(held.belief), _logit(held.rejected), _logit(held.final), held.lacking, 1.0


def _logit(belief: float) -> float:
    inside = min(max(belief, SMALLEST), 1 - SMALLEST)
    return math.log(inside / (1 - inside))
