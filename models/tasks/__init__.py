"""The tasks by name: each turns data into episodes, for the networks of the literature or for the service's reader."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from models.episodes import Episode, PathTask, Split
from models.metrics import Counts
from models.tasks.babi import BabiTask
from models.tasks.easy_vqa import EasyVqaTask
from models.tasks.generated import GeneratedTask
from models.tasks.metaqa import MetaQaTask
from models.tasks.metaqa_reading import MetaQaReadingTask
from models.tasks.own import OwnTask
from models.tasks.ptb import PtbTask
from models.tasks.simplequestions import FreebaseQuestionsTask, WikidataQuestionsTask
from models.tasks.sort_of_clevr import SortOfClevrTask
from models.tasks.sst import SstTask
from models.tasks.ud_tags import UdTagsTask
from models.tasks.wikimovies import WikiMoviesTask
from models.tasks.written import WrittenTask
from models.vocabulary import Vocabulary


class Task(Protocol):
    """A data set as episodes, with its official scorer.

    A group is what one network is trained on, and has one or more parts: bAbI is one group of twenty parts if trained
    jointly, else twenty groups of one part.
    """

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Parts by group."""
        ...

    def episodes(self, part: str, split: Split) -> Sequence[Episode]:
        """Give the episodes of a part, always the same in the same order."""
        ...

    def vocabulary(self, group: str) -> Vocabulary:
        """Give the words and candidates of a group's network."""
        ...

    def figures(self, counts: Counts) -> dict[str, float]:
        """Give the official figures, by name, of the answers counted in each part."""
        ...

    def cost(self, counts: Counts) -> float:
        """Give the one number, lower is better, by which weights are chosen on validation."""
        ...


TASKS: Mapping[str, Callable[..., Task]] = {
    "babi": BabiTask,
    "easy_vqa": EasyVqaTask,
    "metaqa_reading": MetaQaReadingTask,
    "ptb": PtbTask,
    "sort_of_clevr": SortOfClevrTask,
    "sst": SstTask,
    "ud_tags": UdTagsTask,
    "wikimovies": WikiMoviesTask,
}
"""The literature's, for `Network`."""

PATH_TASKS: Mapping[str, Callable[..., PathTask]] = {
    "metaqa": MetaQaTask,
    "simplequestions-wikidata": WikidataQuestionsTask,
    "simplequestions-freebase": FreebaseQuestionsTask,
    "generated": GeneratedTask.of_datasets,
    "own-movies": partial(OwnTask.of_kb, "movies"),
    "own-wikidata": partial(OwnTask.of_kb, "wikidata"),
    "written": WrittenTask,
}
"""The service's own, for its reader."""


class TaskUnknown(Exception):
    """A recipe names a task that does not exist."""

    def __init__(self, name: str, known: Mapping[str, object]) -> None:
        self.name = name
        super().__init__(f"no task {name!r}; there are {', '.join(known)}")


def make_task(name: str, datasets: Path, settings: Mapping[str, Any]) -> Task:
    """Build a task of the literature from a recipe's settings.

    Raises:
        TaskUnknown: there is none of that name.
    """
    if name not in TASKS:
        raise TaskUnknown(name, TASKS)
    return TASKS[name](datasets, **settings)


def make_path_task(name: str, datasets: Path, settings: Mapping[str, Any]) -> PathTask:
    """Build a task of the service's reader from a recipe's settings.

    Raises:
        TaskUnknown: there is none of that name.
    """
    if name not in PATH_TASKS:
        raise TaskUnknown(name, PATH_TASKS)
    return PATH_TASKS[name](datasets, **settings)
