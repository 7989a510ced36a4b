"""Deleted is gone: by every way to delete, from every place where one can look."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.backups import back_up
from app.settings import Settings
from app.wiring import Services
from tests.app.running import RunningService, running, triples

KEPT = ("Bern|capital of|Switzerland", "Bern|lies on|Aare")
LOST = ("Quuxwold|capital of|Zedland", "Bern|twinned with|Quuxwold", "Quuxwold|quuxes|Bern")
WORDS = ("quux", "zedland", "twinned")
"""What only the facts that are deleted say, in small letters."""
NAMES = ("Adastad", "Boburg", "Cecilia City", "Dorfen")
RELATIONS = ("sister of", "north of")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """On a data folder of its own: everything in it is looked through."""
    made = Settings(data=tmp_path_factory.mktemp("data"), threads=1, log_level="warning", training_steps=2)
    with running(made) as started:
        yield started


def by_filters(service: RunningService, kb: str) -> None:
    for parameters in ({"subject": "Quuxwold"}, {"object": "Quuxwold"}):
        assert service.http.delete(f"/v1/kbs/{kb}/triples", params=parameters).json()["deleted"]


def by_source(service: RunningService, kb: str) -> None:
    assert service.http.delete(f"/v1/kbs/{kb}/triples", params={"source": "doomed"}).json()["deleted"] == 3


def by_body(service: RunningService, kb: str) -> None:
    reply = service.http.request("DELETE", f"/v1/kbs/{kb}/triples", json={"triples": triples(*LOST)})
    assert reply.json()["deleted"] == 3


def by_relations(service: RunningService, kb: str) -> None:
    for relation in ("quuxes", "twinned with"):
        assert service.http.delete(f"/v1/kbs/{kb}/triples", params={"relation": relation}).json()["deleted"] == 1
    parameters = {"subject": "Quuxwold", "relation": "capital of"}
    assert service.http.delete(f"/v1/kbs/{kb}/triples", params=parameters).json()["deleted"] == 1


@pytest.mark.parametrize("rebuilt", [False, True])
@pytest.mark.parametrize("way", [by_filters, by_source, by_body, by_relations])
def test_deleted_facts_are_nowhere(
    service: RunningService, tmp_path: Path, way: Callable[[RunningService, str], None], *, rebuilt: bool
) -> None:
    kb = service.kb(*KEPT)
    doomed = b"".join(orjson.dumps(one) + b"\n" for one in triples(*LOST))
    doomed += orjson.dumps({"entity": "Quuxwold", "name": "the Quux"})
    assert service.ingest(kb, doomed, "application/x-ndjson", source="doomed")["state"] == "succeeded"
    if rebuilt:
        service.services.views.rebuild(service.services.kb(kb).id)
    assert "quuxwold" in looked_at(service, kb, ("Quuxwold",))
    way(service, kb)
    back_up(service.services, tmp_path / "backup", "test", report)
    found = looked_at(service, kb, ("Quuxwold", "the Quux", "Zedland", "Bern"))
    for place, text in {"replies": found, "rows": rows(service), "backup": files(tmp_path / "backup")}.items():
        assert not [word for word in WORDS if word in text], (place, text)
    assert "switzerland" in found
    assert "switzerland" in rows(service)
    assert "switzerland" in files(tmp_path / "backup")
    service.services.views.rebuild(service.services.kb(kb).id)
    kept = files(service.services.settings.data / "kbs")
    assert not [word for word in WORDS if word in kept]
    service.http.delete(f"/v1/kbs/{kb}")


def test_a_reader_adapted_afterwards_was_asked_nothing_of_them(service: RunningService) -> None:
    kb = service.kb(*KEPT, *LOST)
    by_body(service, kb)
    job = service.http.post(f"/v1/kbs/{kb}/train", json={}).json()
    assert service.ended(job["id"])["state"] == "succeeded"
    data = service.services.settings
    for text in (
        rows(service),
        *(files(folder) for folder in (data.models_folder, data.spool_folder, data.work_folder)),
    ):
        assert not [word for word in WORDS if word in text]
    service.http.delete(f"/v1/kbs/{kb}")


def test_nothing_is_left_of_a_deleted_kb(service: RunningService, tmp_path: Path) -> None:
    kb = service.kb(*LOST)
    question = {"question": "what is the capital of Zedland?", "answers": ["Quuxwold"]}
    service.http.post(f"/v1/kbs/{kb}/feedback", json=question)
    job = service.http.post(f"/v1/kbs/{kb}/train", json={"questions": [question]}).json()
    assert service.ended(job["id"])["state"] in ("succeeded", "failed")
    assert service.http.delete(f"/v1/kbs/{kb}").status_code == 204
    services: Services = service.services
    services.worker.tidy()
    back_up(services, tmp_path / "backup", "test", report)
    data = services.settings.data
    folders = (data / "kbs", services.settings.models_folder, services.settings.spool_folder, tmp_path / "backup")
    for text in (rows(service), *(files(folder) for folder in folders)):
        assert not [word for word in WORDS if word in text]
    assert service.http.post("/v1/kbs", json={"name": kb}).status_code == 201
    assert service.write(kb, *KEPT).status_code == 200
    assert not [word for word in WORDS if word in looked_at(service, kb, ("Quuxwold", "Zedland"))]
    service.http.delete(f"/v1/kbs/{kb}")


facts = st.tuples(*(st.sampled_from(part) for part in (NAMES, RELATIONS, NAMES))).map("|".join)
deletions = st.one_of(
    st.builds(lambda name: {"subject": name}, st.sampled_from(NAMES)),
    st.builds(lambda name: {"object": name}, st.sampled_from(NAMES)),
    st.builds(lambda name: {"relation": name}, st.sampled_from(RELATIONS)),
    st.sets(facts, min_size=1, max_size=3),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.one_of(st.lists(facts, min_size=1, max_size=4), deletions), min_size=2, max_size=8))
def test_only_names_that_have_facts_are_found(
    service: RunningService, changes: list[list[str] | set[str] | dict[str, str]]
) -> None:
    kb, held = service.kb(), set[str]()
    for change in changes:
        if isinstance(change, list):
            assert service.write(kb, *change).status_code == 200
            held |= {*change}
        elif isinstance(change, set):
            service.http.request("DELETE", f"/v1/kbs/{kb}/triples", json={"triples": triples(*change)})
            held -= change
        else:
            service.http.delete(f"/v1/kbs/{kb}/triples", params=change)
            place, label = next((("subject", "relation", "object").index(key), one) for key, one in change.items())
            held = {fact for fact in held if fact.split("|")[place] != label}
    assert service.facts(kb) == {tuple(fact.split("|")) for fact in held}
    found = looked_at(service, kb, NAMES)
    words = {word for fact in held for word in fact.split("|")}
    assert {word for word in (*NAMES, *RELATIONS) if word.lower() in found} == words
    service.http.delete(f"/v1/kbs/{kb}")


def looked_at(service: RunningService, kb: str, names: tuple[str, ...]) -> str:
    """All that the API shows of a KB, in small letters; what is asked for is not shown again."""
    get = service.http.get
    seen = [get(f"/v1/kbs/{kb}/export", params={"format": form}).text for form in ("nt", "tsv", "jsonl")]
    seen += [get(f"/v1/kbs/{kb}/{what}").text for what in ("triples", "relations", "models")]
    seen.append(get(f"/v1/kbs/{kb}/sparql", params={"query": "CONSTRUCT WHERE { ?s ?p ?o }"}).text)
    view = service.services.views.current(service.services.kb(kb).id)
    for name in names:
        [vector] = service.services.encoder.encode([name])
        for fact, _ in view.nearest(vector, 50):
            seen += [view.label(fact.subject), view.label(fact.object)]
        seen.append(get(f"/v1/kbs/{kb}/entities", params={"q": name[:4]}).text)
        asked = f"what is {name}'s capital and sister?"
        questions = [asked, f"how many is {name} sister of?", f"what is north of {name}?", f"{name} twinned with"]
        for question in questions:
            reply = service.http.post(f"/v1/kbs/{kb}/ask", json={"question": question}).json()
            linked = [one["label"] for one in reply["linked_entities"]]
            hops = [{name: hop[name] for name in hop.keys() - {"attention"}} for hop in reply["hops"]]
            # The question itself, and what words of it were attended to, are the asker's.
            seen.append(orjson.dumps([reply["answers"], hops, reply["sparql"], linked]).decode())
        gold = {"questions": [{"question": one, "answers": ["Bern"]} for one in questions], "mistakes": 0}
        seen.append(service.http.post(f"/v1/kbs/{kb}/evaluate", json=gold).text)
    return "\n".join(seen).lower()


def rows(service: RunningService) -> str:
    """Everything in every table."""
    with sqlite3.connect(service.services.settings.data / "hopfact.sqlite") as connection:
        return "\n".join(connection.iterdump()).lower()


def files(folder: Path) -> str:
    """The bytes of all files below a folder."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            opened = zstandard.open(path) if path.suffix == ".zst" else path.open("rb")
            with opened as file:
                found.append(file.read().decode("latin-1"))
    return "\n".join(found).lower()


def report(_: str) -> None:
    """Nobody watches."""
