"""Adapts a reader to one knowledge base: a short training from a checkpoint, on questions over that base.

Questions made from the base's own relations, those asked and answered by its users, and some over made-up schemas, so
that what the reader could do before is not lost.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch

from models import checkpoints, training
from models.batching import path_batch
from models.episodes import PathEpisode, PathTask
from models.networks.path_reader import PathReader
from models.path_training import ChoiceConfig, PathCourse, whole_paths
from models.texts import TextCutter, TokenEncoder
from models.training import Report, Training, TrainingConfig

SETTINGS = TrainingConfig(
    steps=240,
    batch=64,
    optimizer="adamw",
    schedule="cosine",
    learning_rate=3e-4,
    warmup_steps=20,
    weight_decay=0.02,
    clip=1.0,
    report_steps=20,
)
logger = logging.getLogger(__name__)


class AskedTask:
    """Questions that were asked, with the path that explains their answers."""

    name = "asked"

    def __init__(self, episodes: Sequence[PathEpisode]) -> None:
        self._episodes = episodes

    def episode(self, random: Random) -> PathEpisode:
        """Draw one."""
        return random.choice(self._episodes)


def adapt(
    checkpoint: Path,
    out: Path,
    tasks: Sequence[tuple[PathTask, float]],
    encoder: TokenEncoder,
    config: TrainingConfig = SETTINGS,
    report: Report = logger.info,
) -> Path:
    """Train a checkpoint further on weighted tasks and write the result, calibrated as before.

    Raises:
        CheckpointUnusable: the checkpoint is missing, broken, or made for another encoder.
    """
    torch.set_num_threads(1)  # what is left is for answering
    info, network = _load(checkpoint, encoder)
    course = PathCourse(
        network, TextCutter(encoder, info.config.max_tokens), tasks, config, ChoiceConfig(distractors=0)
    )
    state = out.with_suffix(training.STATE_SUFFIX)
    training.run(Training(course, config), config, state, resume=False, report=report)
    provenance: checkpoints.Provenance = {**info.provenance, "base": checkpoints.name_of(checkpoint)}
    checkpoints.save(out, info.config, network.weights(), encoder.id, provenance)
    checkpoints.calibrate(out, info.calibration)
    state.unlink(missing_ok=True)
    return out


def share_right(checkpoint: Path, episodes: Sequence[PathEpisode], encoder: TokenEncoder) -> float:
    """Give the share of episodes whose every choice a checkpoint gets right.

    Raises:
        CheckpointUnusable: the checkpoint is missing, broken, or made for another encoder.
    """
    info, network = _load(checkpoint, encoder)
    cutter, right = TextCutter(encoder, info.config.max_tokens), 0
    for at in range(0, len(episodes), SETTINGS.batch):
        right += int(whole_paths(network, path_batch(episodes[at : at + SETTINGS.batch], cutter)).sum())
    return right / len(episodes)


def _load(checkpoint: Path, encoder: TokenEncoder) -> tuple[checkpoints.CheckpointInfo, PathReader]:
    info, weights = checkpoints.load(checkpoint, encoder.id)
    network = PathReader(info.config, torch.tensor(encoder.token_table()))
    network.load_state_dict({name: torch.tensor(weight) for name, weight in weights.items()})
    return info, network
