"""Keeping what is stored: backups, derived structures, the schema."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.targets import console, embedded, embedded_services, open_services, report
from app.errors import ServiceError
from app.settings import load_settings


def backup(folder: Annotated[Path, typer.Argument(file_okay=False, help="Made if it is not there.")]) -> None:
    """Write facts, feedback, adapted readers and keys to a folder, while the service goes on; or what changed since."""
    from app.backups import back_up
    from app.main import VERSION

    with embedded_services() as (services, _):
        made = back_up(services, folder, VERSION, report)
    report(f"{len(made['kbs'])} knowledge bases and {len(made['keys'])} keys are in {folder}.")


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
        report(f"{len(made['kbs'])} knowledge bases of {made['made_at']}, all files whole.")
        return
    pairs = (name.partition("=") for name in kb or ())
    wanted = {name: new or name for name, _, new in pairs} if kb else None
    with embedded_services() as (services, target):
        bring_back(services, target, folder, wanted, report)


def verify_index(kb: Annotated[str | None, typer.Argument(help="Default: all.")] = None) -> None:
    """Compare the derived structures with SQL, fact by fact."""
    problems = 0
    with embedded() as target:
        for name in [kb] if kb else [known["name"] for known in target.kbs()]:
            found = target.verify(name)
            problems += len(found)
            console.print(f"{name}: {'; '.join(found) or 'agrees'}", markup=False)
    if problems:
        raise ServiceError(f"{problems} differences: `hopfact index rebuild` mends them.")


def rebuild_index(kb: Annotated[str | None, typer.Argument(help="Default: all.")] = None) -> None:
    """Build the derived structures anew from SQL."""
    with embedded() as target:
        for name in [kb] if kb else [known["name"] for known in target.kbs()]:
            with console.status(f"building {name}"):
                target.rebuild(name)
            console.print(f"{name}: built", markup=False)


def upgrade_database() -> None:
    """Bring the database to this version's schema."""
    with open_services(load_settings()) as services:
        services.prepare()
    console.print("The schema is up to date.")


def check_database() -> None:
    """Say whether the database has this version's schema; change nothing."""
    from kb.database import has_current_schema

    with open_services(load_settings()) as services:
        is_current = has_current_schema(services.engine)
    if not is_current:
        raise ServiceError("The schema is not this version's: run `hopfact db upgrade`.")
    console.print("The schema is this version's.")
