"""How PTB is held to its promises: all words of a split but the first, end marks among them, are asked for."""

from tests.contracts.tasks import TaskCase

CASE = TaskCase(settings={"width": 100, "run": 16}, sizes={"ptb": (929_588, 73_759, 82_429)}, sampled=500)
