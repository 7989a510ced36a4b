"""How fast the answering reader trains on two threads, beside what its matrix products alone take; prints JSON.

    python -m benchmarks.training [--steps 10] [--repeat 5] [--out FILE]

Steps of the recipe `path_reader`, on episodes of MetaQA where the data is, else on generated ones: drawing an episode
batch, which a thread of its own does ahead, and one step forward and back with the optimizer, on one thread. The limit
is the same number of floating-point operations as one large matrix product on one thread. `minutes` is the whole
recipe at this pace, whichever of the two is slower.
"""

import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import report
from benchmarks.questions import has_metaqa
from kb.context import ContextEncoder
from kb.encoding import StaticEncoder
from models.batching import PathBatch
from models.networks.path_reader import PathReader
from models.path_training import REMEMBERED_TEXTS, PathCourse, PathRecipe
from models.recipe import RECIPES
from models.tasks import make_path_task
from models.texts import TextCutter
from models.training import Training

_RECIPE = "path_reader"
_PRODUCT = 1_024
_PRODUCTS = 20


class _TimedCourse(PathCourse):
    """Counts the seconds that drawing takes."""

    draw_seconds = 0.0

    def draw(self, step: int) -> PathBatch:
        """The batch of a step."""
        started = time.perf_counter()
        batch = super().draw(step)
        self.draw_seconds += time.perf_counter() - started
        return batch


def main() -> None:
    """Steps, reports."""
    arguments = report.arguments(__doc__)
    arguments.add_argument("--steps", type=int, default=10, help="of one run")
    given = report.read(arguments, steps=2)
    torch.set_num_threads(1)
    task = "metaqa" if has_metaqa(given.datasets) else "generated"
    recipe = PathRecipe.read(RECIPES / f"{_RECIPE}.toml")
    course = _course(recipe, task, given.datasets)
    training = Training(course, recipe.training)
    with FlopCounterMode(display=False) as counter:
        training.advance()
    operations = counter.get_total_flops()
    runs = [_run(training, course, given.steps, operations) for _ in range(given.repeat)]
    figures: dict[str, Any] = {name: report.spread([run[name] for run in runs], 4) for name in runs[0]}
    figures["gigaflop_a_step"] = round(operations / 1e9, 2)
    minutes = [recipe.training.steps * max(run["draw_seconds"], run["step_seconds"]) / 60 for run in runs]
    figures["minutes"] = report.spread(minutes, 1)
    size = {"recipe": _RECIPE, "task": task, "steps": recipe.training.steps, "batch": recipe.training.batch}
    report.write("training", given, size, figures)


def _course(recipe: PathRecipe, task: str, datasets: Path) -> _TimedCourse:
    encoder = ContextEncoder(StaticEncoder())
    torch.manual_seed(recipe.training.seed)
    network = PathReader(recipe.network, torch.tensor(encoder.token_table()))
    cutter = TextCutter(encoder, recipe.network.max_tokens, REMEMBERED_TEXTS)
    settings = next(settings for name, _, settings in recipe.tasks if name == task)
    tasks = [(make_path_task(task, datasets, settings), 1.0)]
    return _TimedCourse(network, cutter, tasks, recipe.training, recipe.choices)


def _run(training: Training, course: _TimedCourse, steps: int, operations: int) -> dict[str, float]:
    """Seconds of drawing, of the rest of a step, and of as many operations in large matrix products."""
    drawn_before, started = course.draw_seconds, time.perf_counter()
    for _ in range(steps):
        training.advance()
    drawn = course.draw_seconds - drawn_before
    stepped = time.perf_counter() - started - drawn
    limit = operations / _operations_a_second()
    return {
        "draw_seconds": drawn / steps,
        "step_seconds": stepped / steps,
        "limit_seconds": limit,
        "times_of_limit": stepped / steps / limit,
    }


def _operations_a_second() -> float:
    one, other = torch.rand(_PRODUCT, _PRODUCT), torch.rand(_PRODUCT, _PRODUCT)
    started = time.perf_counter()
    for _ in range(_PRODUCTS):
        one @ other
    return _PRODUCTS * 2 * _PRODUCT**3 / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
