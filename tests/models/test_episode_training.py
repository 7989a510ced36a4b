import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from models import episode_training, tasks
from models.episodes import Episode, Split
from models.metrics import Counts, mean_error
from models.packing import pack, sizes_of
from models.recipe import Recipe, is_literature
from models.trained import seeded
from models.training import OptionUnknown, TrainingDiverged
from models.vocabulary import Vocabulary, vocabulary_of
from tests.models.toys import toy_stories

RECIPE = """
title = "toy"

[task]
name = "toy"

[network]
name = "memn2n"
dim = 8
hops = 1
linear_start = true
random_noise = 0.1

[training]
seed = 4
epochs = 6
start_epochs = 2
start_learning_rate = 0.005
batch = 5
optimizer = "adam"
learning_rate = 0.01
bucket_batches = 2
resume_steps = 3
"""


class ToyTask:
    def __init__(self, datasets: Path) -> None:
        self.groups = {"first": ("one", "two"), "second": ("two",)}

    def episodes(self, part: str, split: Split) -> Sequence[Episode]:
        at = 16 * list(Split).index(split)
        return toy_stories()[at : at + (16 if part == "one" else 9)]

    def vocabulary(self, group: str) -> Vocabulary:
        return vocabulary_of(toy_stories())

    def figures(self, counts: Counts) -> dict[str, float]:
        return {"mean_error": mean_error(counts), "parts": len(counts)}

    def cost(self, counts: Counts) -> float:
        return mean_error(counts)


class Killed(Exception):
    pass


def write_recipe(folder: Path, *changes: tuple[str, str]) -> Recipe:
    text = RECIPE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "toy.toml"
    path.write_text(text, encoding="utf-8")
    return Recipe.read(path)


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "TASKS", {"toy": ToyTask})


def train(recipe: Recipe, folder: Path, report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    result = episode_training.train(recipe, folder, Path(), report=report)
    read: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return read


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return {
        f"{path.stem} {name}": weight
        for path in folder.glob("*.safetensors")
        for name, weight in load_file(path).items()
    }


@pytest.mark.parametrize("killed_at", ["step 5/30", "step 15/30"])
def test_a_killed_run_resumes_to_the_same_result(tmp_path: Path, killed_at: str) -> None:
    def kill(line: str) -> None:
        if line.startswith(killed_at):
            raise Killed

    recipe = write_recipe(tmp_path)
    whole = train(recipe, tmp_path / "whole")
    with pytest.raises(Killed):
        train(recipe, tmp_path / "killed", kill)
    lines: list[str] = []
    resumed = train(recipe, tmp_path / "killed", lines.append)
    assert any(line.startswith("resumed at step") for line in lines)
    for timed in ("minutes", "steps_per_second"):
        assert whole.pop(timed) is not None
        assert resumed.pop(timed) is not None
    assert resumed == whole
    torch.testing.assert_close(weights_of(tmp_path / "killed"), weights_of(tmp_path / "whole"), rtol=0, atol=0)
    assert not list(tmp_path.rglob("*.resume"))


def test_each_group_has_its_network_and_the_result_has_all_parts(tmp_path: Path) -> None:
    result = train(write_recipe(tmp_path), tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "first.json",
        "first.safetensors",
        "result.json",
        "second.json",
        "second.safetensors",
    ]
    assert result["test"]["parts"] == 2
    assert set(result["chosen_epochs"]) == {"first", "second"}


def test_groups_that_are_done_are_not_done_again(tmp_path: Path) -> None:
    recipe, lines = write_recipe(tmp_path), list[str]()
    first = train(recipe, tmp_path / "run")
    assert train(recipe, tmp_path / "run", lines.append) == first
    assert not any(line.startswith("step") for line in lines)


def test_no_epoch_before_the_schedule_is_chosen(tmp_path: Path) -> None:
    result = train(write_recipe(tmp_path), tmp_path / "run")
    assert min(result["chosen_epochs"].values()) >= 2


def test_another_seed_gives_another_network(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    train(recipe, tmp_path / "one")
    train(recipe.with_seed(5), tmp_path / "two")
    one, two = weights_of(tmp_path / "one"), weights_of(tmp_path / "two")
    assert not torch.equal(one["first words.0"], two["first words.0"])


def test_evaluation_gives_the_figures_of_the_run(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    result = train(recipe, tmp_path / "run")
    assert episode_training.evaluate(recipe, tmp_path / "run", Path(), Split.test) == pytest.approx(result["test"])
    alone = episode_training.evaluate(recipe, tmp_path / "run" / "second.safetensors", Path(), Split.valid)
    assert alone["parts"] == 1


def test_training_ends_when_validation_gets_no_better(tmp_path: Path) -> None:
    recipe = write_recipe(
        tmp_path, ("learning_rate = 0.01", "learning_rate = 0.0\npatience = 1"), ("epochs = 6", "epochs = 60")
    )
    lines: list[str] = []
    train(recipe, tmp_path / "run", lines.append)
    assert not any(line.startswith("step 25/") for line in lines)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, ("learning_rate = 0.005", "learning_rate = 1e30"), ('"adam"', '"sgd"'))
    with pytest.raises(TrainingDiverged, match="lower the learning rate"):
        train(recipe, tmp_path / "run")


@pytest.mark.parametrize("line", ['optimizer = "chess"', 'schedule = "chess"'])
def test_an_unknown_option_is_named(tmp_path: Path, line: str) -> None:
    recipe = write_recipe(tmp_path, ('optimizer = "adam"', line))
    with pytest.raises(OptionUnknown, match="'chess'"):
        train(recipe, tmp_path / "run")


def test_a_recipe_like_another_says_what_differs(tmp_path: Path) -> None:
    write_recipe(tmp_path, ('title = "toy"', 'title = "toy"\n[published]\nmean_error = 3.0\n[figures]\nseeds = [1]'))
    path = tmp_path / "other.toml"
    path.write_text('like = "toy"\ntitle = "other"\n[network]\nhops = 2\n', encoding="utf-8")
    other = Recipe.read(path)
    assert (other.title, other.name) == ("other", "other")
    assert other.network == {**Recipe.read(tmp_path / "toy.toml").network, "hops": 2}
    assert (other.published, other.figures) == ({}, {})
    assert is_literature(path)


def test_batches_of_the_first_ones_sizes_are_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    replays = []

    def as_graphs(module: torch.nn.Module, sample: tuple[Tensor, ...]) -> Callable[..., Tensor]:
        replays.append("made")

        def played(*parts: Tensor) -> Tensor:
            replays.append("played")
            return module(*parts)  # type: ignore[no-any-return]

        return played

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", as_graphs)
    vocabulary = vocabulary_of(toy_stories())
    packed = pack(toy_stories(), vocabulary)
    network = seeded(1, "memn2n", {}, sizes_of(packed, vocabulary), vocabulary).network
    batch, shorter = packed.batch(np.arange(4)), packed.batch(np.arange(3))
    replayed = episode_training.Replayed(network, batch)
    for one in (batch, shorter, batch):
        torch.testing.assert_close(replayed.loss(one), network.loss(one))
    assert replays == ["made", "played", "played"]
