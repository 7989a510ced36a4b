"""Pages: shells that hold no data of any knowledge base. What they show, their scripts fetch from the views."""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.web import preview, suggestions, views
from app.web.rendering import ASSETS, STATIC, assets_version, render


class Page(NamedTuple):
    """An address and the template that is shown there."""

    name: str
    path: str
    title: str


PAGES = (
    Page("home", "/ui", "Knowledge bases"),
    Page("ask", "/ui/kbs/{kb}", "Ask"),
    Page("facts", "/ui/kbs/{kb}/browse", "Facts"),
    Page("entities", "/ui/kbs/{kb}/browse/entities", "Entities"),
    Page("entity", "/ui/kbs/{kb}/browse/entities/{entity_id}", "Entity"),
    Page("relations", "/ui/kbs/{kb}/browse/relations", "Relations"),
    Page("upload", "/ui/kbs/{kb}/upload", "Upload"),
    Page("models", "/ui/kbs/{kb}/models", "Models"),
    Page("evaluate", "/ui/kbs/{kb}/evaluate", "Evaluate"),
    Page("jobs", "/ui/jobs", "Jobs"),
    Page("read", "/ui/read", "Stories"),
    Page("keys", "/ui/keys", "Keys"),
)
FOREVER = "public, max-age=31536000, immutable"


def router_of_pages() -> APIRouter:
    """The routes of the pages, and of the root, which leads to the first."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/", _first, methods=["GET"], name="root")
    for page in PAGES:
        router.add_api_route(page.path, showing(page), methods=["GET"], name=f"page_{page.name}")
    return router


def showing(page: Page) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """The endpoint of a page."""

    async def show(request: Request) -> Response:
        context = {"kb": None, **request.path_params, "page": page}
        return render(request, f"pages/{page.name}.html", **context)

    return show


async def _first() -> Response:
    """To the first page; a relative address, for a proxy may serve it under a prefix."""
    return RedirectResponse("ui")


ROUTERS: tuple[APIRouter, ...] = (router_of_pages(), views.router_of(), suggestions.router, preview.router)


class Assets(StaticFiles):
    """Static files, whose address names their version: browsers need not ask for them again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, to be kept."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = FOREVER
        return response


def mount_assets(app: FastAPI) -> None:
    """Serve what the pages load, from the package, packed for who takes gzip."""
    app.mount(f"{ASSETS}/{assets_version()}", GZipMiddleware(Assets(directory=STATIC)), name="page_assets")
