from pathlib import Path

import pytest

from app.spool import SpoolFile, digest_of, sweep
from kb.errors import StorageFailed


def spooled(folder: Path, data: bytes) -> SpoolFile:
    spool = SpoolFile(folder)
    spool.write(data)
    spool.keep()
    return spool


def test_equal_uploads_have_equal_digests_and_other_names(tmp_path: Path) -> None:
    first, second = spooled(tmp_path, b"same"), spooled(tmp_path, b"same")
    other = spooled(tmp_path, b"other")
    for one in (first, second, other):
        one.close()
    assert first.path != second.path
    assert digest_of(first.path) == digest_of(second.path) != digest_of(other.path)
    assert first.path.read_bytes() == b"same"


def test_a_discarded_upload_leaves_nothing(tmp_path: Path) -> None:
    spool = SpoolFile(tmp_path)
    spool.write(b"some")
    spool.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    spool = SpoolFile(tmp_path)
    spool._file.close()
    spool._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - the device that is always full
    with pytest.raises(StorageFailed, match="No space left"):
        spool.write(b"some")
    assert list(tmp_path.iterdir()) == []


def test_sweeping_keeps_what_is_wanted_or_being_written(tmp_path: Path) -> None:
    wanted, orphan = spooled(tmp_path, b"wanted"), spooled(tmp_path, b"orphan")
    wanted.close()
    orphan.close()
    growing = SpoolFile(tmp_path)
    (tmp_path / "notes.txt").write_text("of somebody else")
    assert sweep(tmp_path, {str(wanted.path)}.__contains__) == 1
    assert {path.name for path in tmp_path.iterdir()} == {wanted.path.name, growing.path.name, "notes.txt"}
    growing.discard()


def test_sweeping_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none", bool) == 0


def test_an_upload_whose_job_is_recorded_during_a_sweep_is_kept(tmp_path: Path) -> None:
    upload = spooled(tmp_path, b"wanted")
    recorded: list[str] = []

    def is_wanted(path: str) -> bool:
        if path in recorded:
            return True
        recorded.append(path)
        upload.close()
        return False

    assert sweep(tmp_path, is_wanted) == 0
    assert upload.path.exists()
