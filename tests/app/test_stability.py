"""What version 1 promised when it was last released still holds: calls, parameters, fields and codes stay."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.main import create_app
from app.settings import Settings

RELEASED = Path(__file__).parent / "released"
Document = dict[str, Any]


def broken(old: Document, new: Document) -> list[str]:
    """What a client of the old document cannot rely on any more; what is only new breaks nothing."""
    return [*_calls(old, new), *_schemas(old, new)]


def _calls(old: Document, new: Document) -> Iterator[str]:
    for path, calls in old["paths"].items():
        for method, call in calls.items():
            name = f"{method.upper()} {path}"
            kept = new["paths"].get(path, {}).get(method)
            if kept is None:
                yield f"{name} is gone"
                continue
            before, after = _parameters(call), _parameters(kept)
            yield from (f"{name}: parameter {one[1]} is gone" for one in before.keys() - after.keys())
            yield from (
                f"{name}: parameter {one[1]} is now required"
                for one, required in after.items()
                if required and not before.get(one)
            )
            for status in call["responses"].keys() - kept["responses"].keys():
                yield f"{name}: status {status} is gone"
            for kind in _media_types(call) - _media_types(kept):
                yield f"{name}: {kind} is not taken any more"


def _parameters(call: Document) -> dict[tuple[str, str], bool]:
    return {(one["in"], one["name"]): one.get("required", False) for one in call.get("parameters", ())}


def _media_types(call: Document) -> set[str]:
    return set(call.get("requestBody", {}).get("content", {}))


def _schemas(old: Document, new: Document) -> Iterator[str]:
    for name, schema in old["components"]["schemas"].items():
        kept = new["components"]["schemas"].get(name)
        if kept is None:
            yield f"schema {name} is gone"
            continue
        for field in schema.get("properties", {}).keys() - kept.get("properties", {}).keys():
            yield f"{name}.{field} is gone"
        before, after = set(schema.get("required", ())), set(kept.get("required", ()))
        if name.endswith("Body"):
            yield from (f"{name}.{field} is now required" for field in after - before)
        else:
            yield from (f"{name}.{field} may now be missing" for field in before - after)
        for field, said in schema.get("properties", {}).items():
            for value in set(said.get("enum", ())) - set(kept["properties"].get(field, {}).get("enum", ())):
                yield f"{name}.{field}: {value!r} is gone"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    app = create_app(Settings(data=tmp_path_factory.mktemp("unused")))
    return dict(json.loads(json.dumps(app.openapi())))


@pytest.mark.parametrize("released", sorted(RELEASED.glob("*.json")), ids=lambda path: path.stem)
def test_nothing_that_was_released_is_broken(released: Path, document: Document) -> None:
    assert broken(json.loads(released.read_text(encoding="utf-8")), document) == []


def test_there_is_something_to_compare_with() -> None:
    assert [*RELEASED.glob("openapi-*.json")]


def _without_call(document: Document) -> None:
    del document["paths"]["/v1/kbs"]["get"]


def _without_parameter(document: Document) -> None:
    call = document["paths"]["/v1/kbs/{kb}/entities"]["get"]
    call["parameters"] = [one for one in call["parameters"] if one["name"] != "q"]


def _with_required_parameter(document: Document) -> None:
    document["paths"]["/v1/jobs"]["get"]["parameters"].append({"in": "query", "name": "why", "required": True})


def _without_media_type(document: Document) -> None:
    del document["paths"]["/v1/kbs/{kb}/triples"]["post"]["requestBody"]["content"]["text/csv"]


def _without_field(document: Document) -> None:
    del document["components"]["schemas"]["AskBody"]["properties"]["limit"]


def _with_required_field(document: Document) -> None:
    document["components"]["schemas"]["AskBody"]["required"].append("limit")


def _without_status(document: Document) -> None:
    del document["paths"]["/v1/kbs"]["post"]["responses"]["409"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_without_call, "GET /v1/kbs is gone"),
        (_without_parameter, "GET /v1/kbs/{kb}/entities: parameter q is gone"),
        (_with_required_parameter, "GET /v1/jobs: parameter why is now required"),
        (_without_media_type, "POST /v1/kbs/{kb}/triples: text/csv is not taken any more"),
        (_without_field, "AskBody.limit is gone"),
        (_with_required_field, "AskBody.limit is now required"),
        (_without_status, "POST /v1/kbs: status 409 is gone"),
    ],
)
def test_what_breaks_a_client_is_found(document: Document, change: Callable[[Document], None], told: str) -> None:
    changed = copy.deepcopy(document)
    change(changed)
    assert broken(document, changed) == [told]
    assert broken(document, document) == []


def test_what_is_only_new_breaks_nothing(document: Document) -> None:
    changed = copy.deepcopy(document)
    changed["paths"]["/v1/new"] = {"get": {"responses": {"200": {}}}}
    changed["components"]["schemas"]["AskBody"]["properties"]["new"] = {"type": "string"}
    changed["paths"]["/v1/jobs"]["get"]["parameters"].append({"in": "query", "name": "why", "required": False})
    assert broken(document, changed) == []
