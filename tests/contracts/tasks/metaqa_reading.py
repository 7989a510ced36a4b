"""How MetaQA as reading is held to its promises: questions of one hop, a few of train."""

from tests.contracts.tasks import TaskCase

CASE = TaskCase(settings={"hops": 1, "train_questions": 2_000}, sizes={"1-hop": (2_000, 9_992, 9_947)})
