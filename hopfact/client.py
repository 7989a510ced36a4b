"""Clients of the HTTP API: `Client` waits for each call, `AsyncClient` awaits it. What they call is in `hopfact.calls`.

    with Client("http://127.0.0.1:8000", key="hf_…") as client:
        client.ingest("films", "films.tsv.gz")
        reply = client.ask("films", "Who directed Sunrise?")

    async with AsyncClient("http://127.0.0.1:8000") as client:
        reply = await client.ask("films", "Who directed Sunrise?")

Errors are those of `hopfact.errors`. A request is sent again where that is safe: see `Retries`.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast

import httpx
from anyio.to_thread import run_sync

from hopfact import calls
from hopfact.bodies import Body
from hopfact.errors import Unreachable
from hopfact.flows import Close, Flow, Items, Opened, Read, Request, Retries, Send, Sleep, Step, steady

__all__ = ["AsyncClient", "Client", "Retries"]

P = ParamSpec("P")
T = TypeVar("T")
TIMEOUT = httpx.Timeout(600, connect=10)
"""Seconds: an evaluation of many questions takes its time."""


def _settings(url: str, key: str | None, timeout: httpx.Timeout | float) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        return {"base_url": httpx.URL(url), "headers": headers, "timeout": timeout}
    except httpx.InvalidURL as error:
        raise Unreachable(f"{url!r} is no address: {error}") from None


def _arguments(request: Request) -> dict[str, Any]:
    """A request as httpx takes it, but for the body of an upload."""
    headers = dict(request.content.headers) if request.content is not None else {}
    if request.accept is not None:
        headers["Accept"] = request.accept
    return {
        "method": request.method,
        "url": request.path,
        "params": request.params,
        "json": request.json,
        "data": request.form,
        "headers": headers,
    }


def _named(method: Callable[..., Any], call: Callable[..., Any]) -> None:
    """Let a method tell name, words and parameters of its call."""
    signature = inspect.signature(call)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = [own, *signature.parameters.values()]
    method.__name__, method.__doc__ = call.__name__, call.__doc__
    method.__signature__ = signature.replace(  # type: ignore[attr-defined] # what inspect looks for
        parameters=parameters, return_annotation=inspect.Signature.empty
    )


def _call(call: Callable[P, Flow[T]]) -> "Callable[Concatenate[Client, P], T]":
    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(call(*args, **kwargs))

    _named(method, call)
    return method


def _iterate(call: Callable[P, Items[T]]) -> "Callable[Concatenate[Client, P], Iterator[T]]":
    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        items = call(*args, **kwargs)
        try:
            while (some := self.run(items.more())) is not None:
                yield from some
        finally:
            self.run(items.closed())

    _named(method, call)
    return method


class Client:
    """Calls of the API, each of which waits for its reply. May be shared by threads."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        timeout: httpx.Timeout | float = TIMEOUT,
    ) -> None:
        self._http = httpx.Client(**_settings(url, key, timeout))
        self._retries = retries

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def run(self, flow: Flow[T]) -> T:
        """Do the steps of a call; what it returns."""
        steps = steady(flow, self._retries)
        try:
            step = next(steps)
            while True:
                try:
                    result = self._done(step)
                except BaseException as error:  # the flow closes what it has open
                    step = steps.throw(error)
                else:
                    step = steps.send(result)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return] # a generator's return value is untyped here

    def _done(self, step: Step) -> object:
        match step:
            case Send(request, lazy):
                return self._sent(request, lazy)
            case Read(opened):
                return next(cast(Iterator[bytes], opened.pieces), b"")
            case Close(opened):
                opened.response.close()
            case Sleep(seconds):
                time.sleep(seconds)
        return None

    def _sent(self, request: Request, lazy: bool) -> httpx.Response | Opened:
        content = request.content.pieces() if request.content is not None else None
        built = self._http.build_request(**_arguments(request), content=content)
        response = self._http.send(built, stream=lazy)
        if not lazy:
            return response
        if response.is_error:
            response.read()
            return response
        return Opened(response, response.iter_bytes())

    ready = _call(calls.ready)
    create_kb = _call(calls.create_kb)
    kbs = _call(calls.kbs)
    kb = _call(calls.kb)
    delete_kb = _call(calls.delete_kb)
    write = _call(calls.write)
    upload = _call(calls.upload)
    ingest = _call(calls.ingest)
    triples = _iterate(calls.triples)
    delete_triples = _call(calls.delete_triples)
    delete_matching = _call(calls.delete_matching)
    export = _iterate(calls.export)
    sparql = _call(calls.sparql)
    find_entities = _call(calls.find_entities)
    entity = _call(calls.entity)
    facts = _iterate(calls.facts)
    relations = _call(calls.relations)
    ask = _call(calls.ask)
    ask_batch = _call(calls.ask_batch)
    evaluate = _call(calls.evaluate)
    train = _call(calls.train)
    models = _call(calls.models)
    activate = _call(calls.activate)
    feedback = _call(calls.feedback)
    read = _call(calls.read)
    jobs = _iterate(calls.jobs)
    job = _call(calls.job)
    cancel = _call(calls.cancel)
    events = _iterate(calls.events)
    wait = _call(calls.wait)
    rejected = _iterate(calls.rejected)
    create_key = _call(calls.create_key)
    api_keys = _call(calls.api_keys)
    revoke_key = _call(calls.revoke_key)


def _acall(call: Callable[P, Flow[T]]) -> "Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]":
    async def method(self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.run(call(*args, **kwargs))

    _named(method, call)
    return method


def _aiterate(call: Callable[P, Items[T]]) -> "Callable[Concatenate[AsyncClient, P], AsyncIterator[T]]":
    async def method(self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        items = call(*args, **kwargs)
        try:
            while (some := await self.run(items.more())) is not None:
                for item in some:
                    yield item
        finally:
            await self.run(items.closed())

    _named(method, call)
    return method


class AsyncClient:
    """The same calls, each of which is awaited; those that give many rows are iterated with `async for`."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        timeout: httpx.Timeout | float = TIMEOUT,
    ) -> None:
        self._http = httpx.AsyncClient(**_settings(url, key, timeout))
        self._retries = retries

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def run(self, flow: Flow[T]) -> T:
        """Do the steps of a call; what it returns."""
        steps = steady(flow, self._retries)
        try:
            step = next(steps)
            while True:
                try:
                    result = await self._done(step)
                except BaseException as error:  # the flow closes what it has open
                    step = steps.throw(error)
                else:
                    step = steps.send(result)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return] # a generator's return value is untyped here

    async def _done(self, step: Step) -> object:
        match step:
            case Send(request, lazy):
                return await self._sent(request, lazy)
            case Read(opened):
                return await anext(cast(AsyncIterator[bytes], opened.pieces), b"")
            case Close(opened):
                await opened.response.aclose()
            case Sleep(seconds):
                await asyncio.sleep(seconds)
        return None

    async def _sent(self, request: Request, lazy: bool) -> httpx.Response | Opened:
        content = _awaited(request.content) if request.content is not None else None
        built = self._http.build_request(**_arguments(request), content=content)
        response = await self._http.send(built, stream=lazy)
        if not lazy:
            return response
        if response.is_error:
            await response.aread()
            return response
        return Opened(response, response.aiter_bytes())

    ready = _acall(calls.ready)
    create_kb = _acall(calls.create_kb)
    kbs = _acall(calls.kbs)
    kb = _acall(calls.kb)
    delete_kb = _acall(calls.delete_kb)
    write = _acall(calls.write)
    upload = _acall(calls.upload)
    ingest = _acall(calls.ingest)
    triples = _aiterate(calls.triples)
    delete_triples = _acall(calls.delete_triples)
    delete_matching = _acall(calls.delete_matching)
    export = _aiterate(calls.export)
    sparql = _acall(calls.sparql)
    find_entities = _acall(calls.find_entities)
    entity = _acall(calls.entity)
    facts = _aiterate(calls.facts)
    relations = _acall(calls.relations)
    ask = _acall(calls.ask)
    ask_batch = _acall(calls.ask_batch)
    evaluate = _acall(calls.evaluate)
    train = _acall(calls.train)
    models = _acall(calls.models)
    activate = _acall(calls.activate)
    feedback = _acall(calls.feedback)
    read = _acall(calls.read)
    jobs = _aiterate(calls.jobs)
    job = _acall(calls.job)
    cancel = _acall(calls.cancel)
    events = _aiterate(calls.events)
    wait = _acall(calls.wait)
    rejected = _aiterate(calls.rejected)
    create_key = _acall(calls.create_key)
    api_keys = _acall(calls.api_keys)
    revoke_key = _acall(calls.revoke_key)


async def _awaited(content: Body) -> AsyncIterator[bytes]:
    """The pieces of a body, read beside the event loop: a disk may be slow."""
    pieces = content.pieces()
    while (piece := await run_sync(next, pieces, None)) is not None:
        yield piece
