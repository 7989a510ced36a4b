"""How easy-VQA is held to its promises; every tenth picture of train is validation."""

from tests.contracts.tasks import TaskCase

CASE = TaskCase(settings={}, sizes={"all": (34_676, 3_899, 9_673)})
