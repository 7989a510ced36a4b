"""The explorer at /docs: Swagger UI on our OpenAPI document, every byte of it served from here."""

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.staticfiles import StaticFiles

router = APIRouter(include_in_schema=False)

_ASSETS = "docs/assets"
# Browsers enforce what we promise: the page asks no other host, whatever its scripts would like to.
_ONLY_FROM_HERE = "default-src 'self' 'unsafe-inline'; img-src 'self' data:"


@router.get("/docs")
async def docs() -> Response:
    """The page. Its addresses are relative, for a proxy may serve it under a prefix."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Hopfact",
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon-32x32.png",
    )
    page.headers["Content-Security-Policy"] = _ONLY_FROM_HERE
    return page


def mount_assets(app: FastAPI) -> None:
    """Serve what the page loads, from the package that carries it; nothing of that package is imported."""
    app.mount(f"/{_ASSETS}", StaticFiles(packages=[("fastapi_swagger", "resources")]), name="docs_assets")
