"""Steps, each against what a person would say of these facts."""

import numpy as np
import pytest

from models.episodes import Manner
from models.kinds import Kind
from models.memory import TripleMemory
from models.numbers import quantity
from models.profiles import profiles_of
from models.steps import Argument, Start, Stepper, both_ways
from models.units import of_relations

FACTS = [
    *(("Rhine", "length", "1,230 km"), ("Ems", "length", "371 km"), ("Oder", "length", "840 km")),
    *(("Rhine", "flows through", country) for country in ("Germany", "France", "Netherlands")),
    *(("Ems", "flows through", country) for country in ("Germany", "Netherlands")),
    ("Oder", "flows through", "Poland"),
    ("Spree", "flows through", "Germany"),
]
MEMORY = TripleMemory(FACTS)
STEPPER = Stepper(MEMORY, [profile.kind for profile in profiles_of(MEMORY)], 100)


def key(name: str) -> int:
    return 2 * MEMORY.relation_labels.index(name.removeprefix("^")) + name.startswith("^")


def take(names: list[str] | None, key_name: str, manner: Manner, argument: Argument | None = None) -> list[str] | None:
    entities = MEMORY.entities(names or [])
    start = Start(entities, np.ones(len(entities), np.float32), names is None)
    reached = STEPPER.take(start, key(key_name), manner, argument)
    if reached is None:
        return None
    assert len(reached.entities) == len(reached.facts) == len(reached.weights)
    return sorted(MEMORY.label(entity) for entity in reached.entities.tolist())


def number(text: str, inclusive: bool = False) -> Argument:
    return Argument(text, np.empty(0, np.int32), quantity(text), inclusive)


def named(name: str) -> Argument:
    return Argument(name, MEMORY.entities([name]))


def test_read_goes_to_values() -> None:
    assert take(["Ems", "Oder"], "flows through", Manner.READ) == ["Germany", "Netherlands", "Poland"]
    assert take(["Germany"], "^flows through", Manner.READ) == ["Ems", "Rhine", "Spree"]


def test_keep_keeps_what_leads_to_the_entity_named() -> None:
    assert take(["Ems", "Oder", "Rhine"], "flows through", Manner.KEEP, named("Netherlands")) == ["Ems", "Rhine"]
    assert take(None, "flows through", Manner.KEEP, named("Poland")) == ["Oder"]
    assert take(["Germany", "Poland"], "^flows through", Manner.KEEP, named("Oder")) == ["Poland"]


def test_keep_of_none_is_empty_where_there_are_other_facts_and_nothing_where_there_are_not() -> None:
    assert take(["Oder"], "flows through", Manner.KEEP, named("France")) == []
    assert take(["Germany"], "flows through", Manner.KEEP, named("France")) is None


def test_keep_of_a_number_keeps_what_equals_it() -> None:
    assert take(None, "length", Manner.KEEP, number("371,000 m")) == ["Ems"]
    also_an_entity = Argument("371,000 m", MEMORY.entities(["840 km"]), quantity("371,000 m"))
    assert take(["Ems"], "length", Manner.KEEP, also_an_entity) == ["Ems"]


@pytest.mark.parametrize(
    ("manner", "argument", "rivers"),
    [
        (Manner.ABOVE, number("840 km"), ["Rhine"]),
        (Manner.ABOVE, number("840 km", inclusive=True), ["Oder", "Rhine"]),
        (Manner.BELOW, number("840 km"), ["Ems"]),
        (Manner.ABOVE, named("Ems"), ["Oder", "Rhine"]),
        (Manner.BELOW, named("Rhine"), ["Ems", "Oder"]),
        (Manner.MOST, None, ["Rhine"]),
        (Manner.LEAST, None, ["Ems"]),
        (Manner.ABOVE, number("9,000 km"), []),
    ],
)
def test_values_are_compared(manner: Manner, argument: Argument | None, rivers: list[str]) -> None:
    assert take(None, "length", manner, argument) == rivers


@pytest.mark.parametrize(
    ("manner", "argument", "rivers"),
    [
        (Manner.MOST, None, ["Rhine"]),
        (Manner.LEAST, None, ["Oder", "Spree"]),
        (Manner.ABOVE, number("1"), ["Ems", "Rhine"]),
        (Manner.ABOVE, number("3"), []),
        (Manner.ABOVE, number("3", inclusive=True), ["Rhine"]),
        (Manner.BELOW, number("2"), ["Oder", "Spree"]),
        (Manner.BELOW, named("Ems"), ["Oder", "Spree"]),
    ],
)
def test_what_has_no_order_is_compared_by_its_number(
    manner: Manner, argument: Argument | None, rivers: list[str]
) -> None:
    assert STEPPER.compares_counts(key("flows through"), manner)
    assert take(None, "flows through", manner, argument) == rivers


def test_a_length_is_compared_with_no_weight_and_equals_none() -> None:
    assert take(["Rhine", "Ems"], "length", Manner.ABOVE, number("500 kg")) is None
    assert take(["Rhine", "Ems"], "length", Manner.KEEP, number("371 kg")) == []


def test_an_entity_without_the_value_is_neither_more_nor_less() -> None:
    assert take(["Spree", "Ems"], "length", Manner.LEAST) == ["Ems"]
    assert take(["Spree"], "length", Manner.MOST) is None
    assert take(None, "length", Manner.ABOVE, named("Spree")) is None


def test_what_holds_both_ways_is_read_and_kept_both_ways() -> None:
    memory = TripleMemory(
        [("Estra", "borders", "Belmar"), ("Belmar", "borders", "Tarn"), ("Ostia", "capital of", "Tarn")]
    )
    labels = memory.relation_labels
    assert {labels[place] for place in both_ways(labels)} == {"borders"}
    stepper = Stepper(memory, [Kind.NAME] * 4, 100, both_ways(labels))

    def taken(name: str | None, key: int, manner: Manner, argument: str = "") -> list[tuple[str, int]]:
        entities = memory.entities([name] if name else [])
        start = Start(entities, np.ones(len(entities), np.float32), name is None)
        named = Argument(argument, memory.entities([argument])) if argument else None
        reached = stepper.take(start, key, manner, named)
        assert reached is not None
        pairs = zip(reached.entities.tolist(), reached.facts.tolist(), strict=True)
        return sorted((memory.label(entity), fact) for entity, fact in pairs)

    for key in (0, 1):
        assert taken("Belmar", key, Manner.READ) == [("Estra", 0), ("Tarn", 1)]
        assert taken("Tarn", key, Manner.KEEP, "Belmar") == [("Tarn", 1)]
        assert taken(None, key, Manner.KEEP, "Belmar") == [("Estra", 0), ("Tarn", 1)]
    assert taken("Tarn", 3, Manner.READ) == [("Ostia", 2)]


def test_a_number_has_the_unit_of_its_relation() -> None:
    labels = ("length km", "climb m", "built in", "players min", "price (eur)", "warranty years")
    units = of_relations(labels)
    assert units == {0: ("length", 1_000.0), 1: ("length", 1.0), 4: ("money", 1.0), 5: ("time", 31_557_600.0)}
    memory = TripleMemory([("Ridge", "climb m", "640"), ("Summit", "climb m", "1250"), ("Crest", "climb m", "11 km")])
    stepper = Stepper(memory, [Kind.NUMBER] * 2, 100, units=of_relations(memory.relation_labels))
    everything = Start(np.empty(0, np.int32), np.empty(0, np.float32), is_everything=True)
    for limit, above in (("10 km", ["Crest"]), ("1 km", ["Summit", "Crest"]), ("700", ["Summit"])):
        hop = stepper.take(everything, 0, Manner.ABOVE, Argument(limit, np.empty(0, np.int32), quantity(limit)))
        assert hop is not None
        assert memory.labels_of(hop.entities) == above
