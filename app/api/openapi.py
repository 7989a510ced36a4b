"""What /openapi.json says beyond what FastAPI finds: bodies that endpoints read, one shape of error, sizes."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from app.api import bodies, replies

_READ_BY_HAND = (
    bodies.AskBatchBody,
    bodies.AskBody,
    bodies.EvaluateBody,
    bodies.TrainBody,
    bodies.FeedbackBody,
    bodies.KbBody,
    bodies.KeyBody,
    replies.ProblemReply,
    bodies.ReadBody,
    bodies.TriplesBody,
)
_SIZES = {"integer": "int64", "number": "double"}


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """A replacement of `app.openapi`: the whole document, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
            _, defined = models_json_schema(
                [(schema, "validation") for schema in _READ_BY_HAND], ref_template="#/components/schemas/{model}"
            )
            document.setdefault("components", {}).setdefault("schemas", {}).update(defined["$defs"])
            _size_numbers(document)
            app.openapi_schema = document
        return app.openapi_schema

    return openapi


def _size_numbers(part: object) -> None:
    """Say how large numbers may be: without it generated clients take 32 bits, too few for an id."""
    if isinstance(part, dict):
        kind = part.get("type")
        if isinstance(kind, str) and kind in _SIZES:
            part.setdefault("format", _SIZES[kind])
        for inner in part.values():
            _size_numbers(inner)
    elif isinstance(part, list):
        for inner in part:
            _size_numbers(inner)
