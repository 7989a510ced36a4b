"""Two processes that learn together, by torch's own process group, against one that learns alone."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn

from models import episode_training, tasks
from models.episode_training import EpisodeCourse
from models.packing import pack, sizes_of
from models.tasks.babi import BabiTask
from models.trained import seeded
from models.training import Loss, Training, TrainingConfig
from models.vocabulary import vocabulary_of
from models.workers import ALONE, ProcessGroup, Workers, learn_together
from tests.models import toys
from tests.models.test_episode_training import Killed, ToyTask, weights_of, write_recipe

STEPS = 7
SGD = {"optimizer": "sgd", "learning_rate": 0.05, "epochs": 9}


@dataclass(frozen=True)
class Toy:
    """What is learnt, and how."""

    network: str
    settings: Mapping[str, Any]
    training: Mapping[str, Any]
    episodes: str = "toy_stories"


TOYS = {
    "clipped": Toy("memn2n", {"dim": 8}, {"batch": 10, "clip": 0.1}),
    "summed": Toy("memn2n", {"dim": 8}, {"batch": 10, "summed": True, "learning_rate": 0.005}),
    "adam": Toy("memn2n", {"dim": 8}, {"batch": 10, "optimizer": "adam", "learning_rate": 0.01}),
    "odd": Toy("dmn", {"word_dim": 6, "dim": 8, "passes": 2}, {"batch": 47}),  # and a batch of one
    "gates first": Toy("dmn", {"word_dim": 6, "dim": 8}, {"batch": 47, "start_epochs": 2, "start_learning_rate": 0.05}),
    "an answer a word": Toy("bigru", {"word_dim": 6, "dim": 8, "sequence": True}, {"batch": 5}, "toy_taggings"),
    "pictures": Toy("dmn_plus", {"dim": 8, "input_dropout": 0.0, "answer_dropout": 0.0}, {"batch": 9}, "toy_pictures"),
    "ranked": Toy("memnn", {"dim": 8}, {"batch": 9}),
}


def weights_after(toy: Toy, workers: Workers) -> dict[str, Tensor]:
    """The weights after some steps, and the losses; in numbers so long that Adam makes nothing of their rounding."""
    with as_default(torch.float64):
        return _weights_after(toy, workers)


@contextmanager
def as_default(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _weights_after(toy: Toy, workers: Workers) -> dict[str, Tensor]:
    episodes = getattr(toys, toy.episodes)()
    vocabulary = vocabulary_of(episodes)
    packed = pack(episodes, vocabulary)
    network = seeded(3, toy.network, toy.settings, sizes_of(packed, vocabulary), vocabulary).network
    config = TrainingConfig(**{**SGD, **toy.training})
    training = Training(
        EpisodeCourse(network, packed, {"toys": packed}, BabiTask(Path()), config, workers), config, workers
    )
    losses = [training.advance()[0] for _ in range(STEPS)]
    return {**network.state_dict(), "losses": torch.tensor(losses)}


class Drawn:
    """A course that keeps what is drawn at its steps."""

    steps_per_epoch = STEPS

    def __init__(self) -> None:
        self.network = nn.ParameterDict({"a": nn.Parameter(torch.zeros(1))})
        self.drawn: list[float] = []

    def begin_epoch(self, epoch: int, *, starting: bool) -> None:
        pass

    def loss(self, step: int) -> Loss:
        self.drawn.append(torch.rand(()).item())
        return Loss(self.network["a"].sum(), {})

    def cost(self) -> float | None:
        return None


def draws(workers: Workers) -> list[float]:
    course = Drawn()
    training = Training(course, TrainingConfig(epochs=1), workers)
    for _ in range(STEPS):
        training.advance()
    return course.drawn


def train(folder: Path, name: str, workers: Workers, report: Callable[[str], None] = lambda line: None) -> None:
    recipe = write_recipe(folder, ("random_noise = 0.1", "random_noise = 0.0"), ('"adam"', '"sgd"'))
    episode_training.train(recipe, folder / name, Path(), workers=workers, report=report)


def _work(rank: int, folder: Path) -> None:
    """What each of the two processes does."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    tasks.TASKS = {"toy": ToyTask}
    distributed.init_process_group("gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2)
    workers = ProcessGroup()
    for name, toy in TOYS.items():
        torch.save(weights_after(toy, workers), folder / f"{name} {rank}")
    (folder / f"drawn {rank}").write_text(json.dumps(draws(workers)))
    own = folder / f"worker {rank}"  # nobody but the first is to find anything in the folder of a run
    own.mkdir()
    for name in ("together", "killed"):
        train(folder if rank == 0 else own, name, workers)
    distributed.destroy_process_group()
    os._exit(0)  # all is written; torch, torn down with its threads, aborts one process in ten


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workers")

    def kill(line: str) -> None:
        if line.startswith("step 15/30"):
            raise Killed

    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.setattr(tasks, "TASKS", {"toy": ToyTask})
        train(folder, "alone", ALONE)
        with pytest.raises(Killed):
            train(folder, "killed", ALONE, kill)
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_work, args=(rank, folder), daemon=True) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    return folder


@pytest.mark.parametrize("name", TOYS)
def test_a_step_of_two_workers_is_that_of_one(name: str, folder: Path) -> None:
    alone, together = weights_after(TOYS[name], ALONE), torch.load(folder / f"{name} 0")
    torch.testing.assert_close(together, alone, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", TOYS)
def test_all_workers_have_the_same_weights(name: str, folder: Path) -> None:
    first, second = (torch.load(folder / f"{name} {rank}") for rank in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_each_worker_draws_for_itself(folder: Path) -> None:
    first, second = (json.loads((folder / f"drawn {rank}").read_text()) for rank in range(2))
    assert first == draws(ALONE)
    assert not set(first) & set(second)


@pytest.mark.parametrize("name", ["together", "killed"])
def test_a_run_of_two_workers_ends_as_that_of_one(name: str, folder: Path) -> None:
    alone, run = (json.loads((folder / one / "result.json").read_text()) for one in ("alone", name))
    assert (alone["workers"], run["workers"]) == (1, 2)
    for figure in ("chosen_epochs", "test"):
        assert run[figure] == alone[figure]
    torch.testing.assert_close(weights_of(folder / name), weights_of(folder / "alone"), rtol=1e-4, atol=1e-5)
    assert sorted(path.name for path in (folder / name).iterdir()) == sorted(
        path.name for path in (folder / "alone").iterdir()
    )


def test_only_the_first_worker_writes(folder: Path) -> None:
    written = [path for path in (folder / "worker 1").rglob("*") if path.is_file()]
    assert [path.name for path in written] == ["toy.toml"]


class Twins:
    """Two workers that find the same."""

    rank = 0
    size = 2

    def total(self, values: Tensor) -> Tensor:
        return values * 2

    def of_first(self, find: Callable[[], Any]) -> Any:
        return find()


def test_a_weight_that_no_part_reaches_gets_no_gradient() -> None:
    weights = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))]
    loss = learn_together(Twins(), weights, 2 * weights[0].sum(), 5)
    assert loss.item() == 4.0
    assert weights[0].grad is not None
    assert weights[0].grad.tolist() == [2.0, 2.0]
    assert weights[1].grad is None


def test_a_batch_of_which_nothing_can_be_learnt_has_no_loss() -> None:
    loss = learn_together(Twins(), [nn.Parameter(torch.ones(2))], torch.tensor(float("nan")), 0)
    assert loss.isnan()
