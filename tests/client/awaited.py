"""An `AsyncClient` under the same tests as a `Client`: each call is awaited to its end."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, Self

from hopfact.client import AsyncClient


class Awaited:
    """An `AsyncClient` with an event loop of its own."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._loop = asyncio.Runner()
        self._client = AsyncClient(*arguments, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run(self._client.close())
        self._loop.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            result = method(*arguments, **options)
            return self._iterated(result) if isinstance(result, AsyncGenerator) else self._loop.run(result)

        return call

    def _iterated(self, items: AsyncGenerator[Any, None]) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(items, None)

        try:
            while (item := self._loop.run(following())) is not None:
                yield item
        finally:
            self._loop.run(items.aclose())
