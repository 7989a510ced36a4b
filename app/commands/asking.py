"""Loading a file of facts, and asking about them."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from app.commands.targets import KbOption, Key, Url, console, followed, target_of
from app.spreadsheets import NoTable, as_triples
from app.terminal import show_answer
from hopfact.bodies import guess_media_type
from hopfact.errors import JobFailed

_SHOWN_REJECTED = 10


class OnError(StrEnum):
    """What a bad line does."""

    skip = "skip"
    abort = "abort"


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
    with _triples(file) if table else nullcontext(file) as triples, target_of(url, key) as target:
        if all(known["name"] != kb for known in target.kbs()):
            target.create_kb(kb)
        job = target.upload(
            kb, triples, media_type=media_type, encoding=encoding, source=source, on_error=on_error.value
        )
        job = followed(target, job)
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
    with target_of(url, key) as target, console.status("reading"):
        reply = target.ask(kb, question, entities=entity or None, max_hops=max_hops, limit=limit)
    show_answer(console, reply, explain=explain)
