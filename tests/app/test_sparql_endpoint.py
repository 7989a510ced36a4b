"""SPARQL over HTTP: the protocol, exactly the current facts, and queries that mean harm; forks and kills are real."""

import csv
import io
import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socket import create_server
from threading import Thread
from typing import Any
from xml.etree import ElementTree

import httpx
import pyoxigraph
import pytest
import rdflib

from app.graphs import pool
from app.graphs.formats import GRAPHS, RESULTS, accepted
from app.graphs.pool import Graphs
from app.settings import Settings
from kb.formats.vocabulary import minted_label
from tests.app.running import RunningService, running
from tests.kb.structures import copied

FACTS = ("Sunrise|directed by|F. W. Murnau", "F. W. Murnau|born in|Bielefeld", "Faust|directed by|F. W. Murnau")
FILMS = "SELECT ?film WHERE { ?film <urn:hopfact:directed%20by> <urn:hopfact:F.%20W.%20Murnau> } ORDER BY ?film"
COUNT = "SELECT (COUNT(*) AS ?count) WHERE { ?s ?p ?o }"
SQUARED = " ".join(f"?a{number} ?b{number} ?c{number} ." for number in range(30))
MURNAUS = ["urn:hopfact:Faust", "urn:hopfact:Sunrise"]
HOSTILE = "0123456789"
RDF = """
@prefix e: <http://example.org/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
e:a rdfs:label "Aachen"@de, "Aix \\"la\\" Chapelle"@fr ; skos:altLabel "Bad Aachen" ; e:in e:b ; e:people 249070 .
e:b rdfs:label "Germany" ; e:founded "1949-05-23"^^xsd:date ; e:part [ e:of e:c ; e:note "line\\nand \\\\ back" ] .
e:c e:motto "in varietate"@la , "in varietate" ; e:rate 2.5e3 ; e:whole true .
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a short deadline and tight bounds."""
    settings = Settings(
        data=tmp_path_factory.mktemp("sparql"),
        threads=1,
        log_level="error",
        deadline_seconds=3.0,
        sparql_max_triples=300,
        sparql_result_bytes=20_000,
        sparql_query_bytes=64 * 1024**2,
    )
    with running(settings) as service:
        yield service


def ask(service: RunningService, kb: str, query: str, accept: str | None = None) -> httpx.Response:
    """A query; sent again while the KB is being read, which a busy machine may not do by a short deadline."""
    headers = {} if accept is None else {"Accept": accept}
    until = time.monotonic() + 120
    while True:
        reply = service.http.get(f"/v1/kbs/{kb}/sparql", params={"query": query}, headers=headers)
        if not reply.is_error or reply.json()["code"] != "structures_busy":
            return reply
        assert time.monotonic() < until


def in_memory(service: RunningService, kb: str) -> None:
    """Wait until the KB is read and a small query is answered in time."""
    until = time.monotonic() + 120
    while ask(service, kb, COUNT).status_code == 503:
        assert time.monotonic() < until


def post(service: RunningService, kb: str, **request: Any) -> httpx.Response:
    return service.http.post(f"/v1/kbs/{kb}/sparql", **request)


def values(reply: httpx.Response) -> list[str]:
    assert reply.status_code == 200, reply.text
    found = reply.json()
    return [row[found["head"]["vars"][0]]["value"] for row in found["results"]["bindings"]]


def code(reply: httpx.Response) -> tuple[int, str]:
    assert reply.headers["content-type"] == "application/problem+json", reply.text
    return reply.status_code, reply.json()["code"]


def test_a_query_comes_in_the_address_as_a_body_or_in_a_form(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    typed = {"content": FILMS, "headers": {"Content-Type": "application/sparql-query; charset=utf-8"}}
    for reply in (ask(service, kb, FILMS), post(service, kb, **typed), post(service, kb, data={"query": FILMS})):
        assert reply.headers["content-type"] == "application/sparql-results+json"
        assert values(reply) == MURNAUS


def test_results_come_in_every_format(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    xml = ElementTree.fromstring(ask(service, kb, FILMS, "application/sparql-results+xml").text)
    assert [one.text for one in xml.iter("{http://www.w3.org/2005/sparql-results#}uri")] == MURNAUS
    rows = [*csv.reader(io.StringIO(ask(service, kb, FILMS, "text/csv").text))]
    assert rows == [["film"], *([one] for one in MURNAUS)]
    tsv = ask(service, kb, FILMS, "text/tab-separated-values")
    assert tsv.headers["content-type"] == "text/tab-separated-values; charset=utf-8"
    assert tsv.text == "?film\n" + "".join(f"<{one}>\n" for one in MURNAUS)
    assert values(ask(service, kb, FILMS, "text/turtle;q=1, application/json;q=0.5, text/csv;q=0.1")) == MURNAUS
    assert ask(service, kb, "ASK { ?s ?p ?o }").json()["boolean"] is True
    assert ask(service, kb, "ASK { ?s ?s ?s }", "text/csv").text == "false"


@pytest.mark.parametrize("accept", ["text/turtle", "application/n-triples", "application/ld+json", None])
def test_graphs_come_in_every_format(service: RunningService, accept: str | None) -> None:
    kb = service.kb(*FACTS)
    for query, size in (("CONSTRUCT WHERE { ?s ?p ?o }", 3), ("DESCRIBE <urn:hopfact:Faust>", 1)):
        reply = ask(service, kb, query, accept)
        media_type = reply.headers["content-type"].partition(";")[0]
        assert media_type == (accept or "text/turtle")
        assert len([*pyoxigraph.parse(reply.content, pyoxigraph.RdfFormat.from_media_type(media_type))]) == size


@pytest.mark.parametrize(
    ("query", "accept", "status", "told"),
    [
        ("SELECT nonsense", None, 400, "malformed_query"),
        ("INSERT DATA { <a:a> <b:b> <c:c> }", None, 400, "malformed_query"),
        ("DELETE WHERE { ?s ?p ?o }", None, 400, "malformed_query"),
        ("CLEAR ALL", None, 400, "malformed_query"),
        (" ", None, 400, "empty_body"),
        ("SELECT * WHERE { ?s <%s> ?o }" % ("x" * 300_000), None, 413, "request_too_large"),
        ("ASK { ?s ?p ?o }", "image/png", 406, "not_acceptable"),
        ("ASK { ?s ?p ?o }", "text/turtle", 406, "not_acceptable"),
        ("CONSTRUCT WHERE { ?s ?p ?o }", "text/csv", 406, "not_acceptable"),
    ],
)
def test_what_is_no_query_or_has_no_such_format_is_refused(
    service: RunningService, query: str, accept: str | None, status: int, told: str
) -> None:
    kb = service.kb(*FACTS)
    headers = {"Content-Type": "application/sparql-query"} | ({} if accept is None else {"Accept": accept})
    assert code(post(service, kb, content=query, headers=headers)) == (status, told)
    assert len(service.facts(kb)) == 3


def test_the_protocol_is_kept_to(service: RunningService) -> None:
    kb, sparql = service.kb(*FACTS), {"Content-Type": "application/sparql-query"}
    assert code(service.http.get(f"/v1/kbs/{kb}/sparql")) == (422, "invalid_parameter")
    assert code(ask(service, "none-such", FILMS)) == (404, "kb_not_found")
    assert code(post(service, kb, data={"update": "CLEAR ALL"})) == (422, "invalid_parameter")
    assert code(post(service, kb, data={"query": FILMS, "default-graph-uri": "a:b"})) == (422, "invalid_parameter")
    assert code(post(service, kb, data={"query": [FILMS, FILMS]})) == (422, "invalid_parameter")
    assert code(post(service, kb, params={"query": FILMS}, content=FILMS, headers=sparql))[0] == 422
    assert code(post(service, kb, json={"query": FILMS})) == (415, "unsupported_media_type")
    assert code(post(service, kb, content=b"\xff", headers=sparql)) == (400, "not_text")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert code(post(service, kb, content=b"query=%ff", headers=form)) == (400, "bad_request")
    graph = {"query": FILMS, "named-graph-uri": "a:b"}
    assert code(service.http.get(f"/v1/kbs/{kb}/sparql", params=graph)) == (422, "invalid_parameter")


def test_a_query_sees_exactly_the_facts_that_are_there_now(service: RunningService) -> None:
    kb, other = service.kb(*FACTS), service.kb("a|b|c")
    assert values(ask(service, kb, FILMS)) == MURNAUS
    service.write(kb, "Nosferatu|directed by|F. W. Murnau")
    assert values(ask(service, kb, FILMS)) == ["urn:hopfact:Faust", "urn:hopfact:Nosferatu", "urn:hopfact:Sunrise"]
    service.http.delete(f"/v1/kbs/{kb}/triples", params={"subject": "Sunrise"})
    assert values(ask(service, kb, FILMS)) == ["urn:hopfact:Faust", "urn:hopfact:Nosferatu"]
    assert values(ask(service, other, COUNT)) == ["1"]
    service.http.delete(f"/v1/kbs/{kb}")
    assert code(ask(service, kb, FILMS)) == (404, "kb_not_found")
    service.http.post("/v1/kbs", json={"name": kb})
    assert values(ask(service, kb, COUNT)) == ["0"]


def test_queries_while_facts_come_never_see_fewer_than_were_there_before(service: RunningService) -> None:
    kb = service.kb(*FACTS)

    def write() -> None:
        for number in range(8):
            service.write(kb, f"film {number}|directed by|F. W. Murnau")

    writing = Thread(target=write)
    writing.start()
    while writing.is_alive():
        before = len(service.facts(kb))
        assert int(values(ask(service, kb, COUNT))[0]) >= before
    writing.join()
    assert values(ask(service, kb, COUNT)) == ["11"]


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT (COUNT(*) AS ?n) WHERE {{ {SQUARED} }}",
        f"SELECT * WHERE {{ {SQUARED} FILTER(CONCAT(STR(?a0), STR(?c29)) = 'x') }}",
        f"CONSTRUCT {{ <a:a> <b:b> ?s0 }} WHERE {{ {' '.join(f'?s{n} !<a:b>* ?o{n} .' for n in range(30))} }}",
    ],
    ids=["cartesian product", "filter that never holds", "paths"],
)
def test_a_query_without_end_is_ended_and_the_service_goes_on(small: RunningService, query: str) -> None:
    kb = small.kb(*(f"{number}|next to|{digit}" for number, digit in enumerate(HOSTILE)))
    in_memory(small, kb)
    began = time.monotonic()
    status, told = code(ask(small, kb, query))
    assert (status, told) in ((503, "deadline_exceeded"), (422, "query_too_costly"))
    assert time.monotonic() - began < 20
    assert values(ask(small, kb, COUNT)) == ["10"]
    _no_forks_are_left(small.services.graphs)


def test_the_deadline_really_ends_the_work(small: RunningService) -> None:
    kb = small.kb(*(f"{number}|next to|{digit}" for number, digit in enumerate(HOSTILE)))
    in_memory(small, kb)
    reply = ask(small, kb, f"SELECT (COUNT(*) AS ?n) WHERE {{ {SQUARED} }}")
    assert code(reply) == (503, "deadline_exceeded")
    assert "longer than 3 s" in reply.json()["detail"]
    _no_forks_are_left(small.services.graphs)


def _no_forks_are_left(graphs: Graphs) -> None:
    keepers = {keeper.process.pid for keeper in graphs._keepers.values()}
    assert keepers
    until = time.monotonic() + 2
    while forks := {pid for pid, parent in _parents() if parent in keepers}:
        assert time.monotonic() < until, forks
        time.sleep(0.05)


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if status[0] != "Z":
                yield int(folder.name), int(status[1])


def test_a_query_that_takes_the_memory_is_ended_and_the_service_goes_on(service: RunningService) -> None:
    kb = service.kb(*(f"{number}|next to|{digit}" for number, digit in enumerate(HOSTILE)))
    in_memory(service, kb)
    reply = ask(service, kb, f"SELECT * WHERE {{ {SQUARED} }} ORDER BY ?a0 ?b3 ?c7")
    assert code(reply) == (422, "query_too_costly")
    nested = "ASK " + "{" * 50_000 + "}" * 50_000
    reply = post(service, kb, content=nested, headers={"Content-Type": "application/sparql-query"})
    assert code(reply) == (422, "query_too_costly")
    assert values(ask(service, kb, COUNT)) == ["10"]


def test_a_result_beyond_the_limit_is_refused_whole(small: RunningService) -> None:
    kb = small.kb(*(f"{number}|next to|{digit}" for number, digit in enumerate(HOSTILE)))
    in_memory(small, kb)
    assert code(ask(small, kb, "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }")) == (413, "result_too_large")
    assert code(ask(small, kb, "CONSTRUCT { ?a ?b ?f, ?i } WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", "text/csv")) == (
        406,
        "not_acceptable",
    )
    assert len(values(ask(small, kb, "SELECT ?a WHERE { ?a ?b ?c . ?d ?e ?f } LIMIT 50"))) == 50


def test_service_reaches_no_other_endpoint_and_no_file_is_read(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    called: list[bool] = []
    with create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.2)
        port = other.getsockname()[1]
        for address in (f"http://127.0.0.1:{port}/", f"http://localhost:{port}/", f"{service.url}/v1/kbs"):
            asked = f"SELECT * WHERE {{ SERVICE <{address}> {{ ?s ?p ?o }} }}"
            assert code(ask(service, kb, asked)) == (400, "query_failed")
            silent = ask(service, kb, asked.replace("SERVICE", "SERVICE SILENT"))
            assert silent.json()["results"]["bindings"] in ([], [{}])
        with pytest.raises(TimeoutError):
            called.append(bool(other.accept()))
    assert called == []
    for graph in ("file:///etc/passwd", f"http://127.0.0.1:{port}/x"):
        assert values(ask(service, kb, f"SELECT ?s FROM <{graph}> WHERE {{ ?s ?p ?o }}")) == []


def test_many_queries_wait_for_their_turn_and_too_many_are_refused(small: RunningService) -> None:
    kb = small.kb(*(f"{number}|next to|{digit}" for number, digit in enumerate(HOSTILE)))
    in_memory(small, kb)
    slow = f"SELECT (COUNT(*) AS ?n) WHERE {{ {SQUARED} }}"
    with ThreadPoolExecutor(40) as threads:
        began = time.monotonic()
        replies = [*threads.map(lambda _: code(ask(small, kb, slow)), range(40))]
        assert time.monotonic() - began < 30
    assert set(replies) == {(503, "deadline_exceeded"), (503, "overloaded")}
    assert replies.count((503, "overloaded")) >= 20
    assert small.http.get("/livez").status_code == 200
    assert values(ask(small, kb, COUNT)) == ["10"]


def test_no_more_triples_are_kept_in_memory_than_the_setting_allows(small: RunningService) -> None:
    graphs = small.services.graphs
    kbs = [small.kb(*(f"{kb} {number}|is|x" for number in range(120))) for kb in range(3)]
    for kb in (*kbs, kbs[0]):
        in_memory(small, kb)
        assert values(ask(small, kb, COUNT)) == ["120"]
        assert sum(keeper.triples for keeper in graphs._keepers.values()) <= 300
    number = {kb: small.services.kb(kb).id for kb in kbs}
    held = set(graphs._keepers)
    assert held >= {number[kbs[2]], number[kbs[0]]}
    assert number[kbs[1]] not in held, "the one asked longest ago makes room"
    small.write(kbs[1], *(f"more {number}|is|x" for number in range(200)))
    reply = ask(small, kbs[1], COUNT)
    assert code(reply) == (413, "kb_too_large")
    assert "HOPFACT_SPARQL_MAX_TRIPLES" in reply.json()["detail"]


def test_no_more_processes_are_kept_than_a_few(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MOST_KEEPERS", 2)
    kbs = [service.kb("a|b|c") for _ in range(3)]
    for kb in kbs:
        assert values(ask(service, kb, COUNT)) == ["1"]
    number = [service.services.kb(kb).id for kb in kbs]
    assert list(service.services.graphs._keepers) == number[1:]


def test_processes_that_have_ended_are_let_go_when_any_kb_is_asked(service: RunningService) -> None:
    graphs = service.services.graphs
    gone, kb = service.kb("a|b|c"), service.kb("a|b|c")
    values(ask(service, gone, COUNT))
    keeper = graphs._keepers[service.services.kb(gone).id]
    os.kill(keeper.process.pid, signal.SIGKILL)
    while Path(f"/proc/{keeper.process.pid}/stat").read_text().split()[2] != "Z":
        time.sleep(0.01)
    assert values(ask(service, kb, COUNT)) == ["1"]
    assert not Path(f"/proc/{keeper.process.pid}").exists()
    assert keeper._control.fileno() == -1
    assert keeper not in (*graphs._keepers.values(), *graphs._leaving)


def test_names_count_among_the_triples_kept(small: RunningService) -> None:
    kb = small.kb()
    label = "http://www.w3.org/2000/01/rdf-schema#label"
    lines = [
        f'<http://e.org/{n}> <{label}> "thing {n}" .\n<http://e.org/{n}> <http://e.org/p> 1 .\n' for n in range(200)
    ]
    turtle = "".join(lines).encode()
    assert small.ingest(kb, turtle, "text/turtle")["state"] == "succeeded"
    assert code(ask(small, kb, COUNT)) == (413, "kb_too_large")


def test_a_process_that_dies_is_replaced(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    for _ in range(2):
        assert values(ask(service, kb, FILMS)) == MURNAUS
        keeper = service.services.graphs._keepers[service.services.kb(kb).id]
        keeper.process.kill()
        keeper.process.wait()


@pytest.mark.parametrize("again", [(), ("Nosferatu",), ("Nosferatu", "Tabu")])
def test_facts_that_the_database_lost_are_not_told(tmp_path: Path, again: tuple[str, ...]) -> None:
    database, before = tmp_path / "hopfact.sqlite", tmp_path / "before.sqlite"
    with running(Settings(data=tmp_path, threads=1, log_level="error")) as service:
        kb = service.kb(*FACTS)
        copied(database, before)
        service.write(kb, "Phantom|directed by|F. W. Murnau")
        assert "urn:hopfact:Phantom" in values(ask(service, kb, FILMS))
        copied(before, database)  # as a server does that took over without the last change
        for film in again:
            service.write(kb, f"{film}|directed by|F. W. Murnau")
        films = sorted(["Faust", *again, "Sunrise"])
        assert values(ask(service, kb, FILMS)) == [f"urn:hopfact:{film}" for film in films]
        reply = service.http.post(f"/v1/kbs/{kb}/ask", json={"question": "What did F. W. Murnau direct?"}).json()
        assert sorted(answer["label"] for answer in reply["answers"]) == films


def test_the_processes_end_with_the_service(tmp_path: Path) -> None:
    with running(Settings(data=tmp_path, threads=1, log_level="error")) as service:
        kb = service.kb(*FACTS)
        values(ask(service, kb, COUNT))
        service.write(kb, "a|b|c")
        values(ask(service, kb, COUNT))
        graphs = service.services.graphs
        pids = [keeper.process.pid for keeper in (*graphs._keepers.values(), *graphs._leaving)]
        assert len(pids) >= 1
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_export_has_as_many_triples_to_oxigraph_and_rdflib_and_here(service: RunningService) -> None:
    kb = service.kb()
    assert service.ingest(kb, RDF.encode(), "text/turtle")["state"] == "succeeded"
    service.write(kb, 'Zoë \\ the "cat"|likes <b>|ünïcode % and space', 'a|b|"quoted"')
    exported = service.http.get(f"/v1/kbs/{kb}/export", params={"format": "nt"}).content
    lines = len(exported.splitlines())
    counts = service.http.get(f"/v1/kbs/{kb}").json()["counts"]
    assert lines == counts["triples"] + 4, "four of the statements are names"
    oxigraph = pyoxigraph.Store()
    oxigraph.load(exported, pyoxigraph.RdfFormat.N_TRIPLES)
    graph = rdflib.Graph().parse(data=exported, format="nt")
    assert (len(oxigraph), len(graph)) == (lines, lines)
    assert values(ask(service, kb, COUNT)) == [str(lines)]
    motto = "SELECT ?m WHERE { ?s <http://example.org/motto> ?m FILTER(lang(?m) = 'la') }"
    assert values(ask(service, kb, motto)) == [str(row[0]) for row in graph.query(motto)] == ["in varietate"]  # type: ignore[index]


def entity(service: RunningService, kb: str, name: str, accept: str, **parameters: Any) -> httpx.Response:
    number = service.http.get(f"/v1/kbs/{kb}/entities", params={"q": name}).json()["entities"][0]["id"]
    address = f"/v1/kbs/{kb}/entities/{number}"
    return service.http.get(address, params=parameters, headers={"Accept": accept})


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's, of itself
@pytest.mark.parametrize("media_type", GRAPHS)
def test_an_entity_is_told_as_rdf_to_who_asks_for_it(service: RunningService, media_type: str) -> None:
    kb = service.kb()
    service.ingest(kb, RDF.encode(), "text/turtle")
    reply = entity(service, kb, "Aachen", f"{media_type}, text/html;q=0.5")
    assert reply.headers["content-type"].partition(";")[0] == media_type
    assert reply.headers["vary"] == "Accept"
    graph = rdflib.Graph().parse(data=reply.content, format=media_type)
    aachen = rdflib.URIRef("http://example.org/a")
    labels = {(str(one), one.language) for one in graph.objects(aachen, rdflib.RDFS.label)}  # type: ignore[attr-defined]
    assert labels == {("Aachen", "de"), ('Aix "la" Chapelle', "fr")}
    assert (aachen, rdflib.URIRef("http://example.org/in"), rdflib.URIRef("http://example.org/b")) in graph
    assert len(graph) == 5


def test_an_entity_of_many_facts_is_told_in_pages(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    reply = entity(service, kb, "F. W. Murnau", "application/n-triples", limit=2)
    found = reply.text
    while reply.links:
        reply = service.http.get(
            reply.url.join(reply.links["next"]["url"]), headers={"Accept": "application/n-triples"}
        )
        found += reply.text
    assert len(found.splitlines()) == 3


def test_an_entity_is_json_by_default_and_a_page_to_a_browser(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    for accept in ("*/*", "application/json", "image/png", "application/json, text/turtle;q=0.9"):
        assert entity(service, kb, "Faust", accept).json()["label"] == "Faust"
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    reply = entity(service, kb, "Faust", browser)
    assert reply.status_code == 303
    number = reply.request.url.path.rpartition("/")[2]
    assert reply.url.join(reply.headers["location"]).path == f"/ui/kbs/{kb}/browse/entities/{number}"
    assert service.http.get(reply.url.join(reply.headers["location"])).headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", [*RESULTS]),
        ("*/*", [*RESULTS]),
        ("text/csv", ["text/csv"]),
        ("TEXT/CSV ; Q=0.5, application/json", ["application/json", "text/csv"]),
        ("text/*;q=0.2, text/csv;q=0", ["text/tab-separated-values"]),
        ("application/*;q=0.1, text/csv;q=0.7, */*;q=0", ["text/csv", *[one for one in RESULTS if "app" in one]]),
        ("text/csv;q=x", []),
        (",,;", []),
    ],
)
def test_an_accept_header_is_read_as_http_says(header: str, taken: list[str]) -> None:
    assert accepted(header, RESULTS) == taken


ACCEPTANCE = Path(__file__).parents[1] / "acceptance"
KBS = [*ACCEPTANCE.glob("kbs/*.tsv"), *ACCEPTANCE.glob("unseen/dev/*.tsv")]


@pytest.mark.parametrize("facts", sorted(KBS), ids=lambda path: path.stem)
def test_the_query_of_every_answer_gives_the_same_answers_here(service: RunningService, facts: Path) -> None:
    kb = service.kb()
    assert service.ingest(kb, facts.read_bytes())["state"] == "succeeded"
    lines = facts.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line)["question"] for line in lines]
    replies = service.http.post(f"/v1/kbs/{kb}/ask/batch", json={"questions": asked}).json()["replies"]
    told = [reply for reply in replies if reply["sparql"] and not reply["abstained"]]
    assert len(told) >= 15
    for reply in told:
        assert _answers(ask(service, kb, reply["sparql"])) == {one["label"] for one in reply["answers"]}, reply


def _answers(reply: httpx.Response) -> set[str]:
    assert reply.status_code == 200, reply.text
    found = reply.json()
    if "boolean" in found:
        return {"yes" if found["boolean"] else "no"}
    (variable,) = found["head"]["vars"]
    terms = [row[variable] for row in found["results"]["bindings"]]
    return {minted_label(one["value"]) or one["value"] for one in terms}
