import pytest

from kb.spelling import mended, slips


def mend(text: str, *known: str) -> str:
    return mended(text, slips(text, known))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("the cheepest bar", "the cheapest bar"),  # a letter changed
        ("the longst movie", "the longest movie"),  # left out
        ("who was it releassed by", "who was it released by"),  # added
        ("which is the youngset", "which is the youngest"),  # changed places
        ("wich contry is smaler", "which country is smaller"),
        ("the manufacurer of the X100", "the manufacturer of the X100"),
    ],
)
def test_a_word_one_slip_from_one_that_is_expected_is_mended(text: str, meant: str) -> None:
    assert mend(text) == meant


def test_words_of_relations_are_expected_first() -> None:
    assert mend("how many seets", "seats") == "how many seats"
    assert mend("whose rehersal is it", "rehearsal") == "whose rehearsal is it"


@pytest.mark.parametrize(
    "text",
    [
        "who is the discoverer of Titan",  # English by its ending
        "who presides over it",  # another form of the same word is no slip
        "which teas are smokers",
        "is Wich in Frence",  # names
        "jar-seale's 'wich' it's",
        "the xylozzz thing",
    ],
)
def test_what_is_a_word_or_a_name_or_far_from_any_stays(text: str) -> None:
    assert mend(text, "discovered", "releases", "teams") == text


def test_only_slips_are_told() -> None:
    assert slips("the cheepest bar of all") == {"cheepest": "cheapest"}
