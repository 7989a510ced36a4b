"""Names of kin: what stands for them, and what is left as it is."""

from collections.abc import Iterable

import pytest

from models.episodes import MENTION
from models.kinship import means_both, spelt_out, tells_of_birth, twins

TOLD = {"mother", "father", "spouse"}


def spelt(asked: str, known: Iterable[str]) -> str:
    return spelt_out(asked, frozenset(known))


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("who is the mother in law of {}?", "who is the mother of the spouse of {}?"),
        ("{}'s father-in-law", "{}'s spouse's father"),
        ("{}'s son-in-law's age", "{}'s daughter's husband's age"),
        ("{}'s maternal grandfather's job", "{}'s mother's father's job"),
        ("the grandmother of {}", "the mother of the parent of {}"),
        ("who was the great-grandfather of {}", "who was the father of the parent of the parent of {}"),
        ("grandkids of {} through her daughter", "children of the daughter of {}"),
        ("how many grandchildren did {} have", "how many children did the child of {} have"),
        ("siblings of {}", "children of the parent of {}"),
        ("who is {}'s sister", "who is the daughters of the parent of {}"),
        ("does {} have a brother?", "does the parent of {} have a sons?"),
        ("{} and her mother-in-law", "{} and her spouse's mother"),
        ("{}'s grandmother on his dad's side", "{}'s father's mother"),
        ("{}'s grandfather, mother\N{RIGHT SINGLE QUOTATION MARK}s side, lived", "{}'s mother's father, lived"),
        ("{}'s uncle", "the sons of the parent of the parent of {}"),
        ("{}'s maternal uncle", "the sons of the parent of the mother of {}"),
        ("the aunt of {} on his dad's side", "the daughters of the parent of the father of {}"),
        ("the grandfather of {}, painted by a son", "the father of the parent of {}, painted by a son"),
        ("the cousins of {}", "the children of the sibling of the parent of {}"),
    ],
)
def test_a_noun_of_kin_is_spelt(asked: str, meant: str) -> None:
    assert spelt(asked.format(MENTION), TOLD) == meant.format(MENTION)


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("the grandfather of X", {"mother", "grandfather"}),
        ("the grandfather of X", {"mother", "grandfathers"}),
        ("the grandfather of X", {"mother", "grandparent"}),
        ("X's grandparents", {"mother", "grandparent"}),
        ("the grandkids of X", {"mother", "grandchild"}),
        ("X's cousins", {"mother", "cousin"}),
        ("X's mother-in-law", {"mother", "in", "law"}),
        ("the grandfather of X", {"maker", "taxon"}),
        ("the grandfather of X", set()),
        ("the brothers of X", {"mother", "siblings"}),
        ("X's sister", {"mother", "sister"}),
        ("siblings of X", {"spouse", "employer"}),
        ("which sons has X", {"mother", "son"}),
        ("which daughters has X", {"employer"}),
    ],
)
def test_it_is_left_where_a_relation_is_called_so_or_none_tells_kin(asked: str, known: set[str]) -> None:
    assert spelt(asked, known) == asked


def test_a_law_school_is_no_relation_of_a_grandfather() -> None:
    assert spelt("the grandfather of X", {"mother", "law", "school"}) == "the father of the parent of X"


@pytest.mark.parametrize("asked", ["who is the mother of X", "the grandiose father of X", "a law of X"])
def test_what_names_no_such_kin_is_left(asked: str) -> None:
    assert spelt(asked, TOLD) == asked


def test_uncles_are_brothers_where_these_are_told() -> None:
    told = {"mother", "brother"}
    assert spelt(f"{MENTION}'s uncle", told) == f"{MENTION}'s parent's brother"
    assert spelt(f"the nieces of {MENTION}", told) == f"the daughters of the sibling of {MENTION}"
    assert spelt("X's aunt", {"spouse"}) == "X's parent's sister"


def test_sons_are_children_where_people_s_sex_is_told() -> None:
    assert spelt("which daughters has X", {"father", "sex"}) == "which children has X"
    assert spelt("the sister of X", {"father", "gender"}) == "the children of the parent of X"
    assert spelt("X's son's sons", {"father", "son", "sex"}) == "X's son's sons"
    assert spelt("X's son-in-law", {"father", "sex"}) == "X's child's husband"


def test_a_relation_of_men_has_a_twin_of_women_of_the_same_words() -> None:
    labels = ("is father of", "likes", "Is Mother Of", "husband", "son", "mother", "step daughter")
    assert twins(labels) == {0: 2, 2: 0}
    assert twins(("father", "mother", "brother", "sister")) == {0: 1, 1: 0, 2: 3, 3: 2}


def test_some_relations_tell_who_is_born_of_whom() -> None:
    assert tells_of_birth(("is the father of", "spouse", "children", "mother tongue", "has parent")) == {0, 2, 4}


@pytest.mark.parametrize(("text", "both"), [("X's parents", True), ("X's father", False), ("the kids of X", True)])
def test_some_nouns_mean_both_of_two_relations(text: str, both: bool) -> None:
    assert means_both(text) is both
