"""Batches drawn ahead, in a process of its own: drawing is as much work as learning, and Python does one at a time."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

import torch

Drawn = TypeVar("Drawn")


class DrawnAhead(Generic[Drawn]):
    """Calls `draw` for steps, the one after what was asked for before it is asked for; has all that `draw` needs.

    The process ends with this object, and with the process that began it, however that ends.
    """

    def __init__(self, draw: Callable[[int], Drawn]) -> None:
        fork = multiprocessing.get_context("fork")  # what `draw` needs is large, and there already
        self._asks, asked = fork.Pipe()
        process = fork.Process(target=_serve, args=(draw, asked, self._asks), daemon=True)
        process.start()
        asked.close()
        self._next: int | None = None

    def __call__(self, step: int) -> Drawn:
        """What is drawn for a step.

        Raises:
            EOFError: the process ended; what it died of is on standard error.
        """
        if self._next is not None and self._next != step:
            self._asks.recv()
        if self._next != step:
            self._asks.send(step)
        drawn: Drawn = self._asks.recv()
        self._asks.send(step + 1)
        self._next = step + 1
        return drawn


def _serve(draw: Callable[[int], object], asked: Connection, asks: Connection) -> None:
    asks.close()  # else the end of the process that asks would not be seen
    torch.set_num_threads(1)
    while True:
        try:
            asked.send(draw(asked.recv()))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
