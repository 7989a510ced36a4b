"""Spool: uploads on disk until their job is done; a file is whole and synced once it is called `.upload`.

A writer holds a lock on its file, which the operating system frees when the process dies. So a file that no job
names and that nobody locks is left over from a crash, and `sweep` may delete it.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from io import FileIO
from pathlib import Path

from kb.database import storage_errors
from kb.errors import StorageFailed

_PART = ".part"
_UPLOAD = ".upload"
_DOING = "keeping an upload"


class SpoolFile:
    """One upload being written. Blocking: call it in a thread.

    Raises:
        StorageFailed: by each of its methods that writes; the file is removed.
    """

    def __init__(self, folder: Path) -> None:
        self.size = 0
        self._digest = blake2b(digest_size=16)
        with storage_errors(_DOING):
            folder.mkdir(parents=True, exist_ok=True)
            self.path, self._file = _locked(folder)

    def write(self, data: bytes) -> None:
        """Append."""
        rest = memoryview(data)
        with self._or_discard():
            while rest:
                rest = rest[self._file.write(rest) :]
        self._digest.update(data)
        self.size += len(data)

    def keep(self) -> Path:
        """Sync the file and give it its final name; it stays locked until `close`."""
        with self._or_discard():
            os.fsync(self._file.fileno())
            self.path = self.path.rename(self.path.with_suffix(f".{self._digest.hexdigest()}{_UPLOAD}"))
            sync_folder(self.path.parent)
        return self.path

    @contextmanager
    def _or_discard(self) -> Iterator[None]:
        try:
            with storage_errors(_DOING):
                yield
        except BaseException:
            self.discard()
            raise

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


def disk_failure(folder: Path) -> str | None:
    """Why a file cannot be written and synced there, None when it can."""
    probe = folder / f".probe-{secrets.token_hex(4)}"
    try:
        with storage_errors("trying the disk"), open(probe, "xb", buffering=0) as file:
            file.write(b"written")
            os.fsync(file.fileno())
    except StorageFailed as error:
        return error.cause
    finally:
        probe.unlink(missing_ok=True)
    return None


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
