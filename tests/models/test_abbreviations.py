import pytest

from models.abbreviations import unabbreviated


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("qty", "quantity"),
        ("oven temp", "oven temperature"),
        ("DOB", "date of birth"),
        ("dept. head", "department head"),
        ("exam bd", "exam board"),
        ("i/c", "in charge"),
        ("D.O.B.", "date of birth"),
        ("cat.", "category"),
        ("cat", "cat"),
        ("cap. of", "capacity of"),
        ("1st aider", "first aider"),
        ("contemporary of", "contemporary of"),
        ("temple", "temple"),
        ("b. in", "born in"),
        ("rec'd by", "received by"),
        ("wty Y/N", "warranty"),
        ("hazmat yn", "hazmat"),
        ("Y/N", "Y/N"),
        ("", ""),
    ],
)
def test_words_that_are_short_for_others_are_written_out(label: str, meant: str) -> None:
    assert unabbreviated(label) == meant
