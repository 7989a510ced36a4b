"""Resources that tests share."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.postgres"]

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of data sets, or a skip where it is not there."""
    folder = Path(os.environ.get("HOPFACT_DATASETS", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}: set HOPFACT_DATASETS")
    return folder
