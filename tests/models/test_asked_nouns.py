import pytest

from models.asked_nouns import doers, names, nouns, says_done, wanted
from models.episodes import MENTION

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


@pytest.mark.parametrize(
    ("text", "noun"),
    [
        ("which orders are still open", "order"),
        (f"{MENTION} orders", "order"),
        (f"{MENTION} hiking boots", "boot"),
        ("how many towns", "town"),
        (f"who owns {MENTION}", None),
    ],
)
def test_nouns_are_asked_for(text: str, noun: str | None) -> None:
    assert (noun in nouns(text)) if noun else not nouns(text)


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("composed by", {"composer"}),
        ("was directed by", {"director"}),
        ("supplied by", {"supplier"}),
        ("written by", {"writer", "author"}),
        ("fed by", set()),
        ("located in", set()),
    ],
)
def test_who_does_what_is_done_has_a_noun(label: str, found: set[str]) -> None:
    assert found <= set(doers(label))
    assert not found or wanted(f"which {min(found)} is the oldest", (label, "born in"), {}) == {0}


def test_what_a_question_begins_with_is_not_asked_for_where_it_asks_later() -> None:
    labels = ("directed by", "born in")
    assert wanted(f"the director of {MENTION} is the director of which films", labels, {}) == set()
    assert wanted(f"the director of {MENTION}", labels, {}) == {0}


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        (f"who composed {MENTION}", True),
        (f"the composer of {MENTION}", True),
        (f"what did {MENTION} compose", True),
        (f"composed works of {MENTION}", False),
        (f"who conducted {MENTION}", False),
    ],
)
def test_a_question_may_say_who_does_what_is_done(text: str, *, is_said: bool) -> None:
    assert says_done(text, "is composed by") is is_said
    assert not says_done(text, "has libretto by")


def test_verbs_may_be_irregular() -> None:
    assert says_done(f"who wrote {MENTION}", "written by")
    assert says_done(f"the authors of {MENTION}", "written by")
    assert not says_done(f"who read {MENTION}", "written by")
