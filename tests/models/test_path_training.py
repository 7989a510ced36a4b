from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import load_file

from models import checkpoints, path_training
from models.episodes import UNSAID_COST, PathEpisode
from models.training import Report
from tests.models.factories import TinyEncoder, make_episodes

RECIPE = """
[network]
word_dim = 16
context_dim = 6
dim = 16
heads = 2
feedforward = 24
max_tokens = 24

[training]
seed = 4
steps = 12
batch = 6
optimizer = "adamw"
schedule = "cosine"
resume_steps = 5
report_steps = 4

[tasks.fixed]
weight = 1.0
"""


class FixedTask:
    name = "fixed"

    def episode(self, random: Random) -> PathEpisode:
        return random.choice(make_episodes())


class Killed(Exception):
    pass


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(path_training, "make_path_task", lambda name, datasets, settings: FixedTask())
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def train(
    recipe: Path, out: Path, report: Report = lambda line: None, threads: int = 1, start: Path | None = None
) -> dict[str, torch.Tensor]:
    path = path_training.train(recipe, out, Path(), threads=threads, encoder=TinyEncoder(), report=report, start=start)
    return load_file(path)


def test_a_killed_run_resumes_to_the_same_weights(recipe: Path, tmp_path: Path) -> None:
    def kill(line: str) -> None:
        if line.startswith("step 8/"):
            raise Killed

    whole = train(recipe, tmp_path / "whole.safetensors")
    with pytest.raises(Killed):
        train(recipe, tmp_path / "killed.safetensors", kill)
    lines: list[str] = []
    resumed = train(recipe, tmp_path / "killed.safetensors", lines.append)
    assert "resumed at step 5" in lines
    assert whole.keys() == resumed.keys()
    for name, weight in whole.items():
        torch.testing.assert_close(resumed[name], weight, rtol=0, atol=0)


def test_episodes_drawn_ahead_are_the_same_ones(recipe: Path, tmp_path: Path) -> None:
    alone = train(recipe, tmp_path / "alone.safetensors")
    ahead = train(recipe, tmp_path / "ahead.safetensors", threads=2)
    for name, weight in alone.items():
        torch.testing.assert_close(ahead[name], weight, rtol=0, atol=0)


def test_a_finished_run_leaves_no_state_behind(recipe: Path, tmp_path: Path) -> None:
    train(recipe, tmp_path / "reader.safetensors")
    assert sorted(path.name for path in tmp_path.glob("reader*")) == ["reader.json", "reader.safetensors"]


def test_another_seed_gives_other_weights(recipe: Path, tmp_path: Path) -> None:
    first = train(recipe, tmp_path / "first.safetensors")
    recipe.write_text(RECIPE.replace("seed = 4", "seed = 5"), encoding="utf-8")
    second = train(recipe, tmp_path / "second.safetensors")
    assert not torch.equal(first["start"], second["start"])


def test_a_key_in_reach_is_worth_what_comes_in_reach_by_it() -> None:
    scores = torch.tensor([[1.0, 0.0, 4.0, 6.0, 2.0]], requires_grad=True)
    in_reach = scores.masked_fill(torch.tensor([[False, False, True, True, False]]), -torch.inf)
    pairs = torch.tensor([[0, 0, 1, 2], [0, 0, 1, 3]])
    combined = path_training._with_further(in_reach, scores, pairs)
    expected = torch.logaddexp(torch.tensor(0.0), torch.tensor(6.0 - UNSAID_COST))
    torch.testing.assert_close(combined[0, :2], torch.stack([torch.tensor(1.0), expected]))
    assert combined[0, 2:4].isinf().all()
    (gradient,) = torch.autograd.grad(combined[0, 1], scores)
    assert gradient[0].tolist() == pytest.approx([0.0, 0.011, 0.0, 0.989, 0.0], abs=1e-3)


def test_a_training_begins_from_the_weights_of_another(recipe: Path, tmp_path: Path) -> None:
    first = train(recipe, tmp_path / "first.safetensors")
    recipe.write_text(RECIPE.replace('schedule = "cosine"', 'schedule = "cosine"\nlearning_rate = 1e-12'))
    further = train(recipe, tmp_path / "further.safetensors", start=tmp_path / "first.safetensors")
    anew = train(recipe, tmp_path / "anew.safetensors")
    for name, weight in further.items():
        torch.testing.assert_close(weight, first[name], atol=1e-6, rtol=0)
    assert any((weight - first[name]).abs().max() > 1e-3 for name, weight in anew.items())
    base = checkpoints.read_info(tmp_path / "further.safetensors").provenance["base"]
    assert base == checkpoints.name_of(tmp_path / "first.safetensors")


def test_what_is_learnt_further_may_be_averaged_with_what_was(recipe: Path, tmp_path: Path) -> None:
    start = tmp_path / "first.safetensors"
    first = train(recipe, start)
    learnt = train(recipe, tmp_path / "learnt.safetensors", start=start)
    recipe.write_text(RECIPE.replace('schedule = "cosine"', 'schedule = "cosine"\nstart_share = 0.25'))
    averaged = train(recipe, tmp_path / "averaged.safetensors", start=start)
    assert any((weight - first[name]).abs().max() > 1e-3 for name, weight in learnt.items())
    for name, weight in averaged.items():
        torch.testing.assert_close(weight, 0.25 * first[name] + 0.75 * learnt[name])


def test_a_weight_that_has_grown_begins_with_what_it_had(recipe: Path, tmp_path: Path) -> None:
    first = train(recipe, tmp_path / "first.safetensors")
    info, weights = checkpoints.load(tmp_path / "first.safetensors", TinyEncoder().id)
    smaller = {**weights, "profile_overlap": weights["profile_overlap"][:2]}
    checkpoints.save(tmp_path / "smaller.safetensors", info.config, smaller, TinyEncoder().id, {})
    recipe.write_text(RECIPE.replace('schedule = "cosine"', 'schedule = "cosine"\nlearning_rate = 1e-12'))
    further = train(recipe, tmp_path / "further.safetensors", start=tmp_path / "smaller.safetensors")
    torch.testing.assert_close(further["profile_overlap"][:2], first["profile_overlap"][:2], atol=1e-6, rtol=0)
    assert len(further["profile_overlap"]) == len(first["profile_overlap"]) == 4


def test_a_training_does_not_begin_from_another_network(recipe: Path, tmp_path: Path) -> None:
    train(recipe, tmp_path / "first.safetensors")
    recipe.write_text(RECIPE.replace("feedforward = 24", "feedforward = 32"))
    with pytest.raises(checkpoints.CheckpointUnusable, match="another network"):
        train(recipe, tmp_path / "further.safetensors", start=tmp_path / "first.safetensors")
