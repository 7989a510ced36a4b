import re
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from app.api import replies
from tests.app.running import RunningService

# Design section 7, as far as it is built.
CALLS = {
    "/livez": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
    "/v1/kbs": {"get", "post"},
    "/v1/kbs/{kb}": {"get", "delete"},
    "/v1/kbs/{kb}/triples": {"get", "post", "delete"},
    "/v1/kbs/{kb}/export": {"get"},
    "/v1/kbs/{kb}/entities": {"get"},
    "/v1/kbs/{kb}/entities/{entity_id}": {"get"},
    "/v1/kbs/{kb}/relations": {"get"},
    "/v1/kbs/{kb}/sparql": {"get", "post"},
    "/v1/kbs/{kb}/ask": {"post"},
    "/v1/kbs/{kb}/ask/batch": {"post"},
    "/v1/kbs/{kb}/evaluate": {"post"},
    "/v1/kbs/{kb}/train": {"post"},
    "/v1/kbs/{kb}/models": {"get"},
    "/v1/kbs/{kb}/models/{version}/activate": {"post"},
    "/v1/kbs/{kb}/feedback": {"post"},
    "/v1/read": {"post"},
    "/v1/jobs": {"get"},
    "/v1/jobs/{job_id}": {"get", "delete"},
    "/v1/jobs/{job_id}/events": {"get"},
    "/v1/jobs/{job_id}/rejected": {"get"},
    "/v1/keys": {"get", "post"},
    "/v1/keys/{key_id}": {"delete"},
}


FACT = {"subject": "Oslo", "relation": "capital of", "object": "Norway"}


@pytest.fixture(scope="module")
def document(service: RunningService) -> Any:
    return service.http.get("/openapi.json").json()


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [(path, method, call) for path, calls in document["paths"].items() for method, call in calls.items()]


def test_exactly_the_designed_calls_are_there(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    assert {path: set(calls) for path, calls in document["paths"].items()} == CALLS


def test_every_call_that_writes_says_that_the_disk_may_be_full(document: Any) -> None:
    reads = {"ask", "ask_batch", "evaluate", "post_sparql", "read"}
    writes = {call["operationId"]: call for _, method, call in operations(document) if method != "get"}
    assert {name for name, call in writes.items() if "507" not in call["responses"]} == reads


def test_every_reference_is_defined(document: Any) -> None:
    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
            return own.union(*(references(value) for value in part.values()))
        return set().union(*(references(value) for value in part)) if isinstance(part, list) else set()

    defined = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= defined


def test_every_error_is_declared_as_a_problem(document: Any) -> None:
    for path, method, call in operations(document):
        for status, response in call["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (path, method, status)


def test_every_call_of_v1_takes_a_bearer_key(document: Any) -> None:
    for path, method, call in operations(document):
        assert bool(call.get("security")) == path.startswith("/v1/"), (path, method)


def test_every_body_is_declared(document: Any) -> None:
    with_body = {path for path, method, call in operations(document) if "requestBody" in call and method == "post"}
    assert with_body == {path for path, calls in CALLS.items() if "post" in calls and not path.endswith("/activate")}


def test_replies_have_exactly_the_types_that_are_declared(service: RunningService) -> None:
    http, kb = service.http, service.kb("Oslo|capital of|Norway")
    address, question = f"/v1/kbs/{kb}", {"question": "Oslo is the capital of what?"}
    number = service.ingest(kb, b"a\tb\tc\nbad\n")["id"]
    oslo = http.get(f"{address}/entities?q=Oslo").json()["entities"][0]["id"]
    replied: dict[type[BaseModel], httpx.Response] = {
        replies.JobReply: http.get(f"/v1/jobs/{number}"),
        replies.JobsReply: http.get("/v1/jobs"),
        replies.RejectedReply: http.get(f"/v1/jobs/{number}/rejected"),
        replies.KbReply: http.get(address),
        replies.KbsReply: http.get("/v1/kbs"),
        replies.TriplesReply: http.get(f"{address}/triples"),
        replies.EntitiesReply: http.get(f"{address}/entities?q=O"),
        replies.EntityFactsReply: http.get(f"{address}/entities/{oslo}"),
        replies.RelationsReply: http.get(f"{address}/relations"),
        replies.WrittenReply: service.write(kb, "x|y|z"),
        replies.DeletedReply: http.delete(f"{address}/triples?subject=x"),
        replies.AskReply: http.post(f"{address}/ask", json=question),
        replies.AskBatchReply: http.post(f"{address}/ask/batch", json={"questions": [question, "?"]}),
        replies.EvaluationReply: http.post(f"{address}/evaluate", json={"questions": [{**question, "answers": []}]}),
        replies.ReadReply: http.post("/v1/read", json={"memory": [FACT], **question}),
        replies.KeysReply: http.get("/v1/keys"),
        replies.ProblemReply: http.get("/v1/jobs/999999"),
    }
    for schema, reply in replied.items():
        schema.model_validate_json(reply.content, strict=True)
        assert set(reply.json()) <= set(schema.model_fields), schema.__name__


def test_the_explorer_and_all_that_it_loads_come_from_the_service(service: RunningService) -> None:
    page = service.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'self' ")
    assert "//" not in page.text, "another host is named"
    loaded = re.findall(r"""(?:href|src)="([^"]+)"|\burl: '([^']+)'""", page.text)
    types = {}
    for address in (one or other for one, other in loaded):
        asset = service.http.get(page.url.join(address))
        assert asset.status_code == 200, address
        types[address.rpartition(".")[2]] = (asset.headers["content-type"].partition(";")[0], len(asset.content) > 500)
    assert types == {
        "js": ("text/javascript", True),
        "css": ("text/css", True),
        "png": ("image/png", True),
        "json": ("application/json", True),
    }


def test_an_asset_that_is_not_there_is_a_problem(service: RunningService) -> None:
    reply = service.http.get("/docs/assets/other.js")
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
