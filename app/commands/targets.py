"""What commands work on, the embedded store or a server, and how they tell what they do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

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
)

from app.settings import Settings, load_settings
from app.telemetry import Metrics, configure_logging
from hopfact.client import Client, Retries
from hopfact.types import JobReply

if TYPE_CHECKING:
    from app.embedded import Embedded
    from app.wiring import Services


console = Console()
_RETRIES = Retries(times=3)  # someone waits

KbOption = Annotated[str, typer.Option("--kb", help="Name of the knowledge base.")]
Url = Annotated[str | None, typer.Option("--url", help="A server; default: the embedded store.")]
Key = Annotated[str | None, typer.Option("--key", envvar="HOPFACT_API_KEY", help="API key for --url.")]


@contextmanager
def open_services(settings: Settings) -> "Iterator[Services]":
    """The services of these settings, closed afterwards."""
    from app.wiring import Services  # FAISS and SQL take a second to import: only for commands that need them

    services = Services(settings, Metrics())
    try:
        yield services
    finally:
        services.close()


@contextmanager
def embedded() -> "Iterator[Embedded]":
    """The verbs on the data folder."""
    with embedded_services() as (_, target):
        yield target


@contextmanager
def embedded_services() -> "Iterator[tuple[Services, Embedded]]":
    """The services of the data folder, and the verbs on them."""
    from app.embedded import Embedded

    settings = load_settings()
    configure_logging(settings.model_copy(update={"log_level": "warning"}))
    with open_services(settings) as services:
        yield services, Embedded(services)


@contextmanager
def target_of(url: str | None, key: str | None) -> "Iterator[Client | Embedded]":
    """What the command works on: a server, or the embedded store."""
    if url is None:
        with embedded() as target:
            yield target
        return
    with Client(url, key, retries=_RETRIES) as client:
        yield client


def followed(target: "Client | Embedded", job: JobReply) -> JobReply:
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


def report(*parts: Any) -> None:  # noqa: ANN401 - whatever training says
    """Print what a longer task says of itself."""
    console.print(*parts, markup=False, highlight=False)
