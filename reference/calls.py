"""The page of calls: what `/openapi.json` says, call by call and type by type."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.main import create_app
from app.settings import Settings
from reference.markdown import code, page, table

Schema = Mapping[str, Any]
_TYPES = {"integer": "whole number", "string": "text", "boolean": "true or false", "object": "object", "null": "null"}
_BOUNDS = {
    "minimum": "at least {:,}",
    "maximum": "at most {:,}",
    "minLength": "at least {:,} characters",
    "maxItems": "at most {:,}",
}


def calls_page() -> str:
    """The page in Markdown."""
    document = openapi()
    introduction = (
        "Every call with its parameters and its body, then every type. How they belong together is told on "
        "[the API page](../api.md); a running service shows this, to try out, at `/docs`, and as a file at "
        "`/openapi.json`. "
        "Each call may also give the [problems](problems.md) of the statuses it names."
    )
    by_tag: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            by_tag.setdefault(call["tags"][0], []).append(_call(f"{method.upper()} {path}", call))
    sections = ["\n\n".join([f"## {tag.capitalize()}", *calls]) for tag, calls in by_tag.items()]
    types = [_type(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    return page("Calls", introduction, [*sections, "\n\n".join(["## Types", *types])])


def openapi() -> dict[str, Any]:
    """The document of a service that nothing was set for."""
    with TemporaryDirectory() as folder:
        return create_app(Settings(data=Path(folder))).openapi()


def _call(title: str, call: Schema) -> str:
    parts = [f"### {title}", _line(call.get("description", ""))]
    rows = [
        [
            code(one["name"]),
            one["in"],
            _takes(one["schema"]),
            _required(one.get("required", False)),
            _line(one.get("description", "")),
        ]
        for one in call.get("parameters", ())
    ]
    if rows:
        parts.append(table(["parameter", "in", "takes", "", "what"], rows))
    rows = [
        ["body", code(media), _content(body)] for media, body in call.get("requestBody", {}).get("content", {}).items()
    ]
    problems = []
    for status, reply in call["responses"].items():
        if "application/problem+json" in reply.get("content", {}):
            problems.append(status)
        else:
            rows += [[status, code(media), _content(body)] for media, body in reply.get("content", {"": {}}).items()]
    parts.append(table(["", "as", "what"], rows))
    if problems:
        parts.append(f"Problems: {', '.join(problems)}.")
    return "\n\n".join(parts)


def _content(body: Schema) -> str:
    schema = body.get("schema", {})
    return _takes(schema) if schema else ""


def _line(text: str) -> str:
    """The first paragraph of a description, on one line."""
    return " ".join(text.partition("\n\n")[0].split())


def _required(value: bool) -> str:
    return "required" if value else ""


def _type(name: str, schema: Schema) -> str:
    rows = [
        [
            code(field),
            _takes(inner),
            _required(field in schema.get("required", ())),
            _line(inner.get("description", "")),
        ]
        for field, inner in schema.get("properties", {}).items()
    ]
    parts = [f"### {name}", _line(schema.get("description", ""))]
    return "\n\n".join(
        [part for part in parts if part] + [table(["field", "is", "", "what"], rows) if rows else _takes(schema)]
    )


def _takes(schema: Schema) -> str:
    """What a value may be, in words, with links to the types."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(dict.fromkeys(_takes(one) for one in schema.get("anyOf") or schema["oneOf"]))
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    return ", ".join(_of_type(schema))


def _of_type(schema: Schema) -> Iterator[str]:
    kind = schema.get("type")
    if kind == "array":
        inner = [_takes(one) for one in schema.get("prefixItems", ())] or [_takes(schema.get("items", {}))]
        yield f"list of {' and '.join(inner)}"
    elif kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        yield f"object of {_takes(schema['additionalProperties'])}"
    elif kind == "string" and schema.get("format") == "date-time":
        yield "time"
    else:
        yield _TYPES.get(str(kind), str(kind or "anything"))
    yield from (words.format(schema[name]) for name, words in _BOUNDS.items() if name in schema)
