"""How WikiMovies is held to its promises: of MetaQA's 92,454 train questions two are among dev or test."""

from tests.contracts.tasks import TaskCase

CASE = TaskCase(settings={}, sizes={"wikimovies": (92_452, 10_000, 9_952)}, sampled=2_000)
