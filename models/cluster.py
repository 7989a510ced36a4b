"""A training by several workers on the nodes of a Ray cluster, by Ray Train; imports Ray when it is needed.

Knows where the workers are, not what they learn. When one is gone, Ray Train starts all of them again, on the nodes
that are left, and they go on from the state that was saved last: the folder of the run must be shared by all nodes.
"""

import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from models import episode_training
from models.recipe import Recipe
from models.workers import ProcessGroup

NEEDED = ("ray", "pandas", "pyarrow")
"""What Ray Train imports."""
MOST_RESTARTS = 5
"""After so many a training is given up; the state that it saved stays."""
OWN_FOLDER = ".ray"
"""What Ray Train keeps in the folder of a run while it trains."""


class ClusterUnusable(Exception):
    """There is no cluster, it is too small, or its workers failed again and again."""


def is_installed() -> bool:
    """Say whether Ray Train is here."""
    return all(find_spec(name) for name in NEEDED)


def train(recipe: Recipe, folder: Path, datasets: Path, *, workers: int, threads: int, address: str) -> Path:
    """Train as `episode_training.train` does, by several workers of so many threads each.

    Raises:
        ClusterUnusable: nothing came of it; it can be started again.
    """
    import ray
    from ray import train as ray_train
    from ray.train.torch import TorchConfig, TorchTrainer

    folder = folder.absolute()
    try:
        ray.init(address, configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise ClusterUnusable(f"no Ray cluster at {address}: start it, or set HOPFACT_RAY_ADDRESS ({error})") from error
    try:
        there, wanted = int(ray.cluster_resources().get("CPU", 0)), workers * threads
        if there < wanted:
            few = f"the cluster has {there} processors; {workers} workers of {threads} threads want {wanted}"
            raise ClusterUnusable(f"{few}: start more nodes, or give fewer --workers or --threads")
        TorchTrainer(
            _work,
            train_loop_config={"recipe": recipe, "folder": folder, "datasets": datasets.absolute(), "threads": threads},
            torch_config=TorchConfig("gloo"),
            scaling_config=ray_train.ScalingConfig(
                num_workers=workers, resources_per_worker={"CPU": threads}, placement_strategy="SPREAD"
            ),
            run_config=ray_train.RunConfig(
                name=OWN_FOLDER,
                storage_path=str(folder),
                failure_config=ray_train.FailureConfig(max_failures=MOST_RESTARTS),
            ),
        ).fit()
    except ray_train.TrainingFailedError as error:
        raise ClusterUnusable(f"the workers failed, {MOST_RESTARTS} restarts did not help: {error}") from error
    finally:
        ray.shutdown()
        shutil.rmtree(folder / OWN_FOLDER, ignore_errors=True)
    return folder / episode_training.RESULT_FILE


def _work(order: Mapping[str, Any]) -> None:
    """Train as one of the workers; the first one reports, on its standard output."""
    workers = ProcessGroup()
    episode_training.train(**order, workers=workers, report=_silent if workers.rank else _report)


def _report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _silent(line: str) -> None:
    pass
