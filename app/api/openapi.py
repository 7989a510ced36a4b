"""What /openapi.json says beyond what FastAPI finds: bodies that endpoints read themselves, and one shape of error."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from app.api import schemas

_READ_BY_HAND = (
    schemas.AskBatchBody,
    schemas.AskBody,
    schemas.EvaluateBody,
    schemas.TrainBody,
    schemas.FeedbackBody,
    schemas.KbBody,
    schemas.KeyBody,
    schemas.ProblemReply,
    schemas.ReadBody,
    schemas.TriplesBody,
)


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """A replacement of `app.openapi`: the whole document, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
            _, defined = models_json_schema(
                [(schema, "validation") for schema in _READ_BY_HAND], ref_template="#/components/schemas/{model}"
            )
            document.setdefault("components", {}).setdefault("schemas", {}).update(defined["$defs"])
            app.openapi_schema = document
        return app.openapi_schema

    return openapi
