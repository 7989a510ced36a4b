"""Warming up: a service opens what is there before it is asked, and removes what is gone."""

import threading

import pytest

from kb.view import KnowledgeView
from tests.kb.structures import Knowledge, all_logs


def test_warming_up_opens_what_is_there_and_removes_what_is_gone(knowledge: Knowledge) -> None:
    gone = knowledge.folder / "kbs" / "999"
    gone.mkdir()
    views = knowledge.new_views()
    views.warm()

    assert not gone.exists()
    assert views.state(knowledge.id).state == "ready"
    assert views.state(12345).state == "absent"


def test_warming_up_ends_when_it_is_told_to(knowledge: Knowledge) -> None:
    stopping = threading.Event()
    stopping.set()
    views = knowledge.new_views()
    views.warm(stopping)
    assert views.state(knowledge.id).state == "absent"


def test_warming_up_leaves_a_kb_that_is_made_meanwhile(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    views = knowledge.new_views()
    refresh = views.refresh

    def made_elsewhere(kb_id: int) -> KnowledgeView:
        knowledge.new_kb()
        knowledge.view()
        return refresh(kb_id)

    monkeypatch.setattr(views, "refresh", made_elsewhere)
    views.warm()

    assert knowledge.generation_folder().exists()


def test_warming_up_goes_on_after_any_failure(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    first = knowledge.id
    knowledge.new_kb()
    locked, gone = (knowledge.folder / "kbs" / name for name in ("997", "998"))
    views = knowledge.new_views()
    refresh = views.refresh

    def fails_once(kb_id: int) -> KnowledgeView:
        if kb_id == first:
            raise OSError("the disk is away")
        return refresh(kb_id)

    monkeypatch.setattr(views, "refresh", fails_once)
    locked.mkdir()
    gone.mkdir()
    with all_logs() as logs, knowledge.views._build_lock(997, 1.0):
        views.warm()

    errors = [(entry["event"], entry["kb_id"]) for entry in logs if entry["log_level"] == "error"]
    assert errors == [("structures not ready", first), ("files of a deleted KB not removed", 997)]
    assert views.state(knowledge.id).state == "ready"
    assert (locked.exists(), gone.exists()) == (True, False)
