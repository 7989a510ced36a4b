"""Distilling the static table: the arithmetic of tokens, what training improves, and which files it may read."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from kb.encoding import StaticEncoder
from models import distillation_texts
from models.distillation import (
    FIRST_WORD,
    DistillationConfig,
    TokenTable,
    batches,
    frequency_weights,
    principal_axes,
    train,
)

RECIPE = Path(distillation_texts.__file__).parent / "recipes" / "distilled_static_encoder.toml"
TOKENS, HIDDEN, DIM = 40, 24, 8


def make_table(seed: int = 0) -> TokenTable:
    random = torch.Generator().manual_seed(seed)
    base = torch.nn.functional.normalize(torch.randn(TOKENS, HIDDEN, generator=random), dim=1)
    axes = torch.linalg.qr(torch.randn(HIDDEN, DIM, generator=random))[0]
    return TokenTable(base, axes, torch.ones(TOKENS))


def make_texts(count: int) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    random = np.random.default_rng(3)
    return [random.integers(0, TOKENS, size=random.integers(1, 6)) for _ in range(count)]


def test_a_text_is_the_sum_of_its_tokens_at_length_one() -> None:
    table = make_table()
    texts = [np.array([3, 5, 3]), np.array([7])]
    rows = table.rows(torch.arange(TOKENS))
    sums = torch.stack([rows[3] + rows[5] + rows[3], rows[7]])
    torch.testing.assert_close(table(texts), torch.nn.functional.normalize(sums, dim=1))


def test_training_brings_texts_that_it_does_not_see_nearer_to_the_teacher() -> None:
    torch.manual_seed(9)
    texts = make_texts(600)
    meaning = torch.randn(TOKENS, HIDDEN)  # the teacher is a bag of other token vectors
    full = torch.stack([torch.nn.functional.normalize(meaning[text].sum(dim=0), dim=0) for text in texts]).numpy()
    axes = principal_axes(full, DIM)
    table = make_table()
    table.projection.data = torch.from_numpy(axes.copy())
    goal = torch.nn.functional.normalize(torch.from_numpy(full[:100] @ axes), dim=1)
    before = (table(texts[:100]) * goal).sum(dim=1).mean().item()
    train(table, texts, full, DistillationConfig(10, 50, 100, 0.02, 0.05, 0.1, 0.1, 1e-3))
    assert (table(texts[:100]) * goal).sum(dim=1).mean().item() > max(0.8, before + 0.3)


def test_every_text_stands_in_one_batch_of_an_epoch() -> None:
    steps = list(batches(12, 4, epochs=2))
    assert [sorted(torch.cat(steps[start : start + 3]).tolist()) for start in (0, 3)] == [list(range(12))] * 2


def test_principal_axes_keep_angles_of_what_lies_in_them() -> None:
    random = np.random.default_rng(2)
    vectors = (random.normal(size=(100, DIM)) @ random.normal(size=(DIM, HIDDEN))).astype(np.float32)
    projected = vectors @ principal_axes(vectors, DIM)
    np.testing.assert_allclose(projected @ projected.T, vectors @ vectors.T, rtol=1e-3, atol=1e-3)


def test_frequent_tokens_weigh_less() -> None:
    weights = frequency_weights(FIRST_WORD + 100, floor=1e-3)
    assert np.all(np.diff(weights[FIRST_WORD:]) > 0)
    assert 0 < weights[FIRST_WORD] < 1


def test_the_topic_is_taken_out_once_whatever_its_case() -> None:
    assert distillation_texts.without("who directed jaws, jaws 2 not", "Jaws") == "who directed , jaws 2 not"


def test_the_recipe_names_sources_and_settings_that_exist() -> None:
    recipe = tomllib.loads(RECIPE.read_text(encoding="utf-8"))
    assert recipe["texts"].keys() == distillation_texts.SOURCES.keys()
    DistillationConfig(**recipe["training"])


@pytest.mark.datasets
def test_no_text_comes_from_a_file_that_judges(datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = distillation_texts.lines

    def recorded(path: Path) -> list[str]:
        read.append(path.name)
        return original(path)

    monkeypatch.setattr(distillation_texts, "lines", recorded)
    texts = distillation_texts.corpus(datasets, dict.fromkeys(distillation_texts.SOURCES, 50), seed=1)
    assert len(texts) == len(set(texts)) > 300
    assert read
    assert not [name for name in read if any(part in name for part in ("test", "dev", "val"))]


def test_the_shipped_table_is_the_one_that_the_recipe_reports() -> None:
    recipe = tomllib.loads(RECIPE.read_text(encoding="utf-8"))
    assert recipe["figures"]["shipped"]["id"] == StaticEncoder().id
