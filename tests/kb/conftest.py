"""A knowledge base of forty facts in a row, with a view, for every test of the structures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kb.structures import FACTS, Knowledge


@pytest.fixture
def knowledge(tmp_path: Path) -> Iterator[Knowledge]:
    made = Knowledge(tmp_path)
    made.write(FACTS)
    made.view()
    yield made
    made.engine.dispose()
