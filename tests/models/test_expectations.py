import numpy as np
import pytest

from models.episodes import MENTION, Asked, Manner
from models.expectations import CONTRADICTED, containing, names, of_asked, of_chain, of_relations, wanted
from models.kinds import Kind

KINDS = (Kind.NAME, Kind.NAME, Kind.NUMBER, Kind.NAME, Kind.DATE, Kind.NAME)
"""Of three relations, both ways each: director, employees, born."""
DIRECTOR, EMPLOYEES, BORN = 0, 2, 4
LABELS = (
    "country",
    "located in the country",
    "born in",
    "Host City",
    "number of platforms",
    "has genus",
    "type",
    "preys on",
    "home ground",
    "uses cartridge",
    "parent company",
)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("how many stations does X have?", Asked.COUNT),
        ("In total, how many lines stop there", Asked.COUNT),
        ("what is the number of lines", Asked.COUNT),
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
        ("do you have any X", False),
        ("Do they say who X is", False),
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
        ("what is it", BORN, Manner.READ, True),
        ("which firm made it", BORN, Manner.READ, False),
        ("in which century was he born", BORN, Manner.READ, True),
        ("who is the youngest", BORN, Manner.MOST, True),
        ("who is the youngest", BORN, Manner.LEAST, False),
        ("who is older", BORN, Manner.MOST, False),
        ("who is the youngest", EMPLOYEES, Manner.LEAST, True),
        ("who is the youngest", EMPLOYEES, Manner.MOST, False),
        ("the most recent one", BORN, Manner.LEAST, False),
        ("which has the fewest", EMPLOYEES, Manner.MOST, False),
        ("which has the most of the smallest", EMPLOYEES, Manner.MOST, True),
        ("which has the fewest", EMPLOYEES + 1, Manner.LEAST, False),
        ("what is the hardest one", EMPLOYEES, Manner.LEAST, False),
        ("the narrowest", EMPLOYEES, Manner.MOST, False),
        ("who has been there longest", BORN, Manner.MOST, False),
    ],
)
def test_a_chain_that_the_words_contradict_is_worth_less(text: str, key: int, manner: Manner, *, fits: bool) -> None:
    assert of_chain(text, [(key, manner)], KINDS, Asked.ENTITIES) == (1.0 if fits else CONTRADICTED)


@pytest.mark.parametrize(
    ("text", "key", "manner", "fits"),
    [
        ("the lightest of them", BORN, Manner.LEAST, False),
        ("which are larger than it", BORN, Manner.ABOVE, False),
        ("the lightest of them", EMPLOYEES, Manner.LEAST, True),
        ("the largest of them", DIRECTOR, Manner.MOST, True),
        ("the oldest of them", DIRECTOR, Manner.LEAST, False),
        ("which are newer than it", DIRECTOR, Manner.ABOVE, False),
        ("the largest of the oldest", BORN, Manner.LEAST, True),
        ("who is the oldest", DIRECTOR, Manner.READ, True),
    ],
)
def test_sizes_are_no_dates_and_ages_no_numbers_of_names(text: str, key: int, manner: Manner, *, fits: bool) -> None:
    assert of_chain(text, [(key, manner)], KINDS, Asked.ENTITIES) == (1.0 if fits else CONTRADICTED)


def test_the_highest_rank_has_the_least_number() -> None:
    labels = ("director", "world ranking", "born")
    assert of_chain("the highest of them", [(EMPLOYEES, Manner.LEAST)], KINDS, Asked.ENTITIES, labels) == 1.0


def test_a_count_is_no_answer_of_another_kind() -> None:
    assert of_chain("how old are they", [(DIRECTOR, Manner.READ)], KINDS, Asked.COUNT) == 1.0


@pytest.mark.parametrize(
    ("text", "relations"),
    [
        ("which country was X born in", {0, 1}),
        ("In what countries do they live", {0, 1}),
        ("Which host city was it", {3}),
        ("which home country does it have", {0, 1}),
        ("which team country music likes", set()),
        ("countries in Africa", {0, 1}),
        ("list all the host cities of it", {3}),
        ("can country music", set()),
        ("genus of it", {5}),
        ("which genus is it", {5}),
        ("what type is it", {6}),
        ("what type of country is it", set()),
        ("which is the country", set()),
        ("where in the country", set()),
        ("what preys on it", set()),
        ("which grounds are in Leeds", {8}),
        ("which cartridges depend on it", {9}),
        ("which companies are in Leeds", set()),
        ("which parent company has it", {10}),
        ("which platforms does it have", set()),
        ("number of platforms at it", set()),
    ],
)
def test_what_is_asked_for_by_name_is_found_among_the_relations(text: str, relations: set[int]) -> None:
    assert wanted(text, LABELS, {}) == relations
    assert wanted("which museums have it", LABELS, {"museum": frozenset({4})}) == {4}


def test_a_noun_of_a_relation_is_found_in_a_question() -> None:
    assert names("How many clubs has she had?", "former club")
    assert names("how many countries are there", "country")
    assert not names("how many fit in when they are at home", "home ground")
    assert not names("how many go into it", "used in")


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
