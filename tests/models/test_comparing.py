import pytest

from models.comparing import is_contradicted, is_exact, is_of_a_time, tells_of_topic
from models.episodes import MENTION, VALUE, Manner
from models.kinds import Kind

KINDS = (Kind.NAME, Kind.NAME, Kind.NUMBER, Kind.NAME, Kind.DATE, Kind.NAME)
"""Of three relations, both ways each: director, employees, born."""
DIRECTOR, EMPLOYEES, BORN = 0, 2, 4


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
    assert is_contradicted(text, [(key, manner)], KINDS, ()) != fits


@pytest.mark.parametrize(
    ("text", "key", "manner", "fits"),
    [
        ("who is the youngest", BORN, Manner.MOST, True),
        ("who is older", BORN, Manner.MOST, False),
        ("who is the youngest", BORN, Manner.LEAST, False),
        ("who is the youngest", EMPLOYEES, Manner.LEAST, True),
        ("who is the youngest", EMPLOYEES, Manner.MOST, False),
        ("the most recent one", BORN, Manner.LEAST, False),
        ("which has the fewest", EMPLOYEES, Manner.MOST, False),
        ("which has the most of the smallest", EMPLOYEES, Manner.MOST, True),
        ("what is the hardest one", EMPLOYEES, Manner.LEAST, False),
        ("the emptiest", EMPLOYEES, Manner.MOST, False),
        ("who has been there longest", BORN, Manner.MOST, False),
    ],
)
def test_the_most_is_not_the_least(text: str, key: int, manner: Manner, *, fits: bool) -> None:
    assert is_contradicted(text, [(key, manner)], KINDS, ()) != fits


@pytest.mark.parametrize(
    ("text", "label", "manner"),
    [
        ("the highest of them", "world ranking", Manner.LEAST),
        ("the fastest of them", "top speed", Manner.MOST),
        ("the fastest of them", "lap time", Manner.LEAST),
        ("the slowest to cook", "cooking time", Manner.MOST),
    ],
)
def test_ranks_and_times_are_best_where_they_are_least(text: str, label: str, manner: Manner) -> None:
    other = Manner.LEAST if manner is Manner.MOST else Manner.MOST
    labels = ("director", label, "born")
    assert not is_contradicted(text, [(EMPLOYEES, manner)], KINDS, labels)
    assert is_contradicted(text, [(EMPLOYEES, other)], KINDS, labels) == ("rank" not in label)


def test_what_is_valid_longest_ends_last() -> None:
    for label, manner in (("expires", Manner.MOST), ("warranty expiry", Manner.MOST), ("member since", Manner.LEAST)):
        labels = ("director", "employees", label)
        assert not is_contradicted("the one that is valid longest", [(BORN, manner)], KINDS, labels)


@pytest.mark.parametrize(
    ("text", "key", "manner", "fits"),
    [
        ("older than her", BORN, Manner.BELOW, True),
        ("older than her", BORN, Manner.ABOVE, False),
        ("students older than 20", EMPLOYEES, Manner.ABOVE, True),
        ("students younger than 20", EMPLOYEES, Manner.ABOVE, False),
        ("bigger than it", EMPLOYEES, Manner.BELOW, False),
        ("no bigger than it", EMPLOYEES, Manner.BELOW, True),
        ("with more people than it", EMPLOYEES, Manner.BELOW, False),
        ("going further back than it", BORN, Manner.ABOVE, False),
        ("bigger than it but smaller than that", EMPLOYEES, Manner.BELOW, True),
    ],
)
def test_more_is_not_less(text: str, key: int, manner: Manner, *, fits: bool) -> None:
    assert is_contradicted(text, [(key, manner)], KINDS, ()) != fits


def test_of_two_sides_each_may_be_the_one_that_the_words_are_of() -> None:
    uses = [(EMPLOYEES, Manner.ABOVE), (EMPLOYEES, Manner.BELOW)]
    assert not is_contradicted("more than 4 and a limit under 300", uses, KINDS, ())


def test_who_asks_what_is_heavier_does_not_ask_for_a_weight() -> None:
    assert tells_of_topic(f"which are heavier than the {MENTION}", [(EMPLOYEES, Manner.READ)])
    assert not tells_of_topic(f"which are heavier than the {MENTION}", [(EMPLOYEES, Manner.ABOVE)])
    assert not tells_of_topic(f"how heavy is {MENTION}", [(EMPLOYEES, Manner.READ)])


@pytest.mark.parametrize(
    ("text", "exact", "only"),
    [
        (f"who was born in {VALUE}", True, False),
        (f"which festivals took place in {VALUE}?", True, True),
        (f"tickets from {VALUE}", False, True),
        (f"how many fires were there during {VALUE}", True, True),
        (f"born in {VALUE} or after", False, False),
        (f"tickets sold to Ann in {VALUE}", True, False),
    ],
)
def test_a_time_may_be_exact_and_all_that_is_said(text: str, *, exact: bool, only: bool) -> None:
    assert (is_exact(text), is_of_a_time(text)) == (exact, only)
