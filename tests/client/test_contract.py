"""What the client promises of itself: the types of the OpenAPI document, all of its calls, families of codes."""

import inspect
import json
import re
import subprocess
import sys
import types as python
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import httpx
import pytest
from packaging.requirements import Requirement

from app.main import create_app
from app.settings import Settings
from hopfact import calls, errors, types
from hopfact.client import AsyncClient, Client

ROOT = Path(__file__).parents[2]
PLAIN = {"string": str, "integer": int, "number": float, "boolean": bool, "null": type(None)}
DECLARED = {name: one for name, one in vars(types).items() if is_typeddict(one) and not name.startswith("Sparql")}
"""But for what the SPARQL 1.1 Query Results JSON Format says."""


EXAMPLES: dict[str, object] = {
    "name": "films",
    "kb": "films",
    "triples": [("a", "b", "c")],
    "entity_id": 1,
    "question": "?",
    "questions": ["?"],
    "answers": ["a"],
    "version": 1,
    "memory": ["a"],
    "job_id": 1,
    "scope": "ask",
    "key_id": 1,
    "query": "ASK {}",
}
OTHER_WAYS = {("GET", "/v1/kbs/{kb}/sparql")}
"""What another call does as well."""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    app = create_app(Settings(data=tmp_path_factory.mktemp("unused")))
    return json.loads(json.dumps(app.openapi()))


def meant(schema: Any) -> Any:
    """A schema in a form that two can be compared by: sets of alternatives."""
    if "$ref" in schema:
        return frozenset({schema["$ref"].rpartition("/")[2]})
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return frozenset().union(*(meant(one) for one in alternatives))
    if "enum" in schema:
        return frozenset(schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return frozenset({("list", meant(schema["items"]))})
    if kind == "object":
        values = schema.get("additionalProperties", True)
        return frozenset({("dict", meant(values) if isinstance(values, dict) and values else frozenset({object}))})
    return frozenset({PLAIN[kind]})


def said(hint: Any) -> Any:
    """A type in the same form."""
    origin = get_origin(hint)
    if origin in (Union, python.UnionType):
        return frozenset().union(*(said(one) for one in get_args(hint)))
    if origin is Literal:
        return frozenset(get_args(hint))
    if origin is NotRequired:
        return said(get_args(hint)[0])
    if origin is list:
        return frozenset({("list", said(get_args(hint)[0]))})
    if origin is dict:
        return frozenset({("dict", said(get_args(hint)[1]))})
    return frozenset({hint.__name__ if is_typeddict(hint) else hint})


@pytest.mark.parametrize("name", DECLARED)
def test_a_type_is_what_the_document_says(name: str, document: Any) -> None:
    schema, declared = document["components"]["schemas"][name], DECLARED[name]
    hints = get_type_hints(declared)
    assert {field: said(hint) for field, hint in hints.items()} == {
        field: resolved(meant(one), document) for field, one in schema["properties"].items()
    }
    assert (
        declared.__required_keys__ == set(schema["required"])
        if "required" in schema
        else not declared.__required_keys__
    )


def resolved(alternatives: Any, document: Any) -> Any:
    """Named unions and choices of the document as what they stand for."""
    found: set[Any] = set()
    for one in alternatives:
        schema = document["components"]["schemas"].get(one) if isinstance(one, str) else None
        if isinstance(one, tuple):
            found.add((one[0], resolved(one[1], document)))
        elif schema is not None and "properties" not in schema:
            found |= resolved(meant(schema), document)
        else:
            found.add(one)
    return frozenset(found)


def methods(client: type) -> dict[str, str]:
    return {
        name: inspect.getdoc(one) or ""
        for name, one in vars(client).items()
        if inspect.isfunction(one) and name in vars(calls)
    }


def test_both_clients_have_every_call_and_tell_its_words() -> None:
    described = {
        name: inspect.getdoc(one)
        for name, one in vars(calls).items()
        if inspect.isfunction(one) and one.__module__ == calls.__name__ and not name.startswith("_")
    }
    assert methods(Client) == methods(AsyncClient) == described
    for client in (Client("http://x"), AsyncClient("http://x")):
        assert str(inspect.signature(client.write)).startswith("(kb: str, triples: ")


def test_every_call_of_the_document_can_be_made(document: Any, tmp_path: Path) -> None:
    """The requests of all calls, matched with the paths of the document."""
    (tmp_path / "facts.tsv").touch()
    examples = EXAMPLES | {"data": tmp_path / "facts.tsv"}
    made = set()
    for name in methods(Client):
        call = getattr(calls, name)
        arguments = {
            parameter.name: examples[parameter.name]
            for parameter in inspect.signature(call).parameters.values()
            if parameter.default is inspect.Parameter.empty
        }
        flow = call(**arguments)
        step = next(flow.more() if hasattr(flow, "more") else flow)
        made.add((step.request.method, step.request.path))
    offered = {
        (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)))
        for path, methods_ in document["paths"].items()
        for method in methods_
        if path.startswith("/v1/") and (method.upper(), path) not in OTHER_WAYS
    }
    missing = {
        f"{method} {path.pattern}"
        for method, path in offered
        if not any(method == made_method and path.fullmatch(made_path) for made_method, made_path in made)
    }
    assert missing == set()


def test_every_status_of_a_problem_has_a_class() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d, ]+) \| `", page, re.MULTILINE)
    statuses = {int(status) for row in rows for status in row.split(",")}
    assert len(statuses) > 10
    assert statuses == errors.FAMILIES.keys()


def test_all_that_is_raised_is_of_one_root() -> None:
    classes = [one for one in vars(errors).values() if inspect.isclass(one) and one.__module__ == errors.__name__]
    assert all(issubclass(one, errors.HopfactError) for one in classes)
    problem = {"detail": "No.", "code": "busy", "request_id": "r"}
    response = httpx.Response(
        503, json=problem, headers={"Retry-After": "soon"}, request=httpx.Request("GET", "http://x")
    )
    found = errors.refusal(response)
    assert isinstance(found, errors.Unavailable)
    assert (found.retry_after, str(found)) == (None, "No. (busy, request r)")


def needed_by(name: str) -> set[str]:
    """A package and what it needs here, all by their names."""
    wanted = [Requirement(one) for one in distribution(name).requires or ()]
    here = [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return {name}.union(*(needed_by(one) for one in here))


def test_the_client_needs_httpx_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "hopfact").symlink_to(ROOT / "hopfact")
    for name in needed_by("httpx"):
        found = distribution(name)
        for file in {path.parts[0] for path in found.files or () if path.parts[0] not in ("..", "__pycache__")}:
            (tmp_path / file).symlink_to(str(found.locate_file(file)))
    code = "import sys; sys.path.insert(0, sys.argv[1]); import hopfact.client, hopfact.evidence; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", code, str(tmp_path)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    assert {"hopfact.calls", "hopfact.flows", "httpx"} <= set(ran.stdout.split())
