"""Backups: of everything, consistent, whole or refused, brought back without harm to what is there."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zstandard
from sqlalchemy import Connection, func, select

from app import wiring
from app.backups import MANIFEST, BackupUnusable, KbInTheWay, back_up, restore
from app.embedded import Embedded
from app.errors import KeyRefused
from app.exports import exported
from app.keys import NewKey
from app.model_versions import ModelStore, digest_of
from app.settings import Settings
from app.telemetry import Metrics
from app.wiring import Services
from kb import deletion
from kb.database import writing
from kb.tables import triple
from models.checkpoints import DEFAULT_CHECKPOINT
from tests.processes import run_hopfact, serving

LINES = (
    {"subject": "Heat", "relation": "directed by", "object": "Michael Mann", "source": "list"},
    {"subject": {"label": "Heat", "iri": "http://example.org/heat"}, "relation": "year", "object": 1995},
    {"entity": {"label": "Heat", "iri": "http://example.org/heat"}, "name": "Hitze", "language": "de"},
)


def silent(_: str) -> None:
    """Report nothing."""


@contextmanager
def opened(data: Path) -> Iterator[tuple[Services, Embedded]]:
    services = Services(Settings(data=data, threads=1), Metrics())
    target = Embedded(services)
    try:
        yield services, target
    finally:
        target.close()


def load(target: Embedded, kb: str, folder: Path, *lines: dict[str, Any]) -> None:
    target.create_kb(kb)
    file = folder / f"{kb}.jsonl.zst"
    file.write_bytes(zstandard.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
    target.ingest_whole(kb, file, "application/x-ndjson", "zstd")


def held(services: Services, kb: str) -> list[bytes]:
    return sorted(b"".join(exported(services.engine, services.kb(kb).id, "jsonl")).splitlines())


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of two knowledge bases with feedback, an adapted reader that answers, and two keys."""
    with opened(tmp_path / "old") as (services, target):
        load(target, "films", tmp_path, *LINES)
        load(target, "towns", tmp_path, {"subject": "Bern", "relation": "country", "object": "Switzerland"})
        target.create_kb("empty")
        folder = services.settings.models_folder
        path = folder / str(services.kb("films").id) / "reader-1.safetensors"
        path.parent.mkdir(parents=True)
        for suffix in (".safetensors", ".json"):
            shutil.copyfile(DEFAULT_CHECKPOINT.with_suffix(suffix), path.with_suffix(suffix))
        with writing(services.engine) as connection:
            models, kb_id = ModelStore(connection), services.kb("films").id
            models.restore_version(
                kb_id,
                {
                    "created_at": "2026-01-02T03:04:05+00:00",
                    "path": str(path.relative_to(folder)),
                    "sha256": digest_of(path).hex(),
                    "base": "reader",
                    "kb_revision": 1,
                    "metrics": {"held_out": 9},
                    "active": True,
                },
            )
            models.add_feedback(kb_id, "who made Heat?", ["Michael Mann"], True, None, None)
        services.keys.create(NewKey("root", "admin", None))
        services.keys.create(NewKey("films only", "ask", "films"))
        back_up(services, tmp_path / "backup", "1", silent)
    return tmp_path / "backup"


def test_everything_comes_back(backup: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "old") as (old, _), opened(tmp_path / "new") as (new, target):
        restore(new, target, backup, None, silent)
        assert {kb["name"] for kb in target.kbs()} == {"films", "towns", "empty"}
        for kb in ("films", "towns", "empty"):
            assert held(new, kb) == held(old, kb)
            assert target.verify(kb) == []
        with new.reading() as connection:
            models = ModelStore(connection)
            assert models.feedback(new.kb("films").id, 9) == {"who made Heat?": ["Michael Mann"]}
            (version,) = models.versions(new.kb("films").id)
        assert (version.active, version.metrics) == (True, {"held_out": 9})
        answers = target.ask("films", "who directed Heat?")
        assert answers["model"].startswith("restored-0-")
        assert [one["label"] for one in answers["answers"]] == ["Michael Mann"]
        assert [(key.name, key.scope, key.kb) for key in new.keys.stored()] == [
            ("root", "admin", None),
            ("films only", "ask", "films"),
        ]


def test_a_backup_is_brought_up_to_date_and_keeps_nothing_that_was_deleted(backup: Path, tmp_path: Path) -> None:
    before = times(backup / "kbs")
    with opened(tmp_path / "old") as (services, target):
        target.delete_kb("towns")
        load(target, "more", tmp_path, LINES[0])
        back_up(services, backup, "2", silent)
    after = times(backup / "kbs")
    assert {name.split(".")[0] for name in after} == {"films", "empty", "more"}
    assert all(after[name] == before[name] for name in after if name in before)
    for path in (backup / "kbs").iterdir():
        assert b"Bern" not in zstandard.decompress(path.read_bytes(), max_output_size=1 << 20)


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_a_damaged_file_of_the_last_backup_is_written_anew(backup: Path, tmp_path: Path) -> None:
    file = next((backup / "kbs").glob("films.*"))
    good = file.read_bytes()
    file.write_bytes(good[:-5])
    with opened(tmp_path / "old") as (services, _):
        back_up(services, backup, "2", silent)
    assert zstandard.decompress(file.read_bytes(), max_output_size=1 << 20) == zstandard.decompress(
        good, max_output_size=1 << 20
    )


@pytest.mark.parametrize(
    "harm", ["no manifest", "cut manifest", "later", "file gone", "file changed", "reader changed"]
)
def test_a_broken_backup_is_refused_and_changes_nothing(backup: Path, tmp_path: Path, harm: str) -> None:
    manifest = json.loads((backup / MANIFEST).read_text())
    facts, reader = backup / manifest["kbs"][0]["facts"], next((backup / "readers").glob("*.safetensors"))
    if harm == "no manifest":
        (backup / MANIFEST).unlink()
    elif harm == "cut manifest":
        (backup / MANIFEST).write_bytes((backup / MANIFEST).read_bytes()[:-30])
    elif harm == "later":
        (backup / MANIFEST).write_text(json.dumps(manifest | {"format": 99}))
    elif harm == "file gone":
        facts.unlink()
    else:
        path = facts if harm == "file changed" else reader
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    with opened(tmp_path / "new") as (new, target):
        with pytest.raises(BackupUnusable):
            restore(new, target, backup, None, silent)
        assert target.kbs() == []
        assert target.api_keys() == []


def test_a_knowledge_base_with_other_facts_is_left_alone(backup: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "new") as (new, target):
        load(target, "films", tmp_path, {"subject": "Heat", "relation": "directed by", "object": "Somebody"})
        with pytest.raises(KbInTheWay, match="films"):
            restore(new, target, backup, None, silent)
        assert [kb["name"] for kb in target.kbs()] == ["films"]
        assert len(held(new, "films")) == 1
        restore(new, target, backup, {"films": "films-again"}, silent)
        assert len(held(new, "films-again")) == len(LINES)
        with pytest.raises(BackupUnusable, match="it has"):
            restore(new, target, backup, {"nothing": "nothing"}, silent)


def test_a_restore_that_was_cut_off_goes_on(backup: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "new") as (new, target):
        restore(new, target, backup, {"films": "films"}, silent)
        target.create_kb("towns")  # made, and then the power failed
        told: list[str] = []
        restore(new, target, backup, None, told.append)
        assert set(told) == {
            "empty: 0 triples",
            "films: 2 triples, there already",
            "towns: 1 triples",
            "2 new keys",
        }
        assert len(held(new, "towns")) == 1
        restore(new, target, backup, None, silent)
        with new.reading() as connection:
            assert len(ModelStore(connection).versions(new.kb("films").id)) == 1


def test_the_service_goes_on_while_it_is_backed_up(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as service:
        assert service.client.post("/v1/kbs", json={"name": "live"}).status_code == 201
        for number in range(20):
            triples = [{"subject": f"thing {number}", "relation": "part of", "object": "all"}]
            service.client.post("/v1/kbs/live/triples", json={"triples": triples})
        assert run_hopfact(tmp_path / "data", "backup", str(tmp_path / "backup")).returncode == 0
        service.client.request("DELETE", "/v1/kbs/live/triples", params={"relation": "part of"})
    assert run_hopfact(tmp_path / "other", "restore", str(tmp_path / "backup"), "--check").returncode == 0
    assert run_hopfact(tmp_path / "other", "restore", str(tmp_path / "backup")).returncode == 0
    shown = run_hopfact(tmp_path / "other", "kb", "export", "live", "--format", "tsv").stdout
    assert len(shown.splitlines()) == 20
    broken = run_hopfact(tmp_path / "other", "restore", str(tmp_path / "data"))
    assert (broken.returncode, "holds no whole backup" in broken.stderr) == (1, True)


def revoke_none(_: Connection, kb_id: int) -> None:
    """As if the key had been made while its KB was being deleted, on another replica."""


@pytest.mark.parametrize("is_revoked", [True, False])
def test_nothing_that_belongs_to_a_deleted_kb_waits_for_its_rows_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_revoked: bool
) -> None:
    monkeypatch.setattr(deletion, "PURGED_ROWS", 1)
    if not is_revoked:
        monkeypatch.setattr(wiring, "revoke_keys_of", revoke_none)
    with opened(tmp_path / "old") as (services, target):
        load(target, "films", tmp_path, *LINES)
        target.create_kb("empty")
        services.keys.create(NewKey("root", "admin", None))
        _, text = services.keys.create(NewKey("films only", "ask", "films"))
        kb_id = services.kb("films").id
        with services.writing() as connection:
            ModelStore(connection).add_feedback(kb_id, "who made Heat?", ["Michael Mann"], True, None, None)
        services.delete_kb("films")
        with services.reading() as connection:
            assert connection.scalar(select(func.count()).select_from(triple)) == 1
            assert ModelStore(connection).rows_of_feedback(kb_id) == []
        assert [key.name for key in services.keys.stored()] == ["root"]
        with pytest.raises(KeyRefused):
            services.keys.authenticate(f"Bearer {text}", "")
        manifest = back_up(services, tmp_path / "backup", "1", silent)
    assert [kb["name"] for kb in manifest["kbs"]] == ["empty"]
    assert [key["name"] for key in manifest["keys"]] == ["root"]


def test_a_key_for_a_kb_that_the_backup_lacks_is_left_out_and_told(backup: Path, tmp_path: Path) -> None:
    manifest = json.loads((backup / MANIFEST).read_text())
    manifest["keys"][1]["kb"] = "#2"
    (backup / MANIFEST).write_text(json.dumps(manifest))
    told: list[str] = []
    with opened(tmp_path / "new") as (new, target):
        restore(new, target, backup, None, told.append)
        assert [key.name for key in new.keys.stored()] == ["root"]
    assert told[-2:] == [
        "1 new keys",
        "left out the key 'films only': the backup has no knowledge base that it is for",
    ]
