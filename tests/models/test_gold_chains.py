import pytest

from kb.context import ContextEncoder
from models.chains import Reading, ReadRequest
from models.episodes import MAX_STEPS, MENTION, OTHER, Asked, End, LabelledKey, Manner, PathEpisode
from models.gold_chains import gold_episodes
from models.memory import TripleMemory
from models.profiles import profiles_of
from models.reader import Reader
from models.steps import Argument

MEMORY = TripleMemory(
    [
        ("Nosferatu", "directed by", "Murnau"),
        ("Faust", "directed by", "Murnau"),
        ("Vampyr", "directed by", "Dreyer"),
        ("Murnau", "born in", "Bielefeld"),
        ("Dreyer", "born in", "Copenhagen"),
        ("Nosferatu", "starring", "Schreck"),
    ]
)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader.load(encoder=ContextEncoder())


def episode(reader: Reader, text: str, topic: str, *answers: str, other: str = "") -> PathEpisode | None:
    arguments = (Argument(other, MEMORY.entities([other])),) if other else ()
    reading = Reading(text, MEMORY.entities([topic]), 1.0, arguments)
    keys = reader.key_vectors(MEMORY.relation_labels, profiles_of(MEMORY))
    request = ReadRequest(MEMORY, keys, (reading,), 3, 1_000)
    (found,) = gold_episodes(reader, [request], MEMORY.relation_labels, [frozenset(answers)])
    return found


def steps(found: PathEpisode | None) -> list[tuple[str, int, Manner]]:
    assert found is not None
    return [(c.gold.label, c.gold.direction, c.manner) for c in found.choices if isinstance(c.gold, LabelledKey)]


def test_answers_tell_the_path_whatever_the_question_says(reader: Reader) -> None:
    found = episode(reader, f"blurb {MENTION}", "Nosferatu", "bielefeld")
    assert steps(found) == [("directed by", 0, Manner.READ), ("born in", 0, Manner.READ)]
    assert found is not None
    assert found.choices[-1].gold == End.STOP
    assert all(choice.gold in choice.reach for choice in found.choices if isinstance(choice.gold, LabelledKey))
    assert len(found.choices) <= MAX_STEPS


def test_the_shorter_of_two_paths_with_the_same_answers_is_taken(reader: Reader) -> None:
    assert steps(episode(reader, f"who made {MENTION}", "Faust", "Murnau")) == [("directed by", 0, Manner.READ)]


def test_a_no_is_explained_by_the_facts_that_deny_it(reader: Reader) -> None:
    found = episode(reader, f"was {MENTION} directed by {OTHER}", "Faust", "no", other="Dreyer")
    assert steps(found)[-1][2] is Manner.KEEP
    assert found is not None
    assert found.asked is Asked.WHETHER


def test_what_must_be_refused_is_rejected_at_once(reader: Reader) -> None:
    found = episode(reader, f"how tall is {MENTION}", "Faust")
    assert found is not None
    assert [choice.gold for choice in found.choices] == [End.REJECT]


def test_answers_that_nothing_leads_to_teach_nothing(reader: Reader) -> None:
    assert episode(reader, f"who directed {MENTION}", "Faust", "Wilder") is None


def test_a_question_without_readings_teaches_nothing(reader: Reader) -> None:
    keys = reader.key_vectors(MEMORY.relation_labels, profiles_of(MEMORY))
    request = ReadRequest(MEMORY, keys, (), 3, 1_000)
    for answers in (frozenset[str](), frozenset(["Murnau"])):
        assert [*gold_episodes(reader, [request], MEMORY.relation_labels, [answers])] == [None]


def test_keeping_answers_to_the_kind_that_is_named_is_nothing_to_learn(reader: Reader) -> None:
    kind = Argument("schreck", MEMORY.entities(["Schreck"]))
    reading = Reading(f"which schrecks did {MENTION} direct", MEMORY.entities(["Murnau"]), 1.0, (kind,), kind=0)
    keys = reader.key_vectors(MEMORY.relation_labels, profiles_of(MEMORY))
    request = ReadRequest(MEMORY, keys, (reading,), 3, 1_000)
    (found,) = gold_episodes(reader, [request], MEMORY.relation_labels, [frozenset({"Nosferatu"})])
    assert steps(found) == [("directed by", 1, Manner.READ)]
    assert found is not None
    assert found.choices[-1].gold == End.STOP


def test_what_is_kept_by_yes_and_no_is_learnt_as_a_read(reader: Reader) -> None:
    memory = TripleMemory(
        [
            ("Faust", "directed by", "Murnau"),
            ("Nosferatu", "directed by", "Murnau"),
            ("Faust", "restored", "no"),
            ("Nosferatu", "restored", "yes"),
        ]
    )
    said = Argument("yes", memory.entities(["yes"]))
    reading = Reading(f"which works of {MENTION} have been repaired", memory.entities(["Murnau"]), 1.0, (said,), flag=0)
    keys = reader.key_vectors(memory.relation_labels, profiles_of(memory))
    request = ReadRequest(memory, keys, (reading,), 3, 1_000)
    (found,) = gold_episodes(reader, [request], memory.relation_labels, [frozenset({"Nosferatu"})])
    assert steps(found) == [("directed by", 1, Manner.READ), ("restored", 0, Manner.READ)]
