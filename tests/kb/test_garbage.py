"""Rare collections: only while a block runs, whichever block ends first. And a process made ready to serve."""

import gc
import platform
import subprocess
import sys
from contextlib import ExitStack

import pytest

from kb.garbage import RARE_THRESHOLD, rare_collections


def _raise_inside() -> None:
    with rare_collections():
        raise RuntimeError(gc.get_threshold()[0])


def test_the_usual_threshold_comes_back_also_after_an_error() -> None:
    usual = gc.get_threshold()
    with pytest.raises(RuntimeError, match=str(RARE_THRESHOLD)):
        _raise_inside()
    assert gc.get_threshold() == usual


def test_blocks_that_overlap_end_with_the_last_one() -> None:
    usual = gc.get_threshold()
    first, second = ExitStack(), ExitStack()
    first.enter_context(rare_collections())
    second.enter_context(rare_collections())
    first.close()
    assert gc.get_threshold()[0] == RARE_THRESHOLD
    second.close()
    assert gc.get_threshold() == usual


ARENAS_OF_THREADS = """
import ctypes, gc, sys, threading
from kb.garbage import settle

settle()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.fdopen.restype = ctypes.c_void_p
together = threading.Barrier(6)
threads = [threading.Thread(target=lambda: (together.wait(), libc.malloc(50_000), together.wait())) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(gc.get_freeze_count(), flush=True)
file = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, file)
libc.fflush(file)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_a_settled_process_has_few_arenas_and_what_is_imported_is_no_garbage() -> None:
    told = subprocess.run([sys.executable, "-c", ARENAS_OF_THREADS], capture_output=True, text=True, check=True).stdout
    frozen, _, arenas = told.partition("\n")
    assert int(frozen) > 1_000
    assert arenas.count("<heap nr=") == 2
