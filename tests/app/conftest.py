"""One service for all tests of the API: each makes KBs of its own, so they do not meet."""

from collections.abc import Iterator

import pytest

from app.settings import Settings
from tests.app.running import RunningService, running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """An open service with small limits, so that tests reach them."""
    settings = Settings(
        data=tmp_path_factory.mktemp("service"),
        threads=1,
        max_request_bytes=8 * 1024**2,
        max_unpacked_bytes=4 * 1024**2,
        max_json_bytes=2 * 1024**2,
        log_level="warning",
        worker_poll_seconds=0.1,
        job_heartbeat_seconds=0.1,
        training_steps=4,
    )
    with running(settings) as started:
        yield started
