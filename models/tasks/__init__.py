"""The tasks by name: each turns data into episodes."""

from collections.abc import Callable, Mapping
from pathlib import Path

from models.episodes import PathTask
from models.tasks.generated import GeneratedTask
from models.tasks.metaqa import MetaQaTask
from models.tasks.simplequestions import FreebaseQuestionsTask, WikidataQuestionsTask

TaskFactory = Callable[..., PathTask]

TASKS: Mapping[str, TaskFactory] = {
    "metaqa": MetaQaTask,
    "simplequestions-wikidata": WikidataQuestionsTask,
    "simplequestions-freebase": FreebaseQuestionsTask,
    "generated": GeneratedTask.of_datasets,
}


class TaskUnknown(Exception):
    """A recipe names a task that does not exist."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"no task {name!r}; there are {', '.join(TASKS)}")


def make_task(name: str, datasets: Path, settings: Mapping[str, int | float | str]) -> PathTask:
    """Build a task from a recipe's settings.

    Raises:
        TaskUnknown: there is none of that name.
    """
    if name not in TASKS:
        raise TaskUnknown(name)
    return TASKS[name](datasets, **settings)
