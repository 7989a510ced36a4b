"""Trains the service's reader: episodes of weighted tasks, cross-entropy at each hop."""

import logging
import math
import time
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from kb.context import ContextEncoder
from models import checkpoints, training
from models.batching import PathBatch, path_batch
from models.drawing import DrawnAhead
from models.episodes import UNSAID_COST, Manner, PathTask
from models.networks.path_config import PathReaderConfig
from models.networks.path_reader import Labels, PathReader, Question
from models.recipe import settings_of
from models.tasks import make_path_task
from models.texts import TextCutter, TokenEncoder
from models.training import Loss, Report, Training, TrainingConfig

ASKED_WEIGHT = 0.3
REMEMBERED_TEXTS = 60_000
DEFAULT_RECIPE = Path(__file__).parent / "recipes" / "path_reader.toml"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChoiceConfig:
    """How a hop's choice is trained."""

    label_smoothing: float = 0.02
    distractors: int = 24


@dataclass(frozen=True)
class PathRecipe:
    """A recipe file: network, loop, and the tasks with their weights and settings."""

    name: str
    network: PathReaderConfig
    training: TrainingConfig
    choices: ChoiceConfig
    tasks: tuple[tuple[str, float, Mapping[str, Any]], ...]
    start_share: float = 0.0
    """How much of the weights that it begins from is in those that it ends with."""

    @classmethod
    def read(cls, path: Path) -> "PathRecipe":
        """Read a TOML file; a task without weight is left out."""
        content = settings_of(path)
        weighed = ((name, float(settings.pop("weight")), settings) for name, settings in content["tasks"].items())
        tasks = tuple((name, weight, settings) for name, weight, settings in weighed if weight)
        start_share = float(content["training"].pop("start_share", 0.0))
        return cls(
            path.stem,
            PathReaderConfig(**content["network"]),
            TrainingConfig(**content["training"]),
            ChoiceConfig(**content.get("choices", {})),
            tasks,
            start_share,
        )


class PathCourse:
    """A reader and the episodes that it learns from; there is no end to them, and no validation.

    With `ahead`, a process of its own draws the next step's batch while a step is taken.
    """

    def __init__(
        self,
        network: PathReader,
        cutter: TextCutter,
        tasks: Sequence[tuple[PathTask, float]],
        config: TrainingConfig,
        choices: ChoiceConfig,
        *,
        ahead: bool = False,
    ) -> None:
        self.network = network
        self.steps_per_epoch = config.steps
        self._config = config
        self._choices = choices
        self._cutter = cutter
        self._tasks = [task for task, _ in tasks]
        self._cumulative = list(accumulate(weight for _, weight in tasks))
        self._batch = DrawnAhead(self.draw) if ahead else self.draw

    def begin_epoch(self, epoch: int, *, starting: bool) -> None:
        """Do nothing: all steps are alike."""

    def cost(self) -> None:
        """Give none: readers are compared by `hopfact evaluate`."""

    def draw(self, step: int) -> PathBatch:
        """Give the batch of a step: always the same one."""
        random = Random(f"{self._config.seed} {step}")
        episodes = []
        for _ in range(self._config.batch):
            at = bisect(self._cumulative, random.random() * self._cumulative[-1])
            episodes.append(self._tasks[at].episode(random))
        return path_batch(episodes, self._cutter, random, self._choices.distractors)

    def loss(self, step: int) -> Loss:
        """Give the loss of a step and the share of choices that were right."""
        loss, right = path_loss(self.network, self._batch(step), self._choices.label_smoothing)
        return Loss(loss, {"right": right})


def path_loss(network: PathReader, batch: PathBatch, label_smoothing: float = 0.0) -> tuple[Tensor, float]:
    """Cross-entropy of what is asked and of every choice in reach, gold keys used; and the share of right choices."""
    question = network.encode_questions(batch.questions)
    wanted = functional.cross_entropy(network.ask(question), batch.asked)
    losses, right, total = [], 0, 0
    for hop, scores in enumerate(_hops(network, batch, question)):
        gold, in_reach = batch.gold[:, hop], batch.in_reach[:, hop]
        chosen = gold >= 0
        losses.append(_cross_entropy(scores[chosen], gold[chosen], in_reach[chosen], label_smoothing))
        right += int((scores[chosen].argmax(-1) == gold[chosen]).sum())
        total += int(chosen.sum())
    return torch.cat(losses).mean() + ASKED_WEIGHT * wanted, right / total


@torch.no_grad()
def whole_paths(network: PathReader, batch: PathBatch) -> Tensor:
    """Say of each episode whether what is asked and every choice is right, gold keys used."""
    network.eval()
    question = network.encode_questions(batch.questions)
    right = network.ask(question).argmax(-1) == batch.asked
    for hop, scores in enumerate(_hops(network, batch, question)):
        right &= (scores.argmax(-1) == batch.gold[:, hop]) | (batch.gold[:, hop] < 0)
    return right


def _hops(network: PathReader, batch: PathBatch, question: Question) -> Iterator[Tensor]:
    """Score what is in reach at each hop, going on by the gold keys."""
    labels = Labels.join([network.encode_labels(part) for part in batch.labels])
    keys = network.keys(labels, batch.keys)
    state, num_keys = network.begin(question), len(keys.vectors)
    for hop in range(batch.gold.shape[1]):
        glimpse = network.look(question, state)
        scores = network.score(glimpse, keys)
        in_reach = scores.masked_fill(~batch.in_reach[:, hop], -math.inf)
        yield _with_further(in_reach, scores, batch.further[batch.further[:, 1] == hop])
        used = batch.gold[:, hop].clamp(0, len(Manner) * num_keys - 1)
        state = network.advance(state, glimpse, keys.vectors[used % num_keys], used // num_keys)


def _with_further(in_reach: Tensor, scores: Tensor, pairs: Tensor) -> Tensor:
    """Add to reading each key in reach what the best key is worth that comes in reach by it (`models.chances`)."""
    if not len(pairs):
        return in_reach
    row, _, near, far = pairs.T
    places, groups = torch.unique(row * in_reach.shape[1] + near, return_inverse=True)
    best = scores.new_full((len(places),), -math.inf).scatter_reduce(0, groups, scores[row, far], "amax")
    flat = in_reach.flatten()
    return flat.index_put((places,), torch.logaddexp(flat[places], best - UNSAID_COST)).view_as(in_reach)


def _cross_entropy(scores: Tensor, gold: Tensor, in_reach: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy whose smoothing is spread over what is in reach only."""
    logs = scores.log_softmax(-1)
    loss = functional.nll_loss(logs, gold, reduction="none")
    if smoothing == 0.0:
        return loss
    spread = -logs.masked_fill(~in_reach, 0.0).sum(-1) / in_reach.sum(-1)
    return (1 - smoothing) * loss + smoothing * spread


def train(
    recipe: Path,
    out: Path,
    datasets: Path,
    threads: int = 1,
    resume: bool = True,
    encoder: TokenEncoder | None = None,
    report: Report = logger.info,
    start: Path | None = None,
) -> Path:
    """Train by a recipe and write a checkpoint to `out`; a run that was killed goes on from its last saved state.

    One of several threads is a process that draws episodes ahead. A run that was killed, or had other threads, ends
    with the same weights but for rounding. With `start` it goes on from the weights of that checkpoint, of the same
    network. A recipe may then average those and what it ends with: what was learnt anew is kept, and less of the old
    is lost (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", section 3).

    Raises:
        CheckpointUnusable: `start` is missing, broken, or made for another encoder or network.
    """
    torch.set_num_threads(max(1, threads - 1))
    started = time.perf_counter()
    encoder = encoder or ContextEncoder()
    given = PathRecipe.read(recipe)
    config = given.training
    torch.manual_seed(config.seed)
    network = PathReader(given.network, torch.tensor(encoder.token_table()))
    if start is not None:
        _begin_from(network, start, encoder)
    begun = {name: weight.clone() for name, weight in network.state_dict().items()}
    cutter = TextCutter(encoder, given.network.max_tokens, REMEMBERED_TEXTS)
    tasks = [(make_path_task(name, datasets, settings), weight) for name, weight, settings in given.tasks]
    course = PathCourse(network, cutter, tasks, config, given.choices, ahead=threads > 1)
    report(f"tasks ready after {time.perf_counter() - started:.0f} s")
    state = out.with_suffix(training.STATE_SUFFIX)
    out.parent.mkdir(parents=True, exist_ok=True)
    training.run(Training(course, config), config, state, resume=resume, report=report)
    for name, weight in network.state_dict().items() if given.start_share else ():
        weight.lerp_(begun[name], given.start_share)
    provenance: checkpoints.Provenance = {"recipe": given.name, "seed": config.seed, "steps": config.steps}
    if start is not None:
        provenance = {**provenance, "base": checkpoints.name_of(start)}
    checkpoints.save(out, given.network, network.weights(), encoder.id, provenance)
    state.unlink(missing_ok=True)
    return out


def _begin_from(network: PathReader, start: Path, encoder: TokenEncoder) -> None:
    info, weights = checkpoints.load(start, encoder.id)
    if info.config != network.config:
        raise checkpoints.CheckpointUnusable(start, "it is of another network than the recipe's")
    for name, fresh in network.state_dict().items():  # what it does not have yet begins like any other
        if name in weights:
            weight = torch.tensor(weights[name])
            fresh[tuple(map(slice, weight.shape))] = weight  # one that has grown has what it had first
