"""A client of the HTTP API, as the command line needs it: `hopfact … --url`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson

_CHUNK_BYTES = 1024**2


class ClientError(Exception):
    """The server refused, or could not be reached; the message says why."""


class Client:
    """The verbs of the command line against a server."""

    def __init__(self, url: str, key: str | None) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=httpx.Timeout(600, connect=10))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def kbs(self) -> list[dict[str, Any]]:
        """All knowledge bases."""
        return list(self._call("GET", "/v1/kbs")["kbs"])

    def create_kb(self, name: str) -> dict[str, Any]:
        """Make a knowledge base."""
        return self._call("POST", "/v1/kbs", json={"name": name})

    def kb(self, name: str) -> dict[str, Any]:
        """One knowledge base."""
        return self._call("GET", f"/v1/kbs/{name}")

    def delete_kb(self, name: str) -> None:
        """Delete a knowledge base."""
        self._call("DELETE", f"/v1/kbs/{name}")

    def export(self, name: str, format: str) -> Iterator[bytes]:
        """A KB as a file."""
        with self._http.stream("GET", f"/v1/kbs/{name}/export", params={"format": format}) as response:
            if response.is_error:
                response.read()
                raise _refused(response)
            yield from response.iter_bytes()

    def ingest(
        self, kb: str, file: Path, media_type: str, encoding: str | None, source: str | None, on_error: str
    ) -> dict[str, Any]:
        """Upload a file; its job."""
        headers = {"Content-Type": media_type, "Content-Length": str(file.stat().st_size)}
        if encoding:
            headers["Content-Encoding"] = encoding
        parameters = {"on_error": on_error} | ({"source": source} if source else {})
        return self._call("POST", f"/v1/kbs/{kb}/triples", params=parameters, headers=headers, content=chunks_of(file))

    def job(self, job_id: int) -> dict[str, Any]:
        """One job."""
        return self._call("GET", f"/v1/jobs/{job_id}")

    def rejected(self, job_id: int, limit: int) -> list[dict[str, Any]]:
        """The first lines that a job left out."""
        return list(self._call("GET", f"/v1/jobs/{job_id}/rejected", params={"limit": limit})["rejected"])

    def ask(self, kb: str, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to one question."""
        return self._call("POST", f"/v1/kbs/{kb}/ask", json=question)

    def evaluate(self, kb: str, body: dict[str, Any]) -> dict[str, Any]:
        """How well questions with known answers are answered."""
        return self._call("POST", f"/v1/kbs/{kb}/evaluate", json=body)

    def train(self, kb: str, body: dict[str, Any]) -> dict[str, Any]:
        """Begin to adapt the reader to a KB; the job."""
        return self._call("POST", f"/v1/kbs/{kb}/train", json=body)

    def models(self, kb: str) -> dict[str, Any]:
        """The versions of a KB's reader."""
        return self._call("GET", f"/v1/kbs/{kb}/models")

    def activate(self, kb: str, version: int) -> dict[str, Any]:
        """Let a version of a KB's reader answer."""
        return self._call("POST", f"/v1/kbs/{kb}/models/{version}/activate")

    def create_key(self, new: dict[str, Any]) -> dict[str, Any]:
        """Make a key."""
        return self._call("POST", "/v1/keys", json=new)

    def stored_keys(self) -> list[dict[str, Any]]:
        """All keys, without their secrets."""
        return list(self._call("GET", "/v1/keys")["keys"])

    def revoke_key(self, key_id: int) -> None:
        """Revoke a key."""
        self._call("DELETE", f"/v1/keys/{key_id}")

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's own arguments
        try:
            response = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise ClientError(f"{self._http.base_url} cannot be reached: {error}") from None
        if response.is_error:
            raise _refused(response)
        return dict(orjson.loads(response.content)) if response.content else {}


def chunks_of(file: Path) -> Iterator[bytes]:
    """A file in pieces."""
    with open(file, "rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            yield chunk


def _refused(response: httpx.Response) -> ClientError:
    try:
        problem = orjson.loads(response.content)
        return ClientError(f"{problem['detail']} ({problem['code']}, request {problem['request_id']})")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ClientError(f"{response.request.url} replied {response.status_code}, and not as Hopfact does.")
