"""The one training loop: episodes of weighted tasks, cross-entropy at each hop, a checkpoint to resume from.

Everything drawn at a step depends on the seed and the step's number alone, so a killed run, resumed, ends with the same
weights as one that was not.
"""

import logging
import math
import time
import tomllib
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import AdamW

from kb.encoding import StaticEncoder
from models import checkpoints
from models.batching import PathBatch, path_batch
from models.episodes import PathTask
from models.networks.path_config import PathReaderConfig
from models.networks.path_reader import Labels, PathReader
from models.tasks import make_task
from models.texts import TextCutter, TokenEncoder

DEFAULT_RECIPE = Path(__file__).parent / "recipes" / "path_reader.toml"
STATE_SUFFIX = ".resume"

Report = Callable[[str], None]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingConfig:
    """The loop's settings."""

    seed: int = 1
    steps: int = 2000
    batch: int = 192
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    weight_decay: float = 0.02
    clip: float = 1.0
    label_smoothing: float = 0.02
    distractors: int = 24
    resume_steps: int = 200
    report_steps: int = 50


@dataclass(frozen=True)
class Recipe:
    """A recipe file: network, loop, and the tasks with their weights and settings."""

    name: str
    network: PathReaderConfig
    training: TrainingConfig
    tasks: tuple[tuple[str, float, Mapping[str, int | float | str]], ...]

    @classmethod
    def read(cls, path: Path) -> "Recipe":
        """Read a TOML file."""
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        tasks = tuple((name, float(settings.pop("weight")), settings) for name, settings in content["tasks"].items())
        return cls(path.stem, PathReaderConfig(**content["network"]), TrainingConfig(**content["training"]), tasks)


class TrainingRun:
    """A network under training: what the loop needs at each step, and what a resumed run must get back."""

    def __init__(
        self, network: PathReader, cutter: TextCutter, tasks: Sequence[tuple[PathTask, float]], config: TrainingConfig
    ) -> None:
        self.network = network
        self.step = 0
        self._config = config
        self._cutter = cutter
        self._tasks = [task for task, _ in tasks]
        self._cumulative = list(accumulate(weight for _, weight in tasks))
        decayed = [weight for weight in network.parameters() if weight.ndim > 1]
        others = [weight for weight in network.parameters() if weight.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self._optimizer = AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))

    def draw(self, step: int) -> PathBatch:
        """Give the batch of a step: always the same one."""
        random = Random(f"{self._config.seed} {step}")
        episodes = []
        for _ in range(self._config.batch):
            at = bisect(self._cumulative, random.random() * self._cumulative[-1])
            episodes.append(self._tasks[at].episode(random))
        return path_batch(episodes, self._cutter, random, self._config.distractors)

    def advance(self) -> tuple[float, float]:
        """Take one step; give its loss and the share of choices that were right."""
        batch = self.draw(self.step)
        torch.manual_seed(self._config.seed * 1_000_003 + self.step)
        self.network.train()
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate * self._warmth(self.step)
        loss, right = path_loss(self.network, batch, self._config.label_smoothing)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._config.clip)
        self._optimizer.step()
        self.step += 1
        return loss.item(), right

    def _warmth(self, step: int) -> float:
        """Share of the learning rate: up in a line, then down along a cosine."""
        warmup = self._config.warmup_steps
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, self._config.steps - warmup)))

    def save(self, path: Path) -> None:
        """Write what a resumed run needs, under a new name, then rename."""
        partial = path.with_suffix(".partial")
        state = {"step": self.step, "network": self.network.state_dict(), "optimizer": self._optimizer.state_dict()}
        torch.save(state, partial)
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        state = torch.load(path, weights_only=True)
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])


def path_loss(network: PathReader, batch: PathBatch, label_smoothing: float = 0.0) -> tuple[Tensor, float]:
    """Cross-entropy of every choice among what was in reach, gold keys read; and the share of right choices."""
    question = network.encode_questions(batch.questions)
    labels = Labels.join([network.encode_labels(part) for part in batch.labels])
    keys = network.keys(labels, batch.keys)
    state = network.begin(question)
    losses, right, total = [], 0, 0
    for hop in range(batch.gold.shape[1]):
        gold, in_reach = batch.gold[:, hop], batch.in_reach[:, hop]
        chosen = gold >= 0
        glimpse = network.look(question, state)
        scores = network.score(glimpse, keys).masked_fill(~in_reach, -math.inf)
        losses.append(_cross_entropy(scores[chosen], gold[chosen], in_reach[chosen], label_smoothing))
        right += int((scores[chosen].argmax(-1) == gold[chosen]).sum())
        total += int(chosen.sum())
        state = network.advance(state, glimpse, keys.vectors[gold.clamp(0, len(keys.vectors) - 1)])
    return torch.cat(losses).mean(), right / total


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
) -> Path:
    """Train by a recipe and write a checkpoint to `out`; a run that was killed goes on from its last saved state."""
    torch.set_num_threads(threads)
    started = time.perf_counter()
    encoder = encoder or StaticEncoder()
    given = Recipe.read(recipe)
    config = given.training
    torch.manual_seed(config.seed)
    network = PathReader(given.network, torch.tensor(encoder.token_table()))
    cutter = TextCutter(encoder, given.network.max_tokens)
    tasks = [(make_task(name, datasets, settings), weight) for name, weight, settings in given.tasks]
    run = TrainingRun(network, cutter, tasks, config)
    report(f"tasks ready after {time.perf_counter() - started:.0f} s")
    state = out.with_suffix(STATE_SUFFIX)
    out.parent.mkdir(parents=True, exist_ok=True)
    if resume and state.exists():
        run.restore(state)
        report(f"resumed at step {run.step}")
    losses, rights = [], []
    while run.step < config.steps:
        loss, right = run.advance()
        losses.append(loss)
        rights.append(right)
        if run.step % config.report_steps == 0:
            seconds = time.perf_counter() - started
            shown = f"loss {sum(losses) / len(losses):.4f}  right {sum(rights) / len(rights):.4f}"
            report(f"step {run.step}/{config.steps}  {shown}  {seconds:.0f} s")
            losses, rights = [], []
        if run.step % config.resume_steps == 0:
            run.save(state)
    provenance: checkpoints.Provenance = {"recipe": given.name, "seed": config.seed, "steps": config.steps}
    checkpoints.save(out, given.network, network.weights(), encoder.id, provenance)
    state.unlink(missing_ok=True)
    return out
