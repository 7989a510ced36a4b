"""Calibration: from how sure a network is to how often such an answer is right (Platt 1999, with his targets).

    confidence = sigmoid(slope * logit(belief) + offset)

`belief` is what the reader holds of its best chain: its probability times the score of its reading. Slope and offset
are fitted on knowledge bases that training never saw, and kept in the checkpoint.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

SMALLEST = 1e-6
MAX_STEPS = 200


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone map of beliefs; the default leaves them as they are."""

    slope: float = 1.0
    offset: float = 0.0

    def confidence(self, belief: float) -> float:
        """The probability that an answer held with this belief is right, in (0, 1)."""
        return 1.0 / (1.0 + math.exp(-(self.slope * _logit(belief) + self.offset)))


def fit(beliefs: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Fit by maximum likelihood, with targets a little inside 0 and 1 so that few samples do not make it certain.

    Raises:
        ValueError: there are no right or no wrong answers to learn from.
    """
    num_right = sum(right)
    num_wrong = len(right) - num_right
    if not num_right or not num_wrong:
        raise ValueError("calibration needs right and wrong answers")
    high, low = (num_right + 1) / (num_right + 2), 1 / (num_wrong + 2)
    targets = torch.tensor([high if one else low for one in right], dtype=torch.float64)
    logits = torch.tensor([_logit(belief) for belief in beliefs], dtype=torch.float64)
    parameters = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([parameters], max_iter=MAX_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = functional.binary_cross_entropy_with_logits(parameters[0] * logits + parameters[1], targets)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    slope, offset = parameters.tolist()
    return Calibration(round(slope, 4), round(offset, 4))


def calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over bins of equal width (Guo et al. 2017, eq. 3); in [0, 1], lower is better."""
    total, count = 0.0, len(right)
    for number in range(bins):
        inside = [at for at in range(count) if min(int(confidences[at] * bins), bins - 1) == number]
        if inside:
            total += abs(sum(confidences[at] for at in inside) - sum(right[at] for at in inside))
    return total / count


def _logit(belief: float) -> float:
    inside = min(max(belief, SMALLEST), 1 - SMALLEST)
    return math.log(inside / (1 - inside))
