"""What is built for a process, and when it says that it is ready."""

from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from app.settings import Settings
from app.telemetry import Metrics
from app.wiring import Services


def test_a_database_that_is_away_for_a_moment_keeps_nobody_from_getting_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []

    def away(*arguments: object) -> None:
        given.extend(arguments)
        raise OperationalError("SELECT", {}, Exception("the server closed the connection"))

    services = Services(Settings(data=tmp_path, threads=1, worker="none"), Metrics())
    services.prepare()
    monkeypatch.setattr(services.views, "warm", away)

    services.warm()
    assert services._warming is not None
    services._warming.join(60)

    assert services.missing() == []
    assert given == [services.stopping]
    services.close()
