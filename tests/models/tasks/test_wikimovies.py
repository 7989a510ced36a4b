import lzma
from pathlib import Path

import pytest

from models.episodes import Episode, KeyValue, Split
from models.metrics import Count
from models.tasks.wikimovies import PART, WikiMoviesTask, split_answers


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with lzma.open(path, "wt", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    write(tmp_path / "metaqa/kb.txt.xz", "Kismet|directed_by|Dieterle", "Morocco|has_tags|film", "Up|has_tags|film")
    train = ("what does [Dieterle] film\tKismet", "who directed [Kismet]\tDieterle", "which film has [Up]\tfilm")
    write(tmp_path / "metaqa/1-hop/qa_train_reconstructed.txt.xz", *train)
    write(tmp_path / "metaqa/1-hop/qa_train_reconstructed_qtype.txt.xz", *["director_to_movie"] * 3)
    write(tmp_path / "wikimovies/wiki-entities_qa_dev.txt.xz", "1 who directed Kismet?\tDieterle")
    write(tmp_path / "wikimovies/wiki-entities_qa_test.txt.xz", "1 what is it, Up?\tfilm, Up, and away")
    write(tmp_path / "wikimovies/entities.txt.xz", "film", "Up, and away")
    return tmp_path


def test_questions_come_with_the_facts_around_what_they_name(films: Path) -> None:
    task = WikiMoviesTask(films, frequency=2)
    memory = (KeyValue(("Kismet", "directed by"), "Dieterle"),)
    assert task.episodes(PART, Split.valid) == [Episode(memory, ("who", "directed", "Kismet"), ("Dieterle",))]
    (tested,) = task.episodes(PART, Split.test)
    assert tested.answers == ("film", "Up, and away")
    assert tested.memory == (KeyValue(("Up", "has tags"), "film"),)


def test_train_has_no_question_of_dev_or_test_and_no_facts_of_ordinary_words(films: Path) -> None:
    train = WikiMoviesTask(films, frequency=2).episodes(PART, Split.train)
    assert [episode.question for episode in train] == [
        ("what", "does", "Dieterle", "film"),
        ("which", "film", "has", "Up"),
    ]
    assert train[0].memory == (KeyValue(("Dieterle", "!directed by"), "Kismet"),)


def test_all_entities_are_candidates(films: Path) -> None:
    vocabulary = WikiMoviesTask(films).vocabulary(PART)
    assert vocabulary.candidates == ("Dieterle", "Kismet", "Morocco", "Up", "film")
    assert {"!has tags", "which"} <= set(vocabulary.words)


def test_figures_are_hits_at_1(films: Path) -> None:
    assert WikiMoviesTask(films).figures({PART: Count(3, 4, 1.0)}) == {"hits_at_1": 75.0}


def test_commas_within_a_label_do_not_split_it() -> None:
    assert split_answers("a, b, c, d", {"b, c", "a", "x"}) == ("a", "b, c", "d")


@pytest.mark.datasets
def test_splits_have_their_sizes_and_their_answers_in_memory(datasets: Path) -> None:
    task = WikiMoviesTask(datasets)
    train, valid, test = (task.episodes(PART, split) for split in (Split.train, Split.valid, Split.test))
    assert (len(train), len(valid), len(test)) == (92_452, 10_000, 9_952)
    found = [
        any(isinstance(slot, KeyValue) and slot.value in episode.answers for slot in episode.memory)
        for episode in valid
    ]
    assert sum(found) > 9_800
