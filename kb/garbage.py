"""Memory of a process that serves for long, and while millions of small values pass through it."""

import ctypes
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

RARE_THRESHOLD = 100_000
"""New containers between two collections, instead of Python's 700."""

FEW_ARENAS = 2
"""Of glibc, for all threads together."""
_ARENA_MAX = -8
"""M_ARENA_MAX of glibc's malloc.h."""

_trim, _set_option = (getattr(ctypes.CDLL(None), name, None) for name in ("malloc_trim", "mallopt"))
"""glibc's; other C libraries have none, and need none."""

_lock = threading.Lock()
_usual: list[int] = []
"""The first threshold to go back to, once for each block that runs."""


def settle() -> None:
    """Make a process ready to serve for long: once, when all is imported and no other thread runs.

    Its threads share two arenas of glibc's, which keeps what is freed in each: with one each, 150 questions a second
    beside writes held 391 MiB and grew, with two 348 and did not. What is imported is garbage no more: a full
    collection walked through all of it, and answers waited 120 ms for that.
    """
    if _set_option is not None:
        _set_option(_ARENA_MAX, FEW_ARENAS)
    gc.collect()
    gc.freeze()


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect garbage rarely, in the whole process, until the last such block of any thread has ended.

    Rows of a bulk load are no garbage in cycles, but each 700 of them set off a collection, and the ever larger ones
    among these walk through every term that is remembered. A million triples read and staged: 16.4 s of CPU with
    Python's threshold, 11.4 s with this one.
    """
    with _lock:
        first, *others = gc.get_threshold()
        _usual.append(_usual[0] if _usual else first)
        gc.set_threshold(RARE_THRESHOLD, *others)
    try:
        yield
    finally:
        with _lock:
            usual = _usual.pop()
            if not _usual:
                gc.set_threshold(usual, *gc.get_threshold()[1:])


def give_back() -> None:
    """Return freed memory to the system, where the allocator keeps it.

    Rows and vectors of a load are freed between what stays, and glibc keeps such holes for itself: after a million
    triples 98 MB when they are merged, 125 MB when the arrays of their structures are made, 292 MB at the end.
    """
    if _trim is not None:
        _trim(0)
