import pytest
import torch

from models.encoders import sum_words
from models.vocabulary import PAD

TOKENS = torch.tensor([[[2, 3, 4], [3, PAD, PAD]], [[PAD, PAD, PAD], [4, 4, PAD]]])


@pytest.mark.parametrize("longest", [None, 3, 5])
@pytest.mark.parametrize("parts", [1, 2])
def test_position_encoding_is_the_papers_formula(longest: int | None, parts: int) -> None:
    table, dim = torch.randn(5, 8, generator=torch.Generator().manual_seed(1)), 8 // parts
    expected = torch.zeros(2, 2, 8)
    for story in range(2):
        for slot in range(2):
            words = [word for word in TOKENS[story, slot].tolist() if word != PAD]
            total = longest or len(words)
            for j, word in enumerate(words, 1):
                for at in range(8):
                    k = at % dim + 1
                    weight = (1 - j / total) - (k / dim) * (1 - 2 * j / total)
                    expected[story, slot, at] += weight * table[word, at]
    summed = sum_words(table, TOKENS, by_position=True, longest=longest, parts=parts)
    torch.testing.assert_close(summed, expected)


def test_a_bag_of_words_is_their_plain_sum_and_padding_is_nothing() -> None:
    table = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    summed = sum_words(table, TOKENS)
    torch.testing.assert_close(summed[0, 0], table[2] + table[3] + table[4])
    torch.testing.assert_close(summed[1], torch.stack([torch.zeros(3), 2 * table[4]]))


def test_texts_without_a_word_are_zero() -> None:
    assert not sum_words(torch.randn(5, 3), torch.zeros(2, 4, 0, dtype=torch.long)).any()
