from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, is_loopback, load_settings


def test_variables_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOPFACT_PORT", "8123")
    monkeypatch.setenv("HOPFACT_DATA", "/elsewhere")
    settings = load_settings()
    assert (settings.port, settings.data) == (8123, Path("/elsewhere"))


def test_the_command_line_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOPFACT_PORT", "8123")
    assert load_settings(port=9000, host=None).port == 9000


def test_an_unknown_variable_stops_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOPFACT_PROT", "8123")
    with pytest.raises(SettingsError, match="HOPFACT_PROT is no setting: did you mean HOPFACT_PORT?"):
        load_settings()


def test_a_bad_value_stops_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOPFACT_PORT", "many")
    with pytest.raises(SettingsError, match="HOPFACT_PORT: .*'many'"):
        load_settings()


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOPFACT_API_KEY", "too-short")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert "HOPFACT_API_KEY" in str(raised.value)
    assert "too-short" not in str(raised.value)
    assert "long-enough-secret" not in repr(Settings(api_key="long-enough-secret"))  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]", "a.localhost"])
def test_these_hosts_are_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example.org", ""])
def test_these_hosts_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)
