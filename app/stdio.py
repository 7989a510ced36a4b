"""`hopfact mcp`: the tools on standard input and output, over a running service or the data folder itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from mcp.server.stdio import stdio_server

from app.agents.calls import Calls
from app.agents.server import Context, agent_server
from app.inside import client_inside
from app.keys import EVERYTHING
from app.main import VERSION, create_app
from app.settings import Settings
from app.telemetry import configure_logging

_TIMEOUT = httpx.Timeout(120, connect=10)


def run(settings: Settings, url: str | None, key: str | None) -> None:
    """Serve the agent that started this process, until it closes the pipe.

    Raises:
        SettingsError: the data folder cannot be served.
    """
    configure_logging(settings.model_copy(update={"log_level": "warning"}))
    asyncio.run(_serve(settings, url, key))


async def _serve(settings: Settings, url: str | None, key: str | None) -> None:
    opened = _embedded(settings) if url is None else _elsewhere(url, key)
    async with opened as http:

        @asynccontextmanager
        async def connect(_: Context) -> AsyncIterator[Calls]:
            yield Calls(http)

        server = agent_server(VERSION, connect, may_write=settings.mcp_writes)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())


@asynccontextmanager
async def _embedded(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The application on the data folder, listening nowhere: whoever may read the folder may do everything."""
    app = create_app(settings.model_copy(update={"host": "127.0.0.1", "worker": "none"}))
    async with app.router.lifespan_context(app), client_inside(app, {}, EVERYTHING) as http:
        yield http


@asynccontextmanager
async def _elsewhere(url: str, key: str | None) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT) as http:
        yield http
