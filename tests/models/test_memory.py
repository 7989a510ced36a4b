import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.memory import TripleMemory
from tests.models.factories import make_memory

NAMES = st.sampled_from("abcdef")
RELATIONS = st.sampled_from(["r", "s"])


def ones(count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.ones(count, np.float32)


def test_keys_are_read_both_ways() -> None:
    memory = make_memory()
    directed = memory.relation_labels.index("directed by")
    born = memory.relation_labels.index("born in")
    assert memory.keys_of(memory.entities(["dieterle"])).tolist() == sorted([2 * directed + 1, 2 * born])


def test_weights_of_the_sources_add_up() -> None:
    memory = make_memory()
    key = 2 * memory.relation_labels.index("directed by")
    hop = memory.follow(memory.entities(["kismet", "salome"]), np.array([1, 0.5], np.float32), key, 10)
    assert [memory.labels[entity] for entity in hop.entities.tolist()] == ["dieterle"]
    assert hop.weights.tolist() == [1.5]
    assert hop.facts.tolist() == [0]
    assert hop.facts_read == 2


def test_a_hop_reads_no_more_than_its_budget() -> None:
    memory = TripleMemory([("hub", "r", f"leaf {number}") for number in range(100)])
    hop = memory.follow(memory.entities(["hub"]), ones(1), 0, 7)
    assert hop.facts_read == 7
    assert len(hop.entities) == 7


@given(st.lists(st.tuples(NAMES, RELATIONS, NAMES), min_size=1))
def test_following_finds_just_what_the_triples_say(triples: list[tuple[str, str, str]]) -> None:
    memory = TripleMemory(triples)
    for number, relation in enumerate(memory.relation_labels):
        for start in memory.labels:
            forward = memory.follow(memory.entities([start]), ones(1), 2 * number, 1000)
            inverse = memory.follow(memory.entities([start]), ones(1), 2 * number + 1, 1000)
            assert {memory.labels[e] for e in forward.entities} == {
                o for s, r, o in triples if (s, r) == (start, relation)
            }
            assert {memory.labels[e] for e in inverse.entities} == {
                s for s, r, o in triples if (o, r) == (start, relation)
            }
