import time
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kb.graph import FactGraph, FloatArray, IntArray, merge_targets

FACTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 6)), max_size=30, unique=True)


def graph_of(facts: list[tuple[int, int, int]], num_relations: int = 3) -> FactGraph:
    subjects, relations, objects = (np.array([fact[part] for fact in facts], np.int32) for part in range(3))
    return FactGraph.build(subjects, relations, objects, num_relations)


def naive_targets(facts: list[tuple[int, int, int]], entity: int, key: int) -> list[int]:
    start, end = (0, 2) if key % 2 == 0 else (2, 0)
    return [fact[end] for fact in facts if fact[start] == entity and fact[1] == key // 2]


@given(FACTS)
def test_every_entity_has_the_keys_and_values_of_its_facts(facts: list[tuple[int, int, int]]) -> None:
    graph = graph_of(facts)
    for entity in range(8):
        first, last = graph.groups_of(entity)
        keys = graph.keys(np.arange(first, last)).tolist()
        assert keys == [key for key in range(6) if naive_targets(facts, entity, key)]
        assert graph.degree(entity) == sum(len(naive_targets(facts, entity, key)) for key in keys)
        for key in keys:
            targets, _ = graph.read_one(graph.group(entity, key), 100)
            assert targets.tolist() == naive_targets(facts, entity, key)


@given(FACTS, st.lists(st.integers(0, 7), min_size=1, max_size=6, unique=True), st.integers(0, 5))
def test_a_set_is_followed_like_its_members_one_by_one(
    facts: list[tuple[int, int, int]], members: list[int], key: int
) -> None:
    graph = graph_of(facts)
    entities: IntArray = np.array(members, np.int32)
    weights: FloatArray = np.arange(1, len(members) + 1, dtype=np.float32)
    expected: dict[int, float] = {}
    by_fact = sorted(
        (number, place)
        for number, fact in enumerate(facts)
        for place, entity in enumerate(members)
        if fact[1] == key // 2 and fact[0 if key % 2 == 0 else 2] == entity
    )
    for number, place in by_fact:
        target = facts[number][2 if key % 2 == 0 else 0]
        expected[target] = expected.get(target, 0.0) + float(weights[place])

    hop = merge_targets(graph.read(graph.groups(entities, key), 1_000), weights)

    assert dict(zip(hop.entities.tolist(), hop.weights.tolist(), strict=True)) == expected
    assert hop.entities.tolist() == list(expected)
    assert hop.facts_read == len(by_fact)


@given(FACTS, st.integers(0, 12))
def test_no_more_facts_are_read_than_the_budget(facts: list[tuple[int, int, int]], budget: int) -> None:
    graph = graph_of(facts)
    groups = graph.groups(np.arange(7, dtype=np.int32), 0)

    rows = graph.read(groups, budget)

    assert rows.num_facts == min(budget, sum(fact[1] == 0 for fact in facts))


def test_a_key_of_a_relation_that_came_later_is_unknown() -> None:
    graph = graph_of([(0, 0, 1), (1, 0, 2)], num_relations=1)

    assert graph.group(0, 2) == -1
    assert graph.groups(np.array([0, 1], np.int32), 2).tolist() == [-1, -1]


@given(FACTS, st.sets(st.integers(0, 59)))
def test_facts_are_sampled_alike_one_relation_after_the_other_and_sorted(
    facts: list[tuple[int, int, int]], gone: set[int]
) -> None:
    graph = graph_of(facts)
    deleted = np.array(sorted(one for one in gone if one < len(facts)), np.int64)
    left = [[place for place, fact in enumerate(facts) if fact[1] == one and place not in gone] for one in range(3)]
    picks = [np.arange(len(places))[::2] for places in left]

    for few in (0, 3):
        with patch("kb.graph.FEW_RELATIONS", few):
            subjects, objects = graph.sampled(picks, 0, len(facts), deleted)
        expected = [facts[place] for places in left for place in places[::2]]
        assert [*zip(subjects.tolist(), objects.tolist(), strict=True)] == [(fact[0], fact[2]) for fact in expected]


def test_no_facts_make_an_empty_graph() -> None:
    graph = graph_of([], num_relations=0)

    assert graph.degree(3) == 0
    assert graph.group(0, 0) == -1
    assert graph.read(graph.groups(np.array([0], np.int32), 0), 5).num_facts == 0


def test_a_hub_with_a_million_facts_costs_its_budget() -> None:
    count = 1_000_000
    hub = FactGraph.build(
        np.zeros(count, np.int32), np.zeros(count, np.int32), np.arange(1, count + 1, dtype=np.int32), 1
    )
    entities: IntArray = np.array([0, 1], np.int32)
    started = time.perf_counter()
    for _ in range(20):
        rows = hub.read(hub.groups(entities, 0), 100)
    seconds = (time.perf_counter() - started) / 20

    assert rows.num_facts == 100
    assert seconds < 0.002
