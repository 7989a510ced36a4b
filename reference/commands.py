"""The page of the command line: what `hopfact --help` says of every command, in one place."""

import inspect
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from app.cli import app
from reference.markdown import code, page, table

Parameter = TyperArgument | TyperOption
_KINDS = {str: "text", int: "whole number", Path: "path"}


def commands_page() -> str:
    """The page in Markdown."""
    introduction = (
        "Commands on knowledge bases work on the data folder itself, or with `--url` on a service. They end with 0 "
        "when it is done, 1 when it could not be done, 2 when it was asked wrongly, and an error is one line. "
        "`hopfact --install-completion` lets a shell complete all of this."
    )
    return page("Command line", introduction, [section(words, command) for words, command in all_commands()])


def all_commands() -> Iterator[tuple[list[str], TyperCommand]]:
    """Every command that does something, with the words that call it."""

    def below(words: list[str], command: object) -> Iterator[tuple[list[str], TyperCommand]]:
        if isinstance(command, TyperGroup):
            for name, inner in command.commands.items():
                yield from below([*words, name], inner)
        else:
            assert isinstance(command, TyperCommand)
            yield words, command

    return below(["hopfact"], get_command(app))


def section(words: list[str], command: TyperCommand) -> str:
    """One command: how it is called, what it does, what it takes."""
    assert command.callback is not None
    hints = get_type_hints(inspect.unwrap(command.callback))
    parameters = [one for one in command.params if isinstance(one, (TyperArgument, TyperOption))]
    rows = [[_names(one), _takes(one, hints[str(one.name)]), _default(one), _help(one)] for one in parameters]
    usage = " ".join([*words, *_usage(parameters)])
    parts = [f"## {' '.join(words)}", command.help or "", f"```text\n{usage}\n```"]
    return "\n\n".join([*parts, *([table(["", "takes", "default", "what"], rows)] if rows else [])])


def _usage(parameters: list[Parameter]) -> Iterator[str]:
    yield from ["[OPTIONS]"] * any(isinstance(one, TyperOption) for one in parameters)
    for one in parameters:
        if isinstance(one, TyperArgument):
            yield str(one.name).upper() if one.required else f"[{str(one.name).upper()}]"


def _names(parameter: Parameter) -> str:
    if isinstance(parameter, TyperArgument):
        return code(str(parameter.name).upper())
    return ", ".join(code(name) for name in [*parameter.opts, *parameter.secondary_opts])


def _takes(parameter: Parameter, hint: Any) -> str:  # noqa: ANN401 - any type that a command takes
    [kind, *_] = [one for one in get_args(hint) or (hint,) if one is not NoneType]
    [kind, *_] = get_args(kind) or (kind,)  # of a list
    if kind is bool:
        return "nothing"
    if issubclass(kind, Enum):
        return ", ".join(code(one.value) for one in kind)
    edges = (("at least", parameter.min), ("at most", parameter.max))
    bounds = [f"{words} {edge:g}" for words, edge in edges if edge is not None]
    return ", ".join([_KINDS[kind], *bounds, *["more than once"] * parameter.multiple])


def _default(parameter: Parameter) -> str:
    default = parameter.default
    if parameter.required:
        return "required"
    if isinstance(default, bool):
        return "yes" if default else "no"
    return "" if default is None else code(default.value if isinstance(default, Enum) else default)


def _help(parameter: Parameter) -> str:
    said = parameter.help or ""
    return f"{said} Also `{parameter.envvar}`." if parameter.envvar else said
