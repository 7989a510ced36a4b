from pathlib import Path

import pytest

from models.checkpoints import CheckpointUnusable
from models.episodes import Split
from models.errors import MemoryTooLong, SentenceEmpty, WordsUnknown
from models.packing import pack, sizes_of
from models.recipe import RECIPES, Recipe
from models.scoring import count
from models.stories import DEFAULT_CHECKPOINT, StoryReader
from models.tasks.babi import BabiTask
from models.trained import Trained, seeded
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


def test_the_shipped_network_reads_a_story_of_two_facts() -> None:
    told = StoryReader.load().read(
        ["John took the apple.", "John went to the garden.", "Mary went to the kitchen."], "Where is the apple?"
    )
    label, chance = told.answers[0]
    assert (label, chance > 0.9) == ("garden", True)
    assert [max(range(3), key=hop.__getitem__) for hop in told.attention] == [1, 1, 1]


@pytest.mark.datasets
@pytest.mark.parametrize("part", ["qa1", "qa2", "qa17"])
def test_the_shipped_network_gives_its_recorded_figures(part: str, datasets: Path) -> None:
    recorded = Recipe.read(RECIPES / "stories.toml").figures["median"]
    task, trained = BabiTask(datasets, "10k"), Trained.load(DEFAULT_CHECKPOINT)
    packed = pack(task.episodes(part, Split.test), trained.vocabulary, trained.sizes.slots)
    counted = count(trained.network, packed)
    assert counted.asked == 1_000
    assert 100 * (1 - counted.right / counted.asked) == pytest.approx(recorded[f"error_{part}"], abs=0.2)
