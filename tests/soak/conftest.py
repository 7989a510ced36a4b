"""How long the random tests are, and their seed."""

import os

import pytest


@pytest.fixture
def soak_calls() -> int:
    """Calls of all clients together."""
    return int(os.environ.get("SOAK_CALLS", "800"))


@pytest.fixture
def soak_kills() -> int:
    """Times that a process is killed."""
    return int(os.environ.get("SOAK_KILLS", "2"))


@pytest.fixture
def soak_seed() -> int:
    """What the calls are drawn by."""
    return int(os.environ.get("SOAK_SEED", "1"))
