import numpy as np
import pytest
import torch

from models.episodes import Episode, KeyValue, Windows
from models.packing import ABSENT, Batch, pack, sizes_of
from models.vocabulary import FIRST, PAD, UNKNOWN, UNSEEN, Vocabulary, vocabulary_of

STORY = (
    Episode((("a", "b"), ("c",), ("a", "b")), ("b",), ("x",), (2, 0)),
    Episode((("c",),), ("a", "c", "b"), ("y",)),
)


def assert_equal(batch: Batch, other: Batch) -> None:
    for name, one, two in zip(Batch._fields, batch, other, strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0, msg=name)


def test_episodes_become_padded_numbers() -> None:
    vocabulary = Vocabulary(["x", "y"], ["a", "b", "c"])
    a, b, c = (vocabulary.id_of(word) for word in "abc")
    batch = pack(STORY, vocabulary).batch(np.array([1, 0]))
    assert batch.slots.tolist() == [[[c, PAD], [PAD, PAD], [PAD, PAD]], [[a, b], [c, PAD], [a, b]]]
    assert batch.filled.tolist() == [[True, False, False], [True, True, True]]
    assert batch.question.tolist() == [[a, c, b], [b, PAD, PAD]]
    assert batch.answers.tolist() == [[1], [0]]
    assert batch.supporting.tolist() == [[ABSENT, ABSENT], [2, 0]]


def test_a_batch_is_as_wide_as_its_longest_episode() -> None:
    packed = pack(STORY, vocabulary_of(STORY))
    assert packed.batch(np.array([1])).slots.shape == (1, 1, 1)
    assert packed.batch(np.array([0])).slots.shape == (1, 3, 2)


def test_of_a_long_memory_the_last_slots_are_kept() -> None:
    vocabulary = vocabulary_of(STORY)
    batch = pack(STORY, vocabulary, max_slots=2).batch(np.array([0]))
    assert batch.slots[0].tolist() == [
        [vocabulary.id_of("c"), PAD],
        [vocabulary.id_of("a"), vocabulary.id_of("b")],
    ]
    assert batch.supporting.tolist() == [[1]]


def test_strange_words_are_unknown_and_strange_answers_never_right() -> None:
    batch = pack([Episode((("a", "z"),), ("z",), ("z",))], Vocabulary(["x"], ["a"])).batch(np.array([0]))
    assert batch.slots.tolist() == [[[FIRST + 1, UNKNOWN]]]
    assert batch.question.tolist() == [[UNKNOWN]]
    assert batch.answers.tolist() == [[UNSEEN]]


def test_keys_are_slots_and_their_values_words() -> None:
    memory = (KeyValue(("film", "director"), "someone"), KeyValue(("film",), "1953"))
    episodes = [Episode(memory, ("who",), ("someone", "1953")), Episode(memory[:1], ("who",), ("someone",))]
    vocabulary = vocabulary_of(episodes)
    batch = pack(episodes, vocabulary).batch(np.array([0, 1]))
    assert batch.values.tolist() == [[vocabulary.id_of("someone"), vocabulary.id_of("1953")], [FIRST, PAD]]
    assert batch.answers.tolist() == [[0, 1], [0, ABSENT]]


def test_pictures_are_kept_once() -> None:
    picture, other = np.full((2, 2, 3), 7, np.uint8), np.full((2, 2, 3), 9, np.uint8)
    episodes = [Episode(shown, ("what",), ("x",)) for shown in (picture, other, picture)]
    packed = pack(episodes, vocabulary_of(episodes))
    assert packed.pictures is not None
    assert len(packed.pictures) == 2
    assert packed.batch(np.array([2, 1])).pictures[:, 0, 0, 0].tolist() == [7, 9]
    assert sizes_of(packed, vocabulary_of(episodes)).picture == (2, 2, 3)


@pytest.mark.parametrize("run", [1, 2, 3, 5, 9])
def test_windows_are_packed_as_their_episodes_are(run: int) -> None:
    windows = Windows(("the", "cat", "saw", "the", "other", "cat"), 3, run)
    vocabulary = vocabulary_of(windows)
    rows = np.arange(len(windows))[::-1].copy()
    assert_equal(pack(windows, vocabulary).batch(rows), pack(list(windows), vocabulary).batch(rows))


def test_windows_are_a_sequence_of_episodes() -> None:
    windows = Windows(("a", "b", "c"), 2)
    assert list(windows) == [Episode((("a",),), (), ("b",)), Episode((("a",), ("b",)), (), ("c",))]
    assert list(Windows(("a", "b", "c", "d", "e", "f"), 2, 3)) == [
        Episode((("a",), ("b",), ("c",)), (), ("b", "c", "d")),
        Episode((("b",), ("c",), ("d",), ("e",)), (), ("", "e", "f")),
    ]
    assert windows[-1] == windows[1]
    assert windows[:1] == [windows[0]]
    with pytest.raises(IndexError):
        windows[2]


def test_sizes_are_those_of_the_longest_episode_or_the_limit() -> None:
    vocabulary = vocabulary_of(STORY)
    assert sizes_of(pack(STORY, vocabulary), vocabulary).slots == 3
    assert sizes_of(pack(STORY, vocabulary), vocabulary, 50).slots == 50
    assert sizes_of(pack(STORY, vocabulary), vocabulary).words == len(vocabulary) == 2 + 5


def test_episodes_about_one_picture_name_it_by_the_same_number() -> None:
    one, other = np.zeros((2, 2, 3), np.uint8), np.ones((2, 2, 3), np.uint8)
    episodes = [Episode(picture, ("q",), ("x",)) for picture in (one, other, one)]
    batch = pack(episodes, vocabulary_of(episodes)).batch(np.array([2, 1, 0]))
    assert batch.picture_of.tolist() == [0, 1, 0]
    assert batch.pictures[:, 0, 0, 0].tolist() == [0, 1, 0]
