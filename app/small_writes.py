"""Small writes: a JSON body of triples, read by the same parser as NDJSON uploads, all of it or nothing."""

from collections.abc import Sequence
from typing import Any

import orjson

from app.errors import Problem
from app.settings import Settings
from kb.formats import ParseOptions, parse
from kb.triples import Triple

NDJSON = "application/x-ndjson"


def triples_of(body: bytes, source: str | None, settings: Settings) -> list[Triple]:
    """The triples of a `{"triples": [...]}` body.

    Raises:
        Problem: the body or one of its triples is wrong; `errors` says which, by index.
    """
    return parsed_items(_items(body, settings), source, settings)


def parsed_items(
    items: Sequence[object], source: str | None, settings: Settings, place: str = "triples"
) -> list[Triple]:
    """The triples of JSON objects, by the parser of NDJSON; `place` is where they stand in the body.

    Raises:
        Problem: one of them is wrong; `errors` says which, by index.
    """
    options = ParseOptions(
        media_type=NDJSON,
        source=source,
        max_label_bytes=settings.max_label_bytes,
        max_line_bytes=settings.max_json_bytes,
    )
    lines = b"\n".join(orjson.dumps(item) for item in items)
    triples: list[Triple] = []
    errors: list[dict[str, Any]] = []
    for batch in parse([lines], options):
        triples += batch.triples
        errors += [_error(place, line.number - 1, line.reason) for line in batch.rejected]
    if errors:
        raise _invalid(errors)
    return triples


def _items(body: bytes, settings: Settings) -> Sequence[object]:
    if not body.strip():
        raise Problem(400, "empty_body", 'The body is empty: send {"triples": [...]}.')
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "malformed_json", f"The body is no JSON: {error}.") from None
    items = content.get("triples") if isinstance(content, dict) and set(content) == {"triples"} else None
    if not isinstance(items, list) or not items:
        detail = 'Send {"triples": [{"subject": …, "relation": …, "object": …}, …]} with at least one triple.'
        raise Problem(
            422, "invalid_body", detail, extra={"errors": [{"loc": ["triples"], "message": detail, "type": "list"}]}
        )
    if len(items) > settings.max_small_write_triples:
        raise Problem(
            413,
            "too_many_triples",
            f"Send at most {settings.max_small_write_triples:,} triples in a JSON body; send more as {NDJSON}.",
        )
    strange = [
        _error("triples", index, "is no object with subject, relation and object")
        for index, item in enumerate(items)
        if not isinstance(item, dict) or not {"subject", "relation", "object"} <= item.keys()
    ]
    if strange:
        raise _invalid(strange)
    return items


def _error(place: str, index: int, reason: str) -> dict[str, Any]:
    return {"loc": [place, index], "message": reason, "type": "triple"}


def _invalid(errors: list[dict[str, Any]]) -> Problem:
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    place, index = errors[0]["loc"]
    detail = f"{place}.{index}: {errors[0]['message']}{more}. Nothing was written."
    return Problem(422, "invalid_triples", detail, extra={"errors": errors[:100]})
