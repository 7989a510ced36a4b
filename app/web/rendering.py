"""Templates: how pages and fragments become HTML, and the policy under which a browser shows them."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.diagrams import panels
from app.web import words
from app.web.evidence import graph_of, heat_of, slots_of
from app.web.stories import STORIES

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
ASSETS = "/ui/static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Vary": "Accept-Encoding"}


def render(request: Request, template: str, status: int = HTTPStatus.OK, **context: object) -> Response:
    """A template as a response; its addresses are relative to the root of the service, wherever a proxy puts that."""
    root = "../" * (request.url.path.count("/") - 1) or "./"
    html = (
        _templates()
        .get_template(template)
        .render(root=root, here=request.url.path.lstrip("/"), assets=f"ui/static/{assets_version()}", **context)
    )
    return Response(html, status, _HEADERS, "text/html")


@cache
def assets_version() -> str:
    """What names the static files as they are: it changes when one of them does, so browsers may keep them forever."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": lambda value: f"{value:,}",
        "percent": percent,
        "heat": lambda weight: min(10, max(0, round(10 * weight))),
        "when": lambda moment: f"{datetime.fromisoformat(moment):%-d %B %Y, %H:%M}",
        "part": lambda text: quote(str(text), safe=""),
        "as_json": lambda value: json.dumps(value, ensure_ascii=False),
        "graph": graph_of,
        "heat_rows": heat_of,
        "slot_rows": slots_of,
        "panels": lambda report: {name: Markup(svg) for name, svg in panels(report).items()},
        "marked": marked,
    }
    environment.globals |= {"words": words, "stories": STORIES}
    return environment


def percent(share: float) -> str:
    """A share as people say it; neither none nor all of it where it is only nearly so."""
    if 0 < share < 0.01:
        return "<1 %"
    return f"{min(share, 0.99 if share < 1 else 1):.0%}".replace("%", " %")


def marked(reply: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any] | None]]:
    """The question in pieces, those that were taken for a name with what they were taken for."""
    text, at = reply["question"], 0
    pieces: list[tuple[str, Mapping[str, Any] | None]] = []
    for linked in sorted(reply["linked_entities"], key=lambda one: (one["start"], -one["end"])):
        if linked["start"] < at or linked["score"] < words.CREDIBLE:
            continue
        pieces += [(text[at : linked["start"]], None), (linked["mention"], linked)]
        at = linked["end"]
    return [piece for piece in [*pieces, (text[at:], None)] if piece[0]]
