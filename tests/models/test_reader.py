"""The search, over a network whose scores a test sets."""

import math

import numpy as np
import pytest

from models.chains import Chain, Reading, ReadRequest, everything
from models.episodes import MENTION, OTHER, UNSAID_COST, VALUE, Asked, Manner
from models.expectations import CONTRADICTED
from models.memory import TripleMemory
from models.networks.path_inference import PathInference, Question
from models.numbers import Quantity, quantity
from models.reader import Reader
from models.search import OTHER_CLASS
from models.steps import Argument
from models.texts import TokenArrays
from tests.models.factories import make_cutter, make_inference, make_memory
from tests.models.scripted import ScriptedNetwork, labels, read


def test_a_chain_ends_where_stop_wins() -> None:
    memory, chains = read({(0, "directed by"): 5, (1, "stop"): 5, (1, "born in"): 2})
    assert labels(memory, chains[0]) == ["dieterle"]
    assert chains[0].probability > 0.9
    assert chains[0].rejected < 0.01


def test_what_is_lacking_is_a_relation_that_things_alike_have() -> None:
    script = {(0, "directed by"): 3, (0, "starring"): 5, (0, "born in"): 7, (1, "stop"): 5}
    memory, chains = read(script, "salome")
    assert labels(memory, chains[0]) == ["dieterle"]
    assert chains[0].lacking == pytest.approx(1 / (1 + math.exp(3 - 5)), abs=0.01)  # a film is born nowhere
    _, chains = read(script, "kismet")
    assert chains[0].lacking < 0.01
    assert chains[0].held([Reading("", memory.entities([]), 1.0)]).lacking == chains[0].lacking


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
    assert best.steps[0].use.probability == pytest.approx(at_first, rel=1e-3)


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
    assert chains[0].reading == 1
    assert len(chains) == 1, "both lead to the same"


def test_a_step_shows_the_words_it_attended_to() -> None:
    _, chains = read({(0, "directed by"): 5, (0, "starring"): 1, (1, "stop"): 5})
    step = chains[0].steps[0]
    assert [word for word, _ in step.attention] == ["who", MENTION]
    assert 0 < sum(weight for _, weight in step.attention) <= 1.0001
    assert all(use != step.use for use in step.alternatives)
    assert step.facts_read == 1


def named(*names: str) -> Argument:
    memory = make_memory()
    return Argument(" ".join(names), memory.entities([*names]))


def number(text: str) -> Argument:
    return Argument(text, np.empty(0, np.int32), quantity(text))


def test_a_condition_keeps_what_has_the_entity_named() -> None:
    script = {(0, "^directed by"): 5, (1, "keep:starring"): 5, (1, "stop"): 2, (2, "stop"): 5}
    memory, chains = read(script, "dieterle", text=f"films by {MENTION} with {OTHER}", arguments=(named("colman"),))
    assert labels(memory, chains[0]) == ["kismet"]
    kept = chains[0].steps[-1]
    assert (kept.use.manner, kept.argument) == (Manner.KEEP, 0)
    assert memory.relation_labels[kept.key // 2] == "starring"


def test_a_condition_that_nothing_meets_leads_nowhere() -> None:
    script = {(0, "^directed by"): 5, (1, "keep:born in"): 9, (1, "stop"): -5, (1, "reject"): 5}
    _, chains = read(script, "dieterle", text=f"films by {MENTION} in {OTHER}", arguments=(named("richmond"),))
    assert all(len(chain.steps) == 1 for chain in chains)
    assert chains[0].probability < 0.01


@pytest.mark.parametrize(
    ("manner", "films"), [("below", ["kismet"]), ("above", ["salome"]), ("keep", []), ("most", ["salome"])]
)
def test_values_are_compared(manner: str, films: list[str]) -> None:
    script = {(0, "^directed by"): 5, (1, f"{manner}:release year"): 5, (1, "reject"): 0, (2, "stop"): 5}
    memory, chains = read(script, "dieterle", text=f"{MENTION} before {VALUE}", arguments=(number("1950"),))
    found = [labels(memory, chain) for chain in chains if len(chain.steps) == 2]
    assert found == ([films] if films else [])


def test_a_question_without_topic_starts_from_everything() -> None:
    script = {(0, "least:release year"): 5, (1, "stop"): 5}
    memory, chains = read(script, "", text="the oldest film")
    assert labels(memory, chains[0]) == ["kismet"]


@pytest.mark.parametrize(("name", "is_denied"), [("colman", True), ("dieterle", False)])
def test_whether_is_denied_by_other_facts(name: str, is_denied: bool) -> None:
    script = {(0, "keep:directed by"): 5, (1, "stop"): 5}
    text = f"was {MENTION} directed by {OTHER}"
    _, chains = read(script, text=text, arguments=(named(name),), asked=Asked.WHETHER)
    assert (chains[0].asked, chains[0].is_denied) == (Asked.WHETHER, is_denied)


def test_whether_stays_open_where_the_subject_has_no_such_facts() -> None:
    script = {(0, "keep:^born in"): 5, (1, "stop"): 5}
    text = f"is {MENTION} the birthplace of {OTHER}"
    _, denied = read(script, "richmond", text=text, arguments=(named("dieterle"),), asked=Asked.WHETHER)
    assert denied[0].is_denied
    _, unknown = read(script, "richmond", text=text, arguments=(named("salome"),), asked=Asked.WHETHER)
    assert unknown == []


def test_a_condition_is_one_that_can_be_met() -> None:
    script = {(0, "^directed by"): 9, (1, "keep:born in"): 9, (1, "keep:starring"): 8, (1, "stop"): 5, (2, "stop"): 9}
    memory, chains = read(script, "dieterle", text=f"films by {MENTION} with {OTHER}", arguments=(named("colman"),))
    assert memory.relation_labels[chains[0].steps[-1].key // 2] == "starring"
    assert chains[0].probability > 0.9


def test_whether_is_rather_about_a_relation_that_leads_there() -> None:
    script = {(0, "keep:directed by"): 6, (0, "keep:starring"): 5, (1, "stop"): 9}
    memory, chains = read(script, text=f"is {OTHER} in {MENTION}", arguments=(named("colman"),), asked=Asked.WHETHER)
    assert memory.relation_labels[chains[0].steps[0].key // 2] == "starring"
    assert not chains[0].is_denied
    script[0, "keep:directed by"] = 9
    memory, chains = read(script, text=f"is {OTHER} in {MENTION}", arguments=(named("colman"),), asked=Asked.WHETHER)
    assert memory.relation_labels[chains[0].steps[0].key // 2] == "directed by"
    assert chains[0].is_denied


def test_whether_goes_through_what_leads_to_nothing_like_what_is_named() -> None:
    script = {(0, "keep:directed by"): 9, (1, "keep:born in"): 9, (1, "keep:directed by"): 5, (1, "stop"): 5}
    text = f"has {MENTION} a director from {OTHER}"
    memory, chains = read(script, text=text, arguments=(named("richmond"),), asked=Asked.WHETHER)
    assert [memory.relation_labels[step.key // 2] for step in chains[0].steps] == ["directed by", "born in"]
    assert chains[0].is_denied
    memory, chains = read(script, text=text, arguments=(named("colman"),), asked=Asked.WHETHER)
    assert [memory.relation_labels[step.key // 2] for step in chains[0].steps] == ["directed by"]  # he is a person, too


def test_whether_asks_about_everything_named() -> None:
    script = {(0, "directed by"): 5, (1, "stop"): 5}
    _, chains = read(script, text=f"is {MENTION} by {OTHER}", arguments=(named("colman"),), asked=Asked.WHETHER)
    assert all(any(step.argument == 0 for step in chain.steps) for chain in chains)


def test_what_may_be_wanted_is_looked_for_side_by_side() -> None:
    class Unsure(ScriptedNetwork):
        def encode_questions(self, tokens: TokenArrays) -> Question:
            return super().encode_questions(tokens)._replace(asked=np.array([[0.6, 0.35, 0.05]], np.float32))

    memory = make_memory()
    reader = Reader(Unsure(memory, {(0, "^directed by"): 9, (1, "stop"): 9}), make_cutter(), "scripted")
    reading = Reading(f"films of {MENTION}", memory.entities(["dieterle"]), 1.0)
    (chains,) = reader.read([ReadRequest(memory, reader.key_vectors(memory.relation_labels), [reading], 3, 100)])
    assert [chain.asked for chain in chains] == [Asked.ENTITIES, Asked.COUNT]
    assert [chain.probability for chain in chains] == pytest.approx([0.6, 0.35], rel=0.01)


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
        Reading(f"who but {MENTION}", memory.entities(["salome"]), 0.3),
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


@pytest.mark.parametrize("directed", [9.0, 8.5])
def test_what_the_words_contradict_is_worth_less_and_the_rest_more(directed: float) -> None:
    script = {(0, "directed by"): directed, (0, "release year"): 9.0, (1, "stop"): 9.0}
    memory, chains = read(script, text=f"who made {MENTION}")
    assert [memory.relation_labels[chain.steps[0].key // 2] for chain in chains] == ["directed by", "release year"]
    assert chains[0].probability > 0.85
    assert chains[1].probability < 0.2
    _, chains = read({(0, "release year"): 9.0, (1, "stop"): 9.0}, text=f"who made {MENTION}")
    assert chains[0].probability == pytest.approx(CONTRADICTED, abs=0.01)


def test_a_step_goes_without_saying_where_the_question_names_what_it_leads_to() -> None:
    script = {(0, "^directed by"): 9.0, (1, "stop"): 9.0, (2, "stop"): 9.0}
    _, chains = read(script, "dieterle", text=f"what did {MENTION} make")
    assert len(chains[0].steps) == 1
    memory, chains = read(script, "dieterle", text=f"which starring is in what {MENTION} made")
    assert [memory.relation_labels[step.key // 2] for step in chains[0].steps] == ["directed by", "starring"]
    assert chains[0].probability == pytest.approx(0.98, abs=0.01)  # what made it ends in nothing so called


def test_what_the_facts_do_not_call_by_the_name_asked_for_is_worth_less() -> None:
    script = {(0, "starring"): 9.0, (0, "directed by"): 9.0, (1, "stop"): 9.0}
    memory, chains = read(script, text=f"which starring was in {MENTION}")
    assert [memory.relation_labels[chain.steps[0].key // 2] for chain in chains] == ["starring", "directed by"]
    assert chains[1].probability < 2 * OTHER_CLASS * chains[0].probability
    _, chains = read(script, text=f"who was in {MENTION}")
    assert chains[0].probability == pytest.approx(chains[1].probability, abs=0.01)


def test_a_step_goes_without_saying_where_only_what_it_leads_to_fits() -> None:
    script = {(0, "born in"): 5.0, (0, "reject"): 3.0, (1, "born in"): 9.0, (2, "stop"): 9.0}
    memory, chains = read(script, text=f"where is the man behind {MENTION} from")
    assert [memory.relation_labels[step.key // 2] for step in chains[0].steps] == ["directed by", "born in"]
    chance = 1 / (2 + math.exp(3.0 - (5.0 - UNSAID_COST)))  # who starred in it was born somewhere, too
    assert chains[0].steps[0].use.probability == pytest.approx(chance, abs=0.01)
    _, chains = read(script, text=f"where is the man behind {MENTION} from", max_hops=1)
    assert all(chain.probability < 0.01 for chain in chains)


def test_a_number_with_a_unit_is_compared_with_no_count() -> None:
    script = {(0, "above:starring"): 9.0, (1, "stop"): 9.0}
    for number, unit in (("0", None), ("0 kg", 1.0)):
        argument = Argument(number, everything(), Quantity(0.0, unit))
        _, chains = read(script, topic="", text=f"films over {VALUE}", arguments=(argument,))
        assert any(step.use.manner is Manner.ABOVE for chain in chains for step in chain.steps) == (unit is None)


def test_of_two_numbers_no_key_is_above_both() -> None:
    script = {(0, "above:release year"): 9.0, (1, "above:release year"): 9.0, (1, "stop"): 1.0, (2, "stop"): 9.0}
    arguments = tuple(Argument(text, everything(), Quantity(float(text))) for text in ("1900", "60"))
    _, chains = read(script, topic="", text=f"over {VALUE} and {VALUE}", arguments=arguments)
    assert chains
    assert all(sum(step.use.manner is Manner.ABOVE for step in chain.steps) < 2 for chain in chains)


def test_who_gives_a_year_does_not_ask_for_one() -> None:
    script = {(0, "^directed by"): 9.0, (1, "release year"): 5.0, (1, "below:release year"): 3.0, (2, "stop"): 9.0}
    argument = Argument("1950", everything(), Quantity(1950.0, None))
    for arguments, manner in (((argument,), Manner.BELOW), ((), Manner.READ)):
        _, chains = read(script, "dieterle", text=f"{MENTION} before {VALUE}", arguments=arguments)
        assert chains[0].steps[-1].use.manner is manner
