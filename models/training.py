"""The one training loop: optimisers, schedules, validation, best weights, a state to resume from.

What is learnt is a `Course`; this module knows neither data nor networks. Everything drawn at a step depends on the
seed and the step's number alone, so a killed run, resumed, ends with the same weights as one that was not.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from models.workers import ALONE, Workers, learn_together

STATE_SUFFIX = ".resume"

Report = Callable[[str], None]
Tick = Callable[[int, int], None]
Shown = Mapping[str, float]
logger = logging.getLogger(__name__)


class TrainingDiverged(Exception):
    """The loss of a step is no number."""

    def __init__(self, step: int) -> None:
        self.step = step
        super().__init__(f"the loss of step {step} is no number: lower the learning rate")


class OptionUnknown(Exception):
    """A recipe names an optimizer or schedule that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        super().__init__(f"no {kind} {name!r}; there are {', '.join(known)}")


@dataclass(frozen=True)
class TrainingConfig:
    """The loop's settings; `steps`, where given, counts instead of epochs."""

    seed: int = 1
    epochs: int = 1
    steps: int = 0
    batch: int = 32
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup_steps: int = 0
    decay: float = 0.5  # factor of the learning rate, for `stairs` and `plateau`
    decay_epochs: int = 0  # how often, for `stairs`
    lowest_learning_rate: float = 0.0  # training ends below it
    start_epochs: int = 0  # epochs before the schedule begins, none of them chosen
    start_learning_rate: float = 0.0
    weight_decay: float = 0.0
    clip: float = 0.0  # most norm of all gradients together; 0 for any
    clip_each: bool = False  # most norm of the gradient of each weight matrix by itself
    summed: bool = False  # the loss of a batch is the sum of its episodes' losses, else their mean
    bucket_batches: int = 0  # batches of episodes of like length, sorted among so many; 0 for none
    patience: int = 0  # epochs without a better validation before training ends; 0 for any
    resume_steps: int = 0  # steps between saved states, beside the end of each epoch
    report_steps: int = 0  # steps between reports, beside the end of each epoch


class Loss(NamedTuple):
    """The loss of a step's batch, or of the part of it that a worker has."""

    value: Tensor
    shown: Shown
    num_losses: int = 1
    """Of how many it is the mean: what a part weighs beside the others."""


class Course(Protocol):
    """What is learnt: a network and its losses."""

    @property
    def network(self) -> nn.Module:
        """The network under training."""
        ...

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every episode is seen once."""
        ...

    def begin_epoch(self, epoch: int, *, starting: bool) -> None:
        """Make ready for an epoch; `starting` says that it comes before the schedule."""
        ...

    def loss(self, step: int) -> Loss:
        """Give the loss of a step's batch, always the same one, and figures to show beside it."""
        ...

    def cost(self) -> float | None:
        """Give the cost on validation, lower is better; None where there is no validation."""
        ...


OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = {
    "sgd": lambda groups, lr: SGD(groups, lr=lr, fused=True),
    "adam": lambda groups, lr: Adam(groups, lr=lr, fused=True),
    "adamw": lambda groups, lr: AdamW(groups, lr=lr, betas=(0.9, 0.98)),
}


@dataclass(slots=True)
class Progress:
    """Where a training is; a resumed one goes on from it."""

    step: int = 0
    seconds: float = 0.0
    best_cost: float = math.inf
    best_epoch: int = -1
    stalls: int = 0  # epochs without a better cost, since the start or in all for `plateau`
    waited: int = 0  # epochs since the best one


def _stairs(config: TrainingConfig, step: int, epoch: int, progress: Progress) -> float:
    return float(config.decay ** (epoch // config.decay_epochs))


def _plateau(config: TrainingConfig, step: int, epoch: int, progress: Progress) -> float:
    return float(config.decay**progress.stalls)


def _cosine(config: TrainingConfig, step: int, epoch: int, progress: Progress) -> float:
    warmup = config.warmup_steps
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, config.steps - warmup)))


def _constant(config: TrainingConfig, step: int, epoch: int, progress: Progress) -> float:
    return min(1.0, (step + 1) / max(1, config.warmup_steps))


SCHEDULES: Mapping[str, Callable[[TrainingConfig, int, int, Progress], float]] = {
    "constant": _constant,
    "cosine": _cosine,
    "stairs": _stairs,
    "plateau": _plateau,
}
"""Shares of the learning rate; the epoch counts from the end of the starting ones."""


class Training:
    """A course under way: what the loop needs at each step, and what a resumed run must get back."""

    def __init__(self, course: Course, config: TrainingConfig, workers: Workers = ALONE) -> None:
        if config.optimizer not in OPTIMIZERS:
            raise OptionUnknown("optimizer", config.optimizer, OPTIMIZERS)
        if config.schedule not in SCHEDULES:
            raise OptionUnknown("schedule", config.schedule, SCHEDULES)
        self.course = course
        self.workers = workers
        self.progress = Progress()
        self.steps = config.steps or config.epochs * course.steps_per_epoch
        self._config = config
        self._best: dict[str, Tensor] = {}
        weights = self._weights = list(course.network.parameters())
        self._device = weights[0].device
        groups = [
            {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
        ]
        self._optimizer = OPTIMIZERS[config.optimizer](
            [group for group in groups if group["params"]], config.learning_rate
        )

    @property
    def epoch(self) -> int:
        """The epoch of the next step, from 0."""
        return self.progress.step // self.course.steps_per_epoch

    def is_over(self) -> bool:
        """Say whether all steps are done, or going on would not help."""
        config, progress = self._config, self.progress
        if config.patience and progress.waited >= config.patience:
            return True
        return progress.step >= self.steps or self._rate() < config.lowest_learning_rate

    def advance(self) -> tuple[float, Shown]:
        """Take one step; give its loss and what to show beside it."""
        course, config, step = self.course, self._config, self.progress.step
        starting = self.epoch < config.start_epochs
        if step % course.steps_per_epoch == 0:
            course.begin_epoch(self.epoch, starting=starting)
        _draw_by((self.workers.rank * 1_000_003 + config.seed) * 1_000_003 + step, self._device)
        course.network.train()
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        loss, shown, num_losses = course.loss(step)
        self._optimizer.zero_grad(set_to_none=True)
        if self.workers.size > 1:
            loss = learn_together(self.workers, self._weights, loss, num_losses)
        else:
            loss.backward()  # type: ignore[no-untyped-call]
        self._clip()
        self._optimizer.step()
        self.progress.step += 1
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingDiverged(step)
        return value, shown

    def _clip(self) -> None:
        """Shorten gradients that are too long, all by the same factor or each by its own."""
        limit = self._config.clip
        weights = [weight for weight in self._weights if weight.grad is not None]
        for together in [[weight] for weight in weights] if self._config.clip_each else [weights]:
            norm = torch.nn.utils.get_total_norm([weight.grad for weight in together if weight.grad is not None])
            if limit and (norm.is_cuda or norm > limit):  # to look at a norm is to wait for the card
                torch.nn.utils.clip_grads_with_norm_(together, limit, norm)

    def _rate(self) -> float:
        """Learning rate of the next step."""
        config = self._config
        if self.epoch < config.start_epochs:
            return config.start_learning_rate
        share = SCHEDULES[config.schedule](config, self.progress.step, self.epoch - config.start_epochs, self.progress)
        return config.learning_rate * share

    def validate(self) -> float | None:
        """Validate after an epoch, and keep its weights if they are the best so far."""
        cost, progress = self.workers.of_first(self.course.cost), self.progress
        epoch = self.epoch - 1
        if cost is None or epoch < self._config.start_epochs:
            return cost
        if cost < progress.best_cost:
            progress.best_cost, progress.best_epoch, progress.waited = cost, epoch, 0
            self._best = {name: weight.clone() for name, weight in self.course.network.state_dict().items()}
        else:
            progress.stalls += 1
            progress.waited += 1
        return cost

    def finish(self) -> None:
        """Give the network its best weights."""
        if self._best:
            self.course.network.load_state_dict(self._best)
        self.course.begin_epoch(self.epoch, starting=False)

    def save(self, path: Path) -> None:
        """Write what a resumed run needs, under a new name, then rename; the first worker does."""
        if self.workers.rank:
            return
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "progress": asdict(self.progress),
                "network": self.course.network.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "best": self._best,
            },
            partial,
        )
        partial.replace(path)

    def restore(self, path: Path) -> bool:
        """Go on from what `save` wrote, if it is there; the first worker reads it for all."""
        saved = self.workers.of_first(lambda: path.read_bytes() if path.exists() else None)
        if saved is None:
            return False
        state: dict[str, Any] = torch.load(BytesIO(saved), map_location=self._device, weights_only=True)
        self.progress = Progress(**state["progress"])
        self.course.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._best = state["best"]
        self.course.begin_epoch(self.epoch, starting=self.epoch < self._config.start_epochs)
        return True


def run(
    training: Training,
    config: TrainingConfig,
    state: Path,
    *,
    resume: bool = True,
    report: Report = logger.info,
    tick: Tick = lambda done, total: None,
) -> None:
    """Train to the end, keeping a state at `state` to go on from; the network then has its best weights."""
    progress = training.progress
    if resume and training.restore(state):
        progress = training.progress
        report(f"resumed at step {progress.step}")
    losses: list[float] = []
    shown: list[Shown] = []
    earlier, started = progress.seconds, time.perf_counter()
    while not training.is_over():
        loss, more = training.advance()
        losses.append(loss)
        shown.append(more)
        tick(progress.step, training.steps)
        ended = progress.step % training.course.steps_per_epoch == 0
        cost = training.validate() if ended else None
        progress.seconds = earlier + time.perf_counter() - started
        if ended or (config.report_steps and progress.step % config.report_steps == 0):
            report(_line(training, losses, shown, cost))
            losses, shown = [], []
        if ended or (config.resume_steps and progress.step % config.resume_steps == 0):
            training.save(state)
    training.finish()


def _draw_by(seed: int, device: torch.device) -> None:
    """Make what is drawn next depend on a seed; torch.manual_seed is slow, for it sees to every device."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def _line(training: Training, losses: list[float], shown: list[Shown], cost: float | None) -> str:
    parts = [f"step {training.progress.step}/{training.steps}", f"loss {sum(losses) / len(losses):.4f}"]
    parts += [f"{name} {sum(row[name] for row in shown) / len(shown):.4f}" for name in shown[0]]
    if cost is not None:
        parts.append(f"validation {cost:.4f} (best {training.progress.best_cost:.4f})")
    return "  ".join([*parts, f"{training.progress.seconds:.0f} s"])
