"""How Sort-of-CLEVR is held to its promises: 9,600, 200 and 200 pictures, ten questions of each half about each."""

from tests.contracts.tasks import TaskCase

SIZES = (96_000, 2_000, 2_000)

CASE = TaskCase(settings={}, sizes={"relational": SIZES, "non_relational": SIZES})
