"""The command line: `hopfact`. Commands on knowledge work on the data folder itself, or with --url on a server.

Exit codes: 0 done, 1 it could not be done, 2 it was asked wrongly.
"""

import sys
from collections.abc import Callable
from typing import NoReturn

import typer

from app.commands import asking, kbs, keeping, keys, learning, serving
from app.errors import Problem, ServiceError, problem_of
from app.settings import SettingsError
from hopfact.errors import HopfactError
from kb.errors import KnowledgeError

_COMMANDS: tuple[Callable[..., None], ...] = (
    serving.serve,
    serving.worker,
    serving.mcp,
    serving.demo,
    asking.ingest,
    asking.ask,
    learning.train,
    learning.evaluate,
    learning.results,
    keeping.backup,
    keeping.restore,
)
_GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "kb": (
        "Knowledge bases.",
        {
            "list": kbs.list_kbs,
            "models": kbs.list_models,
            "create": kbs.create_kb,
            "show": kbs.show_kb,
            "delete": kbs.delete_kb,
            "export": kbs.export_kb,
        },
    ),
    "index": (
        "Derived structures of the embedded store.",
        {"verify": keeping.verify_index, "rebuild": keeping.rebuild_index},
    ),
    "keys": ("API keys.", {"create": keys.create_key, "list": keys.list_keys, "revoke": keys.revoke_key}),
    "db": ("The database schema.", {"upgrade": keeping.upgrade_database, "check": keeping.check_database}),
}
TOLD = (SettingsError, HopfactError, ServiceError, Problem, KnowledgeError)

app = typer.Typer(
    name="hopfact",
    help="Questions in English over your own triples.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in _COMMANDS:
    app.command()(command)
for name, (about, verbs) in _GROUPS.items():
    group = typer.Typer(help=about, no_args_is_help=True)
    for verb, command in verbs.items():
        group.command(verb)(command)
    app.add_typer(group, name=name)


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
