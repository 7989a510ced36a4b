"""Patterns over words, by examples."""

import pytest

from models.patterns import as_superlative


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("which hut is cheaper", "which hut is cheapest"),
        ("who has more medals?", "who has most medals?"),
        ("which is older, and which has fewer beds", "which is oldest, and which has fewest beds"),
        ("see you later", "see you later"),
        ("is the hut cheaper than the inn", "is the hut cheaper than the inn"),
        ("who is the designer of the border", "who is the designer of the border"),
    ],
)
def test_a_comparative_of_nothing_else_is_a_superlative(text: str, said: str) -> None:
    assert as_superlative(text) == said
