"""Views: the replies of version 1 as HTML. Each takes what its call takes and shows what that replies, problems too.

A view needs no rights and finds no data: the call that it makes does both, with the header that came along.
"""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import orjson
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from app.dependencies import is_recognised, read_limited
from app.errors import Problem
from app.web.calling import call
from app.web.rendering import render


class View(NamedTuple):
    """A call of the API, and the template that shows its reply."""

    name: str
    method: str
    path: str
    template: str
    call: str = ""

    @property
    def called(self) -> str:
        """The path of the call, which is the view's own where no other is named."""
        return self.call or self.path


VIEWS = (
    View("kbs", "GET", "/kbs", "kbs.html"),
    View("kb", "GET", "/kbs/{kb}", "kb.html"),
    View("answer", "POST", "/kbs/{kb}/answer", "answer.html", "/kbs/{kb}/ask"),
    View("completions", "GET", "/kbs/{kb}/completions", "completions.html", "/kbs/{kb}/entities"),
    View("entities", "GET", "/kbs/{kb}/entities", "entities.html"),
    View("entity", "GET", "/kbs/{kb}/entities/{entity_id}", "entity.html"),
    View("relations", "GET", "/kbs/{kb}/relations", "relations.html"),
    View("facts", "GET", "/kbs/{kb}/triples", "facts.html"),
    View("models", "GET", "/kbs/{kb}/models", "models.html"),
    View("evaluation", "POST", "/kbs/{kb}/evaluate", "evaluation.html"),
    View("jobs", "GET", "/jobs", "jobs.html"),
    View("job", "GET", "/jobs/{job_id}", "job.html"),
    View("rejected", "GET", "/jobs/{job_id}/rejected", "rejected.html"),
    View("keys", "GET", "/keys", "keys.html"),
    View("story", "POST", "/read", "story.html"),
)


def showing(view: View) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """The endpoint of a view."""

    async def show(request: Request) -> Response:
        takes_body = view.method != "GET" and await is_recognised(request)  # else the call refuses without any
        try:
            body = await read_limited(request) if takes_body else b""
        except Problem as problem:
            return render(request, "views/problem.html", problem.status, problem=vars(problem))
        place = {name: quote(str(value), safe="") for name, value in request.path_params.items()}
        reply = await call(request, view.method, view.called.format(**place), request.query_params, body)
        if reply.is_error:
            return render(request, "views/problem.html", reply.status_code, problem=reply.json())
        return await run_sync(_shown, request, view, reply, body)  # thousands of answers take a while

    return show


def _shown(request: Request, view: View, reply: httpx.Response, body: bytes) -> Response:
    sent = orjson.loads(body) if body else {}
    context = {**request.path_params, "reply": reply.json(), "query": dict(request.query_params), "sent": sent}
    return render(request, f"views/{view.template}", **context)


def router_of(views: tuple[View, ...] = VIEWS) -> APIRouter:
    """The routes of the views: under /ui/v1, as the calls are under /v1."""
    router = APIRouter(prefix="/ui/v1", include_in_schema=False)
    for view in views:
        router.add_api_route(view.path, showing(view), methods=[view.method], name=f"view_{view.name}")
    return router
