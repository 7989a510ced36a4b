"""Spool: uploads on disk until their job is done; a file is whole and synced once it is called `.upload`.

A writer holds a lock on its file, which the operating system frees when the process dies. So a file that no job
names and that nobody locks is left over from a crash, and `sweep` may delete it.
"""

import errno
import fcntl
import os
import secrets
from collections.abc import Callable
from hashlib import blake2b
from io import FileIO
from pathlib import Path

_PART = ".part"
_UPLOAD = ".upload"
# EFBIG is the file-size limit of a process or file system, EDQUOT that of a user.
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class SpoolFull(Exception):
    """There is no room left for the upload."""

    def __init__(self) -> None:
        super().__init__(
            "The disk is full: nothing of the upload was kept. Free space in the data folder, send it again."
        )


class SpoolFile:
    """One upload being written. Blocking: call it in a thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.size = 0
        self._digest = blake2b(digest_size=16)
        self.path, self._file = _locked(folder)

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            SpoolFull: the disk has no room for it; the file is removed.
        """
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.discard()
            if error.errno in _NO_SPACE:
                raise SpoolFull from error
            raise
        self._digest.update(data)
        self.size += len(data)

    def keep(self) -> Path:
        """Sync the file and give it its final name; it stays locked until `close`."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            self.discard()
            if error.errno in _NO_SPACE:
                raise SpoolFull from error
            raise
        kept = self.path.with_suffix(f".{self._digest.hexdigest()}{_UPLOAD}")
        self.path = self.path.rename(kept)
        sync_folder(kept.parent)
        return kept

    def close(self) -> None:
        """Free the lock: from now on only a job keeps the file alive."""
        self._file.close()

    def discard(self) -> None:
        """Remove what was written."""
        self.path.unlink(missing_ok=True)
        self.close()


def _locked(folder: Path) -> tuple[Path, FileIO]:
    """A new file, locked before anybody could sweep it away."""
    while True:
        path = folder / (secrets.token_hex(12) + _PART)
        file = open(path, "xb", buffering=0)  # noqa: SIM115 - closed by close or discard
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():
            return path, file
        file.close()


def digest_of(upload: Path) -> str:
    """The digest of an upload's bytes, in hexadecimal; its name carries it."""
    return upload.name.split(".")[1]


def sync_folder(folder: Path) -> None:
    """Make names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path, is_wanted: Callable[[str], bool]) -> int:
    """Delete the files that no job wants and nobody is writing; how many they were.

    `is_wanted` is asked while the file is locked: a writer frees its lock only after its job was recorded.
    """
    removed = 0
    for path in folder.glob("*"):
        if not path.name.endswith((_PART, _UPLOAD)) or is_wanted(str(path)):
            continue
        try:
            file = open(path, "rb")  # noqa: SIM115 - closed below
        except FileNotFoundError:
            continue
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if not is_wanted(str(path)):
                path.unlink(missing_ok=True)
                removed += 1
    return removed
