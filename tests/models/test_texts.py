from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.episodes import MENTION
from models.texts import MENTIONED, START, TextCutter
from tests.models.factories import TinyEncoder, make_cutter


def test_a_text_starts_with_the_start_and_marks_its_mention() -> None:
    (text,) = make_cutter().cut([f"who directed {MENTION}?"])
    assert text.words == ("who", "directed", MENTION, "?")
    assert [piece.mark for piece in text.pieces] == [START, 0, 0, MENTIONED, 0]
    assert [piece.word for piece in text.pieces] == [-1, 0, 1, 2, 3]
    assert text.mention == 3


def test_a_long_text_keeps_what_stands_around_its_mention() -> None:
    (text,) = make_cutter().cut([f"{'so ' * 500} who directed {MENTION} {'then ' * 500}"])
    assert len(text.pieces) == 24
    assert text.mention is not None
    assert text.pieces[0].mark == START


@pytest.mark.parametrize("words", ["", "so " * 100])
def test_a_text_without_mention_is_cut_too(words: str) -> None:
    (text,) = make_cutter().cut([words])
    assert text.mention is None
    assert 1 <= len(text.pieces) <= 24


class CountingEncoder(TinyEncoder):
    def __init__(self) -> None:
        self.runs = 0

    def states(self, ids: Sequence[int]) -> NDArray[np.float32]:
        self.runs += 1
        return super().states(ids)


def test_states_of_a_text_are_remembered_and_the_same_again() -> None:
    encoder = CountingEncoder()
    cutter = TextCutter(encoder, 24, remembered=2)
    texts = cutter.cut(["directed by", "year", "directed by"])
    first = cutter.pad(texts)
    assert encoder.runs == 2
    np.testing.assert_array_equal(first.states[0], first.states[2])
    assert not first.states[~first.present].any()
    cutter.pad(cutter.cut(["born in", "where"]))
    np.testing.assert_array_equal(cutter.pad(texts).states, first.states)
    assert encoder.runs > 4, "few are remembered at a time"


def test_the_cutter_forgets_words_rather_than_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.texts.CACHE_LIMIT", 3)
    cutter = TextCutter(TinyEncoder(), 24)
    first = cutter.cut(["one two three"])
    cutter.cut(["four five"])
    assert cutter.cut(["one two three"]) == first
