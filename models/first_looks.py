"""Questions as far as their text alone tells: cut, encoded, and looked at once; remembered, as ways of asking recur.

Names are masked, so that *who directed X* is one text whatever X is, in every knowledge base that a reader answers on.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from models import expectations
from models.episodes import Manner
from models.memory import FloatArray
from models.networks.path_inference import HIDDEN, Glimpse, PathInference, Question
from models.texts import Pieces, TextCutter

REMEMBERED_TEXTS = 1_000
"""Of some 40 kB each."""
NOTHING = np.float32(0)


class FirstLook(NamedTuple):
    """A text, and the network's first look at it, in one row, as wide as the text."""

    pieces: Pieces
    question: Question
    glimpse: Glimpse
    asked: FloatArray  # the chances of each `Asked`, by the network and by the words

    @property
    def width(self) -> int:
        """The tokens of the text."""
        return len(self.pieces.pieces)


class FirstLooks:
    """Looks at texts, and remembers those that it has seen; threads may share it."""

    def __init__(self, network: PathInference, cutter: TextCutter, remembered: int = REMEMBERED_TEXTS) -> None:
        self._network = network
        self._cutter = cutter
        self._remembered = remembered
        self._known: dict[str, FirstLook] = {}

    def of(self, texts: Sequence[str]) -> list[FirstLook]:
        """The first look at each text; those that are new are encoded together."""
        known = self._known
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            if len(known) + len(new) > self._remembered:  # not cleared: another thread may be looking texts up in it
                known = {text: known[text] for text in texts if text in known}
            known.update(zip(new, self._look(new), strict=True))
            self._known = known
        return [known[text] for text in texts]

    def _look(self, texts: Sequence[str]) -> Iterator[FirstLook]:
        """Encode texts together and look at each; what is given holds nothing of the others."""
        cut = self._cutter.cut(texts)
        question = self._network.encode_questions(self._cutter.pad(cut, remember=False))
        glimpse = self._network.look(question, self._network.begin(question))
        for row, (text, pieces) in enumerate(zip(texts, cut, strict=True)):
            one, length = np.array([row]), len(pieces.pieces)
            words, energies, static, hidden, asked = question.rows(one)
            own = Question(words[:, :length], energies[:, :length], static[:, :length], hidden[:, :length], asked)
            look = glimpse.rows(one)
            look = look._replace(attention=look.attention[:, :length])
            yield FirstLook(pieces, own, look, expectations.of_asked(text, asked[0]))


def questions_of(looks: Sequence[FirstLook], width: int) -> Question:
    """Their questions as one batch of texts of `width` tokens."""
    words, energies, static, hidden, asked = zip(*(look.question for look in looks), strict=True)
    return Question(
        _padded(words, width),
        _padded(energies, width),
        _padded(static, width),
        _padded(hidden, width, HIDDEN),
        np.concatenate(asked),
    )


def glimpses_of(looks: Sequence[FirstLook], width: int, manners: Sequence[Manner]) -> Glimpse:
    """Their looks as one batch of texts of `width` tokens, for keys used in some manners."""
    attention, query, looked, biases, ends, _ = zip(*(look.glimpse for look in looks), strict=True)
    return Glimpse(
        _padded(attention, width),
        np.concatenate(query)[:, manners],
        np.concatenate(looked),
        np.concatenate(biases)[:, manners],
        np.concatenate(ends),
        tuple(manners),
    )


def _padded(rows: Sequence[FloatArray], width: int, filling: np.float32 = NOTHING) -> FloatArray:
    """Arrays of one row and some tokens as one array."""
    padded = np.full((len(rows), width, *rows[0].shape[2:]), filling)
    for at, row in enumerate(rows):
        padded[at, : row.shape[1]] = row[0]
    return padded
