"""The search, over a network whose scores a test sets."""

from collections.abc import Mapping

import numpy as np
import pytest

from models.episodes import MENTION, End
from models.memory import TripleMemory
from models.networks.path_inference import FloatArray, Glimpse, Keys, PathInference, Question, State
from models.reader import Chain, Reader, Reading, ReadRequest
from models.texts import TokenArrays
from tests.models.factories import TinyEncoder, make_cutter, make_inference, make_memory, make_network


class ScriptedNetwork(PathInference):
    """Scores keys by what a test says for the hop and the text's length; knows the hop by the attention spent."""

    def __init__(self, memory: TripleMemory, script: Mapping[tuple[int, str], float], mask_topic: bool = True) -> None:
        network = make_network(mask_topic=mask_topic)
        super().__init__(network.config, network.weights(), TinyEncoder().token_table())
        self._memory = memory
        self._script = script

    def score(self, glimpse: Glimpse, keys: Keys) -> FloatArray:
        num_keys = 2 * len(self._memory.relation_labels)
        scores = np.full((len(glimpse.query), num_keys + len(End)), -20.0, np.float32)
        for row, hop in enumerate(self._hops):
            for (at, name), value in self._script.items():
                if at == hop:
                    scores[row, self.column(name)] = value
        return scores

    def column(self, name: str) -> int:
        if name in ("stop", "reject"):
            return 2 * len(self._memory.relation_labels) + (End.STOP if name == "stop" else End.REJECT)
        return 2 * self._memory.relation_labels.index(name.removeprefix("^")) + name.startswith("^")

    def look(self, question: Question, state: State) -> Glimpse:
        self._hops = [round(float(spent.sum())) for spent in state.spent]
        return super().look(question, state)


def read(
    script: Mapping[tuple[int, str], float], topic: str = "kismet", max_hops: int = 3, mask_topic: bool = True
) -> tuple[TripleMemory, list[Chain]]:
    memory = make_memory()
    reader = Reader(ScriptedNetwork(memory, script, mask_topic), make_cutter(), "scripted")
    reading = Reading(f"who {MENTION}", memory.entities([topic]), 1.0)
    keys = reader.key_vectors(memory.relation_labels)
    (chains,) = reader.read([ReadRequest(memory, keys, [reading], max_hops, 100)])
    return memory, chains


def labels(memory: TripleMemory, chain: Chain) -> list[str]:
    return [memory.labels[entity] for entity in chain.steps[-1].entities.tolist()]


def test_a_chain_ends_where_stop_wins() -> None:
    memory, chains = read({(0, "directed by"): 5, (1, "stop"): 5, (1, "born in"): 2})
    assert labels(memory, chains[0]) == ["dieterle"]
    assert chains[0].probability > 0.9
    assert chains[0].rejected < 0.01


def test_a_path_that_can_only_get_worse_than_a_chain_found_is_given_up() -> None:
    memory, chains = read({(0, "directed by"): 5, (1, "stop"): 5, (1, "born in"): 2})
    assert [labels(memory, chain) for chain in chains] == [["dieterle"]]


def test_a_chain_as_long_as_allowed_needs_no_stop() -> None:
    memory, chains = read({(0, "directed by"): 5, (1, "born in"): 5, (1, "stop"): -5}, max_hops=2)
    assert labels(memory, chains[0]) == ["ludwigshafen"]
    assert [len(chain.steps) for chain in chains].count(2) >= 1


def test_probability_is_the_product_of_the_choices() -> None:
    _, chains = read({(0, "directed by"): 1, (0, "starring"): 0, (1, "stop"): 2, (1, "born in"): 0})
    best = chains[0]
    at_first = np.exp(1) / (np.exp(1) + 1)
    at_second = np.exp(2) / (np.exp(2) + 1)
    assert best.probability == pytest.approx(at_first * at_second, rel=1e-3)
    assert best.steps[0].probability == pytest.approx(at_first, rel=1e-3)


def test_nothing_that_fits_shows_as_rejected() -> None:
    _, chains = read({(0, "reject"): 5, (0, "directed by"): 0, (1, "stop"): 5})
    assert chains[0].rejected > 0.99
    assert chains[0].probability < 0.01


def test_the_topic_is_no_answer_from_the_second_hop_on() -> None:
    script = {(0, "directed by"): 5.0, (1, "^directed by"): 5.0, (2, "stop"): 5.0}
    memory, chains = read(script)
    assert labels(memory, chains[0]) == ["salome"]
    memory, chains = read(script, mask_topic=False)
    assert labels(memory, chains[0]) == ["kismet", "salome"]


def test_weights_of_the_entities_reached_sum_to_one() -> None:
    _, chains = read({(0, "directed by"): 5, (1, "^directed by"): 5, (2, "stop"): 5}, mask_topic=False)
    assert chains[0].steps[-1].weights.sum() == pytest.approx(1.0)


def test_a_topic_without_facts_has_no_chain() -> None:
    memory = TripleMemory([("a", "r", "b")])
    reader = Reader(make_inference(), make_cutter(), "random")
    keys = reader.key_vectors(memory.relation_labels)
    empty = Reading(MENTION, np.array([], np.int32), 1.0)
    assert reader.read([ReadRequest(memory, keys, [empty], 3, 100), ReadRequest(memory, keys, [], 3, 100)]) == [[], []]


def test_a_kb_without_relations_has_no_chain() -> None:
    memory = TripleMemory([])
    reader = Reader(make_inference(), make_cutter(), "random")
    keys = reader.key_vectors(())
    assert reader.read([ReadRequest(memory, keys, [Reading("who", np.array([], np.int32), 1.0)], 3, 100)]) == [[]]


@pytest.mark.parametrize("text", ["", "?!", MENTION, "é" * 3000, "wer " * 3000 + MENTION])
def test_any_text_can_be_read(text: str) -> None:
    memory = make_memory()
    reader = Reader(make_inference(), make_cutter(), "random")
    keys = reader.key_vectors(memory.relation_labels)
    (chains,) = reader.read([ReadRequest(memory, keys, [Reading(text, memory.entities(["kismet"]), 1.0)], 3, 100)])
    assert all(np.isfinite(chain.probability) for chain in chains)


def test_a_batch_reads_as_each_request_alone() -> None:
    memory, other = make_memory(), TripleMemory([("a", "works for", "b"), ("b", "based in", "c")])
    reader = Reader(make_inference(), make_cutter(), "random")
    keys, other_keys = (reader.key_vectors(one.relation_labels) for one in (memory, other))
    two = (
        Reading(f"who directed {MENTION}", memory.entities(["kismet"]), 0.9),
        Reading(f"{MENTION} directed kismet then", memory.entities(["dieterle"]), 0.4),
    )
    requests = [
        ReadRequest(memory, keys, two, 3, 100),
        ReadRequest(other, other_keys, (Reading(f"where does {MENTION} work", other.entities(["a"]), 1.0),), 2, 100),
        ReadRequest(memory, keys, two[:1], 1, 100),
    ]
    together = reader.read(requests)
    for request, found in zip(requests, together, strict=True):
        (alone,) = reader.read([request])
        assert [[step.key for step in chain.steps] for chain in alone] == [
            [s.key for s in chain.steps] for chain in found
        ]
        assert [chain.probability for chain in alone] == pytest.approx([chain.probability for chain in found], rel=1e-4)


def test_the_better_reading_comes_first() -> None:
    memory = make_memory()
    reader = Reader(ScriptedNetwork(memory, {(0, "directed by"): 3, (1, "stop"): 3}), make_cutter(), "scripted")
    keys = reader.key_vectors(memory.relation_labels)
    readings = [Reading(MENTION, memory.entities([name]), score) for name, score in (("salome", 0.2), ("kismet", 0.9))]
    (chains,) = reader.read([ReadRequest(memory, keys, readings, 3, 100)])
    assert [chain.reading for chain in chains[:2]] == [1, 0]


def test_a_step_shows_the_words_it_attended_to() -> None:
    _, chains = read({(0, "directed by"): 5, (0, "starring"): 1, (1, "stop"): 5})
    step = chains[0].steps[0]
    assert [word for word, _ in step.attention] == ["who", MENTION]
    assert 0 < sum(weight for _, weight in step.attention) <= 1.0001
    assert all(key != step.key for key, _ in step.alternatives)
    assert step.facts_read == 1


class CountingNetwork(PathInference):
    """Counts the texts that it encodes."""

    encoded = 0

    def encode_questions(self, tokens: TokenArrays) -> Question:
        self.encoded += len(tokens.ids)
        return super().encode_questions(tokens)


def read_twice(sure: float) -> tuple[int, Chain]:
    """Reads a likely and an unlikely reading; the first is believed as much as `sure` says."""

    class Network(ScriptedNetwork, CountingNetwork):
        pass

    memory = make_memory()
    network = Network(memory, {(0, "directed by"): sure, (1, "stop"): sure})
    reader = Reader(network, make_cutter(), "scripted")
    readings = [
        Reading(f"who {MENTION}", memory.entities(["kismet"]), 1.0),
        Reading(f"who {MENTION}", memory.entities(["salome"]), 0.3),
    ]
    (chains,) = reader.read([ReadRequest(memory, reader.key_vectors(memory.relation_labels), readings, 3, 100)])
    return network.encoded, chains[0]


def test_an_unlikely_reading_is_not_read_when_it_cannot_win() -> None:
    encoded, best = read_twice(sure=5.0)
    assert (encoded, best.reading) == (1, 0)
    assert best.probability > 0.3


def test_an_unlikely_reading_is_read_when_it_could_win() -> None:
    encoded, best = read_twice(sure=-19.0)
    assert encoded == 2
    assert best.probability < 0.3
