import gzip

import httpx
import pytest
import zstandard

from tests.app.running import TSV, RunningService, triples

CAPITALS = ("Oslo|capital of|Norway", "Rome|capital of|Italy", "Bern|capital of|Switzerland")
FACTS = {("Oslo", "capital of", "Norway"), ("Rome", "capital of", "Italy"), ("Bern", "capital of", "Switzerland")}


def delete(service: RunningService, kb: str, **request: object) -> httpx.Response:
    return service.http.request("DELETE", f"/v1/kbs/{kb}/triples", **request)  # type: ignore[arg-type]


def test_a_small_write_counts_what_is_new(service: RunningService) -> None:
    kb = service.kb()
    assert service.write(kb, *CAPITALS).json() == {"accepted": 3, "duplicates": 0, "kb_revision": 1}
    assert service.write(kb, *CAPITALS).json() == {"accepted": 0, "duplicates": 3, "kb_revision": 1}
    assert service.facts(kb) == FACTS


def test_a_small_write_takes_literals_terms_and_sources(service: RunningService) -> None:
    kb = service.kb()
    body = {
        "triples": [
            {"subject": "Oslo", "relation": "population", "object": 709037, "source": "census"},
            {"subject": {"iri": "http://example.org/Oslo_S"}, "relation": "isOpen", "object": True},
            {"subject": "Oslo", "relation": "name", "object": {"label": "Oslo", "language": "nb"}},
        ]
    }
    assert service.http.post(f"/v1/kbs/{kb}/triples?source=all", json=body).status_code == 200
    page = service.http.get(f"/v1/kbs/{kb}/triples").json()["triples"]
    stored = {one["relation"]["label"]: one for one in page}
    assert {relation: one["source"] for relation, one in stored.items()} == {
        "population": "census",
        "is open": "all",
        "name": "all",
    }
    assert stored["population"]["object"]["datatype"].endswith("integer")
    assert stored["is open"]["subject"]["label"] == "Oslo S"
    assert stored["name"]["object"]["language"] == "nb"


@pytest.mark.parametrize(
    "bad",
    [
        {"subject": "", "relation": "b", "object": "c"},
        {"subject": "a", "relation": " ", "object": "c"},
        {"subject": "a", "relation": "b", "object": ""},
        {"subject": "a", "relation": "b"},
        {"subject": "a", "relation": "b", "object": None},
        {"subject": "a", "relation": "b", "object": ["c"]},
        {"subject": "a", "relation": "b", "object": "c\0d"},
        {"subject": "a", "relation": "b", "object": "c" * 20_000},
        {"subject": 1, "relation": "b", "object": "c"},
        {"subject": "a", "relation": "b", "object": "c", "colour": "red"},
        {"entity": "a", "name": "b"},
        "a b c",
    ],
    ids=lambda bad: str(bad)[:60],
)
def test_one_bad_triple_of_a_small_write_is_named_and_nothing_is_written(service: RunningService, bad: object) -> None:
    kb = service.kb()
    reply = service.http.post(f"/v1/kbs/{kb}/triples", json={"triples": [*triples("x|y|z"), bad]})
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_triples")
    assert [error["loc"] for error in reply.json()["errors"]] == [["triples", 1]]
    assert service.facts(kb) == set()


@pytest.mark.parametrize("body", [b'{"triples": []}', b"{}", b"[]", b'{"triples": {}}', b'{"triples": [], "x": 1}'])
def test_a_small_write_of_something_else_is_refused(service: RunningService, body: bytes) -> None:
    kb = service.kb()
    reply = service.upload(kb, body, "application/json")
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_body")


def test_more_triples_than_the_limit_are_refused(service: RunningService) -> None:
    kb = service.kb()
    reply = service.write(kb, *(f"a|b|{number}" for number in range(10_001)))
    assert (reply.status_code, reply.json()["code"]) == (413, "too_many_triples")
    assert service.write(kb, *(f"a|b|{number}" for number in range(10_000))).json()["accepted"] == 10_000


FILES = {
    TSV: b"Oslo\tcapital of\tNorway\nRome\tcapital of\tItaly\nBern\tcapital of\tSwitzerland\n",
    "text/csv": b"subject,relation,object\n"
    b"Oslo,capital of,Norway\nRome,capital of,Italy\nBern,capital of,Switzerland\n",
    "application/x-ndjson": b"".join(
        b'{"subject":"%b","relation":"capital of","object":"%b"}\n' % pair
        for pair in ((b"Oslo", b"Norway"), (b"Rome", b"Italy"), (b"Bern", b"Switzerland"))
    ),
    "application/n-triples": b"".join(
        b"<http://e.org/%b> <http://e.org/capitalOf> <http://e.org/%b> .\n" % pair
        for pair in ((b"Oslo", b"Norway"), (b"Rome", b"Italy"), (b"Bern", b"Switzerland"))
    ),
    "text/turtle": b"@prefix : <http://e.org/> . :Oslo :capitalOf :Norway . :Rome :capitalOf :Italy . "
    b":Bern :capitalOf :Switzerland .",
}


@pytest.mark.parametrize("media_type", FILES)
def test_a_file_of_each_format_becomes_the_same_facts(service: RunningService, media_type: str) -> None:
    kb = service.kb()
    job = service.ingest(kb, FILES[media_type], f"{media_type}; charset=utf-8")
    assert (job["state"], job["accepted"], job["rejected"], job["kb_revision"]) == ("succeeded", 3, 0, 1)
    assert service.facts(kb) == FACTS


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_packed_file_is_unpacked(service: RunningService, encoding: str, pack: object) -> None:
    kb = service.kb()
    job = service.ingest(kb, pack(FILES[TSV]), TSV, encoding)  # type: ignore[operator]
    assert (job["state"], job["accepted"]) == ("succeeded", 3)


def test_an_upload_replies_with_its_job_and_address(service: RunningService) -> None:
    kb = service.kb()
    reply = service.upload(kb, FILES[TSV], source="atlas")
    job = reply.json()
    assert reply.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["kind"], job["kb"], job["state"], job["progress"]["total"]) == (
        "ingestion",
        kb,
        "queued",
        len(FILES[TSV]),
    )
    assert service.ended(job["id"])["state"] == "succeeded"
    assert {one["source"] for one in service.http.get(f"/v1/kbs/{kb}/triples").json()["triples"]} == {"atlas"}


def test_the_same_file_twice_changes_nothing(service: RunningService) -> None:
    kb = service.kb()
    service.ingest(kb, FILES[TSV])
    again = service.ingest(kb, FILES[TSV])
    assert (again["state"], again["accepted"], again["duplicates"], again["kb_revision"]) == ("succeeded", 0, 3, 1)


def test_names_are_counted_apart_from_the_triples_that_the_kb_grew_by(service: RunningService) -> None:
    kb = service.kb("Oslo|capital of|Norway")
    data = b"""<http://e.org/p> <http://www.w3.org/2000/01/rdf-schema#label> "Paris"@en, "Parigi"@it .
<http://e.org/p> <http://e.org/capitalOf> <http://e.org/France>, <http://e.org/France> .
"""
    job = service.ingest(kb, data, "text/turtle")
    assert (job["accepted"], job["duplicates"], job["names"], job["progress"]["triples"]) == (1, 1, 2, 2)
    assert service.http.get(f"/v1/kbs/{kb}").json()["counts"]["triples"] == 2
    again = service.ingest(kb, data, "text/turtle")
    assert (again["accepted"], again["duplicates"], again["names"]) == (0, 2, 0)


def test_the_same_blank_nodes_twice_change_nothing(service: RunningService) -> None:
    kb = service.kb()
    data = b'_:a <http://e.org/knows> _:b .\n_:a <http://e.org/age> "3" .\n'
    service.ingest(kb, data, "application/n-triples")
    assert service.ingest(kb, data, "application/n-triples")["duplicates"] == 2


def test_browsing_filters_and_pages(service: RunningService) -> None:
    kb = service.kb(*CAPITALS, "Oslo|lies in|Europe")
    address = f"/v1/kbs/{kb}/triples"
    first = service.http.get(address, params={"relation": "capital of", "limit": 2}).json()
    rest = service.http.get(
        address, params={"relation": "capital of", "cursor": first["next_cursor"], "limit": 2}
    ).json()
    assert [one["subject"]["label"] for one in first["triples"] + rest["triples"]] == ["Oslo", "Rome", "Bern"]
    assert rest["next_cursor"] is None
    assert len(service.http.get(address, params={"subject": " Oslo "}).json()["triples"]) == 2
    assert service.http.get(address, params={"object": "Nowhere"}).json() == {"triples": [], "next_cursor": None}


@pytest.mark.parametrize(
    "parameters", [{"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"cursor": "-1"}, {"cursor": "x"}]
)
def test_a_page_that_makes_no_sense_is_refused(service: RunningService, parameters: dict[str, str]) -> None:
    reply = service.http.get(f"/v1/kbs/{service.kb()}/triples", params=parameters)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_parameter")


def test_deleting_by_filter_takes_what_matches(service: RunningService) -> None:
    kb = service.kb(*CAPITALS, "Oslo|lies in|Europe")
    assert delete(service, kb, params={"subject": "Oslo"}).json() == {"deleted": 2, "kb_revision": 2}
    assert service.facts(kb) == FACTS - {("Oslo", "capital of", "Norway")}
    assert delete(service, kb, params={"subject": "Oslo"}).json() == {"deleted": 0, "kb_revision": 2}


def test_deleting_by_source_takes_that_upload(service: RunningService) -> None:
    kb = service.kb("a|b|c")
    service.ingest(kb, FILES[TSV], source="atlas")
    assert delete(service, kb, params={"source": "atlas"}).json()["deleted"] == 3
    assert service.facts(kb) == {("a", "b", "c")}


def test_a_source_is_found_and_deleted_as_it_was_given(service: RunningService) -> None:
    kb, source = service.kb(), "Cafe\u0301  notes.txt "
    body = {"triples": [{"subject": "a", "relation": "b", "object": "c"}]}
    assert service.http.post(f"/v1/kbs/{kb}/triples", params={"source": source}, json=body).json()["accepted"] == 1
    service.ingest(kb, FILES[TSV], source=source)
    page = service.http.get(f"/v1/kbs/{kb}/triples", params={"source": source}).json()["triples"]
    assert [one["source"] for one in page] == ["Caf\u00e9 notes.txt"] * 4
    assert delete(service, kb, params={"source": source}).json()["deleted"] == 4


def test_deleting_by_body_takes_exactly_those(service: RunningService) -> None:
    kb = service.kb(*CAPITALS)
    body = {"triples": triples("Oslo|capital of|Norway", "Rome|capital of|France")}
    assert delete(service, kb, json=body).json()["deleted"] == 1
    assert service.facts(kb) == FACTS - {("Oslo", "capital of", "Norway")}


def test_deleting_everything_by_accident_is_refused(service: RunningService) -> None:
    kb = service.kb(*CAPITALS)
    reply = delete(service, kb)
    assert (reply.status_code, reply.json()["code"]) == (400, "empty_filter")
    both = delete(service, kb, params={"subject": "Oslo"}, json={"triples": triples("Oslo|capital of|Norway")})
    assert (both.status_code, both.json()["code"]) == (400, "filter_and_body")
    empty = delete(service, kb, json={"triples": []})
    assert empty.status_code == 422
    assert service.facts(kb) == FACTS


def test_a_filter_without_text_is_refused(service: RunningService) -> None:
    kb = service.kb(*CAPITALS)
    reply = delete(service, kb, params={"subject": ""})
    assert reply.status_code in (400, 422)
    assert service.facts(kb) == FACTS


@pytest.mark.parametrize(
    ("format", "media_type"), [("nt", "application/n-triples"), ("tsv", TSV), ("jsonl", "application/x-ndjson")]
)
def test_what_is_exported_can_be_ingested(service: RunningService, format: str, media_type: str) -> None:
    kb, copy = service.kb(*CAPITALS), service.kb()
    exported = service.http.get(f"/v1/kbs/{kb}/export", params={"format": format})
    assert exported.headers["content-type"].startswith(media_type)
    assert exported.headers["content-disposition"] == f'attachment; filename="{kb}.{format}"'
    assert service.ingest(copy, exported.content, media_type)["state"] == "succeeded"
    assert service.facts(copy) == FACTS


def test_ntriples_keep_labels_that_are_not_in_the_iri(service: RunningService) -> None:
    kb, copy = service.kb(), service.kb()
    body = {
        "subject": {"iri": "http://www.wikidata.org/entity/Q42", "label": "Douglas Adams"},
        "relation": {"iri": "http://www.wikidata.org/prop/direct/P19", "label": "place of birth"},
        "object": {"iri": "http://example.org/Cambridge"},
    }
    assert service.http.post(f"/v1/kbs/{kb}/triples", json={"triples": [body]}).status_code == 200
    exported = service.http.get(f"/v1/kbs/{kb}/export", params={"format": "nt"}).content
    assert len(exported.splitlines()) == 3
    assert service.ingest(copy, exported, "application/n-triples")["state"] == "succeeded"
    assert service.facts(copy) == {("Douglas Adams", "place of birth", "Cambridge")}
    assert service.http.get(f"/v1/kbs/{copy}/export", params={"format": "nt"}).content == exported


def test_a_mistyped_parameter_of_a_change_is_refused(service: RunningService) -> None:
    kb = service.kb(*CAPITALS)
    for reply in (
        delete(service, kb, params={"relation": "capital of", "subjct": "Oslo"}),
        service.upload(kb, b"a\tb\tc\nbad\n", onerror="abort"),
        service.write(kb, "a|b|c", src="atlas"),
    ):
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid_parameter")
    assert len(service.facts(kb)) == 3


def test_deleted_means_gone_from_exports_and_entities(service: RunningService) -> None:
    kb = service.kb(*CAPITALS)
    delete(service, kb, params={"subject": "Oslo"})
    for format in ("nt", "tsv", "jsonl"):
        assert b"Oslo" not in service.http.get(f"/v1/kbs/{kb}/export", params={"format": format}).content
    assert service.http.get(f"/v1/kbs/{kb}/entities", params={"q": "oslo"}).json() == {"entities": []}


def test_entities_are_found_by_how_their_name_begins(service: RunningService) -> None:
    kb = service.kb(*CAPITALS)
    found = service.http.get(f"/v1/kbs/{kb}/entities", params={"q": "OS"}).json()["entities"]
    assert [(one["label"], one["num_facts"]) for one in found] == [("Oslo", 1)]
    shown = service.http.get(f"/v1/kbs/{kb}/entities/{found[0]['id']}").json()
    assert (shown["label"], shown["aliases"], len(shown["facts"])) == ("Oslo", [], 1)


def test_an_entity_of_another_kb_is_not_found(service: RunningService) -> None:
    kb, other = service.kb(*CAPITALS), service.kb("x|y|z")
    entity = service.http.get(f"/v1/kbs/{kb}/entities", params={"q": "oslo"}).json()["entities"][0]
    reply = service.http.get(f"/v1/kbs/{other}/entities/{entity['id']}")
    assert (reply.status_code, reply.json()["code"]) == (404, "entity_not_found")


def test_relations_are_listed_with_their_counts(service: RunningService) -> None:
    kb = service.kb(*CAPITALS, "Oslo|lies in|Europe")
    relations = service.http.get(f"/v1/kbs/{kb}/relations").json()["relations"]
    assert {one["label"]: one["num_facts"] for one in relations} == {"capital of": 3, "lies in": 1}
