"""Calls of the application from inside its own process: they pass everything that a request from outside does."""

import asyncio
from collections.abc import Mapping

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from app.keys import Access


def client_inside(app: ASGIApp, headers: Mapping[str, str], access: Access | None = None) -> httpx.AsyncClient:
    """A client of the application; with `access` its caller's rights are known, and its requests not counted again."""

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        if access is not None:
            scope["state"] = {"access": access}
        await asyncio.create_task(run(scope, receive, send))  # of its own, for it binds fields of the log

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    transport = httpx.ASGITransport(enter)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=dict(headers), trust_env=False)
