import numpy as np

from models.kinds import Kind
from models.memory import TripleMemory
from models.named_kinds import is_any_of_kind, keep_to_kind, keys_to_kind
from models.steps import Argument, Start, Stepper

MEMORY = TripleMemory(
    [
        ("Sol", "category", "lamp"),
        ("Halo", "category", "lamp"),
        ("Fika", "category", "chair"),
        ("Sol", "maker", "Nordlys"),
        ("Fika", "maker", "Nordlys"),
        ("Nordlys", "country", "Norway"),
    ]
)
LAMP = MEMORY.entities(["lamp"])
MAKER = MEMORY.relation_labels.index("maker")


def test_a_thing_is_of_the_kind_that_a_fact_says() -> None:
    assert is_any_of_kind(MEMORY, MEMORY.entities(["Fika", "Halo"]), LAMP, 10)
    assert not is_any_of_kind(MEMORY, MEMORY.entities(["Fika", "Nordlys"]), LAMP, 10)


def test_the_key_that_leads_to_a_kind_is_found_where_no_thing_is_of_it_yet() -> None:
    maker = MEMORY.entities(["Nordlys"])
    keys = MEMORY.keys_of(maker)
    assert keys[keys_to_kind(MEMORY, maker, keys, LAMP, 10)].tolist() == [2 * MAKER + 1]
    lamps = MEMORY.entities(["Sol"])
    assert not len(keys_to_kind(MEMORY, lamps, MEMORY.keys_of(lamps), LAMP, 10))


def test_things_are_kept_to_a_kind_by_the_fact_that_says_so() -> None:
    stepper = Stepper(MEMORY, [Kind.NAME] * 2 * len(MEMORY.relation_labels), 100)
    reached = MEMORY.entities(["Sol", "Fika"])
    start = Start(reached, np.full(2, 0.5, np.float32))
    found = keep_to_kind(MEMORY, stepper, start, Argument("lamps", LAMP))
    assert found is not None
    key, hop = found
    assert key == 2 * MEMORY.relation_labels.index("category")
    assert hop.entities.tolist() == MEMORY.entities(["Sol"]).tolist()
    norway = Start(MEMORY.entities(["Norway"]), np.ones(1, np.float32))
    assert keep_to_kind(MEMORY, stepper, norway, Argument("lamps", LAMP)) is None
