"""Figures of the literature's recipes: summarised from runs into the recipe, and all recipes as one table."""

import json
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.episode_training import RESULT_FILE
from models.recipe import RECIPES, RUNS, Recipe, is_literature

HEADER = (
    "network and task",
    "published",
    "ours: median (lowest to highest)",
    "best by validation",
    "seeds",
    "recipe, code",
)
START, END = "<!-- results -->", "<!-- end of results -->"
UNITS = {
    "mean_error": "% error",
    "failed_tasks": "failed",
    "perplexity": "perplexity",
    "accuracy": "% right",
    "relational": "% right of relational",
    "non_relational": "% of others",
}

Result = Mapping[str, Any]


class NoRuns(Exception):
    """A recipe has no finished run to record."""

    def __init__(self, recipe: str) -> None:
        self.recipe = recipe
        super().__init__(f"no run of {recipe} has ended: `hopfact train` it first")


def record(path: Path, runs: Path = RUNS) -> list[int]:
    """Write the figures of a recipe's ended runs into its file, in the place of those that it had; give their seeds.

    Raises:
        NoRuns: none has ended.
    """
    found = sorted((runs / path.stem).glob(f"*/{RESULT_FILE}"))
    results = sorted((json.loads(file.read_text(encoding="utf-8")) for file in found), key=lambda one: int(one["seed"]))
    if not results:
        raise NoRuns(path.stem)
    text = path.read_text(encoding="utf-8")
    before = re.split(r"^\[figures", text, maxsplit=1, flags=re.MULTILINE)[0].rstrip()
    partial = path.with_suffix(".partial")
    partial.write_text(f"{before}\n\n{_figures(results)}", encoding="utf-8")
    partial.replace(path)
    return [result["seed"] for result in results]


def _figures(results: Sequence[Result]) -> str:
    """Give the last tables of a recipe file; the best seed is the one that validation prefers."""
    best = min(results, key=lambda result: float(result["valid_cost"]))
    names = list(results[0]["test"])
    columns = {name: [float(result["test"][name]) for result in results] for name in names}
    lines = [
        "[figures]  # by `hopfact results --record`, from one run a seed; test split, weights chosen on validation",
        f"seeds = {[result['seed'] for result in results]}",
        f"code = {json.dumps(sorted({result['code'] for result in results}))}",
        f"devices = {json.dumps(sorted({result['device'] for result in results}))}",
        f"threads = {results[0]['threads']}",
        f"minutes = {statistics.median(result['minutes'] for result in results):.1f}  # of one run, median",
        f"steps_per_second = {statistics.median(result['steps_per_second'] for result in results):.1f}",
        f"best_seed = {best['seed']}  # by validation",
    ]
    tables: dict[str, Callable[[list[float]], float]] = {"median": statistics.median, "lowest": min, "highest": max}
    for table, summary in tables.items():
        lines += ["", f"[figures.{table}]", *(f"{name} = {summary(columns[name]):.2f}" for name in names)]
    lines += ["", "[figures.best]", *(f"{name} = {float(best['test'][name]):.2f}" for name in names)]
    return "\n".join(lines) + "\n"


def literature(folder: Path = RECIPES) -> list[Recipe]:
    """Read the literature's recipes, by name."""
    return [Recipe.read(path) for path in sorted(folder.glob("*.toml")) if is_literature(path)]


def rows(recipes: Iterable[Recipe]) -> list[tuple[str, ...]]:
    """Give the table's rows, in the order of `HEADER`."""
    return [_row(recipe) for recipe in recipes]


def _row(recipe: Recipe) -> tuple[str, ...]:
    published = {name: value for name, value in recipe.published.items() if name != "source"}
    figures = recipe.figures
    if not figures:
        return recipe.title, _joined(published), "not run yet", "", "", recipe.name
    names = list(published) or list(figures["median"])
    medians = {name: figures["median"][name] for name in names}
    spread = {name: f"{figures['lowest'][name]:g} to {figures['highest'][name]:g}" for name in names}
    ours = " / ".join(f"{medians[name]:g} ({spread[name]}) {UNITS.get(name, name)}" for name in names)
    best = _joined({name: figures["best"][name] for name in names})
    return (
        recipe.title,
        _joined(published),
        ours,
        best,
        str(len(figures["seeds"])),
        f"{recipe.name}, {', '.join(figures['code'])}",
    )


def _joined(figures: Mapping[str, float]) -> str:
    return " / ".join(f"{value:g} {UNITS.get(name, name)}" for name, value in figures.items()) or "none"


def markdown(recipes: Iterable[Recipe]) -> str:
    """Give the table as Markdown."""
    lines = [HEADER, ("---",) * len(HEADER), *rows(recipes)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_table(page: Path, folder: Path = RECIPES) -> None:
    """Put the table between the marks of a page."""
    before, rest = page.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    page.write_text(f"{before}{START}\n\n{markdown(literature(folder))}\n\n{END}{after}", encoding="utf-8")
