"""The demo: loads the world's countries and cities as a normal job, serves them, asks a few questions, shows the proof.

It is a client of the service over HTTP, as any user's program is; only the service itself is started in this process.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from app.demo_triples import demo_names, demo_triples
from app.errors import ServiceError
from app.main import create_app, server_of
from app.settings import Settings
from kb.formats import write_jsonl

KB = "world"
QUESTIONS = (
    "What is the capital of Switzerland?",
    "Which languages are spoken in Belgium?",
    "What currency is used in Japan?",
    "Which countries are neighbours of Portugal?",
    "What is the population of Nairobi?",
    "What is the currency of the country where Reykjavik is located?",
    "What are the capitals of the neighbours of Austria?",
    "Which neighbour of Austria has the largest population?",
    "Which cities in Peru have more than a million inhabitants?",
    "How many countries use the euro?",
    "Is Zurich the capital of Switzerland?",
    "Who painted the Mona Lisa?",
)
_SHOWN_ANSWERS = 5
_SHOWN_FACTS = 4
_POLL_SECONDS = 0.1
_START_SECONDS = 120.0


class DemoFailed(ServiceError):
    """The service did not do what the demo needs; the message is the service's own."""


def run(console: Console, settings: Settings, *, once: bool = False) -> None:
    """Loads, serves, asks and shows; then serves until Ctrl-C, unless `once`.

    Raises:
        DemoFailed: the port is taken, or the service refused a step.
    """
    started = time.perf_counter()
    with _serving(settings) as (url, thread), _client(settings, url) as client:
        _wait_until_ready(client, thread)
        _load(client, console)
        counts = _checked(client.get(f"/v1/kbs/{KB}"))["counts"]
        console.print(
            f"{counts['triples']:,} facts about countries and cities are in the knowledge base [bold]{KB}[/bold]."
        )
        console.print(_answers(client))
        console.print(
            f"Ready after {time.perf_counter() - started:.1f} s. The page: [link]{url}/ui/kbs/{KB}[/link]. Or:\n"
        )
        console.print(_example(url, settings), soft_wrap=True, highlight=False)
        if not once:
            console.print("\nCtrl-C ends.", style="dim")
            _serve_until_interrupted(thread)


@contextmanager
def _serving(settings: Settings) -> Iterator[tuple[str, Thread]]:
    """The service in a thread of its own, and its address."""
    try:
        listening = socket.create_server((settings.host, settings.port))
    except OSError as error:
        raise DemoFailed(
            f"{settings.host}:{settings.port} cannot be listened on ({error}): choose another --port."
        ) from error
    port = listening.getsockname()[1]
    server = server_of(create_app(settings), settings)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, name="service", daemon=True)
    thread.start()
    try:
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "") else settings.host
        yield f"http://{host}:{port}", thread
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def _serve_until_interrupted(thread: Thread) -> None:
    try:
        thread.join()
    except KeyboardInterrupt:
        return


def _client(settings: Settings, url: str) -> httpx.Client:
    headers = {}
    if settings.api_key is not None:
        headers["Authorization"] = f"Bearer {settings.api_key.get_secret_value()}"
    return httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)


def _wait_until_ready(client: httpx.Client, thread: Thread) -> None:
    problem = "The service did not start in time."
    deadline = time.monotonic() + _START_SECONDS
    while thread.is_alive() and time.monotonic() < deadline:
        try:
            reply = client.get("/readyz", timeout=2)
        except httpx.TransportError as error:
            problem = f"The service did not start: {error}"
        else:
            if reply.is_success:
                return
            problem = f"The service is not ready: {reply.text}"
        time.sleep(_POLL_SECONDS)
    if not thread.is_alive():
        problem = "The service ended while it started: `hopfact serve` tells why."
    raise DemoFailed(problem)


def _checked(reply: httpx.Response) -> dict[str, Any]:
    """The reply's JSON; a problem of the service ends the demo with its own words."""
    if not reply.is_success:
        raise DemoFailed(f"{reply.request.method} {reply.request.url.path}: {reply.json().get('detail', reply.text)}")
    found: dict[str, Any] = reply.json()
    return found


def _load(client: httpx.Client, console: Console) -> None:
    """Sends the facts and waits until they are answerable; those that are there already change nothing."""
    if client.get(f"/v1/kbs/{KB}").status_code == httpx.codes.NOT_FOUND:
        _checked(client.post("/v1/kbs", json={"name": KB}))
    columns = (TextColumn("Loading"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("load", total=None)
        body = write_jsonl(demo_triples(), demo_names())
        headers = {"Content-Type": "application/x-ndjson"}
        job = _checked(client.post(f"/v1/kbs/{KB}/triples", content=body, headers=headers))
        while job["state"] in ("queued", "running"):
            time.sleep(_POLL_SECONDS)
            job = _checked(client.get(f"/v1/jobs/{job['id']}"))
            progress.update(bar, completed=job["progress"]["done"], total=job["progress"]["total"])
    if job["state"] != "succeeded":
        raise DemoFailed(f"Loading has {job['state']}: {job['error']}")


def _answers(client: httpx.Client) -> Table:
    table = Table("Question", "Answer", "Sure", "Because", show_lines=True, expand=True)
    table.columns[2].justify = "right"
    for question in QUESTIONS:
        reply = _checked(client.post(f"/v1/kbs/{KB}/ask", json={"question": question}))
        if reply["abstained"]:
            table.add_row(question, Text("I don't know", style="yellow"), "", Text(reply["reason"], style="dim"))
        else:
            answer = Text(_answer(reply), style="bold green")
            table.add_row(question, answer, f"{reply['confidence']:.0%}", _evidence(reply))
    return table


def _answer(reply: dict[str, Any]) -> str:
    labels = [answer["label"] for answer in reply["answers"][:_SHOWN_ANSWERS]]
    more = reply["answer_count"] - len(labels)
    return "\n".join([*labels, f"and {more:,} more"] if more > 0 else labels)


def _evidence(reply: dict[str, Any]) -> Text:
    """The facts that prove the first answer, in the order of the hops."""
    lines = Text()
    facts = reply["answers"][0]["evidence"]
    for fact in facts[:_SHOWN_FACTS]:
        lines.append("\n" if lines else "")
        lines.append(fact["subject"]).append(f"  {fact['relation']}  ", style="cyan").append(fact["object"])
    more = len(facts) - _SHOWN_FACTS
    return lines.append(f"\nand {more:,} more", style="dim") if more > 0 else lines


def _example(url: str, settings: Settings) -> str:
    key = "" if settings.api_key is None else " -H 'Authorization: Bearer '$HOPFACT_API_KEY"
    question = '{"question": "What is the capital of Peru?"}'
    return f"  curl {url}/v1/kbs/{KB}/ask{key} --json '{question}'"
