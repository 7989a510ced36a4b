from random import Random

from models.episodes import MENTION
from models.tasks.clauses import SLOT
from models.tasks.generated import LEXICON
from models.tasks.grammar import Lexicon, Type, noisy, relation_of, wrap

TYPES = {
    "film": Type("film", ("film",), ("films",), "what"),
    "person": Type("person", ("person",), ("people",), "who"),
}


def test_a_noun_names_the_object_and_asks_both_ways() -> None:
    relation = relation_of({"types": "film > person", "nouns": "director"}, TYPES)
    forward, inverse = relation.sides
    assert (forward.source, forward.target) == ("film", "person")
    assert "director" in forward.labels
    assert "director of" in inverse.labels
    assert "the director of {x}" in forward.phrases
    assert "the film whose director is {x}" in inverse.phrases


def test_a_verb_of_the_object_asks_both_ways() -> None:
    relation = relation_of({"types": "film > person", "by": "write/wrote/written"}, TYPES)
    forward, inverse = relation.sides
    assert "written by" in forward.labels
    assert "who wrote {x}" in forward.questions
    assert "what did {x} write" in inverse.questions
    assert "films written by {x}" in inverse.phrases


def test_a_participle_asks_both_ways() -> None:
    forward, inverse = relation_of({"types": "person > film", "be": "seen in"}, TYPES).sides
    assert "seen in" in forward.labels
    assert "in which film is {x} seen" in forward.questions
    assert "people seen in {x}" in inverse.phrases


def test_the_shipped_lexicon_fills_every_slot() -> None:
    lexicon = Lexicon.read(LEXICON)
    assert len(lexicon.relations) > 400
    for relation in lexicon.relations:
        assert any(side.labels for side in relation.sides)
        for side in relation.sides:
            assert {side.source, side.target} <= lexicon.types.keys()
            assert all(text.count(SLOT) == 1 for text in (*side.phrases, *side.questions))
            assert not any("/" in text or ";" in text for text in (*side.phrases, *side.questions, *side.labels))


def test_noise_never_touches_the_mention() -> None:
    random = Random(3)
    for _ in range(300):
        assert noisy(f"what is the capital of {MENTION}'s country", {MENTION}, random).count(MENTION) == 1


def test_people_are_asked_for_with_who_now_and_then() -> None:
    random = Random(3)
    assert any(wrap("the director", TYPES["person"], random).startswith("who") for _ in range(30))
    assert not any(wrap("the film", TYPES["film"], random).startswith("who") for _ in range(30))
