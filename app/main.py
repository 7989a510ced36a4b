"""The application: routes, error handling and lifespan, assembled in one visible place; and the server around it."""

import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import uvicorn
from anyio.to_thread import run_sync
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from app.api import explorer
from app.api.openapi import describe
from app.api.v1.router import ROUTERS
from app.errors import PROBLEM_JSON, Problem, ServiceError, invalid, problem_of, problem_of_status
from app.middleware import RequestFrame
from app.protocol import ProblemProtocol
from app.settings import Settings, SettingsError
from app.telemetry import Metrics, configure_logging, logger
from app.web import pages
from app.wiring import Services
from kb.errors import KnowledgeError
from kb.garbage import settle
from kb.generations import allow_many_files
from models.checkpoints import CheckpointUnusable
from models.errors import StoryUnreadable

VERSION = "0.1.0"

_OF_FILES = ("GET", "HEAD")
OF_MODELS = (StoryUnreadable, CheckpointUnusable)
ALL_ROUTERS = (*ROUTERS, explorer.router, *pages.ROUTERS)
log = logger("hopfact.service")


def create_app(settings: Settings, opened: Services | None = None) -> FastAPI:
    """The ASGI application; it opens nothing before its lifespan starts, and closes also what it was given `opened`."""
    metrics = opened.metrics if opened else Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = await run_sync(open_services, settings, metrics) if opened is None else opened
        app.state.services = services
        yield
        await services.batcher.close()
        await run_sync(services.close)

    app = FastAPI(
        title="Hopfact",
        summary="Answers English questions over your own triples, with the facts that prove each answer.",
        version=VERSION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,  # FastAPI's page loads its scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        # FastAPI's own traces tell the whole address, which holds labels: ours are in app.tracing.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for router in ALL_ROUTERS:
        app.include_router(router)
    explorer.mount_assets(app)
    pages.mount_assets(app)
    app.add_exception_handler(HTTPException, _reply_status)
    app.add_exception_handler(RequestValidationError, _reply_invalid)
    for ours in (Problem, ServiceError, KnowledgeError, OperationalError, NoConnection, DataError, *OF_MODELS):
        app.add_exception_handler(ours, _reply_problem)
    app.add_middleware(RequestFrame, metrics=metrics)
    app.openapi = describe(app)  # type: ignore[method-assign] # FastAPI's documented way to change the document
    return app


def open_services(settings: Settings, metrics: Metrics) -> Services:
    """The services of a server: database at this version, reader loaded, worker running, views on their way.

    Raises:
        SettingsError: the service would be open to the network.
        OperationalError: the database could not be reached for a minute.
    """
    services = Services(settings, metrics)
    try:
        services.prepare(waits=True)
        services.check_locked()
        services.warm()
        if settings.worker == "embedded":
            services.worker.start()
            services.trainer.start()
    except BaseException:
        services.close()
        raise
    return services


def serve(settings: Settings) -> None:
    """Serve until a signal says to stop.

    Raises:
        SettingsError: the address cannot be listened on, or must not be.
    """
    settle()
    allow_many_files()
    configure_logging(settings)
    listener = _listen(settings)
    services = open_services(settings, Metrics())  # before the server starts, whose words for what fails are many
    host, port = listener.getsockname()[:2]
    log.info("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}")
    server_of(create_app(settings, services), settings).run(sockets=[listener])


class Server(uvicorn.Server):
    """Tells the application that it stops before it waits for the requests that are served."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, once all that was asked is answered or the time for it has passed."""
        self._app.state.services.stopping.set()
        await super().shutdown(sockets)


def server_of(app: FastAPI, settings: Settings) -> Server:
    """The server of the application, to be run on a listening socket."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=ProblemProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=math.ceil(settings.deadline_seconds) + 1,
    )
    return Server(config, app)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"HOPFACT_HOST, HOPFACT_PORT: cannot listen on {settings.host}:{settings.port}: {error.strerror}."
        ) from None
    return listener


def _operation_id(route: APIRoute) -> str:
    return route.name


def _reply_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The framework names the methods of one route, and none of files.
        headers = {"Allow": ", ".join(sorted(_methods_at(request) or _OF_FILES))}
    return _problem(request, problem_of_status(error.status_code, headers))


def _methods_at(request: Request) -> set[str]:
    """The methods of all routes at an address."""
    routes = (route for router in ALL_ROUTERS for route in router.routes if isinstance(route, Route))
    return {
        method
        for route in routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


def _reply_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _problem(request, invalid("invalid_parameter", error.errors()))


def _reply_problem(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem is None:
        raise error
    if problem.status == HTTPStatus.INSUFFICIENT_STORAGE:
        log.error("storage failed", code=problem.code, reason=str(getattr(error, "orig", error)))
    return _problem(request, problem)


def _problem(request: Request, problem: Problem) -> Response:
    return Response(problem.body(request.state.request_id), problem.status, problem.headers, PROBLEM_JSON)
