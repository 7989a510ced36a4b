from pathlib import Path
from random import Random

import pytest

from models.episodes import LabelledKey
from models.memory import TripleMemory
from models.profiles import profiles_of
from models.tasks import make_path_task
from models.tasks.generated import LEXICON
from models.tasks.grammar import Lexicon
from models.tasks.own import OwnTask, own_lexicon

MEMORY = TripleMemory(
    [(f"pump {n}", "fed by", f"tank {n % 3}") for n in range(9)]
    + [(f"tank {n}", "frobnication", f"mode {n % 2}") for n in range(3)]
    + [(f"tank {n}", "height", f"{n + 2} m") for n in range(3)]
    + [(f"pump {n}", "year of construction", str(1990 + n)) for n in range(9)]
)
PROFILES = profiles_of(MEMORY)


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    kinds = [profile.kind for profile in PROFILES]
    return own_lexicon(MEMORY, range(4), MEMORY.relation_labels, kinds, Lexicon.read(LEXICON))


def ends(lexicon: Lexicon) -> dict[str, tuple[str, str]]:
    return {one.sides[0].labels[0]: (one.sides[0].source, one.sides[0].target) for one in lexicon.relations}


def test_relations_join_kinds_by_the_entities_they_share(lexicon: Lexicon) -> None:
    found = ends(lexicon)
    assert found["fed by"][1] == found["frobnication"][0] == found["height"][0]
    assert found["fed by"][0] == found["year of construction"][0] != found["height"][0]
    assert found["height"][1] == "number"
    assert found["year of construction"][1] == "year"


def test_a_label_that_no_lexicon_has_is_asked_by_its_words(lexicon: Lexicon) -> None:
    (relation,) = [one for one in lexicon.relations if one.sides[0].labels == ("frobnication",)]
    assert "the frobnication of {x}" in relation.sides[0].phrases


def test_a_label_of_the_lexicon_is_asked_as_people_do(lexicon: Lexicon) -> None:
    (relation,) = [one for one in lexicon.relations if one.sides[0].labels == ("height",)]
    assert "how tall is {x}" in relation.sides[0].questions


def test_nothing_is_asked_by_a_relation_that_is_gone() -> None:
    labels = ["", *MEMORY.relation_labels[1:]]
    kinds = [profile.kind for profile in PROFILES]
    left = own_lexicon(MEMORY, (1, 2, 3), labels[1:], kinds[2:], Lexicon.read(LEXICON))
    assert ends(left)["height"][1] == "number"
    task, random = OwnTask.of_memory(MEMORY, labels, PROFILES, wrong_mentions=0.0), Random(4)
    assert [placed.label for placed in task._own] == labels[1:]
    assert all(key.label for _ in range(50) for choice in task.episode(random).choices for key in choice.reach)
    with pytest.raises(ValueError, match="without relations"):
        OwnTask.of_memory(MEMORY, [""] * 4, PROFILES)


def test_every_episode_stays_in_the_schema() -> None:
    task = OwnTask.of_memory(MEMORY, MEMORY.relation_labels, PROFILES, wrong_mentions=0.0)
    random = Random(4)
    for _ in range(300):
        episode = task.episode(random)
        for choice in episode.choices:
            assert {key.label for key in choice.reach} <= set(MEMORY.relation_labels)
            if isinstance(choice.gold, LabelledKey):
                assert choice.gold in choice.reach


def test_the_same_seed_draws_the_same_episodes() -> None:
    task = OwnTask.of_memory(MEMORY, MEMORY.relation_labels, PROFILES)
    one, other = ([task.episode(random) for _ in range(20)] for random in (Random(5), Random(5)))
    assert one == other


def test_nothing_can_be_asked_about_nothing() -> None:
    with pytest.raises(ValueError, match="without relations"):
        OwnTask.of_memory(TripleMemory([]), (), [])


@pytest.mark.datasets
@pytest.mark.parametrize(
    ("kb", "label", "words"), [("movies", "directed by", "film"), ("wikidata", "place of birth", "")]
)
def test_a_knowledge_base_of_the_data_sets_is_asked_about(datasets: Path, kb: str, label: str, words: str) -> None:
    task = make_path_task(f"own-{kb}", datasets, {"wrong_mentions": 0.0, "missing": 0.0})
    random = Random(6)
    episodes = [task.episode(random) for _ in range(300)]
    assert any(key.label == label for one in episodes for choice in one.choices for key in choice.reach)
    assert any(words in one.question for one in episodes)
