"""Ray nodes on this machine, in a network of their own that has only its loopback up, so that all are at 127.0.0.1.

Linux only; `unshare` makes the network, and the processes in it end with the first of them.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any

RAY = str(Path(sys.executable).with_name("ray"))
ADDRESS = "127.0.0.1:6399"
UNSHARED = ("unshare", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
HEALTH = {
    "health_check_initial_delay_ms": 1_000,
    "health_check_period_ms": 1_000,
    "health_check_timeout_ms": 1_000,
    "health_check_failure_threshold": 3,
}
"""A node that says nothing for three seconds is dead; Ray's own values take up to half a minute."""
_START_SECONDS = 90.0
_REPORT = "report.json"


def can_unshare() -> bool:
    """Whether a network can be made here."""
    if not (sys.platform == "linux" and shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run([*UNSHARED, "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0


def reported(module: str, *options: str) -> dict[str, Any]:
    """What a module of ours finds in a new network: run with `--inside FOLDER`, it calls `report` there.

    Ray has its files and a token of its own in that folder.

    Raises:
        RuntimeError: it came to nothing; says what it wrote.
    """
    with TemporaryDirectory(prefix="nodes-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        token = home / ".ray" / "auth_token"
        token.parent.mkdir()
        token.write_text(secrets.token_hex(32))
        environment = os.environ | {"HOME": name, "RAY_TMPDIR": name}
        environment |= {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
        command = [*UNSHARED, sys.executable, "-m", module, "--inside", name, *options]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if not (home / _REPORT).is_file():
            raise RuntimeError(f"ended with {ended.returncode}: {ended.stdout[-2_000:]} {ended.stderr[-4_000:]}")
        found: dict[str, Any] = json.loads((home / _REPORT).read_text())
        return found


def report(folder: Path, found: dict[str, Any]) -> None:
    """Give what was found to who called `reported`."""
    (folder / _REPORT).write_text(json.dumps(found))


class Node:
    """One node: `ray start` and all that it starts."""

    def __init__(self, number: int) -> None:
        command = [RAY, "start", "--block", "--node-ip-address=127.0.0.1", "--num-cpus=3", "--disable-usage-stats"]
        command += [
            "--object-store-memory=80000000",
            "--include-log-monitor=false",
            f'--resources={{"node-{number}": 1}}',
        ]
        if number == 0:
            port = ADDRESS.partition(":")[2]
            command += [
                "--head",
                f"--port={port}",
                "--include-dashboard=false",
                f"--system-config={json.dumps(HEALTH)}",
            ]
        else:
            command += [f"--address={ADDRESS}"]
        self.number = number
        self._process = subprocess.Popen(command)

    def kill(self) -> None:
        """End all of its processes at once, as a power cut would."""
        ended = [self._process.pid]
        for process in ended:
            ended += _children(process)
        for process in ended:
            os.kill(process, signal.SIGKILL)
        self._process.wait()


def start(count: int) -> list[Node]:
    """So many nodes, the first of them the head, all of them there."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    nodes = [Node(0)]
    wait(_listens)
    wait(_connects)
    for number in range(1, count):  # one after the other: they look for free ports
        nodes.append(Node(number))
        wait(lambda: len(alive()) == len(nodes))
    return nodes


def _listens() -> bool:
    host, _, port = ADDRESS.partition(":")
    with socket() as one:
        return one.connect_ex((host, int(port))) == 0


def _connects() -> bool:
    import ray

    try:
        ray.init(ADDRESS, namespace="hopfact", log_to_driver=False, configure_logging=False)
    except ConnectionError:  # the head is there, and its node is not yet
        return False
    return True


def alive() -> dict[str, int]:
    """The numbers of the nodes that are there, by Ray's names for them."""
    import ray

    return {
        node["NodeID"]: int(name.partition("-")[2])
        for node in ray.nodes()
        if node["Alive"]
        for name in node["Resources"]
        if name.startswith("node-")
    }


def processor_seconds() -> float:
    """Processor time of every process in this network so far, of those that are there."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _children(process: int) -> list[int]:
    found = [path.read_text().split() for path in Path(f"/proc/{process}/task").glob("*/children")]
    return [int(child) for children in found for child in children]


def wait(is_there: Callable[[], bool], seconds: float = _START_SECONDS) -> None:
    """Until something is there.

    Raises:
        TimeoutError: it did not come.
    """
    deadline = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came in {seconds:.0f} s")
        time.sleep(0.1)
