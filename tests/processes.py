"""A real `hopfact serve` as a process of its own: started, killed, started again."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

HOPFACT = str(Path(sys.executable).with_name("hopfact"))
READY_SECONDS = 120.0


class ServiceProcess:
    """The service on one data folder; what it logs goes to a file there. The address may change with each start."""

    def __init__(
        self, data: Path, log: str = "log", inside: Sequence[str] = (), port: str = "0", **variables: str
    ) -> None:
        """`inside`: the words of a command that runs the service, such as `unshare`; `port`: "0" takes a free one."""
        self.data = data
        self.log = data / log
        self._inside = inside
        self._port = port
        self._environment = environment_of(data) | variables
        self._process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None, "the service was not started"
        return self._process

    def start(self) -> float:
        """Start it and wait until it is ready; give the seconds that it took."""
        began = time.monotonic()
        self.data.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            start = log.tell()
            command = [*self._inside, HOPFACT, "serve", "--port", self._port]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        url = _url(self.log, start, self._process)
        self.client.close()
        self.client = httpx.Client(base_url=url, timeout=60, trust_env=False)
        wait(self.is_ready, "the service did not get ready")
        return time.monotonic() - began

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) in (0, -signal.SIGTERM), self.log.read_text()

    def is_ready(self) -> bool:
        """Whether it says so."""
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False


class WorkerProcess:
    """A real `hopfact worker` on one data folder."""

    def __init__(self, data: Path, log: str, **variables: str) -> None:
        self._log = data / log
        self._environment = environment_of(data) | variables
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it; it is ready when it is, and costs no time here."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([HOPFACT, "worker"], env=self._environment, stdout=log, stderr=log)
        return 0.0

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        assert self._process is not None, "the worker was not started"
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(60) in (0, -signal.SIGTERM), self._log.read_text()


@contextmanager
def serving(data: Path, **variables: str) -> Iterator[ServiceProcess]:
    """A ready service; killed at the end, if it lives."""
    service = ServiceProcess(data, **variables)
    try:
        service.start()
        yield service
    finally:
        service.kill()
        service.client.close()


def environment_of(data: Path) -> dict[str, str]:
    """The variables of a process on this data folder."""
    return {**os.environ, "HOPFACT_DATA": str(data), "HOPFACT_THREADS": "1", "OMP_NUM_THREADS": "1"}


def verify(data: Path, **variables: str) -> int:
    """The exit status of `hopfact index verify`."""
    return subprocess.run([HOPFACT, "index", "verify"], env=environment_of(data) | variables, check=False).returncode


def run_hopfact(data: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a data folder to its end."""
    command = [HOPFACT, *words]
    environment = environment_of(data) | variables
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=600)


def wait(condition: Callable[[], bool], complaint: str, seconds: float = READY_SECONDS) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


def _url(log: Path, start: int, process: subprocess.Popen[bytes]) -> str:
    found: list[str] = []

    def told() -> bool:
        found[:] = re.findall(r'"url": ?"(http[^"]+)"', log.read_bytes()[start:].decode())
        assert process.poll() is None, log.read_text()
        return bool(found)

    wait(told, "the service did not tell its address")
    return found[0]
