"""Views without a browser: replies of the API as HTML, with the caller's rights; suggestions, previews, the graph."""

import asyncio
import re
import socket
from http.client import HTTPResponse
from typing import Any

import pytest
from fastapi import Response

from app.web.evidence import graph_of, heat_of
from app.web.preview import MOST_BYTES
from app.web.rendering import marked, percent, render
from app.web.stories import STORIES
from app.web.suggestions import Fact, asked_of, candidates_of
from app.web.views import VIEWS
from tests.app.running import TSV, RunningService

TWO_HOPS = "Where is the publisher of Agricola headquartered?"


def fact(number: int, subject: str, relation: str, object: str, hop: int, weight: float = 1.0) -> dict[str, Any]:
    names = {"subject": subject, "relation": relation, "object": object, "source": None}
    return {"triple_id": number, **names, "hop": hop, "weight": weight}


def hop(number: int, relation: str, direction: str = "forward") -> dict[str, Any]:
    used = {"relation": relation, "direction": direction, "manner": "read", "weight": 0.9}
    words = [
        {"word": "What", "start": 0, "end": 4, "weight": 0.2},
        {"word": "it?", "start": 5, "end": 8, "weight": 0.7},
    ]
    return {"hop": number, "relations": [used], "facts_read": 1, "entities": 1, "attention": words}


def answered(*facts: dict[str, Any], hops: list[dict[str, Any]], label: str) -> dict[str, Any]:
    return {"answers": [{"entity_id": 1, "label": label, "evidence": [*facts]}], "hops": hops, "abstained": False}


def test_a_graph_has_a_layer_for_each_hop_and_arrows_as_the_facts_have_them() -> None:
    facts = fact(1, "Lisbon", "capital of", "Portugal", 1), fact(2, "Spain", "neighbour", "Portugal", 2)
    hops = [hop(1, "capital of"), hop(2, "neighbour", "inverse")]
    graph = graph_of(answered(*facts, hops=hops, label="Spain"))
    assert [(node["label"], node["layer"], node["hop"], node["answer"]) for node in graph["nodes"]] == [
        ("Lisbon", 0, 0, False),
        ("Portugal", 1, 1, False),
        ("Spain", 2, 2, True),
    ]
    assert [(edge["subject"], edge["object"], edge["hop"]) for edge in graph["edges"]] == [
        ("Lisbon", "Portugal", 1),
        ("Spain", "Portugal", 2),
    ]


def test_a_fact_that_proves_several_answers_is_drawn_once() -> None:
    shared = fact(1, "A", "knows", "B", 1)
    reply = answered(shared, fact(2, "B", "has", "C", 2), hops=[hop(1, "knows"), hop(2, "has")], label="C")
    reply["answers"].append({"entity_id": 2, "label": "D", "evidence": [shared, fact(3, "B", "has", "D", 2)]})
    assert len(graph_of(reply)["edges"]) == 3


def test_the_heat_map_has_words_without_their_marks_relations_and_facts() -> None:
    groups = heat_of(answered(fact(1, "A", "knows", "B", 1, 0.9), hops=[hop(1, "knows")], label="B"))
    assert [[(row["label"], row["weights"]) for row in group["rows"]] for group in groups] == [
        [("What", [0.2]), ("it", [0.7])],
        [("knows", [0.9])],
        [("A · knows · B", [0.9])],
    ]


def test_names_of_a_question_are_marked_and_the_rest_is_kept() -> None:
    linked = [
        {"mention": "Lisbon", "start": 3, "end": 9, "score": 1.0},
        {"mention": "is", "start": 0, "end": 2, "score": 0.2},
    ]
    pieces = marked({"question": "is Lisbon far?", "linked_entities": linked})
    assert pieces == [("is ", None), ("Lisbon", linked[0]), (" far?", None)]


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "0 %"), (0.004, "<1 %"), (0.973, "97 %"), (0.9999, "99 %"), (1.0, "100 %")]
)
def test_a_share_is_never_said_to_be_more_or_less_than_it_is(share: float, said: str) -> None:
    assert percent(share) == said


@pytest.mark.parametrize(
    ("relation", "question"),
    [
        ("currency", "What is the currency of X?"),
        ("directed by", "Who was X directed by?"),
        ("born in", "Where was X born?"),
        ("located in", "Where is X located?"),
        ("capital of", "What is X the capital of?"),
        ("part of", "What is X part of?"),
        ("founded", "When was X founded?"),
        ("year published", "In what year was X published?"),
        ("compatible with", "What is X compatible with?"),
    ],
)
def test_a_relation_is_asked_for_as_its_label_lets_one(relation: str, question: str) -> None:
    assert asked_of(relation, "X") == question


def test_a_question_of_two_facts_is_suggested_where_one_leads_on() -> None:
    facts = [Fact("Dune", "author", "Herbert"), Fact("Herbert", "country", "America")]
    assert [(one.text, one.answer) for one in candidates_of(facts) if one.hops == 2] == [
        ("What is the country of the author of Dune?", "America")
    ]


def test_suggestions_are_answered_rightly(service: RunningService) -> None:
    page = service.http.get("/ui/v1/kbs/games/suggestions").text
    questions = re.findall(r'data-question="([^"]+)"', page)
    assert len(questions) >= 4
    for question in questions:
        assert not service.http.post("/v1/kbs/games/ask", json={"question": question}).json()["abstained"]


def test_an_empty_knowledge_base_suggests_nothing(service: RunningService) -> None:
    reply = service.http.get(f"/ui/v1/kbs/{service.kb()}/suggestions")
    assert (reply.status_code, reply.text.strip()) == (200, "")


def test_a_view_is_made_beside_the_event_loop(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    loops = []

    def noting(*taken: Any, **named: Any) -> Response:
        loops.append(asyncio._get_running_loop())
        return render(*taken, **named)

    monkeypatch.setattr("app.web.views.render", noting)
    assert service.http.get("/ui/v1/kbs").status_code == 200
    assert loops == [None]


def test_every_view_shows_the_problem_of_its_call(service: RunningService) -> None:
    for view in VIEWS:
        path = view.path.format(kb="nothing", entity_id="1", job_id="999999")
        if "{" not in view.path:
            continue
        reply = service.http.request(view.method, f"/ui/v1{path}", json={"question": "?", "questions": []})
        assert reply.status_code in (404, 422), view.name
        assert 'class="problem"' in reply.text


def test_a_view_may_what_its_call_may(service: RunningService) -> None:
    make = service.http.post("/v1/keys", json={"name": "admin", "scope": "admin"})
    admin = {"Authorization": f"Bearer {make.json()['key']}"}
    bound = service.http.post("/v1/keys", json={"name": "one", "scope": "ask", "kb": "games"}, headers=admin)
    one = {"Authorization": f"Bearer {bound.json()['key']}"}
    try:
        places = {"kb": "many", "entity_id": "1", "job_id": "1"}
        for view in VIEWS:
            body = {"question": "?"} if view.method == "POST" else None
            paths = f"/ui/v1{view.path.format(**places)}", f"/v1{view.called.format(**places)}"
            for headers in ({}, one, {"Authorization": "Bearer hf_wrong"}):
                statuses = [
                    service.http.request(view.method, path, headers=headers, json=body).status_code for path in paths
                ]
                assert statuses[0] == statuses[1], (view.name, headers)
        suggestions, preview = "/ui/v1/kbs/many/suggestions", "/ui/v1/preview"
        assert service.http.get(suggestions).status_code == 401
        assert service.http.get(suggestions, headers=one).status_code == 404
        assert service.http.post(preview, content=b"a\tb\tc", headers={"Content-Type": TSV}).status_code == 401
    finally:
        service.http.delete(f"/v1/keys/{bound.json()['id']}", headers=admin)
        service.http.delete(f"/v1/keys/{make.json()['id']}", headers=admin)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_body_is_read_that_nobody_may_send(service: RunningService, method: str) -> None:
    """Of 30 MB announced and not sent, nothing is waited for: a GET has none, and for a POST there is no valid key."""
    path, status = ("/ui/v1/kbs", 200) if method == "GET" else ("/ui/v1/kbs/games/answer", 401)
    key = "" if method == "GET" else "Authorization: Bearer hf_wrong\r\n"
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{key}Content-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(f"{head}Content-Length: 30000000\r\n\r\n".encode() + b" " * 100)
        reply = HTTPResponse(connection)
        reply.begin()
        assert reply.status == status


def test_a_form_of_another_site_changes_nothing(service: RunningService) -> None:
    for view in (one for one in VIEWS if one.method != "GET"):
        path = view.path.format(kb="games")
        reply = service.http.post(f"/ui/v1{path}", data={"question": "Who designed Catan?"})
        assert (reply.status_code, "unsupported_media_type" in reply.text) == (415, True), view.name
    assert service.http.get("/ui/v1/kbs", headers={"Host": "evil.example"}).status_code == 401


def test_a_preview_reads_as_the_upload_will(service: RunningService) -> None:
    kb = service.kb()
    data = b"subject\trelation\tobject\nA\tstarredActors\tB\n\tb\tc\nonly one\n"
    shown = service.http.post("/ui/v1/preview", content=data, headers={"Content-Type": TSV}).text
    job = service.ingest(kb, data)
    assert f"<strong>{job['accepted']}</strong> fact" in shown
    assert "starred actors" in shown
    for line in service.http.get(f"/v1/jobs/{job['id']}/rejected").json()["rejected"]:
        assert line["reason"] in shown


@pytest.mark.parametrize(
    ("data", "kind", "status", "words"),
    [
        (b"x", "text/plain", 200, "is not read here"),
        (b"\xff\xfe\x00a", TSV, 200, "looks like UTF-16"),
        (b"", TSV, 200, "empty"),
        (b"<a", "text/turtle", 200, "It cannot be read to its end"),
        (b"x" * (MOST_BYTES + 1), TSV, 413, "longer than"),
    ],
)
def test_what_cannot_be_looked_at_is_said(
    service: RunningService, data: bytes, kind: str, status: int, words: str
) -> None:
    reply = service.http.post("/ui/v1/preview", content=data, headers={"Content-Type": kind})
    assert (reply.status_code, words in reply.text) == (status, True), reply.text


@pytest.mark.parametrize("name", STORIES)
def test_every_story_is_one_that_the_service_reads(service: RunningService, name: str) -> None:
    slots = [line.split("\t") for line in STORIES[name].memory]
    memory = [
        dict(zip(("subject", "relation", "object"), slot, strict=True)) if len(slot) == 3 else slot[0] for slot in slots
    ]
    reply = service.http.post("/ui/v1/read", json={"memory": memory, "question": STORIES[name].question})
    assert reply.status_code == 200, reply.text
    assert reply.text.count("hop hop-") >= 1


def test_the_first_page_is_found_from_the_root_under_any_prefix(service: RunningService) -> None:
    assert service.http.get("/").headers["location"] == "ui"
    assert '<base href="../../../">' in service.http.get("/ui/kbs/games/browse").text
    assert '<base href="./">' in service.http.get("/ui").text
