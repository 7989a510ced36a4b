"""Clients that ask at once, as a process of its own that imports next to nothing.

    python -m benchmarks.clients PORT PATH THREADS

The first line of its input is a JSON list of questions. It says "ready", waits for another line, asks them all, and
says the moment at which it was done, by the clock that all processes of a machine share.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from threading import Thread

from benchmarks import service


def ask_all(port: int, path: str, questions: Sequence[str]) -> list[float]:
    """The seconds that each question takes, one after the other over one connection."""
    client, seconds = service.Client(port), []
    for question in questions:
        started = time.perf_counter()
        client.call("POST", path, {"question": question})
        seconds.append(time.perf_counter() - started)
    return seconds


def rate(port: int, path: str, questions: Sequence[str], clients: int, processes: int) -> float:
    """Questions a second, from the moment that every client is ready to the moment that the last is done."""
    command = [sys.executable, "-m", "benchmarks.clients", str(port), path, str(clients // processes)]
    with ExitStack() as stack:
        running = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(processes)
        ]
        for number, process in enumerate(running):
            _tell(process, json.dumps(questions[number::processes]))
        for process in running:
            _hear(process)
        started = time.perf_counter()
        for process in running:
            _tell(process, "go")
        ended = [_hear(process) for process in running]
    if not all(ended):
        raise service.ServiceFailed("a client ended with an error: its output tells why")
    return len(questions) / (max(map(float, ended)) - started)


def _tell(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None, "it is a pipe"
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _hear(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None, "it is a pipe"
    return process.stdout.readline()


def main() -> None:
    """Asks; a thread for each client, since they only wait."""
    port, path, clients = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    questions = json.loads(sys.stdin.readline())
    answered: list[int] = []

    def ask(share: Sequence[str]) -> None:
        answered.append(len(ask_all(port, path, share)))

    threads = [Thread(target=ask, args=(questions[number::clients],)) for number in range(clients)]
    print("ready", flush=True)
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if sum(answered) != len(questions):
        raise service.ServiceFailed("a client did not ask all of its questions")
    print(time.perf_counter())


if __name__ == "__main__":
    main()
