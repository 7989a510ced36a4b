import json
import tomllib
from pathlib import Path

import pytest

from models.recipe import Recipe
from models.results import END, START, NoRuns, literature, markdown, record, rows, write_table

ROOT = Path(__file__).parents[2]
RECIPE = """title = "toy"

[published]
source = "nobody"
mean_error = 12.5

[task]
name = "babi"

[network]
name = "memn2n"

[training]
seed = 1

[figures]
seeds = [9]

[figures.median]
mean_error = 99.0
"""


def write_run(runs: Path, seed: int, error: float, cost: float) -> None:
    folder = runs / "toy" / f"seed-{seed}"
    folder.mkdir(parents=True)
    result = {
        "seed": seed,
        "code": "abc",
        "device": "cpu",
        "threads": 1,
        "minutes": 3.0 + seed,
        "steps_per_second": 50.0,
        "valid_cost": cost,
        "test": {"mean_error": error, "error_qa1": error / 2},
    }
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def test_the_figures_of_runs_take_the_place_of_older_ones(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    path.write_text(RECIPE, encoding="utf-8")
    for seed, error, cost in ((1, 12.0, 3.0), (2, 10.0, 4.0), (10, 17.0, 2.0)):
        write_run(tmp_path, seed, error, cost)
    assert record(path, tmp_path) == [1, 2, 10]
    figures = tomllib.loads(path.read_text(encoding="utf-8"))["figures"]
    assert figures["seeds"] == [1, 2, 10]
    assert (figures["code"], figures["devices"], figures["threads"]) == (["abc"], ["cpu"], 1)
    assert figures["minutes"] == 5.0
    assert figures["median"] == {"mean_error": 12.0, "error_qa1": 6.0}
    assert (figures["lowest"]["mean_error"], figures["highest"]["mean_error"]) == (10.0, 17.0)
    assert figures["best_seed"] == 10
    assert figures["best"] == {"mean_error": 17.0, "error_qa1": 8.5}
    again = path.read_text(encoding="utf-8")
    record(path, tmp_path)
    assert path.read_text(encoding="utf-8") == again


def test_a_recipe_without_runs_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    path.write_text(RECIPE, encoding="utf-8")
    with pytest.raises(NoRuns, match="no run of toy has ended"):
        record(path, tmp_path)
    assert path.read_text(encoding="utf-8") == RECIPE


def test_a_row_has_the_published_figures_and_ours(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    path.write_text(RECIPE, encoding="utf-8")
    for seed, error, cost in ((1, 12.0, 3.0), (2, 10.0, 4.0)):
        write_run(tmp_path, seed, error, cost)
    record(path, tmp_path)
    assert rows([Recipe.read(path)]) == [
        ("toy", "12.5 % error", "11 (10 to 12) % error", "12 % error", "2", "toy, abc"),
    ]


def test_a_recipe_that_was_not_run_says_so(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    path.write_text(RECIPE.split("[figures]")[0], encoding="utf-8")
    assert rows([Recipe.read(path)]) == [("toy", "12.5 % error", "not run yet", "", "", "toy")]


def test_the_table_is_put_between_the_marks(tmp_path: Path) -> None:
    page, recipe = tmp_path / "page.md", tmp_path / "toy.toml"
    recipe.write_text(RECIPE.split("[figures]")[0], encoding="utf-8")
    page.write_text(f"before\n{START}\nold\n{END}\nafter\n", encoding="utf-8")
    write_table(page, tmp_path)
    write_table(page, tmp_path)
    assert page.read_text(encoding="utf-8") == f"before\n{START}\n\n{markdown([Recipe.read(recipe)])}\n\n{END}\nafter\n"


def test_the_readme_has_the_table_that_the_recipes_give() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.split(START)[1].split(END)[0].strip() == markdown(literature())


@pytest.mark.parametrize("recipe", literature(), ids=lambda recipe: recipe.name)
def test_every_recipe_says_what_was_published_and_where(recipe: Recipe) -> None:
    assert recipe.published["source"]
    assert len(recipe.published) > 1 or recipe.published["source"].startswith("none")


def test_where_nothing_was_published_all_of_ours_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    path.write_text(RECIPE.replace("mean_error = 12.5\n", ""), encoding="utf-8")
    write_run(tmp_path / "runs", 1, 14.0, 3.0)
    record(path, tmp_path / "runs")
    _, published, ours, *_ = rows([Recipe.read(path)])[0]
    assert published == "none"
    assert ours.startswith("14 (14 to 14) % error")
