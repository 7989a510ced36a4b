"""Faults in a process's system calls, and its clock, chosen while it runs (shim.c, compiled here)."""

import ctypes
import mmap
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntFlag
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("shim.c")
HALF = 0
"""As an error: the call writes half of what it was given, as any system may."""
_PATH_MAX = 4096
_FOREVER = 1 << 40


class Calls(IntFlag):
    """What can be made to fail."""

    WRITE = 1
    SYNC = 2
    RENAME = 4
    CREATE = 8
    ALL = 15


class Control(ctypes.Structure):
    """The page that the test shares with the processes: `struct control` of shim.c."""

    _fields_ = (
        ("calls", ctypes.c_int32),
        ("error", ctypes.c_int32),
        ("let", ctypes.c_int64),
        ("fail", ctypes.c_int64),
        ("seen", ctypes.c_int64),
        ("failed", ctypes.c_int64),
        ("later", ctypes.c_int64),
        ("folder", ctypes.c_char * _PATH_MAX),
    )


class Shim:
    """Makes calls on files under a folder fail, in every process that was started with its variables."""

    def __init__(self, library: Path, page: Path, folder: Path) -> None:
        page.write_bytes(bytes(ctypes.sizeof(Control)))
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), ctypes.sizeof(Control))
        self._control = Control.from_buffer(self._page)
        self._control.folder = str(folder).encode()
        self.variables = {"LD_PRELOAD": str(library), "FAULTS_CONTROL": str(page)}

    @property
    def seen(self) -> int:
        """Calls that counted since the last `count` or `failing`."""
        return int(self._control.seen)

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return int(self._control.failed)

    def count(self, calls: Calls) -> None:
        """Count calls from now on, and let all succeed."""
        self._set(calls, 0, _FOREVER, 0)

    @contextmanager
    def failing(self, calls: Calls, error: int, after: int, number: int = _FOREVER) -> Iterator[None]:
        """Let so many calls succeed, then have so many fail with an errno, all of the rest if no number is given."""
        self._set(calls, error, after, number)
        try:
            yield
        finally:
            self._control.calls = 0

    def set_clock(self, later: int) -> None:
        """Let the processes' clock be so many seconds ahead of the machine's, or behind."""
        self._control.later = later

    def _set(self, calls: Calls, error: int, let: int, fail: int) -> None:
        self._control.calls = 0
        self._control.seen = self._control.failed = 0
        self._control.error, self._control.let, self._control.fail = error, let, fail
        self._control.calls = int(calls)


def compiled(folder: Path) -> Path:
    """The shim as a library; the test is skipped where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler to make the faults with")
    library = folder / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library
