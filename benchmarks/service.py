"""A service of its own for a benchmark, and a client for it: standard library only, so that it costs little itself."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_SECONDS = 120.0


class ServiceFailed(Exception):
    """The service did not start, or refused what a benchmark asked of it."""


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def call(self, method: str, path: str, body: object = None, media_type: str = "application/json") -> Any:  # noqa: ANN401
        """The reply's JSON. A file is sent as it is, anything else as JSON.

        Raises:
            ServiceFailed: the reply is an error.
        """
        sent = body if hasattr(body, "read") else None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": media_type}
        self._connection.request(method, path, sent, headers)
        reply = self._connection.getresponse()
        text = reply.read()
        if reply.status >= 400:
            raise ServiceFailed(f"{method} {path}: {reply.status} {text.decode(errors='replace')[:500]}")
        return json.loads(text) if text else None

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


@dataclass(frozen=True)
class Service:
    """A running service."""

    port: int
    process_id: int

    def client(self) -> Client:
        """A connection of its own."""
        return Client(self.port)

    def peak_memory_mib(self) -> float:
        """The most memory that the process has held so far."""
        return self._memory_mib("VmHWM:")

    def memory_mib(self) -> float:
        """The memory that the process holds now."""
        return self._memory_mib("VmRSS:")

    def _memory_mib(self, name: str) -> float:
        for line in Path(f"/proc/{self.process_id}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
        raise ServiceFailed("the kernel does not tell the memory of the service")

    def shared_memory_mib(self) -> float:
        """The memory that the process holds now, what it shares with others counted in part (PSS)."""
        for line in Path(f"/proc/{self.process_id}/smaps_rollup").read_text(encoding="utf-8").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        raise ServiceFailed("the kernel does not tell the memory of the service")

    def open_files(self) -> int:
        """How many files and connections the process has open."""
        return len(list(Path(f"/proc/{self.process_id}/fd").iterdir()))

    def cpu_seconds(self) -> float:
        """The processor time that the process has used so far, in all its threads and children that have ended."""
        fields = Path(f"/proc/{self.process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(
    data: Path, command: Sequence[str] = ("-c", "from app.cli import main; main()", "serve"), **settings: str
) -> Iterator[Service]:
    """The service on a free port with this data folder, ready; ended at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOPFACT_")}
    environment = {
        **kept,
        "HOPFACT_DATA": str(data),
        "HOPFACT_PORT": str(port),
        "HOPFACT_LOG_LEVEL": "warning",
        "HOPFACT_REMEMBERED_ANSWERS": "0",  # what is measured is answering
        **settings,
    }
    with subprocess.Popen([sys.executable, *command], env=environment) as process:
        try:
            _wait_until_ready(port, process)
            yield Service(port, process.pid)
        finally:
            process.terminate()


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with closing(Client(port)) as client:
                client.call("GET", "/readyz")
        except (OSError, ServiceFailed, http.client.HTTPException):
            time.sleep(0.1)
        else:
            return
    raise ServiceFailed("the service did not become ready: its output tells why")


def load(client: Client, kb: str, path: Path, media_type: str) -> float:
    """Makes a KB of a file; the seconds from sending it to its facts being answerable."""
    client.call("POST", "/v1/kbs", {"name": kb})
    started = time.perf_counter()
    with path.open("rb") as file:
        job = client.call("POST", f"/v1/kbs/{kb}/triples", file, media_type)
    while job["state"] in ("queued", "running"):
        time.sleep(0.05)
        job = client.call("GET", f"/v1/jobs/{job['id']}")
    if job["state"] != "succeeded" or job["rejected"]:
        raise ServiceFailed(f"loading {path.name} has {job['state']}: {job}")
    return time.perf_counter() - started
