"""Training and evaluation: of the service's reader, of the literature's networks, on a knowledge base."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from app.commands.targets import Key, Url, console, followed, report, target_of
from app.diagrams import diagram
from app.errors import ServiceError
from app.settings import Settings, installing, load_settings
from app.telemetry import configure_logging
from app.terminal import read_questions, show_evaluation, show_training

if TYPE_CHECKING:
    import torch

    from models.recipe import Recipe


def train(
    recipe: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="Or --kb.")] = None,
    kb: Annotated[str | None, typer.Option("--kb", help="A knowledge base to adapt the reader to.")] = None,
    questions: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help='JSON lines: {"question", "answers"}.')
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run, or file of the service's reader. Default: runs/RECIPE/seed-N."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Default: the recipe's.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Default: HOPFACT_THREADS.")] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Learn together, on the nodes of a Ray cluster; 1: in this process.")
    ] = 1,
    device: Annotated[
        str, typer.Option(help="Where a network of the literature learns: cpu, or cuda for an NVIDIA card.")
    ] = "cpu",
    resume: Annotated[bool, typer.Option(help="Go on from the last saved state.")] = True,
    start: Annotated[
        Path | None, typer.Option("--from", exists=True, dir_okay=False, help="Begin from this reader's weights.")
    ] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Train a network by a recipe and test it, or adapt the reader to a knowledge base."""
    if kb is not None and recipe is None:
        asked = read_questions(questions) if questions else []
        with target_of(url, key) as target:
            job = followed(target, target.train(kb, asked))
            versions = target.models(kb)["models"]
        show_training(console, job, versions)
        return
    if recipe is None or kb is not None or questions is not None:
        raise typer.BadParameter("give either a recipe, or --kb.")
    from models import episode_training, path_training
    from models.recipe import Recipe, is_literature

    settings = load_settings(threads=threads)
    configure_logging(settings)
    if not is_literature(recipe):
        if seed is not None:
            raise typer.BadParameter("the service's reader has the seed of its recipe.", param_hint="--seed")
        if device != "cpu":
            raise typer.BadParameter("the service's reader learns on the CPU.", param_hint="--device")
        if workers > 1:
            raise typer.BadParameter("the service's reader learns in one process: give none.", param_hint="--workers")
        out = out or Path("reader.safetensors")
        path = path_training.train(
            recipe, out, settings.datasets, threads=settings.num_threads, resume=resume, report=report, start=start
        )
        console.print(f"Checkpoint: {path}")
        return
    if start is not None:
        raise typer.BadParameter("only the service's reader begins from another's weights.", param_hint="--from")
    given = Recipe.read(recipe).with_seed(seed)
    folder = out or given.folder
    if workers > 1:
        if device != "cpu" or not resume:
            raise typer.BadParameter(
                "several learn on the CPU, and go on where the run's folder is: for a new run, give another --out.",
                param_hint="--workers",
            )
        console.print(f"Result: {_train_together(given, folder, workers, settings)}")
        return
    with _steps() as tick:
        path = episode_training.train(
            given,
            folder,
            settings.datasets,
            threads=settings.num_threads,
            device=_device(device),
            resume=resume,
            report=report,
            tick=tick,
        )
    console.print(f"Result: {path}")


def _train_together(recipe: "Recipe", folder: Path, workers: int, settings: Settings) -> Path:
    from models import cluster

    if not cluster.is_installed():
        missing = f"more than 1 needs Ray Train: {installing('ray-train')}."
        raise typer.BadParameter(missing, param_hint="--workers")
    threads, address = settings.num_threads, settings.ray_address
    try:
        return cluster.train(recipe, folder, settings.datasets, workers=workers, threads=threads, address=address)
    except cluster.ClusterUnusable as error:
        raise ServiceError(str(error)) from error


def _device(name: str) -> "torch.device":
    import torch  # takes a second

    if name == "cpu" or (name == "cuda" and torch.cuda.is_available()):
        return torch.device(name)
    missing = "torch finds no NVIDIA card here" if name == "cuda" else f"no device {name!r}"
    raise typer.BadParameter(f"{missing}; --device cpu learns anywhere.", param_hint="--device")


@contextmanager
def _steps() -> Iterator[Callable[[int, int], None]]:
    """A bar of training steps."""
    columns = (TextColumn("steps"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        shown = bar.add_task("")
        yield lambda done, total: bar.update(shown, completed=done, total=total)


def evaluate(
    recipe: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="Or --kb and --questions.")] = None,
    kb: Annotated[str | None, typer.Option("--kb", help="A knowledge base to ask.")] = None,
    questions: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help='JSON lines: {"question", "answers", "kind"?, "hops"?}.'),
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Where to draw reliability and abstention, as SVG.")] = None,
    mistakes: Annotated[int, typer.Option(min=0, help="Most mistakes shown.")] = 10,
    checkpoint: Annotated[
        Path | None, typer.Option(exists=True, help="Default: the shipped reader, or the folder of the recipe's run.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Default: dev, or test for networks of the literature.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Default: HOPFACT_THREADS.")] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Evaluate a network by a recipe, or the answers of a knowledge base by questions of yours."""
    if kb is not None and questions is not None and recipe is None:
        asked = read_questions(questions)
        with target_of(url, key) as target, console.status("asking"):
            found = target.evaluate(kb, asked, mistakes=mistakes)
        show_evaluation(console, found)
        if picture is not None:
            picture.write_text(diagram(found), encoding="utf-8")
        return
    if recipe is None or kb is not None or questions is not None:
        raise typer.BadParameter("give either a recipe, or --kb and --questions.")
    from models import episode_training, evaluation
    from models.episodes import Split
    from models.recipe import Recipe, is_literature

    settings = load_settings(threads=threads)
    configure_logging(settings)
    if not is_literature(recipe):
        evaluation.evaluate(
            recipe, checkpoint, settings.datasets, threads=settings.num_threads, split=split or "dev", report=report
        )
        return
    given = Recipe.read(recipe)
    figures = episode_training.evaluate(
        given, checkpoint or given.folder, settings.datasets, Split(split or "test"), threads=settings.num_threads
    )
    for name, value in figures.items():
        console.print(f"{name} {value:.2f}", highlight=False)


def results(
    record: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A recipe: write its runs' figures into it.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A page: put the table between its marks.")
    ] = None,
) -> None:
    """Published figures and ours, of all recipes of the literature's networks."""
    from models import results

    if record is not None:
        console.print(f"Recorded seeds {results.record(record)}.", highlight=False)
    if page is not None:
        results.write_table(page)
    if record is None and page is None:
        table = Table(*results.HEADER)
        for row in results.rows(results.literature()):
            table.add_row(*row)
        console.print(table)
