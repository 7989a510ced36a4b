"""Every call of the API by both clients, against a real service."""

import gzip
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from hopfact import errors
from hopfact.bodies import guess_media_type
from tests.client.conftest import Connect
from tests.processes import serving

OSLO = ("Oslo", "capital of", "Norway")
ROME = ("Rome", "capital of", "Italy")
TSV = "text/tab-separated-values"
LINES = b"Oslo\tcapital of\tNorway\nRome\tcapital of\tItaly\n"


def labels(triples: Any) -> set[tuple[str, str, str]]:
    return {(one["subject"]["label"], one["relation"]["label"], one["object"]["label"]) for one in triples}


def test_a_knowledge_base_is_made_shown_and_deleted(client: Any, kb: str) -> None:
    assert client.ready()["status"] == "ready"
    assert client.kb(kb)["counts"]["triples"] == 0
    assert kb in {one["name"] for one in client.kbs()}
    client.delete_kb(kb)
    with pytest.raises(errors.NotFound) as refused:
        client.kb(kb)
    assert (refused.value.code, refused.value.status) == ("kb_not_found", 404)
    assert str(refused.value).endswith(f"(kb_not_found, request {refused.value.request_id})")


def test_triples_are_written_read_and_deleted(client: Any, kb: str) -> None:
    thing = {"subject": "Oslo", "relation": "population", "object": 709_000, "source": "census"}
    assert client.write(kb, [OSLO, ROME, thing], source="atlas")["accepted"] == 3
    assert client.write(kb, [OSLO])["duplicates"] == 1
    assert labels(client.triples(kb, page_size=1)) == {OSLO, ROME, ("Oslo", "population", "709000")}
    assert labels(client.triples(kb, subject="Oslo", source="atlas")) == {OSLO}
    assert client.delete_triples(kb, [ROME])["deleted"] == 1
    assert client.delete_matching(kb, relation="population")["deleted"] == 1
    assert labels(client.triples(kb)) == {OSLO}
    with pytest.raises(errors.BadRequest, match="Say what to delete"):
        client.delete_matching(kb)


def test_a_question_is_answered_with_its_proof_or_refused(client: Any, kb: str) -> None:
    client.write(kb, [OSLO, ROME])
    reply = client.ask(kb, "Oslo is the capital of what?", limit=5)
    assert [one["label"] for one in reply["answers"]] == ["Norway"]
    fact = reply["answers"][0]["evidence"][0]
    assert (fact["subject"], fact["relation"], fact["object"]) == OSLO
    assert client.ask(kb, "Who painted it?")["abstained"]
    first, second = client.ask_batch(kb, ["Oslo is the capital of what?", {"question": "Rome is the capital of what?"}])
    assert [one["answers"][0]["label"] for one in (first, second)] == ["Norway", "Italy"]
    with pytest.raises(errors.Invalid) as refused:
        client.ask(kb, "What?", entities=["Atlantis"])
    assert refused.value.code == "unknown_entity"
    with pytest.raises(errors.Invalid) as refused:
        client.ask(kb, " ")
    assert refused.value.errors[0]["loc"] == ["question"]


def test_entities_and_relations_are_found(client: Any, kb: str) -> None:
    client.write(kb, [OSLO, ROME])
    [oslo] = client.find_entities(kb, "Os")
    assert client.entity(kb, oslo["id"])["label"] == "Oslo"
    assert labels(client.facts(kb, oslo["id"], page_size=1)) == {OSLO}
    assert [(one["label"], one["num_facts"]) for one in client.relations(kb)] == [("capital of", 2)]


def test_sparql_gives_rows_or_whether(client: Any, kb: str) -> None:
    client.write(kb, [OSLO, ROME])
    found = client.sparql(kb, "SELECT DISTINCT ?what WHERE { ?city ?relation ?what } ORDER BY ?what")
    assert [set(row) for row in found["results"]["bindings"]] == [{"what"}, {"what"}]
    assert found["head"] == {"vars": ["what"]}
    assert client.sparql(kb, "ASK { ?city ?relation ?what }")["boolean"]
    with pytest.raises(errors.Refused) as refused:
        client.sparql(kb, "CONSTRUCT WHERE { ?city ?relation ?what }")
    assert refused.value.status == 406
    with pytest.raises(errors.Refused) as refused:
        client.sparql(kb, "SELECT nothing")
    assert refused.value.status == 400


def test_what_is_exported_is_ingested(client: Any, kb: str) -> None:
    client.write(kb, [OSLO, ROME])
    exported = b"".join(client.export(kb, "tsv"))
    assert exported.splitlines() == LINES.splitlines()
    assert client.ingest(kb, exported, media_type=TSV)["duplicates"] == 2


def test_a_file_is_uploaded_with_progress_and_its_bad_lines_are_told(client: Any, kb: str, capitals: Path) -> None:
    gone: list[tuple[int, int | None]] = []
    heard: list[str] = []
    job = client.ingest(
        kb,
        capitals,
        source="atlas",
        sent=lambda *told: gone.append(told),
        progress=lambda job: heard.append(job["state"]),
    )
    assert (job["accepted"], job["rejected"]) == (3, 1)
    assert gone == [(capitals.stat().st_size, capitals.stat().st_size)]
    assert heard[-1] == "succeeded"
    assert [line["number"] for line in client.rejected(job["id"], page_size=1)] == [3]
    assert {one["source"] for one in client.triples(kb)} == {"atlas"}
    assert [one["state"] for one in client.events(job["id"])] == ["succeeded"]


class Unseekable(io.BytesIO):
    def seekable(self) -> bool:
        return False


def opened(data: bytes, folder: Path) -> BinaryIO:
    path = folder / "some.tsv"
    path.write_bytes(b"x" + data)
    file = path.open("rb")
    assert file.read(1) == b"x"
    return file


def pieces(data: bytes, _: Path) -> Iterator[bytes]:
    return iter([data[:10], b"", data[10:]])


def packed(data: bytes, folder: Path) -> str:
    path = folder / "some.tsv.gz"
    path.write_bytes(gzip.compress(data))
    return str(path)


@pytest.mark.parametrize(
    "make",
    [
        opened,
        packed,
        pieces,
        lambda data, _: [data],
        lambda data, _: io.BytesIO(data),
        lambda data, _: Unseekable(data),
    ],
)
def test_all_kinds_of_data_are_uploaded(client: Any, kb: str, tmp_path: Path, make: Any) -> None:
    data = make(LINES, tmp_path)
    told_by_name = make in (opened, packed)
    job = client.ingest(kb, data, **({} if told_by_name else {"media_type": TSV}))
    if isinstance(data, io.IOBase):
        data.close()
    assert job["accepted"] == 2
    assert labels(client.triples(kb)) == {OSLO, ROME}


def test_data_of_no_known_format_is_not_sent(client: Any, kb: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give media_type"):
        client.upload(kb, LINES)
    with pytest.raises(FileNotFoundError):
        client.upload(kb, tmp_path / "gone.tsv")


def test_a_failed_job_raises_what_it_says(client: Any, kb: str, capitals: Path) -> None:
    with pytest.raises(errors.JobFailed) as failed:
        client.ingest(kb, capitals, on_error="abort")
    assert failed.value.code == "line_rejected"
    assert kb in str(failed.value)
    number = failed.value.job["id"]
    assert client.wait(number, check=False)["state"] == "failed"
    assert client.job(number)["error"]["code"] == "line_rejected"
    assert [one["id"] for one in client.jobs(kb=kb, state="failed", page_size=1)] == [number]
    with pytest.raises(errors.Conflict) as refused:
        client.cancel(number)
    assert refused.value.code == "job_finished"


def test_a_reader_is_evaluated_adapted_and_told_the_truth(client: Any, kb: str) -> None:
    client.write(kb, [OSLO, ROME])
    gold = [{"question": "Oslo is the capital of what?", "answers": ["Norway"]}]
    assert client.evaluate(kb, gold)["all"]["hits_at_1"] == 1.0
    assert client.feedback(kb, "Whose capital is Rome?", ["Italy"], correct=True)["kb"] == kb
    job = client.wait(client.train(kb, gold)["id"])
    assert job["kind"] == "training"
    assert client.models(kb)["models"][0]["job"] == job["id"]
    assert client.activate(kb, 0)["models"][-1]["active"]


def test_a_memory_is_read(client: Any) -> None:
    story = ["Mary went to the kitchen.", "John went to the garden."]
    assert client.read(story, "Where is Mary?")["answers"][0]["label"] == "kitchen"
    assert client.read([OSLO], "Oslo is the capital of what?")["answers"][0]["label"] == "Norway"


def test_keys_are_made_listed_and_revoked(connect: Connect, tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        soon = datetime.now(UTC) + timedelta(days=1)
        made = connect(service).create_key("boss", "admin")
        boss = connect(service, made["key"])
        asker = connect(service, boss.create_key("guest", "ask", expires_at=soon)["key"])
        assert asker.kbs() == []
        with pytest.raises(errors.ScopeTooSmall):
            asker.create_kb("films")
        with pytest.raises(errors.KeyRefused):
            connect(service, "hf_wrong").kbs()
        [other] = [one for one in boss.api_keys() if one["id"] != made["id"]]
        boss.revoke_key(other["id"])
        assert [one["id"] for one in boss.api_keys()] == [made["id"]]


def test_iterating_may_stop_early(client: Any, kb: str) -> None:
    client.write(kb, [OSLO, ROME])
    triples = client.triples(kb, page_size=1)
    assert len(labels([next(triples)])) == 1
    triples.close()
    export = client.export(kb)
    assert next(export)
    export.close()
    assert client.kb(kb)["counts"]["triples"] == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("facts.tsv", (TSV, None)),
        ("a/facts.v2.NT.gz", ("application/n-triples", "gzip")),
        ("facts.ttl.zst", ("text/turtle", "zstd")),
        ("facts.ndjson", ("application/x-ndjson", None)),
        ("facts.csv", ("text/csv", None)),
        ("facts.gz", (None, "gzip")),
        ("facts", (None, None)),
    ],
)
def test_a_file_name_tells_the_media_type(name: str, expected: tuple[str | None, str | None]) -> None:
    assert guess_media_type(name) == expected
