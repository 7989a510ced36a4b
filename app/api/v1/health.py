"""Endpoints for those who watch the service: alive, ready, figures. No key: they tell nothing of any KB."""

from fastapi import APIRouter, Response

from app.dependencies import Service, gives, reply
from app.errors import Problem
from app.spool import disk_failure
from app.telemetry import METRICS_MEDIA_TYPE

router = APIRouter(tags=["health"])


@router.head("/livez", include_in_schema=False)
@router.get("/livez")
async def livez() -> Response:
    """Alive: the process answers."""
    return reply({"status": "alive"})


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: gives()[503]})
def readyz(service: Service) -> Response:
    """Ready: the database is reached, the worker runs, every derived structure is loaded; else 503 says what is not.

    Degraded: questions are answered, but nothing can be written, and `detail` says why.
    """
    missing = service.missing()
    if missing:
        raise Problem(503, "not_ready", f"Not ready yet: {'; '.join(missing)}.", {"Retry-After": "1"})
    failure = disk_failure(service.settings.data)
    if failure:
        return reply({"status": "degraded", "detail": f"The data folder cannot be written: {failure}."})
    return reply({"status": "ready"})


@router.get("/metrics", response_class=Response, responses={200: {"content": {METRICS_MEDIA_TYPE: {}}}})
def metrics(service: Service) -> Response:
    """Figures for Prometheus."""
    return Response(service.figures(), media_type=METRICS_MEDIA_TYPE)
