"""More than one shard is a setting; what it does on real nodes is tests/acceptance/test_shards.py."""

import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from app import wiring
from app.settings import Settings, SettingsError
from app.telemetry import Metrics
from app.wiring import Services
from kb.generations import GenerationUnusable
from kb.shards import labels
from kb.shards.actors import GenerationKey, RayCluster, ShardActor
from kb.source import Whole
from kb.store import TripleStore
from kb.triples import Term, Triple
from tests.kb.shards.stand_ins import LocalTasks
from tests.kb.structures import Knowledge


def services(data: Path, **values: int) -> Services:
    made = Services(Settings(data=data, threads=1, **values), Metrics())  # type: ignore[arg-type]
    made.prepare()
    return made


def test_shards_without_ray_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RayCluster, "is_installed", staticmethod(lambda: False))
    made = services(tmp_path, shards=2)

    with pytest.raises(SettingsError, match=r"HOPFACT_SHARDS: .*pip install .* '\.\[ray\]'"):
        _ = made.views
    made.close()


def test_one_shard_is_this_process(tmp_path: Path) -> None:
    made = services(tmp_path)

    assert isinstance(made.views.current(made.create_kb("films").id).source, Whole)
    assert made.views._encode_blocks is None
    assert "cluster" not in made.__dict__
    made.close()


def test_more_shards_encode_labels_by_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cluster:
        is_installed = staticmethod(lambda: True)
        missing: ClassVar[list[int]] = []
        source = staticmethod(lambda base, folder: Whole(base))

        def __init__(self, *_: object) -> None:
            self.tasks = LocalTasks()

        def close(self) -> None:
            pass

    monkeypatch.setattr(wiring, "RayCluster", Cluster)
    monkeypatch.setattr(labels, "MANY_LABELS", 2)
    made = services(tmp_path, shards=2)
    kb = made.create_kb("films")
    with made.writing() as connection:
        TripleStore(connection).write(kb.id, [Triple(Term("a"), Term("likes"), Term("b"))])

    made.views.rebuild(kb.id)
    assert made.cluster.tasks.submitted == 1  # type: ignore[attr-defined]
    made.close()


def test_a_view_goes_on_from_where_its_generation_is_read(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write([Triple(Term("a"), Term("likes"), Term("b"))])
    sources: list[Whole] = []
    views = knowledge.new_views()
    views._source_of = lambda base, folder: sources.append(Whole(base)) or sources[-1]  # type: ignore[func-returns-value]

    first = views.current(knowledge.id)
    knowledge.write([Triple(Term("a"), Term("likes"), Term("c"))])
    second = views.current(knowledge.id)
    assert second.revision > first.revision
    assert first.source is second.source is sources[0]
    assert len(sources) == 1


def test_a_shard_opens_what_it_is_asked_about_and_lets_go_of_what_is_deleted(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write([Triple(Term("a"), Term("likes"), Term("b"))])
    key = key_of(knowledge)
    actor = ShardActor(0, 1)

    assert actor.answer(key, "labels", (np.array([0, 1], np.int32),)) == ["a", "b"]
    actor.tidy()
    assert [*actor._open] == [key.folder]
    knowledge.views.drop(knowledge.id)
    actor.tidy()
    assert not actor._open
    with pytest.raises(GenerationUnusable):
        actor.answer(key, "labels", (np.array([0], np.int32),))


def test_a_newer_generation_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write([Triple(Term("a"), Term("likes"), Term("b"))])
    first = key_of(knowledge)
    actor = ShardActor(0, 1)
    actor.answer(first, "relation_counts", (0,))
    knowledge.write([Triple(Term("a"), Term("likes"), Term("c"))])
    knowledge.views.rebuild(knowledge.id)
    second = key_of(knowledge)

    assert np.array_equal(actor.answer(second, "relation_counts", (0,)), [2])  # type: ignore[arg-type]
    assert actor._open[first.folder].key == second
    assert second.number > first.number


def test_a_generation_of_the_same_number_is_told_from_the_one_before(tmp_path: Path) -> None:
    actor = ShardActor(0, 1)
    keys = []
    for value in ("b", "c"):  # as after a backup was restored into the same folder
        shutil.rmtree(tmp_path, ignore_errors=True)
        tmp_path.mkdir()
        knowledge = Knowledge(tmp_path)
        knowledge.write([Triple(Term("a"), Term("likes"), Term(value))])
        keys.append(key_of(knowledge))
        assert actor.answer(keys[-1], "labels", (np.array([1], np.int32),)) == [value]

    assert (keys[0].folder, keys[0].number) == (keys[1].folder, keys[1].number)
    with pytest.raises(GenerationUnusable, match="another one"):
        actor.answer(keys[0], "labels", (np.array([1], np.int32),))


def key_of(knowledge: Knowledge) -> GenerationKey:
    return GenerationKey.of(knowledge.view().base, knowledge.generation_folder().parent)
