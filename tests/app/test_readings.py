from dataclasses import replace

import pytest

from app.readings import readings_of
from kb.linking import LinkedEntity, Mention
from models.chains import Reading
from models.episodes import MENTION, OTHER, VALUE


def mention(text: str, name: str, *entities: tuple[int, float]) -> Mention:
    start = text.index(name)
    return Mention(name, start, start + len(name), tuple(LinkedEntity(*entity) for entity in entities), typo=False)


def texts(readings: tuple[Reading, ...]) -> list[str]:
    return [reading.text for reading in readings]


def test_entities_of_one_name_are_read_together_and_others_apart() -> None:
    text = "who directed Bully?"
    readings = readings_of(text, [mention(text, "Bully", (4, 1.0), (9, 0.8), (2, 0.6))])
    assert [(reading.topics.tolist(), reading.score) for reading in readings] == [([4, 9], 1.0), ([2], 0.6)]
    assert set(texts(readings)) == {f"who directed {MENTION}?"}


def test_a_reading_that_is_far_less_likely_than_the_best_is_not_read() -> None:
    text = "who directed Up?"
    readings = readings_of(text, [mention(text, "Up", (4, 1.0)), mention(text, "who", (7, 0.05))])
    assert [reading.topics.tolist() for reading in readings] == [[4]]


def test_each_name_may_be_the_topic_with_the_other_as_a_condition() -> None:
    text = "which films of Nolan star Bale?"
    readings = readings_of(text, [mention(text, "Nolan", (1, 1.0)), mention(text, "Bale", (2, 0.9))])
    first, second = readings[:2]
    assert {first.text, second.text} == {
        f"which films of {MENTION} star {OTHER}?",
        f"which films of {OTHER} star {MENTION}?",
    }
    assert first.score == second.score
    for reading in (first, second):
        (argument,) = reading.arguments
        assert sorted([*reading.topics.tolist(), *argument.entities.tolist()]) == [1, 2]


def test_a_name_beside_the_topic_may_still_mean_nothing() -> None:
    text = "which films of Nolan star Bale?"
    readings = readings_of(text, [mention(text, "Nolan", (1, 1.0)), mention(text, "Bale", (2, 0.6))])
    plain = next(reading for reading in readings if reading.text == f"which films of {MENTION} star Bale?")
    assert plain.arguments == ()
    assert 0 < plain.score < readings[0].score


@pytest.mark.parametrize(
    ("text", "is_kind"),
    [
        ("drug against asthma", True),
        ("asthma drug", True),
        ("I have asthma, which drug helps", True),
        ("any of the drug makers for asthma", True),
        ("has asthma got a drug", False),
    ],
)
def test_words_for_the_kind_of_the_answers_are_left_to_be_read(text: str, *, is_kind: bool) -> None:
    readings = readings_of(text, [mention(text, "asthma", (1, 1.0)), mention(text, "drug", (2, 1.0))])
    kept = [reading for reading in readings if reading.kind is not None and reading.topics.tolist() == [1]]
    assert bool(kept) is is_kind
    for reading in kept:
        assert reading.text == text.replace("asthma", MENTION)
        assert [argument.entities.tolist() for argument in reading.arguments] == [[2]]


def test_everything_that_compares_is_kept_to_the_kind_that_is_named() -> None:
    text = "which lamps cost more than 60 EUR"
    first, second = (
        reading for reading in readings_of(text, [mention(text, "lamps", (2, 0.4))]) if MENTION not in reading.text
    )
    assert first.text == second.text == text.replace("60", VALUE)
    assert first.kind == 1
    assert first.arguments[1].entities.tolist() == [2]
    assert second.kind is None
    assert second.score < first.score / 2


def test_a_class_that_the_answers_are_reached_by_is_left_to_be_read() -> None:
    text = "who makes the lamp in Room 7"
    lamp, room = mention(text, "lamp", (2, 0.8)), mention(text, "Room 7", (1, 1.0))
    readings = readings_of(text, [room, lamp], classes=[lamp])
    (passing,) = (reading for reading in readings if reading.classes)
    assert passing.text == text.replace("Room 7", MENTION)
    assert passing.kind is None
    assert passing.arguments[passing.classes[0]].entities.tolist() == [2]
    assert all(reading.score <= passing.score for reading in readings)
    assert not any(reading.classes for reading in readings_of(text, [room, lamp]))


def test_a_plural_that_is_part_of_a_name_names_no_kind_and_may_be_no_name() -> None:
    text = "lines longer than 15 km"
    part_of_a_name = replace(mention(text, "lines", (2, 0.6)), typo=True)
    readings = readings_of(text, [part_of_a_name])
    assert all(reading.kind is None for reading in readings)
    assert text.replace("15 km", VALUE) in texts(readings)


@pytest.mark.parametrize(("text", "is_topic"), [("who came after 2014", False), ("who came in 2014", True)])
def test_what_is_compared_with_is_hardly_the_topic(text: str, *, is_topic: bool) -> None:
    best = readings_of(text, [mention(text, "2014", (1, 1.0))])[0]
    assert (MENTION in best.text) is is_topic


def test_a_mention_that_is_hardly_a_name_is_no_condition() -> None:
    text = "who is the star of Up?"
    readings = readings_of(text, [mention(text, "Up", (1, 1.0)), mention(text, "star", (2, 0.2))])
    assert readings[0].text == f"who is the star of {MENTION}?"
    assert all(f"the {OTHER} of" not in reading.text for reading in readings)


def test_numbers_are_values_to_compare_with() -> None:
    text = "which of Nolan's films came out in or after 2010?"
    best = readings_of(text, [mention(text, "Nolan", (1, 1.0))])[0]
    assert best.text == f"which of {MENTION}'s films came out in or after {VALUE}?"
    assert [argument.quantity.value for argument in best.arguments if argument.quantity] == [2010]


def test_a_year_that_something_is_before_is_a_date() -> None:
    for text, measure in (("opened before 1950", "date"), ("over 1950", None), ("older than 20", None)):
        (reading,) = readings_of(f"which hills are {text}", [])
        assert reading.arguments[0].quantity is not None
        assert reading.arguments[0].quantity.measure == measure, text


def test_at_least_means_what_equals_it_too() -> None:
    for text, inclusive in (
        ("at least 5", True), ("more than 5", False), ("5 or more", True), ("since 1990", True), ("before 1990", False),
        ("no later than 1990", True),
    ):  # fmt: skip
        (reading,) = readings_of(f"which films have {text}", [])
        assert reading.arguments[0].inclusive is inclusive, text


def test_a_name_that_the_kb_does_not_know_makes_a_reading_doubtful() -> None:
    text = "which films of Nolan star Jane Unknown?"
    mentions = [mention(text, "Nolan", (1, 1.0))]
    assert readings_of(text, mentions)[0].score < 0.6
    assert (
        readings_of(text.replace("Jane Unknown", "the President"), mentions, frozenset({"president"}))[0].score == 1.0
    )
    assert readings_of(text.replace("Jane Unknown", "as CEO"), mentions)[0].score == 1.0


def test_a_number_inside_a_name_is_part_of_it() -> None:
    text = "who directed 2001: A Space Odyssey?"
    readings = readings_of(text, [mention(text, "2001: A Space Odyssey", (1, 1.0)), mention(text, "2001", (2, 0.2))])
    assert texts(readings)[0] == f"who directed {MENTION}?"
    assert all(VALUE not in reading.text for reading in readings)


def test_a_number_that_is_an_entity_can_be_both() -> None:
    text = "which element has the atomic number 26?"
    readings = readings_of(text, [mention(text, "26", (3, 0.85))])
    assert f"which element has the atomic number {MENTION}?" in texts(readings)
    value = next(reading for reading in readings if VALUE in reading.text)
    assert value.topics.tolist() == []
    assert value.arguments[0].entities.tolist() == [3]


def test_a_part_of_a_number_is_no_name() -> None:
    text = "which companies have more than 1,000 employees?"
    (reading,) = readings_of(text, [mention(text, "1", (3, 0.85))])
    assert reading.text == f"which companies have more than {VALUE} employees?"


def test_one_or_the_other_are_both_topics() -> None:
    text = "what is longer, the Rhine or the Ems?"
    readings = readings_of(text, [mention(text, "Rhine", (1, 1.0)), mention(text, "Ems", (2, 1.0))])
    both = next(reading for reading in readings if reading.text.count(MENTION) == 2)
    assert both.topics.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("of Rhine, Ems and Oder the shortest", [1, 2, 3]),
        ("Rhine vs Ems - which is longer", [1, 2]),
        ("Ems / Oder: older one?", [2, 3]),
        ("is the Rhine longer or is it the Ems?", [1, 2]),
        ("where is it older: at the Ems or at the Oder", [2, 3]),
        ("Is it the Ems that has the older bridges and the more of them, or is it rather the Oder", None),
        ("bridges over Rhine and Oder", None),
        ("is the Rhine longer than the Ems", None),
        ("the longest of the Rhine", None),
    ],
)
def test_a_list_that_is_ranked_is_all_topics(text: str, topics: list[int] | None) -> None:
    rivers = {"Rhine": 1, "Ems": 2, "Oder": 3}
    mentions = [mention(text, name, (number, 1.0)) for name, number in rivers.items() if name in text]
    listed = [reading for reading in readings_of(text, mentions) if reading.text.count(MENTION) > 1]
    assert [reading.topics.tolist() for reading in listed] == ([] if topics is None else [topics])


def test_of_names_that_overlap_the_longest_is_listed() -> None:
    text = "Upper Rhine or Ems, which is longer"
    mentions = [
        mention(text, "Rhine", (1, 1.0)),
        mention(text, "Upper Rhine", (4, 1.0)),
        mention(text, "Ems", (2, 1.0)),
    ]
    (both,) = [reading for reading in readings_of(text, mentions) if reading.text.count(MENTION) > 1]
    assert both.topics.tolist() == [4, 2]


def test_what_joins_a_list_is_no_part_of_a_name_that_is_there() -> None:
    text = "Rhine vs Ems: which is longer?"
    both = [mention(text, name, (number, 1.0)) for number, name in enumerate(("Rhine", "vs Ems", "Ems"))]
    (listed,) = [reading for reading in readings_of(text, both) if reading.text.count(MENTION) > 1]
    assert listed.topics.tolist() == [0, 2]
    text = "And So or Ems, which is older?"
    both = [mention(text, name, (number, 1.0)) for number, name in enumerate(("And So", "Ems"))]
    (listed,) = [reading for reading in readings_of(text, both) if reading.text.count(MENTION) > 1]
    assert listed.topics.tolist() == [0, 1]


def test_what_compares_and_names_nothing_starts_from_everything() -> None:
    for text in ("the oldest film", "which river is the longest?", "who directed the most films", "the lowest hill"):
        (reading,) = readings_of(text, [])
        assert (reading.text, reading.topics.tolist()) == (text, [])


def test_small_talk_has_no_reading() -> None:
    for text in ("how are you?", "which way is west", "tell me a joke", "what is the meaning of life", "?!", ""):
        assert readings_of(text, []) == ()


def test_what_is_more_than_a_name_may_be_anything() -> None:
    text = "which river is longer than the Rhine?"
    assert f"which river is longer than the {OTHER}?" in texts(readings_of(text, [mention(text, "Rhine", (1, 1.0))]))


def test_names_never_overlap() -> None:
    text = "who directed The Wall of Wall Street in 1999"
    mentions = [
        mention(text, "The Wall of Wall Street", (1, 1.0)), mention(text, "Wall Street", (2, 0.9)),
        mention(text, "1999", (3, 0.85)), mention(text, "Wall", (4, 0.6)),
    ]  # fmt: skip
    for reading in readings_of(text, mentions):
        names = len(reading.arguments) + reading.text.count(MENTION)
        assert sum(reading.text.count(mark) for mark in (MENTION, OTHER, VALUE)) == names


def test_a_misspelt_word_is_read_as_what_it_was_meant_for() -> None:
    text = "wich contry has the longst river, Nile?"
    (first, *_) = readings_of(text, [mention(text, "Nile", (1, 1.0))], known=frozenset({"country"}))
    assert first.text == f"which country has the longest river, {MENTION}?"
    assert first.spans == ((text.index("Nile"), text.index("Nile") + 4),)
    assert readings_of("the cheepest bar", [])[0].text == "the cheapest bar"
