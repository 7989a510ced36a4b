import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from models.episodes import FORWARD, INVERSE, MENTION, End, LabelledKey
from models.path_training import DEFAULT_RECIPE, PathRecipe
from models.tasks import PATH_TASKS, TaskUnknown, make_path_task, make_task, metaqa, pathquestion, simplequestions


def test_the_shipped_recipe_names_tasks_that_exist() -> None:
    recipe = PathRecipe.read(DEFAULT_RECIPE)
    assert {name for name, _, _ in recipe.tasks} <= PATH_TASKS.keys()
    assert recipe.network.max_hops == 3


def test_a_left_out_reader_differs_from_the_shipped_one_by_its_tasks_only() -> None:
    shipped = PathRecipe.read(DEFAULT_RECIPE)
    for name, left_out in (
        ("movies", {"metaqa", "own-movies"}),
        ("simplequestions", {"simplequestions-wikidata", "simplequestions-freebase", "own-wikidata"}),
    ):
        other = PathRecipe.read(DEFAULT_RECIPE.with_name(f"path_reader_without_{name}.toml"))
        training = replace(other.training, steps=shipped.training.steps)
        assert (other.network, training, other.choices) == (shipped.network, shipped.training, shipped.choices)
        assert {task for task, _, _ in shipped.tasks} - {task for task, _, _ in other.tasks} == left_out


DRAW = """
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from models.path_training import DEFAULT_RECIPE, PathRecipe
from models.tasks import make_path_task
tasks = {name: settings for name, _, settings in PathRecipe.read(DEFAULT_RECIPE).tasks}
for kb in ("movies", "wikidata"):
    tasks.setdefault(f"own-{kb}", {"wrong_mentions": 0.07, "missing": 0.1})
for name, settings in tasks.items():
    task, random = make_path_task(name, Path(sys.argv[1]), settings), Random(5)
    print(name, [task.episode(random) for _ in range(200)])
"""


@pytest.mark.datasets
def test_a_seed_draws_the_same_episodes_in_every_process(datasets: Path) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", DRAW, str(datasets)],
            env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    one, other = (run.communicate()[0].splitlines() for run in runs)
    assert len(one) == len(other) >= 6
    assert [ours.split()[0] for ours, theirs in zip(one, other, strict=True) if ours != theirs] == []


def test_an_unknown_task_is_named() -> None:
    for make in (make_task, make_path_task):
        with pytest.raises(TaskUnknown, match="no task 'chess'"):
            make("chess", Path(), {})


def test_a_question_type_tells_the_gold_path() -> None:
    assert metaqa.gold_path("actor_to_movie_to_year") == (
        LabelledKey("starred actors", INVERSE),
        LabelledKey("release year", FORWARD),
    )
    assert metaqa.gold_path("movie_to_director_to_movie_to_language") == (
        LabelledKey("directed by", FORWARD),
        LabelledKey("directed by", INVERSE),
        LabelledKey("in language", FORWARD),
    )


@pytest.mark.parametrize(
    ("text", "name", "cut"),
    [
        ("who directed kismet?", "Kismet", f"who directed {MENTION}?"),
        ("who runs warner bros . now", "Warner Bros.", f"who runs {MENTION} now"),
        ("what is in paris's zoo", "Paris", f"what is in {MENTION}'s zoo"),
        ("who likes parisian food", "Paris", None),
        ("who directed it", "", None),
        ("who is it", "+", None),
    ],
)
def test_a_name_is_replaced_as_whole_words(text: str, name: str, cut: str | None) -> None:
    assert simplequestions.replace_name(text, name) == cut


def test_short_labels_are_the_last_parts() -> None:
    assert simplequestions.short_label("people.person.place_of_birth", 1) == "place of birth"
    assert simplequestions.short_label("people.person.place_of_birth", 3) == "people person place of birth"


def test_a_wrong_mention_leaves_one_placeholder() -> None:
    for seed in range(30):
        text = simplequestions.wrong_mention(f"who directed {MENTION} in rome", "Kismet", Random(seed))
        assert text.count(MENTION) == 1


@pytest.mark.datasets
def test_metaqa_dev_is_read_whole(datasets: Path) -> None:
    questions = metaqa.load_questions(datasets, "dev", 2)
    assert len(questions) == 14_872
    assert all(question.text.count(MENTION) == 1 for question in questions)
    assert questions[1].topic == "Sharon Tate"
    assert questions[1].answers == ("1967", "1968")


@pytest.mark.datasets
def test_pathquestion_keeps_nearly_every_question(datasets: Path) -> None:
    counts = {part: len(pathquestion.load_questions(datasets, part)) for part in pathquestion.PARTS}
    assert counts["PQ-2H"] > 1_850
    assert counts["PQL-3H"] > 950
    assert len(pathquestion.load_triples(datasets, "PQ-2H")) == 1_211


@pytest.mark.datasets
def test_freebase_questions_leave_out_those_of_valid_and_test(datasets: Path) -> None:
    questions, reverses = simplequestions.load_freebase(datasets)
    assert 35_000 < len(questions) < 43_000
    assert reverses["music.album.artist"] == "music.artist.album"


@pytest.mark.datasets
@pytest.mark.parametrize("name", ["simplequestions-wikidata", "simplequestions-freebase"])
def test_episodes_of_simplequestions_have_their_gold_in_reach(datasets: Path, name: str) -> None:
    task = make_path_task(name, datasets, {"wrong_mentions": 0.2})
    random = Random(2)
    golds = []
    for _ in range(100):
        episode = task.episode(random)
        first = episode.choices[0]
        golds.append(first.gold)
        assert episode.question.count(MENTION) == 1
        assert first.gold is End.REJECT or first.gold in first.reach
    assert End.REJECT in golds
