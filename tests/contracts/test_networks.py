"""What every network of the literature promises, whatever it is trained on."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from models import networks
from models.checkpoints import CheckpointUnusable
from models.episode_training import EpisodeCourse
from models.episodes import Episode
from models.packing import Batch, Packed, pack, sizes_of
from models.scoring import count
from models.tasks.babi import BabiTask
from models.trained import NETWORKS, NetworkUnknown, Trained, seeded
from models.training import Training
from models.vocabulary import PAD, vocabulary_of
from tests.contracts.networks import VARIANTS, case_of, names

READERS_OWN = {"path_reader", "path_config", "path_inference"}
"""Held to its promises in test_path_reader."""


def toys(name: str, variant: str = "") -> Sequence[Episode]:
    case = case_of(name)
    return case.own_episodes.get(variant, case.episodes)()


def packed_toys(name: str, variant: str = "") -> Packed:
    episodes = toys(name, variant)
    return pack(episodes, vocabulary_of(episodes))


def make_trained(name: str, settings: Mapping[str, Any], seed: int = 3, variant: str = "") -> Trained:
    episodes = toys(name, variant)
    vocabulary = vocabulary_of(episodes)
    return seeded(seed, name, settings, sizes_of(pack(episodes, vocabulary), vocabulary), vocabulary)


def make_case(name: str, variant: str) -> tuple[Trained, Batch]:
    trained = make_trained(name, case_of(name).variants[variant], variant=variant)
    for weight in trained.network.parameters():  # nothing zero, so that every equation counts
        torch.nn.init.normal_(weight, std=0.3)
    trained.network.eval()
    return trained, packed_toys(name, variant).batch(np.arange(8))


def widened(batch: Batch) -> Batch:
    """The batch with two more slots, three more words in each, and one more word in each question."""
    return batch._replace(
        slots=functional.pad(batch.slots, (0, 3, 0, 2), value=PAD),
        filled=functional.pad(batch.filled, (0, 2), value=False),
        values=functional.pad(batch.values, (0, 2), value=PAD),
        question=functional.pad(batch.question, (0, 1), value=PAD),
    )


def test_every_network_has_a_contract() -> None:
    assert set(names()) == set(NETWORKS)
    files = {path.stem for path in Path(*networks.__path__).glob("[a-z]*.py")}
    assert files == set(NETWORKS) | READERS_OWN


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_padding_adds_nothing(name: str, variant: str) -> None:
    trained, batch = make_case(name, variant)
    plain, wide = trained.network(batch), trained.network(widened(batch))
    slots = plain.attention.shape[-1]
    torch.testing.assert_close(wide.scores[:, :slots] if wide.scores.ndim == 3 else wide.scores, plain.scores)
    torch.testing.assert_close(wide.attention[..., :slots], plain.attention)
    assert not wide.attention[..., slots:].any()


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_order_of_the_batch_is_irrelevant(name: str, variant: str) -> None:
    trained, batch = make_case(name, variant)
    order = torch.tensor([5, 2, 7, 0, 1, 6, 4, 3])
    turned = Batch(*(part[order] for part in batch))
    torch.testing.assert_close(trained.network(turned).scores, trained.network(batch).scores[order])


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_attention_sums_to_one_over_filled_slots(name: str, variant: str) -> None:
    trained, batch = make_case(name, variant)
    attention = trained.network(batch).attention
    torch.testing.assert_close(attention.sum(-1), torch.ones(attention.shape[:2]))
    if batch.filled.shape[1]:  # a picture fills all its regions
        assert not attention.masked_select(~batch.filled[:, None]).any()


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_gradients_reach_all_parameters(name: str, variant: str) -> None:
    trained, batch = make_case(name, variant)
    trained.network.train()
    trained.network.loss(batch).backward()  # type: ignore[no-untyped-call]
    weights = trained.network.named_parameters()
    assert [label for label, weight in weights if weight.grad is None or not weight.grad.any()] == []


@torch.no_grad()
@pytest.mark.parametrize("starting", [False, True])
@pytest.mark.parametrize(("name", "variant"), [one for one in VARIANTS if one[0] != "keyvalue"])
def test_the_losses_of_the_parts_of_a_batch_weigh_as_many_as_they_are(name: str, variant: str, starting: bool) -> None:
    trained, batch = make_case(name, variant)
    network, packed = trained.network, packed_toys(name, variant)
    network.start(starting=starting)
    parts = [packed.batch(rows) for rows in (np.arange(3), np.arange(3, 8))]
    counts = [network.num_losses(part) for part in parts]
    assert sum(counts) == network.num_losses(batch)
    total = sum(network.loss(part) * count for part, count in zip(parts, counts, strict=True))
    torch.testing.assert_close(total / sum(counts), network.loss(batch))


class Makings(TorchFunctionMode):
    """Notes which tensors are made without a word of where."""

    MAKERS = (torch.arange, torch.empty, torch.full, torch.linspace, torch.ones, torch.rand, torch.randint, torch.zeros)

    def __init__(self) -> None:
        super().__init__()
        self.placeless: list[str] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in self.MAKERS and "device" not in kwargs:
            self.placeless.append(func.__name__)
        return func(*args, **kwargs)


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_what_the_network_makes_is_where_its_batch_is(name: str, variant: str) -> None:
    trained, batch = make_case(name, variant)
    trained.network.train()
    with Makings() as makings:
        torch.zeros(1)
        trained.network.loss(batch)
    assert makings.placeless == ["zeros"]  # the one above


@torch.no_grad()
@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_the_network_agrees_with_its_equations_written_as_loops(name: str, variant: str) -> None:
    trained, batch = make_case(name, variant)
    scores = trained.network(batch).scores
    for row in range(len(scores)):
        expected = case_of(name).naive(trained.network, batch, row)
        torch.testing.assert_close(scores[row], expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_a_checkpoint_comes_back_equal(name: str, variant: str, tmp_path: Path) -> None:
    trained, batch = make_case(name, variant)
    trained.save(tmp_path / "toy.safetensors", {"seed": 3})
    loaded = Trained.load(tmp_path / "toy.safetensors")
    assert loaded.provenance == {"seed": 3}
    assert loaded.vocabulary.candidates == trained.vocabulary.candidates
    trained.network.requires_grad_(False)  # as loaded ones are: matmul sums in another order where gradients are wanted
    torch.testing.assert_close(loaded.network(batch).scores, trained.network(batch).scores, rtol=0, atol=0)


@pytest.mark.parametrize("name", names())
def test_a_broken_checkpoint_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    make_trained(name, case_of(name).learnt).save(path, {})
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointUnusable, match="unreadable"):
        Trained.load(path)


def test_an_unknown_network_is_named() -> None:
    episodes = case_of("memn2n").episodes()
    vocabulary = vocabulary_of(episodes)
    with pytest.raises(NetworkUnknown, match="no network 'chess'"):
        seeded(1, "chess", {}, sizes_of(pack(episodes, vocabulary), vocabulary), vocabulary)


@pytest.mark.parametrize("name", names())
def test_a_tiny_task_is_learnt_by_heart_and_reads_pick_the_supporting_fact(name: str) -> None:
    case, packed = case_of(name), packed_toys(name)
    network = make_trained(name, case.learnt, case.training.seed).network
    course = EpisodeCourse(network, packed, {"toys": packed}, BabiTask(Path()), case.training)
    training = Training(course, case.training)
    while not training.is_over():
        training.advance()
    counted = count(network, packed)
    batch = packed.batch(np.arange(len(packed)))
    with torch.no_grad():
        picked = network(batch).attention.argmax(-1)  # batch hops
    found = [(picked == batch.supporting[:, at : at + 1]).any(-1) for at in range(batch.supporting.shape[1])]
    there = batch.supporting >= 0
    assert counted.right == counted.asked
    assert torch.stack(found, 1)[there].float().mean() > 0.95
