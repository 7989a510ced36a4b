import numpy as np
import pytest

from models import expectations
from models.episodes import MENTION, Asked, Manner
from models.expectations import (
    CONTRADICTED,
    asks_for_a_thing,
    containing,
    of_asked,
    of_chain,
    of_relations,
    says_only,
)
from models.kinds import Kind

KINDS = (Kind.NAME, Kind.NAME, Kind.NUMBER, Kind.NAME, Kind.DATE, Kind.NAME)
"""Of three relations, both ways each: director, employees, born."""
DIRECTOR, EMPLOYEES, BORN = 0, 2, 4


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("how many stations does X have?", Asked.COUNT),
        ("In total, how many lines stop there", Asked.COUNT),
        ("what is the number of lines", Asked.COUNT),
        ("headcount of Team Lynx", Asked.COUNT),
        ("which line has the largest number of stops", Asked.ENTITIES),
        ("Who knows how many there are?", Asked.ENTITIES),
        ("stations on the line", Asked.ENTITIES),
    ],
)
def test_who_asks_how_many_wants_a_number(text: str, asked: Asked) -> None:
    chances = of_asked(text, np.array([0.5, 0.4, 0.1], np.float32))
    assert int(np.argmax(chances)) == asked
    assert chances.sum() == pytest.approx(1)


def test_who_asks_what_does_not_ask_whether() -> None:
    assert of_asked("in which city is it", np.array([0.1, 0.1, 0.8], np.float32))[Asked.WHETHER] == 0
    assert of_asked("what is it", np.array([0.0, 0.0, 1.0], np.float32)).tolist() == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize(
    ("text", "is_whether"),
    [
        ("Is X a laptop?", True),
        ("is X or Y older", False),
        ("need one worry that X closes", True),
        ("need the phone of X", False),
        (f"{MENTION} is easy?", True),
        (f"So {MENTION}'s yard stands in Leeds?", True),
        (f"{MENTION} got dismissed, didn't it?", True),
        (f"{MENTION} is where?", False),
        (f"{MENTION} is a film written by this person", False),
        (f"{MENTION} is a film written by this person?", False),
        (f"{MENTION} is a film", False),
        (f"does {MENTION} lie in this country?", True),
        (f"{MENTION} novels from Leeds?", False),
        ("do you have any X", False),
        ("Can I keep a cat in X?", True),
        ("would a pram fit in there", False),
        ("could you say who X is", False),
        ("Can anybody name the director of X?", False),
        ("May I please have the price of X", False),
        ("Do they say who X is", False),
        ("My dog comes with me. Can he stay in X?", True),
        (f"He only eats beans, so could he have {MENTION}?", True),
        (f"Of those in {MENTION}, can you list the red ones", False),
        ("Where does X stay, is it in Leeds", False),
    ],
)
def test_who_asks_whether_by_the_first_word_wants_yes_or_no(text: str, *, is_whether: bool) -> None:
    chances = of_asked(text, np.array([0.7, 0.0, 0.3], np.float32))
    assert (chances[Asked.WHETHER] > 0.5) == is_whether


@pytest.mark.parametrize(
    ("text", "key", "manner", "fits"),
    [
        ("who made it", DIRECTOR, Manner.READ, True),
        ("who made it", BORN, Manner.READ, False),
        ("where was it made", EMPLOYEES, Manner.READ, False),
        ("when was he born", BORN, Manner.READ, True),
        ("what year was his director born", DIRECTOR, Manner.READ, False),
        ("how large is it", DIRECTOR, Manner.READ, False),
        ("how long did it last", BORN, Manner.READ, False),
        ("how long has it lasted", BORN, Manner.READ, True),
        ("what is it", BORN, Manner.READ, True),
        ("which firm made it", BORN, Manner.READ, False),
        ("in which century was he born", BORN, Manner.READ, True),
        ("who is the youngest", BORN, Manner.LEAST, False),
        ("which has the fewest", EMPLOYEES + 1, Manner.LEAST, False),
        ("why was X born", BORN, Manner.READ, False),
        ("what was the cause of the fire", BORN, Manner.READ, False),
        ("what's the name of the boss", DIRECTOR, Manner.READ, True),
    ],
)
def test_a_chain_that_the_words_contradict_is_worth_less(text: str, key: int, manner: Manner, *, fits: bool) -> None:
    assert of_chain(text, [(key, manner)], KINDS, Asked.ENTITIES) == (1.0 if fits else CONTRADICTED)


@pytest.mark.parametrize(
    ("text", "worth"), [("which pupils are in it", CONTRADICTED), ("what number has it", 1.0), ("what is it like", 1.0)]
)
def test_how_many_there_are_is_no_answer_to_which(text: str, worth: float) -> None:
    labels = ["director", "number of pupils"]
    assert of_chain(text, [(EMPLOYEES, Manner.READ)], KINDS, Asked.ENTITIES, labels) == worth


def test_some_names_tell_when() -> None:
    for label, worth in (("opening hours", 1.0), ("director", CONTRADICTED)):
        assert of_chain("when is it open", [(DIRECTOR, Manner.READ)], KINDS, Asked.ENTITIES, [label]) == worth


def test_a_count_is_no_answer_of_another_kind() -> None:
    assert of_chain("how old are they", [(DIRECTOR, Manner.READ)], KINDS, Asked.COUNT) == 1.0


def test_what_a_thing_lies_in_is_told_by_the_relation() -> None:
    labels = ("country", "is located in", "lies on", "part of", "born in", "capital", "in the region", "has parts")
    assert {labels[place] for place in containing(labels)} == {
        *("country", "is located in", "lies on", "part of", "in the region"),
    }


def test_a_relation_of_times_gone_is_for_questions_of_such() -> None:
    labels = ("plays for", "former club", "example")
    for text, is_asked in (
        ("who used to play for X", True),
        ("where did X play before?", True),
        ("who plays for X", False),
    ):
        now, gone, other = of_relations(text, labels).tolist()
        assert now == other == 0
        assert (gone > 0) is is_asked
        assert gone


@pytest.mark.parametrize(
    ("text", "label", "fits"),
    [
        ("when does it end", "starts", False),
        ("when does it end", "ends on", True),
        ("when does it end", "date", True),
        ("when was what ended in May begun", "starts", True),
        ("what is the smallest size", "largest size", False),
        ("since when has it been there", "closed", False),
    ],
)
def test_the_end_is_no_beginning_and_the_least_not_the_most(text: str, label: str, *, fits: bool) -> None:
    worth = of_chain(text, [(0, Manner.READ)], [Kind.DATE, Kind.NAME], Asked.ENTITIES, (label,))
    assert worth == (1.0 if fits else CONTRADICTED)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (f"{MENTION}'s price", 1),
        (f"what is {MENTION}'s owner's birth place", 2),
        (f"{MENTION}' owners' sons", 2),
        (f"{MENTION}'s rocket's maker's home town", 3),
        (f"{MENTION}'s owner is whose son's friend", 1),
    ],
)
def test_each_possessive_is_a_step(text: str, steps: int) -> None:
    uses = [(0, Manner.READ)] * steps
    assert of_chain(text, uses, [Kind.NAME, Kind.NAME], Asked.ENTITIES) == 1.0
    if steps > 1:
        assert of_chain(text, uses[1:], [Kind.NAME, Kind.NAME], Asked.ENTITIES) == CONTRADICTED


@pytest.mark.parametrize(
    ("text", "thing"),
    [("Who is insured?", True), ("how many are insured", True), ("what does it say", False), ("insured?", False)],
)
def test_some_words_ask_for_a_thing(text: str, *, thing: bool) -> None:
    assert asks_for_a_thing(text) is thing


@pytest.mark.parametrize(
    ("label", "is_role"),
    [("director", True), ("taught by the tutor", True), ("head coach", True), ("city", False), ("starring", False)],
)
def test_some_relations_lead_to_people_by_what_they_do(label: str, *, is_role: bool) -> None:
    assert expectations.is_role(label) is is_role


@pytest.mark.parametrize(
    ("text", "label", "is_only"),
    [
        (f"tickets assigned to {MENTION}", "assigned to", True),
        (f"which films were directed by {MENTION}?", "directed by", True),
        (f"open tickets assigned to {MENTION}", "assigned to", False),
        (f"boss of tickets assigned to {MENTION}", "assigned to", False),
        (f"tickets reported by {MENTION}", "assigned to", False),
    ],
)
def test_a_question_may_say_nothing_but_a_relation(text: str, label: str, *, is_only: bool) -> None:
    assert says_only(text, label) is is_only
