"""The wire: what cannot be read as HTTP is answered like every other error, which uvicorn would do in plain text."""

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import PROBLEM_JSON, Problem
from app.middleware import new_request_id

MOST_HEAD_BYTES = 256 * 1024
_MALFORMED = Problem(
    400, "bad_request", "This is no valid HTTP/1.1 request: correct its first line, headers or chunks."
)
_ENDLESS = Problem(431, "headers_too_large", "The headers are longer than 256 KiB: send fewer.")


class ProblemProtocol(HttpToolsProtocol):
    """HTTP by httptools, with problems for errors, and a limit to what it collects before anybody can be asked.

    What comes counts until something is complete that can be handed on: a head, or a piece of a body. So headers are
    bounded, and so is what may follow a body in chunks, to the limit and one read of the connection before it.
    """

    _num_collected = 0

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._num_collected += len(data)
        super().data_received(data)
        if self._num_collected > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_ENDLESS)

    def on_message_begin(self) -> None:
        """A request begins; what came with it may be the end of another."""
        self._num_collected = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head of a request is there."""
        self._num_collected = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body is there."""
        self._num_collected = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed, and close the connection."""
        self._refuse(_MALFORMED)

    def _refuse(self, problem: Problem) -> None:
        request_id = new_request_id()
        body = problem.body(request_id)
        head = (
            f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\ncontent-type: {PROBLEM_JSON}\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
