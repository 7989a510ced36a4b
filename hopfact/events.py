"""Following a job: server-sent events, opened anew where they were cut off."""

import json
from typing import cast

import httpx

from hopfact.flows import Close, Flow, Opened, Read, Request, Send, Sleep
from hopfact.types import JobReply

ENDED = frozenset({"succeeded", "failed", "cancelled"})
_AGAIN_SECONDS = 0.5


class Events:
    """The changes of one job, until it has ended."""

    def __init__(self, job_id: int) -> None:
        self._request = Request("GET", f"/v1/jobs/{job_id}/events")
        self._opened: Opened | None = None
        self._rest = b""
        self._last: JobReply | None = None

    def more(self) -> Flow[list[JobReply] | None]:
        """The changes that came together next; none where the connection was lost, and is to be opened anew."""
        if self._last is not None and self._last["state"] in ENDED:
            return None
        if self._opened is None:
            self._opened = yield Send(self._request, lazy=True)
        try:
            piece = yield Read(self._opened)
        except httpx.TransportError:
            piece = b""
        if not piece:
            yield from self.closed()
            yield Sleep(_AGAIN_SECONDS)
            return []
        return self._changes(piece)

    def closed(self) -> Flow[None]:
        """Close what is open."""
        if self._opened is not None:
            opened, self._opened, self._rest = self._opened, None, b""
            yield Close(opened)

    def _changes(self, piece: bytes) -> list[JobReply]:
        *events, self._rest = (self._rest + piece).split(b"\n\n")
        found = []
        for event in events:
            data = b"".join(line.removeprefix(b"data: ") for line in event.split(b"\n") if line.startswith(b"data: "))
            job = cast(JobReply, json.loads(data)) if data else self._last
            if job is not None and job != self._last:
                self._last = job
                found.append(job)
        return found
