"""API keys."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from app.commands.targets import Key, Url, console, target_of


class Scope(StrEnum):
    """What a key may do."""

    ask = "ask"
    write = "write"
    admin = "admin"


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
    with target_of(url, key) as target:
        made = target.create_key(name, scope.value, kb=kb, expires_at=expires_at)
    typer.echo(made["key"])


def list_keys(url: Url = None, key: Key = None) -> None:
    """All API keys, without their secrets."""
    table = Table("id", "name", "prefix", "scope", "kb", "expires")
    with target_of(url, key) as target:
        for one in target.api_keys():
            row = (str(one["id"]), one["name"], one["prefix"], one["scope"], one["kb"] or "all")
            table.add_row(*row, one["expires_at"] or "never")
    console.print(table)


def revoke_key(key_id: int, url: Url = None, key: Key = None) -> None:
    """Revoke an API key."""
    with target_of(url, key) as target:
        target.revoke_key(key_id)
    console.print(f"Revoked {key_id}.")
