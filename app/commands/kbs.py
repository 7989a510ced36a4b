"""Knowledge bases: made, shown, exported, deleted, and the readers adapted to them."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from app.commands.targets import Key, Url, console, target_of


class Format(StrEnum):
    """Formats of an export."""

    nt = "nt"
    tsv = "tsv"
    jsonl = "jsonl"


def list_kbs(url: Url = None, key: Key = None) -> None:
    """All knowledge bases."""
    table = Table("name", "triples", "entities", "relations", "revision", "index")
    with target_of(url, key) as target:
        for kb in target.kbs():
            counts = kb["counts"]
            numbers = [f"{counts[name]:,}" for name in ("triples", "entities", "relations")]
            table.add_row(kb["name"], *numbers, str(kb["revision"]), str(kb["index"]["state"]))
    console.print(table)


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
    with target_of(url, key) as target:
        found = target.models(name) if activate is None else target.activate(name, activate)
    for one in found["models"]:
        metrics: dict[str, Any] = one["metrics"]
        exact = [f"{metrics.get(which, {}).get('exact', 0):.3f}" for which in ("active", "candidate")]
        shown = exact if metrics else ["", ""]
        table.add_row(str(one["id"]), one["created_at"] or "", one["base"], *shown, "yes" if one["active"] else "")
    console.print(table)


def create_kb(name: str, url: Url = None, key: Key = None) -> None:
    """Make an empty knowledge base."""
    with target_of(url, key) as target:
        target.create_kb(name)
    console.print(f"Made {name}.", markup=False)


def show_kb(name: str, url: Url = None, key: Key = None) -> None:
    """Counts, revision and index of a knowledge base."""
    with target_of(url, key) as target:
        console.print_json(data=target.kb(name))


def delete_kb(
    name: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Delete a knowledge base with all that belongs to it."""
    with target_of(url, key) as target:
        triples = target.kb(name)["counts"]["triples"]
        if not yes:
            typer.confirm(f"Delete {name} with {triples:,} triples?", abort=True)
        target.delete_kb(name)
    console.print(f"Deleted {name}.", markup=False)


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
    with target_of(url, key) as target:
        chunks = target.export(name, format.value)
        if out is None:
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            return
        with open(out, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
