"""How SST is held to its promises: each distinct phrase of train, whole sentences of the others."""

from tests.contracts.tasks import TaskCase

CASE = TaskCase(settings={"classes": "fine"}, sizes={"fine": (157_401, 1_101, 2_210)})
