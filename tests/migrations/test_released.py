"""A data folder and a backup of each released version, made by its own commands, open here with all that they held."""

import tarfile
from pathlib import Path

import pytest

from tests.processes import run_hopfact, serving, verify

RELEASED = sorted((Path(__file__).parent / "released").glob("*.tar.gz"))
FACTS = {
    "Heat\tdirected by\tMichael Mann",
    "Heat\trelease year\t1995",
    "Ronin\tdirected by\tJohn Frankenheimer",
    "Ronin\trelease year\t1998",
    "Michael Mann\tborn in\tChicago",
}


@pytest.fixture(params=RELEASED, ids=lambda path: path.name.removesuffix(".tar.gz"))
def released(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An unpacked release: `data`, `backup`, and the text of its admin's `key`."""
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def test_there_is_a_release() -> None:
    assert RELEASED


def test_a_data_folder_opens_and_answers(released: Path) -> None:
    key = (released / "key").read_text().strip()
    with serving(released / "data") as service:
        assert service.client.get("/v1/kbs").status_code == 401
        service.client.headers["Authorization"] = f"Bearer {key}"
        assert {kb["name"] for kb in service.client.get("/v1/kbs").json()["kbs"]} == {"films", "empty"}
        reply = service.client.post("/v1/kbs/films/ask", json={"question": "who directed Heat?"}).json()
        assert [answer["label"] for answer in reply["answers"]] == ["Michael Mann"]
        assert reply["answers"][0]["evidence"][0]["source"] == "released"
        assert set(service.client.get("/v1/kbs/films/export?format=tsv").text.splitlines()) == FACTS
    assert verify(released / "data") == 0


def test_a_backup_is_restored(released: Path) -> None:
    done = run_hopfact(released / "new", "restore", str(released / "backup"))
    assert done.returncode == 0, done.stderr
    shown = run_hopfact(released / "new", "kb", "export", "films", "--format", "tsv").stdout
    assert set(shown.splitlines()) == FACTS
    with serving(released / "new") as service:
        key = (released / "key").read_text().strip()
        assert service.client.get("/v1/kbs", headers={"Authorization": f"Bearer {key}"}).status_code == 200
