"""Drafts: what is made while a first upload is merged says what SQL says, or is dropped."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from kb.consistency import ConsistencyBudgets, Views
from kb.database import writing
from kb.errors import IngestionCancelled
from kb.formats import ParseOptions
from kb.graph import FloatArray
from kb.ingestion import Ingested, IngestionTask, ingest
from kb.store import TripleStore
from tests.kb.structures import Knowledge, WordEncoder, all_logs, content, triple

LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"
LINES = [f"<http://e.org/film{n % 40}> <http://e.org/p{n % 3}> <http://e.org/actor{n % 7}> .\n" for n in range(120)]
NAMES = [f'<http://e.org/film{n}> {LABEL} "Film number {n}"@en .\n' for n in range(0, 40, 2)]
LITERALS = [f'<http://e.org/film{n}> <http://e.org/year> "{1990 + n}" .\n' for n in range(20)]
BODY = "".join(LINES + NAMES + LITERALS + LINES[:5]).encode()


@pytest.fixture
def knowledge(tmp_path: Path) -> Knowledge:
    """An empty KB for which any upload is worth a draft."""
    (tmp_path / "work").mkdir()
    return Knowledge(tmp_path, delta_facts=10)


def _ingest(
    knowledge: Knowledge,
    body: bytes = BODY,
    cancelled: Callable[[], bool] = lambda: False,
    before_commit: Callable[[Connection, Ingested], None] = lambda _, __: None,
    views: Views | None = None,
) -> Ingested:
    spool, work = knowledge.folder / "spool", knowledge.folder / "work"
    spool.write_bytes(body)
    task = IngestionTask(knowledge.id, spool, ParseOptions("application/n-triples", source="x"), "skip", work)
    told: list[object] = []
    with (views or knowledge.views).draft(knowledge.id, work) as draft:
        return ingest(knowledge.engine, task, told.append, cancelled, told.append, before_commit, draft)


def _refreshed(knowledge: Knowledge) -> list[str]:
    """The events of making everything answerable; what is then answered from is what SQL says."""
    with all_logs() as logs:
        view = knowledge.views.refresh(knowledge.id)
    assert knowledge.views.verify(knowledge.id) == []
    assert content(view) == content(knowledge.rebuilt())
    assert list((knowledge.folder / "work").iterdir()) == []
    return [entry["event"] for entry in logs]


def test_a_first_upload_is_answerable_without_building_from_sql(knowledge: Knowledge) -> None:
    assert _ingest(knowledge) == Ingested(accepted=140, duplicates=5, names=20, rejected=0, revision=1)
    assert _refreshed(knowledge) == []
    assert knowledge.view().label(0) == "Film number 0"
    assert knowledge.generation_folder().name == "00000001"


def test_what_others_hold_of_the_empty_kb_is_replaced(knowledge: Knowledge) -> None:
    assert knowledge.view().num_triples == 0
    _ingest(knowledge)
    assert _refreshed(knowledge) == []
    assert knowledge.generation_folder().name == "00000002"


def test_other_kbs_in_the_same_tables_are_left_alone(knowledge: Knowledge) -> None:
    knowledge.write([triple("film0", "p0", f"other {n}") for n in range(30)])
    knowledge.new_kb()
    _ingest(knowledge)
    assert _refreshed(knowledge) == []
    assert knowledge.view().num_triples == 140


def test_a_later_upload_has_no_draft(knowledge: Knowledge) -> None:
    knowledge.write([triple("a", "b", "c")])
    _ingest(knowledge)
    assert "generation built" in _refreshed(knowledge)


def test_a_small_upload_has_no_draft(knowledge: Knowledge) -> None:
    _ingest(knowledge, "".join(LINES[:5]).encode())
    assert not (knowledge.folder / "kbs" / str(knowledge.id)).exists()
    assert "generation built" in _refreshed(knowledge)


def test_nothing_is_left_of_an_upload_that_is_undone(knowledge: Knowledge) -> None:
    def fail(_: Connection, __: Ingested) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        _ingest(knowledge, before_commit=fail)
    assert list((knowledge.folder / "work").iterdir()) == []
    assert not (knowledge.folder / "kbs" / str(knowledge.id)).exists()
    assert knowledge.view().num_triples == 0


def test_a_cancelled_merge_ends_its_draft(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    class NotedEncoder(WordEncoder):
        def encode(self, texts: Sequence[str]) -> FloatArray:
            begun.set()
            return super().encode(texts)

    monkeypatch.setattr("kb.merging._Merge.log", lambda *_: time.sleep(0.4))
    with pytest.raises(IngestionCancelled):
        _ingest(knowledge, cancelled=begun.is_set, views=knowledge.new_views(NotedEncoder()))
    assert list((knowledge.folder / "work").iterdir()) == []
    assert not (knowledge.folder / "kbs" / str(knowledge.id)).exists()
    assert knowledge.view().num_triples == 0


def test_who_builds_already_is_not_disturbed(knowledge: Knowledge) -> None:
    with knowledge.new_views()._build_lock(knowledge.id, 0):
        _ingest(knowledge)
    assert not (knowledge.folder / "kbs" / str(knowledge.id)).exists()
    assert "generation built" in _refreshed(knowledge)


def test_a_draft_that_fails_costs_only_time(knowledge: Knowledge) -> None:
    class BrokenEncoder(WordEncoder):
        def encode(self, texts: Sequence[str]) -> FloatArray:
            raise MemoryError

    with all_logs() as logs:
        assert _ingest(knowledge, views=knowledge.new_views(BrokenEncoder())).accepted == 140
    assert [entry["event"] for entry in logs] == ["draft failed"]
    assert "generation built" in _refreshed(knowledge)


def test_a_draft_that_cannot_be_put_in_place_costs_only_time(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError("no space left")

    with monkeypatch.context() as patch, all_logs() as logs:
        patch.setattr("kb.generations.GenerationFolder.place", full)
        assert _ingest(knowledge).accepted == 140
    assert [entry["event"] for entry in logs] == ["draft not kept"]
    assert "generation built" in _refreshed(knowledge)


KILLED = """
import os, signal, sys
from pathlib import Path
from kb.consistency import ConsistencyBudgets, Views
from kb.database import create_engine
from kb.drafts import Draft
from kb.formats import ParseOptions
from kb.ingestion import IngestionTask, ingest
from tests.kb.structures import WordEncoder

url, kb_id, folder, moment = sys.argv[1:]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def go_on(*_):
    pass
setattr(Draft, moment, die)
engine, folder = create_engine(url), Path(folder)
views = Views(engine, folder, WordEncoder(), ConsistencyBudgets(threads=1, delta_facts=10))
task = IngestionTask(int(kb_id), folder / "spool", ParseOptions("application/n-triples"), "skip", folder / "work")
with views.draft(int(kb_id), folder / "work") as draft:
    ingest(engine, task, go_on, lambda: False, go_on, go_on, draft)
"""


@pytest.mark.parametrize(("moment", "accepted"), [("hold", 140), ("keep", 0)])
def test_a_kill_before_or_after_the_commit_ends_in_the_same_state(
    knowledge: Knowledge, moment: str, accepted: int
) -> None:
    (knowledge.folder / "spool").write_bytes(BODY)
    url = knowledge.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", KILLED, url, str(knowledge.id), str(knowledge.folder), moment]
    done = subprocess.run(command, check=False, cwd=Path(__file__).parents[2], env=os.environ | {"PYTHONPATH": "."})
    assert done.returncode == -signal.SIGKILL
    assert _ingest(knowledge).accepted == accepted
    _refreshed(knowledge)
    assert knowledge.view().num_triples == 140


def test_a_draft_for_a_large_kb_has_lists(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    knowledge = Knowledge(tmp_path)
    lines = (f"<x:{n}> <x:r{n % 9}> <x:{n % 1_000}> .\n" for n in range(200_500))
    with writing(knowledge.engine) as connection:
        TripleStore(connection).create_kb("other")
    assert knowledge.budgets == ConsistencyBudgets(threads=1, build_wait_seconds=20.0)
    _ingest(knowledge, "".join(lines).encode())
    with all_logs() as logs:
        view = knowledge.views.refresh(knowledge.id)
    assert logs == []
    assert not view.base.facts.is_flat
    assert knowledge.views.verify(knowledge.id) == []
