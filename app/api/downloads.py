"""Sending an export: few at once, for each holds a connection to the database, and none to who does not read."""

from collections.abc import Generator

from anyio import CancelScope, CapacityLimiter, WouldBlock, fail_after
from anyio.to_thread import run_sync
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.errors import Overloaded

SEND_SECONDS = 30.0
"""In which a client must take one chunk."""


class Download(StreamingResponse):
    """Chunks of a generator, which is closed at the end, whatever ends it; it has one of the `places` until then."""

    def __init__(
        self, chunks: Generator[bytes, None, None], places: CapacityLimiter, media_type: str, file_name: str
    ) -> None:
        headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
        super().__init__(chunks, media_type=media_type, headers=headers)
        self._chunks = chunks
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it.

        Raises:
            Overloaded: all places are taken.
            ClientDisconnect: the client does not read.
        """

        async def send_soon(message: Message) -> None:
            with fail_after(SEND_SECONDS):
                await send(message)

        try:
            self._places.acquire_on_behalf_of_nowait(self)
        except WouldBlock:
            raise Overloaded("Too many exports are being sent: send it again in a few seconds.") from None
        try:
            await super().__call__(scope, receive, send_soon)
        except TimeoutError:
            raise ClientDisconnect from None
        finally:
            with CancelScope(shield=True):
                await run_sync(self._chunks.close)
            self._places.release_on_behalf_of(self)
