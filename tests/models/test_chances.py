import numpy as np
import pytest

from models.chances import _THINGS, _gained, _softmax
from models.episodes import MENTION, VALUE, Manner
from models.memory import TripleMemory
from models.numbers import quantity
from models.quantities import _OF_AN_AGE
from models.steps import Argument
from tests.models.scripted import labels, read


def test_whether_nothing_fits_is_left_to_the_network() -> None:
    logits, gains = np.array([0.5, 1.0, -np.inf, 2.0], np.float32), np.array([2.0, 0.0, 1.0, 0.0], np.float32)
    before, after = _softmax(logits), _softmax(_gained(logits, gains, rejected=3))
    assert after[3] == pytest.approx(before[3])
    assert after[0] / after[1] == pytest.approx(before[0] / before[1] * np.exp(2.0))
    assert after[2] == 0


def test_where_nothing_else_is_possible_nothing_is_gained() -> None:
    logits = np.array([-np.inf, 0.0], np.float32)
    assert _softmax(_gained(logits, np.ones(2, np.float32), rejected=1)).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "is_of_things"),
    [
        (f"{MENTION} walks", True),
        (f"list all {MENTION} incidents?", True),
        (f"{MENTION} glass", False),
        (f"who {MENTION} walks", False),
        (f"{MENTION} walks near the lake", False),
    ],
)
def test_things_follow_how_they_are(text: str, is_of_things: bool) -> None:
    assert bool(_THINGS.fullmatch(text)) is is_of_things


@pytest.mark.parametrize(
    ("text", "is_of_an_age"),
    [
        (f"patients over {VALUE}", True),
        (f"who is older than {VALUE}?", True),
        (f"trails over {VALUE}", False),
        (f"players over {VALUE} cm", False),
    ],
)
def test_a_number_behind_people_is_an_age(text: str, is_of_an_age: bool) -> None:
    assert bool(_OF_AN_AGE.search(text)) is is_of_an_age


HOMES = TripleMemory(
    [
        *(("mill", "price", "780000"), ("mill", "rooms", "5"), ("mill", "length", "12 m"), ("mill", "garden", "yes")),
        *(("nova", "price", "325000"), ("nova", "rooms", "2"), ("nova", "length", "9 m"), ("nova", "garden", "no")),
        *(
            ("mill", "opens", "9:00"),
            ("mill", "built", "1890"),
            ("nova", "built", "1987-05-01"),
            ("mill", "agent", "jane"),
        ),
        *(
            ("nova", "agent", "jane"),
            ("mill", "work", "3 days"),
            ("mill", "friend of", "nova"),
            ("nova", "friend of", "east"),
        ),
    ]
)


def number(text: str) -> Argument:
    return Argument(text, np.empty(0, np.int32), quantity(text))


@pytest.mark.parametrize(
    ("text", "relation"),
    [("400000", "price"), ("4", "rooms"), ("10 m", "length"), ("1100 cm", "length"), ("90000000", "rooms")],
)
def test_a_number_is_compared_with_values_of_its_size(text: str, relation: str) -> None:
    """What all are far from is no reason to take another."""
    script = {(0, f"below:{one}"): 4.0 - at for at, one in enumerate(("rooms", "price", "length"))} | {(1, "stop"): 9.0}
    memory, chains = read(script, "", text=f"homes under {VALUE}", arguments=(number(text),), memory=HOMES)
    assert memory.relation_labels[chains[0].steps[0].key // 2] == relation


@pytest.mark.parametrize(("text", "is_exact"), [("built in", True), ("built after", False), ("built", False)])
def test_what_is_so_in_a_year_is_so_no_later(text: str, is_exact: bool) -> None:
    script = {(0, "above:built"): 5.0, (0, "keep:built"): 3.0, (1, "stop"): 9.0}
    _, chains = read(script, "", text=f"homes {text} {VALUE}", arguments=(number("1987"),), memory=HOMES)
    (likely,) = {chain.steps[0].use.probability for chain in chains if chain.steps[0].use.manner is Manner.KEEP}
    assert (likely > 0.8) is is_exact


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (f"who looks after {MENTION}", "jane"),
        (f"has {MENTION} got one", "yes"),
        (f"what of the garden of {MENTION}", "yes"),
        (f"what time is {MENTION}", "9:00"),
        (f"how long does it take to paint {MENTION}", "3 days"),
    ],
)
def test_yes_is_no_answer_to_who_and_a_number_none_to_what_time(text: str, answer: str) -> None:
    script = {(0, "garden"): 5.0, (0, "agent"): 4.0, (0, "opens"): 3.0, (0, "work"): 2.0, (1, "stop"): 9.0}
    memory, chains = read(script, "mill", text=text, memory=HOMES)
    assert labels(memory, chains[0]) == [answer]


def test_what_holds_both_ways_does_not_lead_on_by_its_other_way() -> None:
    script = {(0, "friend of"): 9.0, (1, "^friend of"): 5.0, (1, "stop"): 4.0, (2, "stop"): 9.0}
    memory, chains = read(script, "mill", text=f"friends of {MENTION}", memory=HOMES)
    assert labels(memory, chains[0]) == ["nova"]


def test_what_is_of_a_time_by_all_that_is_said_is_kept_by_its_date() -> None:
    script = {(0, "reject"): 4.0, (0, "keep:built"): 1.0, (0, "keep:opens"): 2.0, (1, "stop"): 9.0}
    for text, is_likely in ((f"homes from {VALUE}", True), (f"homes sold to us in {VALUE}", False)):
        _, chains = read(script, "", text=text, arguments=(number("the 1980s"),), memory=HOMES)
        assert (chains[0].probability > 0.6) is is_likely


def test_where_no_word_is_left_what_was_read_fits() -> None:
    script = {(0, "^agent"): 9.0, (1, "reject"): 5.0, (1, "stop"): 3.0}
    for text, is_likely in ((f"homes agent {MENTION}", True), (f"homes that {MENTION} likes", False)):
        _, chains = read(script, "jane", text=text, memory=HOMES)
        assert (chains[0].probability > 0.8) is is_likely


def test_things_are_alike_to_which_the_same_relations_lead() -> None:
    """Both are a father; neither has a relation of the other's."""
    facts = [("bo", "father", "orr"), ("cy", "father", "vel"), ("vel", "symbol", "seal"), ("orr", "rules", "sky")]
    script = {(0, "symbol"): 6.0, (0, "^father"): 5.0, (1, "stop"): 9.0}
    _, chains = read(script, "orr", text=f"the symbol of {MENTION}", memory=TripleMemory(facts))
    assert chains[0].lacking > 0.7
