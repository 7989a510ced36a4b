"""Both clients, and real services for them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from hopfact.client import Client
from tests.client.awaited import Awaited
from tests.processes import ServiceProcess, serving

Connect = Callable[..., Any]
_numbers = count()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service that all tests of the client share; each makes KBs of its own."""
    with serving(tmp_path_factory.mktemp("served"), HOPFACT_TRAINING_STEPS="2") as service:
        yield service


@pytest.fixture(params=[Client, Awaited], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Any:
    """Either kind of client; both speak as `Client` does."""
    return request.param


@pytest.fixture
def connect(kind: Any) -> Iterator[Connect]:
    """Makes a client of a service, closed after the test."""
    with ExitStack() as opened:
        yield lambda service, key=None, **options: opened.enter_context(
            kind(str(service.client.base_url), key, **options)
        )


@pytest.fixture
def client(connect: Connect, served: ServiceProcess) -> Any:
    """A client of the shared service."""
    return connect(served)


@pytest.fixture
def kb(client: Any) -> str:
    """A new knowledge base."""
    name = f"kb-{next(_numbers)}"
    client.create_kb(name)
    return name


@pytest.fixture
def capitals(tmp_path: Path) -> Path:
    """A file with three facts and a bad line."""
    path = tmp_path / "capitals.tsv"
    path.write_text("Oslo\tcapital of\tNorway\nRome\tcapital of\tItaly\nbad\nItaly\tpart of\tEurope\n")
    return path
