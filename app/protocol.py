"""The wire: what cannot be read as HTTP is answered like every other error, which uvicorn would do in plain text."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import PROBLEM_JSON, Problem
from app.middleware import new_request_id

_MALFORMED = Problem(
    400, "bad_request", "This is no valid HTTP/1.1 request: correct its first line, headers or chunks."
)


class ProblemProtocol(HttpToolsProtocol):
    """HTTP by httptools, with problems for errors."""

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed, and close the connection."""
        request_id = new_request_id()
        body = _MALFORMED.body(request_id)
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {len(body)}\r\n"
            f"x-request-id: {request_id}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
