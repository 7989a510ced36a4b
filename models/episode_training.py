"""Trains the networks of the literature by a recipe, one a group of the task, and tests what validation chose."""

import json
import logging
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models import training
from models.episodes import Split
from models.metrics import Count, Counts
from models.network import Network
from models.packing import Batch, IntArray, Packed, pack, sizes_of
from models.pieces import start_from_pieces
from models.recipe import Recipe
from models.scoring import count_parts
from models.tasks import Task, make_task
from models.trained import Trained, seeded
from models.training import Loss, Report, Tick, Training, TrainingConfig
from models.workers import ALONE, Workers

RESULT_FILE = "result.json"
CPU = torch.device("cpu")
logger = logging.getLogger(__name__)


class EpisodeCourse:
    """A network, the episodes that it learns from, and those that its weights are chosen on.

    Each of several workers learns from as many episodes of a batch, those that stand together in it.
    """

    def __init__(
        self,
        network: Network,
        train: Packed,
        valid: Mapping[str, Packed],
        task: Task,
        config: TrainingConfig,
        workers: Workers = ALONE,
    ) -> None:
        self.network = network
        self.steps_per_epoch = -(-len(train) // config.batch)
        self._train = train
        self._valid = valid
        self._task = task
        self._config = config
        self._workers = workers
        self._epoch = -1
        self._batches: list[IntArray] = []
        self._replayed: Replayed | None = None

    def begin_epoch(self, epoch: int, *, starting: bool) -> None:
        """Tell the network whether the paper's first epochs are over."""
        self.network.start(starting=starting)

    def rows(self, step: int) -> IntArray:
        """Give the episodes of a step, by number: each once an epoch, in an order that the seed and epoch decide."""
        epoch, at = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._shuffled(epoch)
        return self._batches[at]

    def _shuffled(self, epoch: int) -> list[IntArray]:
        random, config = np.random.default_rng((self._config.seed, epoch)), self._config
        order = random.permutation(len(self._train))
        if self._train.picture_of is not None:  # a batch looks at a picture once, so its questions stay together
            drawn = random.permutation(int(self._train.picture_of.max()) + 1)
            order = order[np.argsort(drawn[self._train.picture_of[order]], kind="stable")]
        if not config.bucket_batches:
            return [order[first : first + config.batch] for first in range(0, len(order), config.batch)]
        lengths, batches, width = self._train.slots.lengths, [], config.batch * config.bucket_batches
        for first in range(0, len(order), width):
            bucket = order[first : first + width]
            bucket = bucket[np.argsort(lengths[bucket], kind="stable")]
            batches += [bucket[at : at + config.batch] for at in range(0, len(bucket), config.batch)]
        return [batches[at] for at in random.permutation(len(batches))]

    def loss(self, step: int) -> Loss:
        """Give the loss of a step's batch, or of this worker's part of it."""
        rows = self.rows(step)
        part = np.array_split(rows, self._workers.size)[self._workers.rank]
        if not len(part):
            return Loss(torch.zeros(()), {}, 0)
        batch = self._train.batch(part).to(self.network.device)
        loss = self._loss_of(batch)
        num_losses = self.network.num_losses(batch) if self._workers.size > 1 else 1
        return Loss(loss * len(rows) if self._config.summed else loss, {}, num_losses)

    def _loss_of(self, batch: Batch) -> Tensor:
        """Give the mean loss of a batch; on a card, replay what is always the same."""
        if not (self.network.is_static and self.network.device.type == "cuda"):
            return self.network.loss(batch)
        if self._replayed is None:
            self._replayed = Replayed(self.network, batch)
        return self._replayed.loss(batch)

    def cost(self) -> float:
        """Give the task's cost on validation."""
        return self._task.cost(count_parts(self.network, self._valid))


class Replayed:
    """The loss of a static network as CUDA graphs, forwards and backwards, for batches of the sizes of the first.

    A step of the language model is some 250 operations of microseconds each, which take longer to start than to do.
    """

    def __init__(self, network: Network, batch: Batch) -> None:
        self._network = network
        self._sizes = [part.shape for part in batch]
        self._graphs: Any = torch.cuda.make_graphed_callables(_Loss(network), tuple(batch))

    def loss(self, batch: Batch) -> Tensor:
        """Give the mean loss of a batch."""
        if [part.shape for part in batch] == self._sizes:
            return self._graphs(*batch)  # type: ignore[no-any-return]
        return self._network.loss(batch)


class _Loss(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network

    def forward(self, *parts: Tensor) -> Tensor:
        return self._network.loss(Batch(*parts))


@dataclass(frozen=True)
class Group:
    """A group of a task, packed for its network."""

    untrained: Trained
    train: Packed
    valid: Mapping[str, Packed]


def pack_group(recipe: Recipe, task: Task, group: str) -> Group:
    """Read and pack what the network of a group learns from; its weights are those of the seed."""
    parts, max_slots = task.groups[group], recipe.task.get("max_slots")
    vocabulary = task.vocabulary(group)
    episodes = [task.episodes(part, Split.train) for part in parts]
    together = episodes[0] if len(episodes) == 1 else [episode for part in episodes for episode in part]
    train = pack(together, vocabulary, max_slots)
    sizes = sizes_of(train, vocabulary, max_slots)
    valid = {part: pack(task.episodes(part, Split.valid), vocabulary, sizes.slots) for part in parts}
    settings = {name: value for name, value in recipe.network.items() if name not in ("name", "piece_vectors")}
    untrained = seeded(recipe.training.seed, recipe.network["name"], settings, sizes, vocabulary)
    if recipe.network.get("piece_vectors", False):
        start_from_pieces(untrained.network.get_parameter("words"), vocabulary)
    return Group(untrained, train, valid)


def make_recipe_task(recipe: Recipe, datasets: Path) -> Task:
    """Build the task of a recipe."""
    settings = {name: value for name, value in recipe.task.items() if name not in ("name", "max_slots")}
    return make_task(recipe.task["name"], datasets, settings)


def train_group(
    recipe: Recipe,
    task: Task,
    group: str,
    path: Path,
    *,
    resume: bool,
    report: Report,
    tick: Tick,
    device: torch.device = CPU,
    workers: Workers = ALONE,
) -> None:
    """Train the network of a group and write it, with what validation says of it, to `path`."""
    packed = pack_group(recipe, task, group)
    network = packed.untrained.network.to(device)
    course = EpisodeCourse(network, packed.train, packed.valid, task, recipe.training, workers)
    state = path.with_suffix(training.STATE_SUFFIX)
    under_way = Training(course, recipe.training, workers)
    path.parent.mkdir(parents=True, exist_ok=True)
    training.run(under_way, recipe.training, state, resume=resume, report=report, tick=tick)
    if workers.rank:
        return
    progress = under_way.progress
    provenance = {
        "recipe": recipe.name,
        "seed": recipe.training.seed,
        "steps": progress.step,
        "seconds": round(progress.seconds, 1),
        "chosen_epoch": progress.best_epoch,
        "valid": _plain(count_parts(network, packed.valid)),
    }
    packed.untrained.save(path, provenance)
    state.unlink(missing_ok=True)


def train(
    recipe: Recipe,
    folder: Path,
    datasets: Path,
    *,
    threads: int = 1,
    device: torch.device = CPU,
    workers: Workers = ALONE,
    resume: bool = True,
    report: Report = logger.info,
    tick: Tick = lambda done, total: None,
) -> Path:
    """Train all networks of a recipe into a folder and write their result; groups that are done are not done again.

    `device` is where the networks learn; what is chosen is tested on the CPU. Of several workers, the first one writes
    and tests. As many as wish may resume a run.
    """
    torch.set_num_threads(threads)
    task = make_recipe_task(recipe, datasets)
    counts: dict[Split, dict[str, Count]] = {Split.valid: {}, Split.test: {}}
    seconds, steps, chosen = 0.0, 0, {}
    for group in task.groups:
        path = folder / f"{group}.safetensors"
        if not (resume and workers.of_first(path.with_suffix(".json").exists)):
            report(f"{recipe.name}, seed {recipe.training.seed}: {group}")
            train_group(
                recipe, task, group, path, resume=resume, report=report, tick=tick, device=device, workers=workers
            )
        if workers.rank:
            continue
        trained = Trained.load(path)
        counts[Split.valid] |= {part: Count(**plain) for part, plain in trained.provenance["valid"].items()}
        counts[Split.test] |= count_group(trained, task, group, Split.test)
        seconds += trained.provenance["seconds"]
        steps += trained.provenance["steps"]
        chosen[group] = trained.provenance["chosen_epoch"]
    path = folder / RESULT_FILE
    if workers.rank:
        return path
    result = {
        "recipe": recipe.name,
        "seed": recipe.training.seed,
        "code": code_version(),
        "device": device_name(device),
        "threads": threads,
        "workers": workers.size,
        "minutes": round(seconds / 60, 2),
        "steps_per_second": round(steps / seconds, 2) if seconds else 0.0,
        "chosen_epochs": chosen,
        "valid_cost": task.cost(counts[Split.valid]),
        "valid": task.figures(counts[Split.valid]),
        "test": task.figures(counts[Split.test]),
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
    report(f"test: {result['test']}")
    return path


def evaluate(recipe: Recipe, checkpoint: Path, datasets: Path, split: Split, *, threads: int = 1) -> dict[str, float]:
    """Give the figures of a checkpoint, or of a run's folder, on a split."""
    torch.set_num_threads(threads)
    task = make_recipe_task(recipe, datasets)
    paths = [checkpoint / f"{group}.safetensors" for group in task.groups] if checkpoint.is_dir() else [checkpoint]
    counts: dict[str, Count] = {}
    for path in paths:
        counts |= count_group(Trained.load(path), task, path.stem, split)
    return task.figures(counts)


def count_group(trained: Trained, task: Task, group: str, split: Split) -> dict[str, Count]:
    """Count what the network of a group answers on a split."""
    parts = {
        part: pack(task.episodes(part, split), trained.vocabulary, trained.sizes.slots) for part in task.groups[group]
    }
    return count_parts(trained.network, parts)


def device_name(device: torch.device) -> str:
    """Name where a network learns: `cpu`, or what the accelerator calls itself."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def code_version() -> str:
    """Name the commit of the code, with a plus if files have changed since; `unknown` outside a repository."""
    try:
        commit, changed = (
            subprocess.run(
                ["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
            ).stdout
            for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--", "."))
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.strip() + ("+" if changed else "")


def _plain(counts: Counts) -> dict[str, dict[str, Any]]:
    return {part: asdict(count) for part, count in counts.items()}
