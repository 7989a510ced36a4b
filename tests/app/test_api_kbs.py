from datetime import datetime

import pytest

from kb.consistency import ViewState
from tests.app.running import TSV, RunningService


def test_a_new_kb_is_made_shown_listed_and_deleted(service: RunningService) -> None:
    made = service.http.post("/v1/kbs", json={"name": "my-films_2"})
    assert (made.status_code, made.headers["location"]) == (201, "/v1/kbs/my-films_2")
    shown = service.http.get("/v1/kbs/my-films_2").json()
    assert shown["name"] == "my-films_2"
    assert shown["counts"] == {"triples": 0, "entities": 0, "literals": 0, "relations": 0, "aliases": 0}
    assert shown["revision"] == 0
    assert datetime.fromisoformat(shown["created_at"]).tzinfo is not None
    assert "my-films_2" in {kb["name"] for kb in service.http.get("/v1/kbs").json()["kbs"]}
    assert service.http.delete("/v1/kbs/my-films_2").status_code == 204
    assert service.http.get("/v1/kbs/my-films_2").json()["code"] == "kb_not_found"


def test_kbs_that_go_while_they_are_listed_do_not_matter(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    kbs, views, state = {service.kb(), service.kb()}, service.services.views, service.services.views.state

    def deleting(kb_id: int) -> ViewState:
        monkeypatch.undo()
        for kb in kbs:
            service.services.delete_kb(kb)
        return state(kb_id)

    monkeypatch.setattr(views, "state", deleting)
    reply = service.http.get("/v1/kbs")
    assert reply.status_code == 200, reply.text
    assert kbs <= {kb["name"] for kb in reply.json()["kbs"]}
    assert not kbs & {kb["name"] for kb in service.http.get("/v1/kbs").json()["kbs"]}


def test_a_name_that_is_taken_is_a_conflict(service: RunningService) -> None:
    kb = service.kb()
    reply = service.http.post("/v1/kbs", json={"name": kb})
    assert (reply.status_code, reply.json()["code"]) == (409, "kb_exists")


@pytest.mark.parametrize("name", ["../etc", "a/b", "", "A", "-a", "ä", "a" * 64, "a b", ".", "a\n", "a\0"])
def test_a_kb_name_that_could_mean_a_path_or_is_malformed_is_refused(service: RunningService, name: str) -> None:
    reply = service.http.post("/v1/kbs", json={"name": name})
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_body")
    assert reply.json()["errors"][0]["loc"] == ["name"]


@pytest.mark.parametrize("path", ["/v1/kbs/..%2F..%2Fetc", "/v1/kbs/%2e%2e", "/v1/kbs/..%2f/triples"])
def test_a_path_in_place_of_a_kb_finds_nothing(service: RunningService, path: str) -> None:
    assert service.http.get(path).status_code == 404


def test_an_unknown_kb_is_not_found_by_any_call(service: RunningService) -> None:
    calls = [
        service.http.get("/v1/kbs/none"),
        service.http.delete("/v1/kbs/none"),
        service.http.get("/v1/kbs/none/triples"),
        service.http.get("/v1/kbs/none/entities"),
        service.http.get("/v1/kbs/none/entities/1"),
        service.http.get("/v1/kbs/none/relations"),
        service.http.get("/v1/kbs/none/export"),
        service.http.delete("/v1/kbs/none/triples", params={"subject": "a"}),
        service.http.post("/v1/kbs/none/ask", json={"question": "who?"}),
        service.upload("none", b"a\tb\tc\n"),
        service.write("none", "a|b|c"),
    ]
    assert [(call.status_code, call.json()["code"]) for call in calls] == [(404, "kb_not_found")] * len(calls)


def test_a_deleted_kb_leaves_nothing_to_a_new_one_of_its_name(service: RunningService) -> None:
    kb = service.kb("Oslo|capital of|Norway")
    service.ingest(kb, b"Rome\tcapital of\tItaly\n", TSV)
    assert service.http.delete(f"/v1/kbs/{kb}").status_code == 204
    assert service.http.post("/v1/kbs", json={"name": kb}).status_code == 201
    assert service.facts(kb) == set()
    assert service.http.get(f"/v1/kbs/{kb}/entities", params={"q": "os"}).json() == {"entities": []}
    reply = service.http.post(f"/v1/kbs/{kb}/ask", json={"question": "Oslo is the capital of what?"}).json()
    assert reply["abstained"]
