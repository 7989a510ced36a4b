"""Names of kin: what stands for them, and what is left as it is."""

import pytest

from models.episodes import MENTION
from models.kinship import spelt_out

TOLD = {"mother", "father", "spouse"}


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
        ("{}'s grandmother on his dad's side", "{}'s father's mother"),
        ("{}'s grandfather, mother\N{RIGHT SINGLE QUOTATION MARK}s side, lived", "{}'s mother's father, lived"),
        ("{}'s uncle", "{}'s parent's brother"),
        ("{}'s maternal uncle", "{}'s mother's brother"),
        ("the aunt of {} on his dad's side", "the sister of the father of {}"),
        ("the grandfather of {}, painted by a son", "the father of the parent of {}, painted by a son"),
        ("the cousins of {}", "the children of the sibling of the parent of {}"),
    ],
)
def test_a_noun_of_kin_is_spelt_out(asked: str, meant: str) -> None:
    assert spelt_out(asked.format(MENTION), TOLD) == meant.format(MENTION)


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
    ],
)
def test_it_is_left_where_a_relation_is_called_so_or_none_tells_kin(asked: str, known: set[str]) -> None:
    assert spelt_out(asked, known) == asked


def test_a_law_school_is_no_relation_of_a_grandfather() -> None:
    assert spelt_out("the grandfather of X", {"mother", "law", "school"}) == "the father of the parent of X"


@pytest.mark.parametrize("asked", ["who is the mother of X", "the grandiose father of X", "a law of X"])
def test_what_names_no_such_kin_is_left(asked: str) -> None:
    assert spelt_out(asked, TOLD) == asked
