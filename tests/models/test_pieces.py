import pytest
import torch

from models.pieces import SPREAD, WidthsDiffer, pieces_of, start_from_pieces
from models.vocabulary import Vocabulary


def test_a_word_is_its_pieces() -> None:
    assert pieces_of("film") == ("piece film",)
    assert pieces_of("unwatchable")[1:] != ()
    assert "".join(pieces_of("unwatchable")).replace("piece ", "").replace("##", "") == "unwatchable"


def test_pieces_start_from_the_table_and_other_words_stay() -> None:
    vocabulary = Vocabulary(["x"], ["film", "piece film", "piece movie", "piece ##able"])
    words = torch.full((len(vocabulary), 256), 7.0)
    start_from_pieces(words, vocabulary)
    film, movie, able = (words[vocabulary.id_of(f"piece {piece}")] for piece in ("film", "movie", "##able"))
    assert (words[: vocabulary.id_of("piece film")] == 7.0).all()
    assert torch.stack([film, movie, able]).std().item() == pytest.approx(SPREAD, rel=1e-3)
    assert torch.cosine_similarity(film, movie, 0) > torch.cosine_similarity(film, able, 0) + 0.2


def test_vectors_of_another_width_are_refused() -> None:
    with pytest.raises(WidthsDiffer, match="word_dim is 50, but the vectors of pieces have 256"):
        start_from_pieces(torch.zeros(3, 50), Vocabulary(["x"], []))
