import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kb.consistency import StructuresBusy, Views
from kb.database import writing
from kb.errors import KbNotFound
from kb.generations import MANIFEST
from kb.store import TripleStore
from kb.triples import Name, Term, Triple
from tests.factories import LABEL
from tests.kb.structures import FACTS, Knowledge, WordEncoder, all_logs, content, copied, sqlite_engine, triple


def reopened(knowledge: Knowledge) -> tuple[Views, list[str]]:
    """What a new process finds, and what it logs."""
    views = knowledge.new_views()
    with all_logs() as logs:
        views.current(knowledge.id)
    return views, [entry["event"] for entry in logs]


def test_an_unchanged_kb_gives_the_same_view(knowledge: Knowledge) -> None:
    assert knowledge.view() is knowledge.view()


def test_a_new_process_opens_what_is_there_and_encodes_nothing(knowledge: Knowledge) -> None:
    encoder = WordEncoder()
    views = knowledge.new_views(encoder)

    assert content(views.current(knowledge.id)) == content(knowledge.view())
    assert encoder.encoded == []


def test_a_new_process_catches_up_from_sql(knowledge: Knowledge) -> None:
    knowledge.write([triple("Thing 3", "likes", "Tea")])

    views, events = reopened(knowledge)

    assert events == []
    assert views.state(knowledge.id).delta_facts == 1
    assert views.verify(knowledge.id) == []


def test_a_label_is_encoded_once_over_generations(knowledge: Knowledge) -> None:
    knowledge.write([triple("Thing 3", "likes", "Tea")])
    knowledge.view()
    knowledge.views.rebuild(knowledge.id)
    knowledge.views.rebuild(knowledge.id)

    assert knowledge.encoder.encoded.count("Tea") == 1
    assert knowledge.encoder.encoded.count("Thing 3") == 1


def test_a_delta_that_grew_too_big_becomes_a_generation(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path, delta_facts=10, delta_share=0.1)
    first = knowledge.view().base.number
    knowledge.write(FACTS[:8])
    small = knowledge.view()
    knowledge.write(FACTS[8:])
    large = knowledge.view()

    assert (small.base.number, small.delta.size) == (first, 8)
    assert (large.base.number, large.delta.size) == (first + 1, 0)
    assert knowledge.generation_folder().name == f"{first + 1:08d}"


@pytest.mark.parametrize("name", [MANIFEST, "facts.faiss", "graph_targets.npy"])
def test_a_damaged_generation_is_never_answered_from(knowledge: Knowledge, name: str) -> None:
    expected = content(knowledge.view())
    path = knowledge.generation_folder() / name
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 0xFF
    path.write_bytes(held)

    views, events = reopened(knowledge)

    assert events == ["generation unusable", "generation built"]
    assert content(views.current(knowledge.id)) == expected
    assert views.verify(knowledge.id) == []


def test_a_generation_of_another_encoder_is_rebuilt(knowledge: Knowledge) -> None:
    other = WordEncoder("another")
    views = knowledge.new_views(other)
    with all_logs() as logs:
        views.current(knowledge.id)

    assert {entry["event"] for entry in logs} == {"generation unusable", "generation built"}
    assert "Thing 3" in other.encoded


def test_a_generation_of_another_database_is_rebuilt(knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    engine = sqlite_engine(tmp_path / "other")
    with writing(engine) as connection:
        store = TripleStore(connection)
        kb = store.create_kb("test")
        store.write(kb.id, [triple("Tea", "is a", "drink")])
    assert kb.id == knowledge.id

    view = Views(engine, knowledge.folder, WordEncoder(), knowledge.budgets).current(kb.id)

    assert view.num_triples == 1
    engine.dispose()


@pytest.mark.parametrize("lost", [1, 2])
def test_a_generation_of_changes_that_a_restored_backup_does_not_know_is_rebuilt(
    knowledge: Knowledge, lost: int
) -> None:
    database, backup = knowledge.folder / "test.sqlite", knowledge.folder / "backup.sqlite"
    copied(database, backup)
    knowledge.write([triple("Thing 3", "likes", "Tea")])
    knowledge.views.rebuild(knowledge.id)
    knowledge.engine.dispose()
    for file in knowledge.folder.glob("test.sqlite*"):
        file.unlink()
    copied(backup, database)
    for number in range(lost):
        knowledge.write([triple(f"Thing {number}", "likes", "Water")])

    views, events = reopened(knowledge)

    assert events == ["generation unusable", "generation built"]
    assert views.verify(knowledge.id) == []
    view = views.current(knowledge.id)
    assert "Tea" not in {view.label(entity) for entity in range(view.num_entities)}


@pytest.mark.parametrize("again", [0, 1, 2])
def test_a_view_of_changes_that_sql_lost_is_let_go(knowledge: Knowledge, again: int) -> None:
    database, before = knowledge.folder / "test.sqlite", knowledge.folder / "before.sqlite"
    copied(database, before)
    knowledge.write([triple("Thing 3", "likes", "Tea")])
    knowledge.view()
    copied(before, database)  # as a server does that took over without the last change
    for number in range(again):
        knowledge.write([triple(f"Thing {number}", "likes", "Water")])

    with all_logs() as logs:
        view = knowledge.view()

    assert next(entry["event"] for entry in logs) == "structures are of changes that SQL does not have"
    assert "Tea" not in {view.label(entity) for entity in range(view.num_entities)}
    assert view.num_triples == len(FACTS) + again
    assert knowledge.views.verify(knowledge.id) == []
    assert knowledge.view() is view


def test_structures_ahead_of_sql_are_rebuilt(knowledge: Knowledge) -> None:
    manifest = knowledge.generation_folder() / MANIFEST
    held = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**held, "revision": held["revision"] + 1}))

    _, events = reopened(knowledge)

    assert events == ["generation unusable", "generation built"]


def test_structures_that_lack_a_fact_are_rebuilt(knowledge: Knowledge) -> None:
    with writing(knowledge.engine) as connection:
        connection.exec_driver_sql("DELETE FROM triple WHERE id = (SELECT max(id) FROM triple)")
        connection.exec_driver_sql("UPDATE kb SET num_triples = num_triples - 1")

    views, events = reopened(knowledge)

    assert events == ["structures disagree with SQL", "generation built"]
    assert views.current(knowledge.id).num_triples == len(FACTS) - 1


def test_verify_tells_what_differs(knowledge: Knowledge) -> None:
    with writing(knowledge.engine) as connection:
        connection.exec_driver_sql("UPDATE entity SET label = 'Other' WHERE label = 'Thing 3'")
        connection.exec_driver_sql("DELETE FROM triple WHERE id = (SELECT max(id) FROM triple)")

    problems = " ".join(knowledge.views.verify(knowledge.id))

    assert "not 'Other'" in problems
    assert "The graph has 40 facts, SQL 39." in problems


def test_leftovers_of_a_crashed_build_are_removed(knowledge: Knowledge) -> None:
    leftover = knowledge.generation_folder().parent / ".building-7-1"
    leftover.mkdir()
    (leftover / "labels_blob.npy").write_bytes(b"half")

    _, events = reopened(knowledge)
    knowledge.views.rebuild(knowledge.id)

    assert events == []
    assert not leftover.exists()


def test_readers_get_the_last_view_while_another_builds(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path, delta_facts=5, delta_share=0.0)
    before = knowledge.view()
    knowledge.write(FACTS)

    with knowledge.views._build_lock(knowledge.id, 1.0):
        during = in_a_thread(knowledge)

    assert during is before
    assert knowledge.view().num_triples == len(FACTS)


def opened_twice(folder: Path) -> tuple[Knowledge, Views]:
    """A KB without facts and with a delta of ten, and the views of another process."""
    knowledge = Knowledge(folder, delta_facts=10, delta_share=0.0)
    knowledge.view()
    behind = knowledge.new_views()
    behind.current(knowledge.id)
    return knowledge, behind


def test_another_process_answers_from_what_was_told_while_one_builds(tmp_path: Path) -> None:
    knowledge, behind = opened_twice(tmp_path)
    for fact in FACTS[:10]:
        knowledge.write([fact])
        knowledge.views.refresh(knowledge.id)
    knowledge.write(FACTS[10:11])

    with knowledge.views._build_lock(knowledge.id, 1.0):
        assert behind.current(knowledge.id).num_triples == 11


def test_another_process_follows_what_came_and_went_while_one_builds(tmp_path: Path) -> None:
    knowledge, behind = opened_twice(tmp_path)
    for fact in FACTS[:6]:
        knowledge.write([fact])
        knowledge.views.refresh(knowledge.id)
        knowledge.delete([fact])
        told = knowledge.views.refresh(knowledge.id)

    with knowledge.views._build_lock(knowledge.id, 1.0):
        assert content(behind.current(knowledge.id)) == content(told)


def relabelled(knowledge: Knowledge) -> None:
    """A change that no delta takes."""
    iri = "http://example.org/p1"
    knowledge.write([Triple(Term("Thing 3"), Term("next to", iri), Term("Thing 9"))])
    knowledge.views.refresh(knowledge.id)
    knowledge.write([], [Name(Term("p1", iri), "adjoins", "en", LABEL)])


def test_a_change_that_all_have_to_build_for_is_not_waited_for(knowledge: Knowledge) -> None:
    relabelled(knowledge)
    before = knowledge.views._slots[knowledge.id].view

    with knowledge.views._build_lock(knowledge.id, 1.0):
        assert in_a_thread(knowledge) is before
        knowledge.write([triple("Thing 3", "likes", "Tea")])
        assert in_a_thread(knowledge) is before
    assert "adjoins" in knowledge.view().relation_labels


def test_a_large_change_is_not_waited_for_whatever_came_after_it(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path, delta_facts=5, delta_share=0.0)
    before = knowledge.view()
    knowledge.write(FACTS[:11])
    knowledge.write(FACTS[11:12])

    with knowledge.views._build_lock(knowledge.id, 1.0):
        assert in_a_thread(knowledge) is before
    assert knowledge.view().num_triples == 12


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Knowledge]:
    """Views that wait for a tenth of a second, with a small delta."""
    made = Knowledge(tmp_path, delta_facts=5, delta_share=0.0, build_wait_seconds=0.1)
    made.write(FACTS[:1])
    made.view()
    yield made
    made.engine.dispose()


def test_a_question_is_refused_when_more_was_told_than_can_be_followed(impatient: Knowledge) -> None:
    relabelled(impatient)
    impatient.write(FACTS[1:2])

    with impatient.views._build_lock(impatient.id, 1.0), pytest.raises(StructuresBusy):
        impatient.view()
    assert impatient.view().num_triples == 3


def test_a_newer_generation_that_cannot_be_used_makes_no_answer_old(impatient: Knowledge) -> None:
    behind = impatient.new_views()
    behind.current(impatient.id)
    impatient.write(FACTS)
    impatient.views.refresh(impatient.id)
    (impatient.generation_folder() / "labels_blob.npy").write_bytes(b"damaged")

    with impatient.views._build_lock(impatient.id, 1.0), pytest.raises(StructuresBusy):
        behind.current(impatient.id)
    assert behind.current(impatient.id).num_triples == len(FACTS)


def in_a_thread(knowledge: Knowledge) -> object:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(knowledge.view()))
    thread.start()
    thread.join()
    return found[0]


def test_refresh_says_when_another_builds_for_too_long(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path, delta_facts=5, delta_share=0.0, build_wait_seconds=0.1)
    knowledge.view()
    knowledge.write(FACTS)
    other = knowledge.new_views()

    with knowledge.views._build_lock(knowledge.id, 1.0), pytest.raises(StructuresBusy):
        other.refresh(knowledge.id)


def test_many_threads_see_every_commit_and_build_once(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path, delta_facts=15, delta_share=0.0)
    failures: list[str] = []

    def ask() -> None:
        for _ in range(15):
            view = knowledge.views.refresh(knowledge.id)
            if view.num_triples < view.revision:
                failures.append(f"{view.num_triples} facts at revision {view.revision}")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for fact in FACTS:
        knowledge.write([fact])
        if knowledge.views.refresh(knowledge.id).num_triples < 1:
            failures.append("a commit was not seen")
    for thread in threads:
        thread.join()

    assert failures == []
    assert knowledge.views.verify(knowledge.id) == []
    knowledge.engine.dispose()


def build_in_process(folder: str, kb_id: int) -> int:
    engine = sqlite_engine(Path(folder))
    view = Views(engine, Path(folder), WordEncoder()).refresh(kb_id)
    engine.dispose()
    return view.base.number


def test_processes_share_one_build(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write(FACTS)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        numbers = pool.starmap(build_in_process, [(str(tmp_path), knowledge.id)] * 4)

    assert set(numbers) == {1}
    knowledge.engine.dispose()


def test_a_dropped_kb_leaves_no_files_and_no_view(knowledge: Knowledge) -> None:
    with writing(knowledge.engine) as connection:
        TripleStore(connection).delete_kb(knowledge.id)
    knowledge.views.drop(knowledge.id)

    assert os.listdir(knowledge.folder / "kbs") == []
    with pytest.raises(KbNotFound):
        knowledge.view()


def deleted_elsewhere(knowledge: Knowledge) -> Views:
    """What a process holds of a KB that another process has deleted."""
    other = knowledge.new_views()
    other.current(knowledge.id)
    with writing(knowledge.engine) as connection:
        TripleStore(connection).delete_kb(knowledge.id)
    knowledge.views.drop(knowledge.id)
    return other


def still_mapped(knowledge: Knowledge) -> int:
    """How many files of its KBs, deleted or not, this process has mapped."""
    return Path("/proc/self/maps").read_text().count(f"{knowledge.folder}/kbs/")


def ask_for_it(views: Views, kb_id: int) -> None:
    with pytest.raises(KbNotFound):
        views.current(kb_id)


def refresh_it(views: Views, kb_id: int) -> None:
    with pytest.raises(KbNotFound):
        views.refresh(kb_id)


def tidy_up(views: Views, _: int) -> None:
    views.forget_deleted()


@pytest.mark.parametrize("notice", [ask_for_it, refresh_it, tidy_up])
def test_a_kb_that_another_process_deleted_is_let_go(
    knowledge: Knowledge, notice: Callable[[Views, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.generations.MAPPED_BYTES", 0)
    other = deleted_elsewhere(knowledge)
    assert still_mapped(knowledge) > 20

    notice(other, knowledge.id)

    assert other.state(knowledge.id).state == "absent"
    assert still_mapped(knowledge) == 0


def test_asking_for_another_kb_lets_go_of_deleted_ones(knowledge: Knowledge) -> None:
    other, deleted = deleted_elsewhere(knowledge), knowledge.id
    knowledge.new_kb()

    other.current(knowledge.id)

    assert other.state(deleted).state == "absent"


def test_a_hundred_small_kbs_cost_few_descriptors(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write(FACTS)
    knowledge.view()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        knowledge.new_kb()
        knowledge.write(FACTS)
        knowledge.view()

    assert len(os.listdir("/proc/self/fd")) - before < 10
    knowledge.engine.dispose()


def test_an_unknown_kb_is_not_found(knowledge: Knowledge) -> None:
    with pytest.raises(KbNotFound):
        knowledge.views.current(12345)
