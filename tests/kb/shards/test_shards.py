"""A view read from shards says what the same view says that is read here, whichever shards there are."""

import random
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kb.linking import link
from kb.shards.cuts import Cuts, ranges
from kb.shards.shard import Shard
from kb.triples import Triple
from kb.view import KnowledgeView
from tests.kb.shards.stand_ins import sharded
from tests.kb.structures import Knowledge, content, triple

WORDS = ("red", "old", "iron", "north", "little", "salt")
RELATIONS = ("made in", "part of", "weight", "seen by")


def town(number: int) -> str:
    chance = random.Random(number)
    return f"{chance.choice(WORDS).capitalize()} {chance.choice(('Mill', 'Bridge', 'Harbour'))} {number}"


def many(seed: int, count: int) -> list[Triple]:
    chance = random.Random(seed)
    found = {
        (town(chance.randrange(60)), chance.choice(RELATIONS), chance.choice([town(chance.randrange(90)), "=7", "=12"]))
        for _ in range(count)
    }
    hub = {(town(number), "part of", "The Whole Wide County of Saltmarsh") for number in range(40)}
    return [triple(*one) for one in sorted(found | hub)]


@pytest.fixture(scope="module")
def town_view(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeView:
    knowledge = Knowledge(tmp_path_factory.mktemp("towns"))
    triples = many(1, 400)
    knowledge.write(triples[:-60])
    knowledge.view()
    knowledge.write(triples[-60:])
    knowledge.delete(triples[::9])
    return knowledge.view()


def said(view: KnowledgeView, seed: int) -> list[Any]:
    """What a view says to many calls, chosen by chance."""
    chance = random.Random(seed)
    told: list[Any] = []
    for size in (0, 1, 1, 2, 5, 40, 120, 300):
        entities = np.array([chance.randrange(view.num_entities) for _ in range(size)], np.int32)
        weights = np.array([chance.random() for _ in range(size)], np.float32)
        told.append(view.keys_of(entities))
        told += view.keys_of_each([entities[:3], entities[2:9]])
        for key in range(2 * view.num_relations):
            for budget in (1, 7, 10_000):
                told += view.follow(entities, weights, key, budget)[:3]
                told += view.facts_of(entities, key, budget)
    told += [view.holders(key) for key in range(2 * view.num_relations)]
    told += [view.holders(key, view.num_entities) for key in range(2 * view.num_relations)]
    vector = np.random.default_rng(seed).standard_normal(view.base.manifest.dim).astype(np.float32)
    told += [view.nearest(vector / np.linalg.norm(vector), 5), *view.key_samples(6)]
    told += [link(view, question) for question in QUESTIONS]
    return told


QUESTIONS = (
    f"What is {town(3)} part of?",
    f"is {town(4).lower()} made in {town(5).upper()}",
    "Who lives in The Whole Wide County of Saltmarsh?",
    f"Where was {town(6)[:3]}{town(6)[4:]} seen?",
    "whats the weight of the Iorn Mill",
    "Nothing of it is known.",
)


def assert_same(told: Sequence[Any], expected: Sequence[Any]) -> None:
    for one, other in zip(told, expected, strict=True):
        if isinstance(other, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other


@pytest.mark.parametrize("num_shards", [1, 2, 3, 7])
def test_any_number_of_shards_says_the_same(town_view: KnowledgeView, num_shards: int) -> None:
    view, shards = sharded(town_view, num_shards)

    assert content(view) == content(town_view)
    assert_same(said(view, 5), said(town_view, 5))
    assert {call.shard for call in shards.calls} == set(range(num_shards))


def test_what_a_missing_shard_has_is_read_here(town_view: KnowledgeView) -> None:
    view, shards = sharded(town_view, 3)
    shards.missing = {1}

    assert_same(said(view, 6), said(town_view, 6))
    shards.missing = {0, 1, 2}
    assert_same(said(view, 7), said(town_view, 7))


CHANGES = st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(1, 30)), min_size=1, max_size=5)


@settings(
    max_examples=6, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(changes=CHANGES, num_shards=st.integers(1, 5))
def test_any_history_is_the_same_from_shards(tmp_path: Path, changes: list[Any], num_shards: int) -> None:
    knowledge = Knowledge(Path(mkdtemp(dir=tmp_path)), delta_facts=40)
    for deletes, seed, count in changes:
        (knowledge.delete if deletes else knowledge.write)(many(seed, count)[:count])
        if count % 2:
            knowledge.view()
    whole = knowledge.view()
    view, _ = sharded(whole, num_shards)

    assert content(view) == content(whole)
    assert_same(view.key_samples(5), whole.key_samples(5))
    assert [link(view, question) for question in QUESTIONS] == [link(whole, question) for question in QUESTIONS]


def test_a_step_asks_the_shards_once(town_view: KnowledgeView) -> None:
    view, shards = sharded(town_view, 3)
    entities = np.linspace(0, len(view.base.entity_ids) - 1, 30).astype(np.int32)

    keys = view.keys_of(entities)
    for key in keys.tolist():
        view.follow(entities, np.ones(30, np.float32), key, 1_000)
    assert shards.rounds == 1
    assert {call.shard for call in shards.calls} == set(range(3))


def test_what_is_expected_is_asked_for_once(town_view: KnowledgeView) -> None:
    view, shards = sharded(town_view, 3)
    everyone = np.arange(view.num_entities, dtype=np.int32)

    view.expect(everyone, np.arange(view.base.graph.num_triples, dtype=np.int32))
    told = [(view.label(one), view.entity_id(one), view.is_literal(one)) for one in everyone.tolist()]
    facts = [view.fact(triple) for triple in range(view.base.graph.num_triples)]
    assert shards.rounds == 1
    assert told == [
        (town_view.label(one), town_view.entity_id(one), town_view.is_literal(one)) for one in everyone.tolist()
    ]
    assert facts == [town_view.fact(triple) for triple in range(len(facts))]


def test_shards_are_equal_parts(town_view: KnowledgeView) -> None:
    graph = town_view.base.graph
    cuts = Cuts.of(town_view.base, 4)

    for bounds, last in (
        (cuts.entities, len(town_view.base.entity_ids)),
        (cuts.groups, len(graph.codes)),
        (cuts.triples, graph.num_triples),
        (cuts.words, len(town_view.base.typos.words)),
    ):
        assert bounds[0] == 0
        assert bounds[-1] == last
        assert (np.diff(bounds) >= 0).all()
    sizes = [int(graph.starts[last] - graph.starts[first]) for first, last in ranges(cuts.groups)]
    hub = max(graph.degree(entity) for entity in range(len(town_view.base.entity_ids)))
    assert max(sizes) <= 2 * graph.num_triples // 4 + hub
    loaded = [Shard(town_view.base, 4).load(number) for number in range(4)]
    assert min(loaded) > 0
    assert sum(loaded) < 1.1 * Shard(town_view.base, 1).load(0)
