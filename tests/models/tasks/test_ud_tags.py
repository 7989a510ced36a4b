import gzip
from pathlib import Path

import pytest

from models.episodes import Split
from models.metrics import Count
from models.tasks.ud_tags import UdTagsTask, parse, tokens_of

TEXT = """# text = I don't run
1\tI\tI\tPRON\tPRP\t_
2-3\tdon't\t_\t_\t_\t_
2\tdo\tdo\tAUX\tVBP\t_
3\tn't\tnot\tPART\tRB\t_
3.1\tgone\tgo\tVERB\tVB\t_
4\trun\trun\tVERB\tVB\t_

1\tRun\trun\tVERB\tVB\t_
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ud-english-ewt").mkdir()
    for name in ("train", "dev", "test"):
        with gzip.open(tmp_path / "ud-english-ewt" / f"en_ewt-ud-{name}.conllu.gz", "wt", encoding="utf-8") as file:
            file.write(TEXT)
    return tmp_path


def test_ranges_and_empty_nodes_are_no_words() -> None:
    assert list(parse(iter(TEXT.splitlines(keepends=True)))) == [
        [("I", "PRON"), ("do", "AUX"), ("n't", "PART"), ("run", "VERB")],
        [("Run", "VERB")],
    ]


def test_a_word_is_known_by_its_look_as_well() -> None:
    assert tokens_of("McCain1", affixes=True) == (
        *("mccain1", "shape XxXxd", "mc-", "mcc-", "-1", "-n1", "-in1", "-ain1"),
    )
    assert tokens_of("I", affixes=True) == ("i", "shape X")
    assert tokens_of("McCain1", affixes=False) == ("mccain1",)


def test_each_word_has_an_answer(folder: Path) -> None:
    first, second = UdTagsTask(folder, affixes=False).episodes("upos", Split.train)
    assert first.memory == (("i",), ("do",), ("n't",), ("run",))
    assert first.answers == ("PRON", "AUX", "PART", "VERB")
    assert second.answers == ("VERB",)


def test_rare_tokens_are_unknown_and_tags_never(folder: Path) -> None:
    vocabulary = UdTagsTask(folder, affixes=False).vocabulary("upos")
    assert vocabulary.words == ("run",)
    assert set(vocabulary.candidates) == {"PRON", "AUX", "PART", "VERB"}


def test_the_score_is_the_accuracy_of_words(folder: Path) -> None:
    assert UdTagsTask(folder).figures({"upos": Count(19, 20, 1.0)}) == {"accuracy": 95.0}


@pytest.mark.datasets
def test_words_are_as_many_as_published(datasets: Path) -> None:
    splits = [UdTagsTask(datasets).episodes("upos", split) for split in Split]
    assert [sum(len(episode.answers) for episode in episodes) for episodes in splits] == [204_577, 25_147, 25_094]
