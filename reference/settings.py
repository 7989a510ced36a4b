"""The page of settings: name, kind, bounds, default and meaning, as `app.settings` has them."""

from typing import Any

from app.settings import PREFIX, Settings
from reference.markdown import code, page, table

_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "minLength": "at least {} characters",
}
_KINDS = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text"}


def settings_page() -> str:
    """The page in Markdown."""
    fields = Settings.model_json_schema(by_alias=False)["properties"]
    rows = [
        [code(PREFIX + name.upper()), kind_of(described), code(_default(name)), described.get("description", "")]
        for name, described in fields.items()
    ]
    introduction = (
        "All come from the environment; empty is as good as unset, and a variable that starts with "
        f"`{PREFIX}` and is none of these stops the start. A wrong value does too: the error names the variable and "
        "what it takes. What they are for is told where they are used: [deploying](../deploy.md), "
        "[operating](../how-to/operate.md), [abstention](../how-to/abstention.md)."
    )
    return page("Settings", introduction, [table(["variable", "takes", "default", "what"], rows)])


def _default(name: str) -> str:
    default = Settings.model_fields[name].default
    return "" if default is None else str(default)


def kind_of(described: dict[str, Any]) -> str:
    """What a setting takes, in words: its type, its bounds, its choices."""
    choices = [one for one in described.get("anyOf", [described]) if one.get("type") != "null"]
    schema = {**described, **choices[0]}
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    kind = {"path": "path", "password": "text, kept secret"}.get(schema.get("format", ""), _KINDS[schema["type"]])
    bounds = [words.format(f"{schema[name]:,}") for name, words in _BOUNDS.items() if name in schema]
    return ", ".join([kind, *bounds])
