"""What the service and the process that holds a graph say to each other about one query: short framed messages."""

import struct
from collections.abc import Mapping
from socket import socket
from typing import Any

import orjson

STARTED, BODY, PROBLEM, DONE = b"S", b"B", b"P", b"D"
_HEAD = struct.Struct("!cI")


def send_frame(to: socket, kind: bytes, content: bytes = b"") -> None:
    """Send one message."""
    to.sendall(_HEAD.pack(kind, len(content)) + content)


def send_json(to: socket, kind: bytes, content: Mapping[str, Any]) -> None:
    """Send one message of JSON."""
    send_frame(to, kind, orjson.dumps(content))


def receive_frame(of: socket) -> tuple[bytes, bytes] | None:
    """The next message; None when the other side ended without one."""
    head = _exactly(of, _HEAD.size)
    if head is None:
        return None
    kind, size = _HEAD.unpack(head)
    content = _exactly(of, size)
    return None if content is None else (kind, content)


def _exactly(of: socket, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        piece = of.recv(min(size - len(found), 1 << 20))
        if not piece:
            return None
        found += piece
    return bytes(found)
