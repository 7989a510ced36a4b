from collections.abc import Callable
from random import Random

import pytest

from models.episodes import MENTION, Asked
from models.tasks.grammar import Degrees, Lexicon, Type, relation_of
from models.tasks.inventions import Vocabulary
from models.tasks.plans import Plan, Planned, Steps
from models.tasks.unsaid import belongs, blurs, by_kind, shortcut

TYPES = {
    "animal": Type("animal", ("animal",), ("animals",), "what"),
    "genre": Type("genre", ("kind",), ("kinds",), "what"),
    "food": Type("food", ("food",), ("foods",), "what"),
    "person": Type("person", ("person",), ("people",), "who"),
    "city": Type("city", ("city",), ("cities",), "what"),
    "country": Type("country", ("country",), ("countries",), "what"),
    "year": Type("year", ("year",), ("years",), "when"),
}
SPECIES, EATS, LIVES, BORN, LIES, CAPITAL, YEAR = (
    {"types": "animal > genre", "nouns": "species/species"},
    {"types": "animal > food", "does": "eat", "ask": "what does {x} eat?"},
    {"types": "animal > city", "does": "live in"},
    {"types": "person > city", "be": "born in"},
    {"types": "city > country", "be": "located in"},
    {"types": "country > city", "nouns": "capital"},
    {"types": "person > year", "nouns": "age"},
)


def steps_over(*entries: dict[str, str]) -> Steps:
    lexicon = Lexicon(TYPES, [relation_of(entry, TYPES) for entry in entries], {"year": Degrees((), ())})
    return Steps(lexicon, Vocabulary(("torque",), ("amber",), {}), 0.0)


def drawn(maker: Callable[[Steps, Random], Plan | None], steps: Steps, count: int = 2000) -> list[Plan]:
    random = Random(1)
    return [plan for plan in (maker(steps, random) for _ in range(count)) if plan is not None]


def test_a_kind_is_asked_for_what_its_animals_are_asked_for() -> None:
    plans = drawn(shortcut, steps_over(SPECIES, EATS))
    asked = {plan.text: plan for plan in plans}[f"what does {MENTION} eat"]
    assert [step.side.source for step in asked.steps] == ["animal", "genre"]
    assert asked.steps[-1].side.target == "food"


def test_a_place_is_asked_for_by_the_name_of_what_it_lies_in() -> None:
    texts = {plan.text: plan for plan in drawn(shortcut, steps_over(BORN, LIVES, LIES))}
    asked = texts[f"in which country is {MENTION} born"]
    assert [step.side.target for step in asked.steps] == ["city", "country"]
    assert any(plan.asked is Asked.COUNT for plan in texts.values())


def test_what_is_so_of_a_city_is_asked_of_its_country() -> None:
    texts = {plan.text: plan for plan in drawn(shortcut, steps_over(BORN, LIES))}
    assert [step.side.target for step in texts[f"who was born in {MENTION}"].steps] == ["city", "person"]


@pytest.mark.parametrize("maker", [shortcut, by_kind])
def test_a_topic_is_named_once_and_steps_follow_one_another(maker: Callable[[Steps, Random], Plan | None]) -> None:
    for plan in drawn(maker, steps_over(SPECIES, EATS, LIVES, BORN, LIES, CAPITAL, YEAR)):
        assert plan.text.count(MENTION) == 1
        assert plan.start == plan.steps[0].side.source
        for one, other in zip(plan.steps, plan.steps[1:], strict=False):
            assert one.side.target == other.side.source


def test_what_is_asked_for_by_its_kind_has_no_word_of_its_relation() -> None:
    texts = {plan.text for plan in drawn(by_kind, steps_over(LIES, CAPITAL)) if len(plan.steps) == 1}
    assert f"which cities does {MENTION} have" in texts
    assert f"how many cities are in {MENTION}" in texts
    assert not any("located" in text or "capital" in text for text in texts)


def test_a_role_does_not_blur_what_belongs_but_another_belonging_does() -> None:
    steps = steps_over(LIES, CAPITAL)
    lies, capital = (Planned(relation, 0) for relation in steps.lexicon.relations)
    assert belongs(lies, TYPES)
    assert not belongs(capital, TYPES)
    plan = Plan("cities of x", "country", (lies.turned,), between=("country", "city"), by_belonging=True)
    assert not blurs(capital.relation, plan, steps.lexicon)
    assert blurs(relation_of({"types": "city > country", "be": "part of"}, TYPES), plan, steps.lexicon)
    assert not blurs(relation_of(BORN, TYPES), plan, steps.lexicon)


@pytest.mark.parametrize("maker", [shortcut, by_kind])
def test_where_nothing_belongs_to_anything_there_may_be_no_question(
    maker: Callable[[Steps, Random], Plan | None],
) -> None:
    assert not drawn(maker, steps_over(YEAR), 20)
