from pathlib import Path

import pytest

from models.checkpoints import CheckpointUnusable
from models.errors import MemoryTooLong, SentenceEmpty, WordsUnknown
from models.packing import pack, sizes_of
from models.stories import StoryReader
from models.trained import seeded
from models.vocabulary import vocabulary_of
from tests.models.toys import toy_stories

SENTENCES = ["Mary went to the kitchen.", "John went to the garden."]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stories") / "toy.safetensors"
    episodes = toy_stories()
    vocabulary = vocabulary_of(episodes)
    sizes = sizes_of(pack(episodes, vocabulary), vocabulary)
    seeded(1, "memn2n", {"dim": 8, "hops": 2}, sizes, vocabulary).save(path, {})
    return path


@pytest.fixture(scope="module")
def reader(checkpoint: Path) -> StoryReader:
    return StoryReader.load(checkpoint)


def test_a_story_is_answered_by_candidates_with_attention_for_each_sentence(reader: StoryReader) -> None:
    told = reader.read(SENTENCES, "Where is Mary?", most=3)
    chances = [chance for _, chance in told.answers]
    assert len(chances) == 3
    assert chances == sorted(chances, reverse=True)
    assert all(label in {"kitchen", "garden", "office", "hallway"} for label, _ in told.answers)
    assert [len(hop) for hop in told.attention] == [2, 2]
    assert [sum(hop) for hop in told.attention] == pytest.approx([1.0, 1.0])


def test_a_reader_is_named_by_its_weights(reader: StoryReader) -> None:
    assert reader.name.startswith("toy-")


def test_words_never_seen_are_named_and_not_guessed_at(reader: StoryReader) -> None:
    with pytest.raises(WordsUnknown, match="zebra, flew") as caught:
        reader.read(["The zebra flew to the kitchen."], "Where is the zebra?")
    assert caught.value.words == ("zebra", "flew")


def test_a_memory_longer_than_the_networks_is_refused(reader: StoryReader) -> None:
    with pytest.raises(MemoryTooLong, match="reads 4"):
        reader.read(SENTENCES * 3, "Where is Mary?")


@pytest.mark.parametrize(
    ("sentences", "question", "place"), [([" ?!"], "Where is Mary?", "memory.0"), (SENTENCES, "?", "question")]
)
def test_a_sentence_without_words_is_refused(
    reader: StoryReader, sentences: list[str], question: str, place: str
) -> None:
    with pytest.raises(SentenceEmpty, match=place):
        reader.read(sentences, question)


def test_a_missing_checkpoint_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(CheckpointUnusable):
        StoryReader.load(tmp_path / "none.safetensors")
