"""Calls of version 1 of the API, as tools make them: of this very application, or of a service elsewhere.

A tool has no other way to a knowledge base, so what a key may do is decided in one place only.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
import orjson

_ADVICE = {
    "kb_not_found": "Call list_kbs for the names there are.",
    "unknown_entity": "Call find_entities for the names there are.",
    "entity_not_found": "Call find_entities for the ids there are.",
    "key_refused": "Ask the person who set this server up for a key.",
    "scope_too_small": "Ask the person who set this server up for a key that may do this.",
}


class CallRefused(Exception):
    """The service refused a call, or did not answer; the message says what to do, and has the stable code."""


class Calls:
    """Calls on one connection, with its key; for one user at a time, or for one request."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def get(self, path: str, **parameters: str | int) -> dict[str, Any]:
        """What a GET replies.

        Raises:
            CallRefused: it is a problem.
        """
        return await self._call("GET", path, parameters, None)

    async def post(self, path: str, body: Mapping[str, Any], **parameters: str | int) -> dict[str, Any]:
        """What a POST of JSON replies.

        Raises:
            CallRefused: it is a problem.
        """
        return await self._call("POST", path, parameters, body)

    async def _call(
        self, method: str, path: str, parameters: Mapping[str, str | int], body: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        try:
            reply = await self._http.request(method, path, params=parameters, json=body)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise CallRefused(
                f"{self._http.base_url} cannot be reached: {reason}. Start the service, or correct --url."
            ) from None
        if reply.is_error:
            raise CallRefused(_words_of(reply))
        return dict(orjson.loads(reply.content))


def kb_path(kb: str, *parts: str | int) -> str:
    """The address of something in a KB."""
    return "/".join(["/v1/kbs", quote(kb, safe="") or "-", *map(str, parts)])


def _words_of(reply: httpx.Response) -> str:
    try:
        problem = orjson.loads(reply.content)
        detail, code = problem["detail"], problem["code"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"{reply.request.url} replied {reply.status_code}, and not as Hopfact does: correct --url."
    wait = f" Try again in {reply.headers['retry-after']} s." if "retry-after" in reply.headers else ""
    advice = f" {_ADVICE[code]}" if code in _ADVICE else ""
    return f"{detail}{wait}{advice} (code: {code})"
