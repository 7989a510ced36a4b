"""Backups: what cannot be derived, as plain files that any later version reads: facts, names, feedback, readers, keys.

    manifest.json                         format, version, checksums; written last: without it there is no backup
    kbs/<name>.<content>.jsonl.zst        an export: what it says, an ingestion reads
    readers/<sha256>.safetensors, .json   readers adapted to a KB

All of it is of one state of the database, while the service goes on. A backup into a folder that holds one writes only
what changed since, and one that was cut off goes on where it stopped. Jobs and the log of questions are not in it.
A KB's `content` is the sum of its lines' digests, whatever their order: by it both know what is there already.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any, Protocol

import zstandard
from sqlalchemy import Connection

from app.errors import ServiceError
from app.exports import written
from app.keys import restore_keys, rows_of_keys
from app.model_versions import ModelStore
from app.spool import sync_folder
from app.wiring import Services
from kb.database import reading, writing
from kb.store import Kb, TripleStore

FORMAT = 1
MANIFEST = "manifest.json"
_PART = ".part"
Report = Callable[[str], None]


class BackupUnusable(ServiceError):
    """A backup is missing, broken, or of a later version; nothing was restored."""


class KbInTheWay(ServiceError):
    """A knowledge base of a name that is to be restored is there, and holds something else."""


class Ingesting(Protocol):
    """What a restore needs of the command line's verbs."""

    def ingest_whole(self, kb: str, file: Path, media_type: str, encoding: str) -> None:
        """Load a file into a KB, all of it or nothing."""
        ...


def back_up(services: Services, folder: Path, version: str, report: Report) -> dict[str, Any]:
    """Write a backup into a folder, or bring the one that is there up to date; give its manifest.

    Raises:
        OSError: the folder cannot be written.
    """
    for name in ("kbs", "readers"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with reading(services.engine) as connection:
        kbs = [_back_up_kb(connection, kb, services, folder, report) for kb in TripleStore(connection).kbs()]
        keys = rows_of_keys(connection)
    manifest = {
        "format": FORMAT,
        "version": version,
        "made_at": datetime.now(UTC).isoformat(),
        "kbs": kbs,
        "keys": keys,
    }
    _write(folder / MANIFEST, iter([json.dumps(manifest, indent=1).encode() + b"\n"]))
    _remove_others(folder, manifest)
    return manifest


def _back_up_kb(connection: Connection, kb: Kb, services: Services, folder: Path, report: Report) -> dict[str, Any]:
    store, models = TripleStore(connection), ModelStore(connection)
    content = _content(written(store, kb.id, "jsonl"))
    facts = f"kbs/{kb.name}.{content}.jsonl.zst"
    is_new = not _holds(folder / facts, content)
    if is_new:
        _write(folder / facts, _packed(written(store, kb.id, "jsonl")))
    triples = store.counts(kb.id).triples
    report(f"{kb.name}: {triples:,} triples{'' if is_new else ', as before'}")
    readers = [
        {name: value for name, value in one.items() if name != "path"}
        for one in models.rows_of_versions(kb.id)
        if _copy_reader(services.settings.models_folder / one["path"], _reader(folder, one["sha256"]))
    ]
    return {
        "name": kb.name,
        "revision": kb.revision,
        "triples": triples,
        "facts": facts,
        "sha256": _digest(folder / facts),
        "content": content,
        "feedback": models.rows_of_feedback(kb.id),
        "readers": readers,
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a backup's manifest and check every file that it names.

    Raises:
        BackupUnusable: there is none, it is of a later version, or a file is missing or not what was written.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        found = int(manifest["format"])
    except FileNotFoundError:
        raise BackupUnusable(f"{folder} holds no whole backup: it has no {MANIFEST}.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupUnusable(f"{folder / MANIFEST} cannot be read: {error}") from None
    if found > FORMAT:
        version = manifest.get("version")
        raise BackupUnusable(f"{folder} was made by a later version ({version}): restore it with that one or a newer.")
    for path, digest in _files(folder, manifest):
        if not path.is_file():
            raise BackupUnusable(f"{path} is missing: nothing was restored.")
        if _digest(path) != digest:
            raise BackupUnusable(f"{path} is not what was written: nothing was restored.")
    return manifest


def restore(services: Services, target: Ingesting, folder: Path, kbs: Mapping[str, str] | None, report: Report) -> None:
    """Restore a backup's knowledge bases: those of `kbs` under the names beside them, or all, and then the keys too.

    What is there already and holds the same is left: a restore that was cut off goes on where it stopped.

    Raises:
        BackupUnusable: the backup, or one of the names is not in it.
        KbInTheWay: a name is taken by a KB that holds something else.
    """
    manifest = read_manifest(folder)
    stored = {one["name"]: one for one in manifest["kbs"]}
    wanted = {name: name for name in stored} if kbs is None else kbs
    for name in wanted:
        if name not in stored:
            raise BackupUnusable(f"{folder} has no knowledge base {name!r}; it has {', '.join(stored) or 'none'}.")
    found = {new: _content_of(services, new) for new in wanted.values()}
    for name, new in wanted.items():
        if found[new] not in (None, NOTHING, stored[name]["content"]):
            advice = "delete it, or restore under another name"
            raise KbInTheWay(f"There is a knowledge base {new!r} with other facts: {advice}.")
    for name, new in wanted.items():
        one = stored[name]
        if found[new] is None:
            services.create_kb(new)
        if one["content"] not in (found[new], NOTHING):
            target.ingest_whole(new, folder / one["facts"], "application/x-ndjson", "zstd")
            if _content_of(services, new) != one["content"]:
                raise KbInTheWay(f"{new} is not what was written: was it changed meanwhile?")
        _restore_beside(services, one, new, folder)
        report(f"{new}: {one['triples']:,} triples{', there already' if found[new] == one['content'] else ''}")
    if kbs is None:
        with writing(services.engine) as connection:
            num_restored, left_out = restore_keys(connection, manifest["keys"])
        report(f"{num_restored} new keys")
        for name in left_out:
            report(f"left out the key {name!r}: the backup has no knowledge base that it is for")
        services.keys.forget()


def _content_of(services: Services, name: str) -> str | None:
    """The content of the KB of a name; None if there is none."""
    with reading(services.engine) as connection:
        store = TripleStore(connection)
        kb = next((kb for kb in store.kbs() if kb.name == name), None)
        return None if kb is None else _content(written(store, kb.id, "jsonl"))


def _restore_beside(services: Services, one: Mapping[str, Any], name: str, folder: Path) -> None:
    """Restore feedback and readers, where there are none yet."""
    kb_id = services.kb(name).id
    models_folder = services.settings.models_folder
    with writing(services.engine) as connection:
        models = ModelStore(connection)
        if not models.rows_of_feedback(kb_id):
            models.restore_feedback(kb_id, one["feedback"])
        if models.versions(kb_id):
            return
        for number, row in enumerate(one["readers"]):
            path = Path(str(kb_id), f"restored-{number}.safetensors")
            _copy_reader(_reader(folder, row["sha256"]), models_folder / path)
            models.restore_version(kb_id, {**row, "path": str(path)})


def _files(folder: Path, manifest: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Give the files of a backup that have a checksum, with it."""
    for one in manifest["kbs"]:
        yield folder / one["facts"], one["sha256"]
        for reader in one["readers"]:
            yield _reader(folder, reader["sha256"]), reader["sha256"]


def _remove_others(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Remove what an older backup in the folder had: what was deleted since must not stay in it."""
    kept = {path for path, _ in _files(folder, manifest)}
    for path in [*folder.glob("kbs/*"), *folder.glob("readers/*")]:
        if path.with_suffix(".safetensors" if path.suffix == ".json" else path.suffix) not in kept:
            path.unlink()


def _reader(folder: Path, digest: str) -> Path:
    return folder / "readers" / f"{digest}.safetensors"


def _copy_reader(source: Path, out: Path) -> bool:
    """Copy a checkpoint and its description; not one whose KB was deleted meanwhile."""
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        for suffix in (".json", ".safetensors"):
            if not out.with_suffix(suffix).exists():
                _write(out.with_suffix(suffix), iter([source.with_suffix(suffix).read_bytes()]))
    except FileNotFoundError:
        return False
    return True


def _write(path: Path, chunks: Iterator[bytes]) -> None:
    """Write a file under another name, sync and rename it: under its own name it is whole."""
    partial = path.with_name(path.name + _PART)
    with open(partial, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def _packed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zstandard.ZstdCompressor().compressobj()
    for chunk in chunks:
        yield packer.compress(chunk)
    yield packer.flush()


def _unpacked(path: Path) -> Iterator[bytes]:
    """Give the lines of a packed file."""
    with open(path, "rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        yield from BufferedReader(reader)


def _holds(path: Path, content: str) -> bool:
    """Whether a packed file is there, whole, and has this content."""
    try:
        return _content(_unpacked(path)) == content
    except (OSError, zstandard.ZstdError):
        return False


def _content(chunks: Iterator[bytes]) -> str:
    """Give the sum of the digests of lines that come in any pieces that end with a line."""
    total = 0
    for chunk in chunks:
        for line in chunk.splitlines():
            total += int.from_bytes(hashlib.blake2b(line, digest_size=16).digest())
    return f"{total % (1 << 128):032x}"


NOTHING = _content(iter(()))


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
