"""How bAbI is held to its promises; stories of tasks 17, 18 and 20 do not cut into tenths."""

from tests.contracts.tasks import TaskCase

ODD = {"qa17": (904, 96, 1000), "qa18": (905, 95, 1000), "qa20": (904, 96, 1000)}

CASE = TaskCase(
    settings={"size": "1k"},
    sizes={f"qa{number}": (900, 100, 1000) for number in range(1, 21)} | ODD,
)
