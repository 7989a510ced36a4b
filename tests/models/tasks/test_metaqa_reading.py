import lzma
from pathlib import Path

import pytest

from models.episodes import Episode, KeyValue, Split
from models.metrics import Count
from models.tasks.metaqa_reading import MetaQaReadingTask

KB = ("Kismet|directed_by|Dieterle", "Kismet|release_year|1944", "Syncopation|directed_by|Dieterle")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "metaqa" / "2-hop"
    lines = ["when did [Dieterle] direct, and What\t1944", "the years of [Dieterle]\t1944|1942"]
    kinds = ["director_to_movie_to_year"] * 2
    folder.mkdir(parents=True)
    files = {"../kb": KB, "qa_dev": lines[:1], "qa_dev_qtype": kinds[:1], "qa_train_qtype": kinds}
    for name, rows in {**files, "qa_train_reconstructed": lines}.items():
        with lzma.open(folder / f"{name}.txt.xz", "wt", encoding="utf-8") as file:
            file.writelines(f"{row}\n" for row in rows)
    return tmp_path


def test_a_question_comes_with_the_facts_within_its_hops(films: Path) -> None:
    (episode,) = MetaQaReadingTask(films, 2).episodes("2-hop", Split.valid)
    assert episode.question == ("when", "did", "Dieterle", "direct", ",", "and", "what")
    assert episode.answers == ("1944",)
    assert episode.memory == (
        KeyValue(("Dieterle", "!directed by"), "Kismet"),
        KeyValue(("Dieterle", "!directed by"), "Syncopation"),
        KeyValue(("Kismet", "directed by"), "Dieterle"),
        KeyValue(("Kismet", "release year"), "1944"),
        KeyValue(("Syncopation", "directed by"), "Dieterle"),
    )


def test_facts_may_be_sentences_for_networks_without_keys(films: Path) -> None:
    (episode,) = MetaQaReadingTask(films, 2, keyed=False, most_facts=1).episodes("2-hop", Split.valid)
    assert episode == Episode((("Dieterle", "!directed by", "Kismet"),), episode.question, ("1944",))


def test_a_part_of_train_is_drawn_the_same_each_time(films: Path) -> None:
    drawn = [MetaQaReadingTask(films, 2, train_questions=1).episodes("2-hop", Split.train) for _ in range(2)]
    assert len(drawn[0]) == 1
    assert drawn[0] == drawn[1]
    assert len(MetaQaReadingTask(films, 2).episodes("2-hop", Split.train)) == 2


def test_all_entities_are_candidates(films: Path) -> None:
    vocabulary = MetaQaReadingTask(films, 2).vocabulary("2-hop")
    assert vocabulary.candidates == ("1944", "Dieterle", "Kismet", "Syncopation")
    assert {"!directed by", "years"} <= set(vocabulary.words)


def test_figures_are_hits_at_1(films: Path) -> None:
    task = MetaQaReadingTask(films, 2)
    assert task.figures({"2-hop": Count(1, 4, 1.0)}) == {"hits_at_1": 25.0}
    assert task.cost({"2-hop": Count(1, 4, 4.0)}) == pytest.approx(75.01)


@pytest.mark.datasets
@pytest.mark.parametrize(
    ("hops", "questions", "answerable"), [(1, 9_992, 9_980), (2, 14_872, 14_800), (3, 14_274, 14_150)]
)
def test_dev_has_its_size_and_its_answers_in_memory(datasets: Path, hops: int, questions: int, answerable: int) -> None:
    valid = MetaQaReadingTask(datasets, hops).episodes(f"{hops}-hop", Split.valid)
    assert len(valid) == questions
    assert (
        sum(
            any(isinstance(slot, KeyValue) and slot.value in episode.answers for slot in episode.memory)
            for episode in valid
        )
        > answerable
    )
