"""What is remembered of keys, without HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest

from app.keys import EVERYTHING, Access, KeyRing, NewKey
from app.settings import Settings
from kb import database

HOST = "localhost"


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[KeyRing]:
    settings = Settings(data=tmp_path, key_cache_seconds=60)
    engine = database.create_engine(settings.url_of_database)
    database.migrate(engine)
    yield KeyRing(engine, settings)
    engine.dispose()


def test_a_key_is_remembered_until_it_is_revoked(ring: KeyRing) -> None:
    key, text = ring.create(NewKey("test", "admin", None))
    access = ring.authenticate(f"Bearer {text}", HOST)
    assert ring.remembered(f"Bearer {text}", HOST) == access
    ring.revoke(key.id)
    assert ring.remembered(f"Bearer {text}", HOST) is None


def test_a_key_that_was_found_before_it_was_revoked_is_not_remembered_after(
    ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, text = ring.create(NewKey("test", "admin", None))
    find = ring._find

    def slowly(token: str, digest: bytes) -> tuple[Access, float]:
        found = find(token, digest)
        ring.revoke(key.id)
        return found

    monkeypatch.setattr(ring, "_find", slowly)
    ring.authenticate(f"Bearer {text}", HOST)
    assert ring.remembered(f"Bearer {text}", HOST) is None


def test_a_service_that_was_open_before_its_first_key_is_not_remembered_as_open(
    ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_locked = ring.is_locked

    def slowly() -> bool:
        found = is_locked()
        monkeypatch.undo()
        ring.create(NewKey("first", "admin", None))
        return found

    monkeypatch.setattr(ring, "is_locked", slowly)
    ring.authenticate(None, HOST)
    assert ring.remembered(None, HOST) is None


def test_an_open_service_is_remembered_as_open(ring: KeyRing) -> None:
    assert ring.remembered(None, HOST) is None
    assert ring.authenticate(None, HOST) == ring.remembered(None, HOST) == EVERYTHING


def test_a_key_is_not_remembered_beyond_its_expiry(ring: KeyRing) -> None:
    ring.create(NewKey("first", "admin", None))
    _, text = ring.create(NewKey("test", "ask", None, datetime.now(UTC) + timedelta(seconds=0.4)))
    ring.authenticate(f"Bearer {text}", HOST)
    assert ring.remembered(f"Bearer {text}", HOST) is not None
    sleep(0.5)
    assert ring.remembered(f"Bearer {text}", HOST) is None
