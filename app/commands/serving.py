"""Processes that go on until they are stopped: the service, a worker, an agent's server, the demo."""

from typing import Annotated

import typer

from app.commands.targets import Key, Url, console, open_services
from app.settings import load_settings
from app.telemetry import configure_logging


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve the HTTP API until a signal says to stop."""
    settings = load_settings(host=host, port=port)
    from app import main as service

    service.serve(settings)


def worker() -> None:
    """Run jobs, as a process of its own, until a signal says to stop."""
    import signal

    from kb.generations import allow_many_files

    settings = load_settings()
    configure_logging(settings)
    allow_many_files()
    with open_services(settings) as services:
        services.prepare(waits=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: services.worker.ask_to_stop())
        services.trainer.start()
        services.worker.run()


def mcp(url: Url = None, key: Key = None) -> None:
    """Serve an agent on standard input and output, as Claude Desktop and others start it."""
    from app import stdio

    stdio.run(load_settings(), url, key)


def demo(
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    once: Annotated[bool, typer.Option(help="Stop after the questions.")] = False,
) -> None:
    """Load the world's countries and cities, serve them, ask a few questions."""
    from app import demo as world

    settings = load_settings(port=port)
    configure_logging(settings.model_copy(update={"log_level": "warning"}))
    world.run(console, settings, once=once)
