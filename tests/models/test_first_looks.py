"""First looks at texts: remembered, and the same whatever they were encoded beside."""

import numpy as np
import pytest

from models.episodes import MENTION, OTHER, Manner
from models.first_looks import FirstLook, FirstLooks, glimpses_of, questions_of
from models.networks.path_inference import PathInference, Question
from models.texts import TokenArrays
from tests.models.factories import TinyEncoder, make_cutter, make_network

SHORT, LONG = f"who {MENTION}", f"which one of them all did {MENTION} give to {OTHER}"


class CountingNetwork(PathInference):
    """Counts the texts that it encodes."""

    def __init__(self) -> None:
        network = make_network()
        super().__init__(network.config, network.weights(), TinyEncoder().token_table())
        self.encoded = 0

    def encode_questions(self, tokens: TokenArrays) -> Question:
        self.encoded += len(tokens.ids)
        return super().encode_questions(tokens)


def make_looks(remembered: int = 10) -> tuple[CountingNetwork, FirstLooks]:
    network = CountingNetwork()
    return network, FirstLooks(network, make_cutter(), remembered)


def assert_alike(one: FirstLook, other: FirstLook) -> None:
    assert one.pieces == other.pieces
    for part, expected in zip(
        (*one.question, *one.glimpse[:5], one.asked), (*other.question, *other.glimpse[:5], other.asked), strict=True
    ):
        np.testing.assert_allclose(part, expected, rtol=1e-4, atol=1e-6)


def test_a_text_is_encoded_once() -> None:
    network, looks = make_looks()
    first = looks.of([SHORT, LONG, SHORT])
    assert network.encoded == 2
    assert first[0] is first[2] is looks.of([SHORT])[0]
    assert network.encoded == 2


def test_a_text_looks_the_same_whatever_it_is_encoded_beside() -> None:
    beside, alone = make_looks()[1].of([SHORT, LONG]), make_looks()[1]
    for look, text in zip(beside, (SHORT, LONG), strict=True):
        assert look.width == look.question.words.shape[1] == look.glimpse.attention.shape[1]
        assert_alike(look, alone.of([text])[0])


def test_no_more_texts_are_remembered_than_it_is_told() -> None:
    network, looks = make_looks(remembered=2)
    looks.of([SHORT, LONG])
    assert len(looks.of(["where", SHORT])) == 2
    looks.of([SHORT])
    assert network.encoded == 3, "what is asked for again is kept"
    looks.of([LONG])
    assert network.encoded == 4


@pytest.mark.parametrize("manners", [[Manner.READ], [Manner.KEEP, Manner.MOST]])
def test_looks_together_are_those_of_a_batch(manners: list[Manner]) -> None:
    network, looks = make_looks()
    cutter = make_cutter()
    texts = [LONG, SHORT, LONG]
    question = network.encode_questions(cutter.pad(cutter.cut(texts)))
    glimpse = network.look(question, network.begin(question), manners)
    seen = looks.of(texts)
    width = max(look.width for look in seen)
    joined, joined_glimpse = questions_of(seen, width), glimpses_of(seen, width, manners)
    present = question.hidden == 0
    for part, expected in zip(joined[:3], question[:3], strict=True):
        np.testing.assert_allclose(part[present], expected[present], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(joined.hidden, question.hidden)
    assert joined_glimpse.manners == glimpse.manners
    for part, expected in zip(joined_glimpse[:5], glimpse[:5], strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-4, atol=1e-6)
