"""Words as WordPieces, with the vectors of the static table that ships: what is known of a word before any training.

A task puts the pieces of a word beside it into its slot; a network whose `words` are so set starts from their vectors.
"""

from functools import cache

import torch
from torch import Tensor

from kb.encoding import StaticEncoder
from models.episodes import Words
from models.vocabulary import Vocabulary

PREFIX = "piece "
SPREAD = 0.1
"""Standard deviation of the units of all vectors together, as of the other words' random ones."""


class WidthsDiffer(Exception):
    """A recipe wants a network whose word vectors are not as wide as the table's."""

    def __init__(self, wanted: int, given: int) -> None:
        self.wanted = wanted
        self.given = given
        super().__init__(f"word_dim is {wanted}, but the vectors of pieces have {given} units")


@cache
def _encoder() -> StaticEncoder:
    return StaticEncoder()


@cache
def pieces_of(word: str) -> Words:
    """Give the tokens of a word's pieces, `piece film` and `piece ##s` of `films`."""
    return tuple(f"{PREFIX}{token.text}" for token in _encoder().tokens(word))


def start_from_pieces(words: Tensor, vocabulary: Vocabulary) -> None:
    """Set the rows of pieces to the table's vectors, scaled to a common spread.

    Raises:
        WidthsDiffer: rows are not as wide as the table's.
    """
    if words.shape[1] != _encoder().dim:
        raise WidthsDiffer(words.shape[1], _encoder().dim)
    tokens = [token for token in vocabulary.words if token.startswith(PREFIX)]
    ids = _encoder().piece_ids([token.removeprefix(PREFIX) for token in tokens])
    vectors = torch.from_numpy(_encoder().token_table()[ids])
    rows = torch.tensor([vocabulary.id_of(token) for token in tokens])
    with torch.no_grad():
        words[rows] = vectors * (SPREAD / vectors.std())
