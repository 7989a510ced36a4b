from models.kinds import Kind
from models.memory import TripleMemory
from models.profiles import MOST_EXAMPLES, SAMPLED, Profile, called, profiles_of

BAND = [
    ("Ana", "is a", "singer"),
    ("Bo", "is a", "drummer"),
    ("Cy", "is a", "singer"),
    ("Moor", "has member", "Ana"),
    ("Moor", "has member", "Bo"),
    ("Moor", "has member", "Cy"),
    ("Moor", "founded", "1998"),
]


def profile(triples: list[tuple[str, str, str]], relation: str, direction: int) -> Profile:
    memory = TripleMemory(triples)
    return profiles_of(memory)[2 * memory.relation_labels.index(relation) + direction]


def test_a_profile_has_what_a_key_leads_to_and_what_that_is_said_to_be() -> None:
    found = profile(BAND, "has member", 0)
    assert found[:3] == (Kind.NAME, ("Ana", "Bo", "Cy"), ("singer", "drummer"))
    assert found.keys == {0, 3}  # is a, and the way back


def test_each_direction_has_its_own_profile() -> None:
    assert profile(BAND, "founded", 0)[:2] == (Kind.DATE, ("1998",))
    assert profile(BAND, "founded", 1)[:2] == (Kind.NAME, ("Moor",))


def test_what_has_no_type_has_none_in_its_profile() -> None:
    assert profile([("Moor", "has member", "Ana")], "has member", 0).types == ()


def test_examples_are_few_and_spread_over_the_facts() -> None:
    crowd = [("Moor", "has fan", f"fan {number}") for number in range(10 * SAMPLED)]
    examples = profile(crowd, "has fan", 0).examples
    assert len(examples) == MOST_EXAMPLES
    assert int(examples[-1].split()[1]) > SAMPLED


def test_a_relation_that_is_no_type_gives_none() -> None:
    triples = [("Ana", "is a friend of", "Bo"), ("Moor", "has member", "Ana")]
    assert profile(triples, "has member", 0).types == ()


def test_names_say_what_a_relation_leads_to() -> None:
    examples = (
        ("Velpoort Museum", "Museum Oranjehof", "Louvre"),
        ("Ravn Games", "Holt Games"),
        ("wall lamp", "floor lamp"),
        ("Bridge Theatre", "Lyric House", "Corn Exchange"),
        ("car loan", "house loan"),
    )
    profiles = [Profile(Kind.NAME, names) for names in examples]
    assert called(["hangs in", "publisher", "type", "stage", "product"], profiles) == {"museum": frozenset({0})}
