"""A network and packed episodes to counts of right answers and nats; what they mean, the task's scorer says."""

from collections.abc import Mapping

import numpy as np
import torch

from models.metrics import Count
from models.network import Network, answer_nats, predictions
from models.packing import ABSENT, Packed

BATCH = 256
NO_CANDIDATE_NATS = 20.0
"""Nats of an answer that the network cannot give: its probability is 0, but one of them may not hide all others."""


@torch.no_grad()
def count(network: Network, packed: Packed) -> Count:
    """Count right answers: any of the right ones will do, but each slot that has its own answer counts by itself."""
    network.eval()
    right, asked, nats = 0, 0, 0.0
    order = np.argsort(packed.slots.lengths, kind="stable")
    for first in range(0, len(order), BATCH):
        batch = packed.batch(order[first : first + BATCH]).to(network.device)
        scores = network(batch).scores
        given, best = batch.answers != ABSENT, predictions(scores)
        if scores.ndim == 3:
            hits, questions = (best == batch.answers)[given], int(given.sum())
        else:
            hits, questions = (best[:, None] == batch.answers).any(-1), len(best)
        losses = answer_nats(scores, batch.answers)
        right += int(hits.sum())
        asked += questions
        nats += float(losses.double().sum()) + NO_CANDIDATE_NATS * (questions - len(losses))
    return Count(right, asked, nats)


def count_parts(network: Network, parts: Mapping[str, Packed]) -> dict[str, Count]:
    """Count each part of a data set."""
    return {part: count(network, packed) for part, packed in parts.items()}
