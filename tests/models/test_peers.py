from random import Random

from models.episodes import MENTION, OTHER, Manner
from models.tasks.grammar import Degrees, Lexicon, Type, relation_of
from models.tasks.inventions import Vocabulary
from models.tasks.peers import common, peers
from models.tasks.plans import Plan, Steps

TYPES = {
    "film": Type("film", ("film",), ("films",), "what"),
    "person": Type("person", ("person",), ("people",), "who"),
    "year": Type("year", ("year",), ("years",), "when"),
}
ENTRIES = (
    {"types": "film > person", "nouns": "director", "by": "direct"},
    {"types": "film > year", "be": "released in"},
)


def drawn(count: int) -> list[Plan]:
    lexicon = Lexicon(TYPES, [relation_of(entry, TYPES) for entry in ENTRIES], {"year": Degrees((), ())})
    steps, random = Steps(lexicon, Vocabulary((), (), {}), 0.0), Random(1)
    return [peers(steps, random) for _ in range(count)]


def test_peers_are_reached_by_a_relation_and_the_same_one_back() -> None:
    for plan in drawn(300):
        there, back = plan.steps[:2]
        assert (back.relation, back.number) == (there.relation, 1 - there.number)
        assert plan.text.count(MENTION) == 1
        assert plan.start == there.side.source == back.side.target != "year"


def test_some_ask_for_something_of_the_peers() -> None:
    plans = drawn(300)
    assert {len(plan.steps) for plan in plans} == {2, 3}
    assert any("directed the films" in plan.text for plan in plans if len(plan.steps) == 3)


def test_nouns_verbs_and_participles_say_what_is_the_same() -> None:
    texts = {plan.text for plan in drawn(3000)}
    assert f"which films have the same director as {MENTION}" in texts
    assert f"which films are released in the same year as {MENTION}" in texts
    assert f"who directed films together with {MENTION}" in texts
    assert f"who are the film co-directors of {MENTION}" in texts


def test_what_two_have_in_common_is_read_from_one_and_kept_by_the_other() -> None:
    lexicon = Lexicon(TYPES, [relation_of(ENTRIES[0], TYPES)], {"year": Degrees((), ())})
    steps, random = Steps(lexicon, Vocabulary((), (), {}), 0.0), Random(1)
    texts = set()
    for _ in range(2000):
        plan = common(steps, random)
        assert plan is not None
        read, kept = plan.steps
        assert (read.manner, kept.manner) == (Manner.READ, Manner.KEEP)
        assert (kept.relation, kept.number) == (read.relation, 1 - read.number)
        assert plan.text.count(MENTION) == plan.text.count(OTHER) == 1
        texts.add(plan.text)
    assert f"which films did both {MENTION} and {OTHER} direct" in texts
    assert f"who directed {OTHER} as well as {MENTION}" in texts
