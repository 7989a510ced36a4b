"""The command line: `hopfact`. Commands on knowledge work on the data folder itself, or with --url on a server.

Exit codes: 0 done, 1 it could not be done, 2 it was asked wrongly.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from app.diagrams import diagram
from app.errors import Problem, ServiceError, problem_of
from app.settings import Settings, SettingsError, installing, load_settings
from app.spreadsheets import NoTable, as_triples
from app.telemetry import Metrics, configure_logging
from app.terminal import read_questions, show_answer, show_evaluation, show_training
from hopfact.bodies import guess_media_type
from hopfact.client import Client, Retries
from hopfact.errors import HopfactError, JobFailed
from hopfact.types import JobReply
from kb.errors import KnowledgeError

if TYPE_CHECKING:
    import torch

    from app.embedded import Embedded
    from app.wiring import Services
    from models.recipe import Recipe

app = typer.Typer(
    name="hopfact",
    help="Questions in English over your own triples.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
kb_app = typer.Typer(help="Knowledge bases.", no_args_is_help=True)
index_app = typer.Typer(help="Derived structures of the embedded store.", no_args_is_help=True)
keys_app = typer.Typer(help="API keys.", no_args_is_help=True)
db_app = typer.Typer(help="The database schema.", no_args_is_help=True)
app.add_typer(kb_app, name="kb")
app.add_typer(index_app, name="index")
app.add_typer(keys_app, name="keys")
app.add_typer(db_app, name="db")

console = Console()
TOLD = (SettingsError, HopfactError, ServiceError, Problem, KnowledgeError)
_SHOWN_REJECTED = 10
_RETRIES = Retries(times=3)  # someone waits


class OnError(StrEnum):
    """What a bad line does."""

    skip = "skip"
    abort = "abort"


class Format(StrEnum):
    """Formats of an export."""

    nt = "nt"
    tsv = "tsv"
    jsonl = "jsonl"


class Scope(StrEnum):
    """What a key may do."""

    ask = "ask"
    write = "write"
    admin = "admin"


KbOption = Annotated[str, typer.Option("--kb", help="Name of the knowledge base.")]
Url = Annotated[str | None, typer.Option("--url", help="A server; default: the embedded store.")]
Key = Annotated[str | None, typer.Option("--key", envvar="HOPFACT_API_KEY", help="API key for --url.")]


def main() -> NoReturn:
    """Run the command; every error is one clear line."""
    try:
        app(standalone_mode=True)
    except TOLD as error:
        detail = error.detail if isinstance(error, Problem) else str(error)
        typer.secho(f"hopfact: {detail}", fg="red", err=True)
        sys.exit(2 if isinstance(error, SettingsError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            raise
        typer.secho(f"hopfact: {problem.detail} ({getattr(error, 'orig', error)})", fg="red", err=True)
        sys.exit(1)
    sys.exit(0)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve the HTTP API until a signal says to stop."""
    settings = load_settings(host=host, port=port)
    from app import main as service

    service.serve(settings)


@app.command()
def worker() -> None:
    """Run jobs, as a process of its own, until a signal says to stop."""
    import signal

    from kb.generations import allow_many_files

    settings = load_settings()
    configure_logging(settings)
    allow_many_files()
    with _services(settings) as services:
        services.prepare(waits=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: services.worker.ask_to_stop())
        services.trainer.start()
        services.worker.run()


@app.command()
def mcp(url: Url = None, key: Key = None) -> None:
    """Serve an agent on standard input and output, as Claude Desktop and others start it."""
    from app import stdio

    stdio.run(load_settings(), url, key)


@app.command()
def demo(
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    once: Annotated[bool, typer.Option(help="Stop after the questions.")] = False,
) -> None:
    """Load the world's countries and cities, serve them, ask a few questions."""
    from app import demo as world

    settings = load_settings(port=port)
    configure_logging(settings.model_copy(update={"log_level": "warning"}))
    world.run(console, settings, once=once)


@app.command()
def ingest(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    kb: KbOption,
    source: Annotated[str | None, typer.Option(help="Where the triples come from.")] = None,
    on_error: Annotated[OnError, typer.Option(help="Leave bad lines out, or write nothing.")] = OnError.skip,
    media_type: Annotated[str | None, typer.Option(help="Default: by the file's name.")] = None,
    table: Annotated[bool, typer.Option("--table", help="A CSV of rows and columns: a triple for each cell.")] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Load a file of triples, or a table; the KB is made if it is not there."""
    guessed, encoding = guess_media_type(file.name)
    if table and (media_type or encoding):
        raise typer.BadParameter("a table is a plain CSV, with no packing and no --media-type.", param_hint="--table")
    media_type = "text/csv" if table else media_type or guessed
    if media_type is None:
        raise typer.BadParameter(f"{file.name} has a name that tells no format: give --media-type.", param_hint="FILE")
    with _triples(file) if table else nullcontext(file) as triples, _target(url, key) as target:
        if all(known["name"] != kb for known in target.kbs()):
            target.create_kb(kb)
        job = target.upload(
            kb, triples, media_type=media_type, encoding=encoding, source=source, on_error=on_error.value
        )
        job = _followed(target, job)
        lines = target.rejected(job["id"], page_size=_SHOWN_REJECTED) if job["rejected"] else iter(())
        for line in islice(lines, _SHOWN_REJECTED):
            console.print(
                f"{'triple' if table else 'line'} {line['number']}: {line['reason']}", style="yellow", markup=False
            )
    if job["state"] != "succeeded":
        raise JobFailed(job)
    names = f" and {job['names']:,} names" if job["names"] else ""
    console.print(f"{job['accepted']:,} new{names}, {job['duplicates']:,} known already, {job['rejected']:,} rejected.")
    if not table and media_type == "text/csv" and job["rejected"] and not (job["accepted"] or job["duplicates"]):
        console.print("A line is a subject, a relation and an object. If this is a table, give --table.", markup=False)


@contextmanager
def _triples(table: Path) -> Iterator[Path]:
    try:
        with as_triples(table) as triples:
            yield triples
    except NoTable as error:
        raise typer.BadParameter(f"{table.name}, {error}.", param_hint="FILE") from error


@app.command()
def ask(
    question: str,
    kb: KbOption,
    entity: Annotated[list[str] | None, typer.Option(help="The topic, instead of linking the question.")] = None,
    max_hops: Annotated[int | None, typer.Option(min=1, max=3)] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most answers shown.")] = 20,
    explain: Annotated[bool, typer.Option(help="Also show links, hops and the query.")] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Ask a question; print answers, confidence and the facts that prove each."""
    with _target(url, key) as target, console.status("reading"):
        reply = target.ask(kb, question, entities=entity or None, max_hops=max_hops, limit=limit)
    show_answer(console, reply, explain=explain)


@app.command()
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
        with _target(url, key) as target:
            job = _followed(target, target.train(kb, asked))
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
            recipe, out, settings.datasets, threads=settings.num_threads, resume=resume, report=_report, start=start
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
            report=_report,
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


@app.command()
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
        with _target(url, key) as target, console.status("asking"):
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
            recipe, checkpoint, settings.datasets, threads=settings.num_threads, split=split or "dev", report=_report
        )
        return
    given = Recipe.read(recipe)
    figures = episode_training.evaluate(
        given, checkpoint or given.folder, settings.datasets, Split(split or "test"), threads=settings.num_threads
    )
    for name, value in figures.items():
        console.print(f"{name} {value:.2f}", highlight=False)


@app.command()
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


@kb_app.command("list")
def list_kbs(url: Url = None, key: Key = None) -> None:
    """All knowledge bases."""
    table = Table("name", "triples", "entities", "relations", "revision", "index")
    with _target(url, key) as target:
        for kb in target.kbs():
            counts = kb["counts"]
            numbers = [f"{counts[name]:,}" for name in ("triples", "entities", "relations")]
            table.add_row(kb["name"], *numbers, str(kb["revision"]), str(kb["index"]["state"]))
    console.print(table)


@kb_app.command("models")
def list_models(
    name: str,
    activate: Annotated[
        int | None, typer.Option(min=0, help="A version that is to answer; 0: the shipped one.")
    ] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """The readers adapted to a knowledge base; let another one answer."""
    table = Table("version", "made", "from", "exact before", "exact after", "answers")
    with _target(url, key) as target:
        found = target.models(name) if activate is None else target.activate(name, activate)
    for one in found["models"]:
        metrics: dict[str, Any] = one["metrics"]
        exact = [f"{metrics.get(which, {}).get('exact', 0):.3f}" for which in ("active", "candidate")]
        shown = exact if metrics else ["", ""]
        table.add_row(str(one["id"]), one["created_at"] or "", one["base"], *shown, "yes" if one["active"] else "")
    console.print(table)


@kb_app.command("create")
def create_kb(name: str, url: Url = None, key: Key = None) -> None:
    """Make an empty knowledge base."""
    with _target(url, key) as target:
        target.create_kb(name)
    console.print(f"Made {name}.", markup=False)


@kb_app.command("show")
def show_kb(name: str, url: Url = None, key: Key = None) -> None:
    """Counts, revision and index of a knowledge base."""
    with _target(url, key) as target:
        console.print_json(data=target.kb(name))


@kb_app.command("delete")
def delete_kb(
    name: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Delete a knowledge base with all that belongs to it."""
    with _target(url, key) as target:
        triples = target.kb(name)["counts"]["triples"]
        if not yes:
            typer.confirm(f"Delete {name} with {triples:,} triples?", abort=True)
        target.delete_kb(name)
    console.print(f"Deleted {name}.", markup=False)


@kb_app.command("export")
def export_kb(
    name: str,
    format: Annotated[
        Format, typer.Option(help="jsonl keeps everything, nt all but sources, tsv labels only.")
    ] = Format.nt,
    out: Annotated[Path | None, typer.Option(help="Default: standard output.")] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Write a knowledge base to a file that can be ingested again."""
    with _target(url, key) as target:
        chunks = target.export(name, format.value)
        if out is None:
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            return
        with open(out, "wb") as file:
            for chunk in chunks:
                file.write(chunk)


@app.command()
def backup(folder: Annotated[Path, typer.Argument(file_okay=False, help="Made if it is not there.")]) -> None:
    """Write facts, feedback, adapted readers and keys to a folder, while the service goes on; or what changed since."""
    from app.backups import back_up
    from app.main import VERSION

    with _embedded_services() as (services, _):
        made = back_up(services, folder, VERSION, _report)
    _report(f"{len(made['kbs'])} knowledge bases and {len(made['keys'])} keys are in {folder}.")


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    kb: Annotated[
        list[str] | None,
        typer.Option("--kb", help="Only this one; NAME=OTHER under another name. Default: all, and keys."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only look whether every file is whole.")] = False,
) -> None:
    """Bring back what a backup holds; what is there already and holds the same is left as it is."""
    from app.backups import read_manifest
    from app.backups import restore as bring_back

    if check:
        made = read_manifest(folder)
        _report(f"{len(made['kbs'])} knowledge bases of {made['made_at']}, all files whole.")
        return
    pairs = (name.partition("=") for name in kb or ())
    wanted = {name: new or name for name, _, new in pairs} if kb else None
    with _embedded_services() as (services, target):
        bring_back(services, target, folder, wanted, _report)


@index_app.command("verify")
def verify_index(kb: Annotated[str | None, typer.Argument(help="Default: all.")] = None) -> None:
    """Compare the derived structures with SQL, fact by fact."""
    problems = 0
    with _embedded() as target:
        for name in [kb] if kb else [known["name"] for known in target.kbs()]:
            found = target.verify(name)
            problems += len(found)
            console.print(f"{name}: {'; '.join(found) or 'agrees'}", markup=False)
    if problems:
        raise ServiceError(f"{problems} differences: `hopfact index rebuild` mends them.")


@index_app.command("rebuild")
def rebuild_index(kb: Annotated[str | None, typer.Argument(help="Default: all.")] = None) -> None:
    """Build the derived structures anew from SQL."""
    with _embedded() as target:
        for name in [kb] if kb else [known["name"] for known in target.kbs()]:
            with console.status(f"building {name}"):
                target.rebuild(name)
            console.print(f"{name}: built", markup=False)


@keys_app.command("create")
def create_key(
    name: str,
    scope: Annotated[Scope, typer.Option(help="ask, write or admin.")] = Scope.ask,
    kb: Annotated[str | None, typer.Option(help="The only KB that it reaches; default: all.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; default: never.")] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Make an API key and print it, this once."""
    from datetime import UTC, datetime, timedelta

    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None
    with _target(url, key) as target:
        made = target.create_key(name, scope.value, kb=kb, expires_at=expires_at)
    typer.echo(made["key"])


@keys_app.command("list")
def list_keys(url: Url = None, key: Key = None) -> None:
    """All API keys, without their secrets."""
    table = Table("id", "name", "prefix", "scope", "kb", "expires")
    with _target(url, key) as target:
        for one in target.api_keys():
            row = (str(one["id"]), one["name"], one["prefix"], one["scope"], one["kb"] or "all")
            table.add_row(*row, one["expires_at"] or "never")
    console.print(table)


@keys_app.command("revoke")
def revoke_key(key_id: int, url: Url = None, key: Key = None) -> None:
    """Revoke an API key."""
    with _target(url, key) as target:
        target.revoke_key(key_id)
    console.print(f"Revoked {key_id}.")


@db_app.command("upgrade")
def upgrade_database() -> None:
    """Bring the database to this version's schema."""
    with _services(load_settings()) as services:
        services.prepare()
    console.print("The schema is up to date.")


@db_app.command("check")
def check_database() -> None:
    """Say whether the database has this version's schema; change nothing."""
    from kb.database import has_current_schema

    with _services(load_settings()) as services:
        is_current = has_current_schema(services.engine)
    if not is_current:
        raise ServiceError("The schema is not this version's: run `hopfact db upgrade`.")
    console.print("The schema is this version's.")


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


@contextmanager
def _services(settings: Settings) -> "Iterator[Services]":
    from app.wiring import Services  # FAISS and SQL take a second to import: only for commands that need them

    services = Services(settings, Metrics())
    try:
        yield services
    finally:
        services.close()


@contextmanager
def _embedded() -> "Iterator[Embedded]":
    with _embedded_services() as (_, target):
        yield target


@contextmanager
def _embedded_services() -> "Iterator[tuple[Services, Embedded]]":
    """The services of the data folder, and the verbs on them."""
    from app.embedded import Embedded

    settings = load_settings()
    configure_logging(settings.model_copy(update={"log_level": "warning"}))
    with _services(settings) as services:
        yield services, Embedded(services)


@contextmanager
def _target(url: str | None, key: str | None) -> "Iterator[Client | Embedded]":
    """What the command works on: a server, or the embedded store."""
    if url is None:
        with _embedded() as target:
            yield target
        return
    with Client(url, key, retries=_RETRIES) as client:
        yield client


def _followed(target: "Client | Embedded", job: JobReply) -> JobReply:
    """The job as it ended, with a bar meanwhile."""
    trains = job["kind"] == "training"
    amount = MofNCompleteColumn() if trains else DownloadColumn()
    columns = (SpinnerColumn(), TextColumn("{task.fields[name]}"), BarColumn(), amount, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", name="ingesting", total=job["progress"]["total"])

        def show(job: JobReply) -> None:
            done, total = job["progress"]["done"], job["progress"]["total"]
            reading = "training" if trains else "reading"
            name = "making answerable" if job["kb_revision"] else "merging" if done == total else reading
            bar.update(task, completed=done, name=name)

        return target.wait(job["id"], progress=show, check=False)


def _report(*parts: Any) -> None:  # noqa: ANN401 - whatever training says
    console.print(*parts, markup=False, highlight=False)
