"""Bad input over HTTP: a clear problem, nothing lost, nothing half done, the service alive."""

import gzip
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.protocol import MOST_HEAD_BYTES
from app.settings import Settings
from tests.app.running import TSV, RunningService, running

LINES = b"Oslo\tcapital of\tNorway\nRome\tcapital of\tItaly\n"


@pytest.fixture
def kb(service: RunningService) -> Iterator[str]:
    """An empty KB; afterwards the service must live, and no upload may be left in the spool."""
    yield service.kb()
    assert service.http.get("/livez").status_code == 200
    deadline = time.monotonic() + 5
    while spool(service):
        assert time.monotonic() < deadline, "an upload was left in the spool"
        time.sleep(0.05)


def spool(service: RunningService) -> list[Path]:
    folder = service.services.settings.spool_folder
    return list(folder.iterdir()) if folder.is_dir() else []


def refused(reply: httpx.Response) -> tuple[int, str]:
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert problem["status"] == reply.status_code
    assert len(problem["detail"]) > 10
    return reply.status_code, problem["code"]


def failed(job: dict[str, object]) -> str:
    assert job["state"] == "failed"
    error = job["error"]
    assert isinstance(error, dict)
    assert len(error["detail"]) > 10
    return str(error["code"])


def post_json(service: RunningService, path: str, body: bytes) -> httpx.Response:
    return service.http.post(path, content=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("media_type", [TSV, "application/json"])
def test_an_empty_body(service: RunningService, kb: str, media_type: str) -> None:
    assert refused(service.upload(kb, b"", media_type)) == (400, "empty_body")


def test_a_missing_content_type(service: RunningService, kb: str) -> None:
    reply = service.http.post(f"/v1/kbs/{kb}/triples", content=LINES)
    assert refused(reply) == (415, "unsupported_media_type")
    assert reply.json()["detail"].startswith("The body has no Content-Type: send text/")
    assert reply.json()["detail"].endswith(" or application/json.")


@pytest.mark.parametrize("media_type", ["text/plain", "application/pdf", "tsv", "application/x-www-form-urlencoded"])
def test_a_wrong_content_type(service: RunningService, kb: str, media_type: str) -> None:
    assert refused(service.upload(kb, LINES, media_type)) == (415, "unsupported_media_type")


def test_an_unknown_content_encoding(service: RunningService, kb: str) -> None:
    assert refused(service.upload(kb, LINES, TSV, "br")) == (415, "unsupported_content_encoding")


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_body_cut_in_the_middle(service: RunningService, kb: str, framing: str) -> None:
    body = LINES if "Length" in framing else b"%x\r\n%b\r\n" % (len(LINES), LINES)
    head = f"POST /v1/kbs/{kb}/triples HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TSV}\r\n{framing}\r\n\r\n"
    before = service.http.get("/v1/jobs", params={"kb": kb}).json()
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(head.encode() + body)
        time.sleep(0.2)
    time.sleep(0.2)
    assert service.http.get("/v1/jobs", params={"kb": kb}).json() == before
    assert service.facts(kb) == set()


NO_HTTP = {
    "nonsense": b"nonsense\r\n\r\n",
    "a chunk without its length": b"POST /v1/kbs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an address of 200 kB": b"GET /v1/kbs?" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_http_is_a_problem(service: RunningService, name: str) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(NO_HTTP[name])
        reply = HTTPResponse(connection)
        reply.begin()
        problem = orjson.loads(reply.read())
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json")
    assert (problem["code"], problem["request_id"]) == ("bad_request", reply.headers["x-request-id"])
    assert service.http.get("/livez").status_code == 200


@pytest.mark.parametrize("header", [b"x-a: " + b"a" * 8_000 + b"\r\n", b"a" * 8_000])
def test_headers_without_end_are_refused(service: RunningService, header: bytes) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nx-b: ")
        with suppress(OSError):
            for _ in range(8_000):
                connection.sendall(header)
        with suppress(ConnectionResetError):
            reply = HTTPResponse(connection)
            reply.begin()
            assert (reply.status, orjson.loads(reply.read())["code"]) == (431, "headers_too_large")
    assert service.http.get("/livez").status_code == 200


def test_headers_without_end_are_told_the_limit(service: RunningService) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n")
        time.sleep(0.1)
        connection.sendall(b"x-a: " + b"a" * MOST_HEAD_BYTES)
        reply = HTTPResponse(connection)
        reply.begin()
        assert (reply.status, orjson.loads(reply.read())["code"]) == (431, "headers_too_large")


def test_what_follows_a_body_in_chunks_has_an_end(service: RunningService, kb: str) -> None:
    head = f"POST /v1/kbs/{kb}/triples HTTP/1.1\r\nHost: a\r\nContent-Type: {TSV}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(head.encode() + b"6\r\na\tb\tc\n\r\n0\r\n")
        with pytest.raises(OSError, match="reset|pipe"):
            connection.sendall((b"x-a: " + b"a" * 8_000 + b"\r\n") * 8_000)
    assert service.facts(kb) == set()


def test_large_headers_and_bodies_of_one_connection_are_taken(service: RunningService, kb: str) -> None:
    headers = {f"x-{number}": "a" * 8_000 for number in range(7)}
    for _ in range(10):
        assert service.http.get(f"/v1/kbs/{kb}", headers=headers).status_code == 200
        reply = service.http.post(f"/v1/kbs/{kb}/ask", json={"question": "who?", "entities": ["a" * 500_000]})
        assert reply.status_code == 422


def test_gzip_that_is_not_gzip(service: RunningService, kb: str) -> None:
    assert failed(service.ingest(kb, LINES, TSV, "gzip")) == "unpack_failed"
    assert service.facts(kb) == set()


def test_gzip_that_is_cut(service: RunningService, kb: str) -> None:
    packed = gzip.compress(os.urandom(3000).hex().encode() + b"\n" + LINES)
    assert failed(service.ingest(kb, packed[:-100], TSV, "gzip")) == "unpack_failed"


def test_a_gzip_bomb(service: RunningService, kb: str) -> None:
    bomb = gzip.compress(b"a\tb\tc\n" + b" " * 20_000_000)
    assert failed(service.ingest(kb, bomb, TSV, "gzip")) == "unpacked_too_large"
    assert service.facts(kb) == set()


def test_an_upload_that_announces_more_than_the_limit(service: RunningService, kb: str) -> None:
    assert refused(service.upload(kb, b"a\tb\tc\n" * 2_000_000)) == (413, "request_too_large")


def test_a_stream_that_grows_beyond_the_limit(service: RunningService, kb: str) -> None:
    chunks = (b"a\tb\tc\n" * 100_000 for _ in range(20))
    with suppress(httpx.WriteError):  # the service may close the connection before the client is done sending
        assert refused(service.upload(kb, chunks)) == (413, "request_too_large")
    assert service.facts(kb) == set()


def test_a_json_body_beyond_its_limit(service: RunningService, kb: str) -> None:
    body = b'{"triples": [' + b" " * 3_000_000 + b"]}"
    assert refused(service.upload(kb, body, "application/json")) == (413, "request_too_large")


@pytest.mark.parametrize("body", [b"{", b"nonsense", b'{"triples": [}', b"\xff\xfe"])
def test_a_body_that_is_no_json(service: RunningService, kb: str, body: bytes) -> None:
    assert refused(service.upload(kb, body, "application/json")) == (400, "malformed_json")
    assert refused(post_json(service, f"/v1/kbs/{kb}/ask", body)) == (400, "malformed_json")


LISTS = {
    "questions of a batch": ("ask/batch", b'{"questions": [%b]}', ["questions", 0]),
    "questions of an evaluation": ("evaluate", b'{"questions": [%b]}', ["questions", 0]),
    "questions of a training": ("train", b'{"questions": [%b]}', ["questions", 0]),
    "answers": ("feedback", b'{"question": "a?", "answers": [%b]}', ["answers", 0]),
}


@pytest.mark.parametrize("name", LISTS)
def test_of_a_list_the_first_wrong_item_is_told(service: RunningService, kb: str, name: str) -> None:
    path, body, place = LISTS[name]
    reply = post_json(service, f"/v1/kbs/{kb}/{path}", body % b",".join([b"1"] * 900_000))
    assert refused(reply) == (422, "invalid_body")
    assert {tuple(error["loc"][:2]) for error in reply.json()["errors"]} == {tuple(place)}


def test_of_a_memory_the_first_wrong_slot_is_told(service: RunningService) -> None:
    reply = post_json(service, "/v1/read", b'{"question": "a?", "memory": [%b]}' % b",".join([b"1"] * 900_000))
    assert refused(reply) == (422, "invalid_body")
    assert {tuple(error["loc"][:2]) for error in reply.json()["errors"]} == {("memory", 0)}


def test_of_very_many_wrong_fields_the_number_is_told(service: RunningService, kb: str) -> None:
    fields = b",".join(b'"%d": 1' % number for number in range(100_000))
    reply = post_json(service, f"/v1/kbs/{kb}/ask", b'{"question": "a?", %b}' % fields)
    assert refused(reply) == (422, "invalid_body")
    assert reply.json()["detail"] == "body: 100,000 fields are wrong or missing"
    assert len(reply.json()["errors"]) == 1


@pytest.mark.parametrize("path", ["/v1/read", "/mcp"])
def test_a_body_of_more_values_than_can_be_read_soon_is_refused(service: RunningService, path: str) -> None:
    assert refused(post_json(service, path, b"[%b1]" % (b"1," * 1_000_001))) == (413, "request_too_large")


BAD_LINES = {
    "invalid UTF-8": b"a\tb\t\xff\xfe",
    "NUL": b"a\tb\tc\0d",
    "two fields": b"a\tb",
    "four fields": b"a\tb\tc\td",
    "empty subject": b"\tb\tc",
    "empty relation": b"a\t \tc",
    "empty object": b"a\tb\t",
    "a label of one megabyte": b"a\tb\t" + b"c" * 900_000,
    "a line beyond the limit": b"a\tb\t" + b"c" * 1_200_000,
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_listed_and_the_rest_goes_in(service: RunningService, kb: str, name: str) -> None:
    job = service.ingest(kb, b"Oslo\tcapital of\tNorway\n" + BAD_LINES[name] + b"\nRome\tcapital of\tItaly\n")
    assert (job["state"], job["accepted"], job["rejected"]) == ("succeeded", 2, 1)
    lines = service.http.get(f"/v1/jobs/{job['id']}/rejected").json()["rejected"]
    assert [line["number"] for line in lines] == [2]
    assert lines[0]["reason"]
    assert len(lines[0]["text"]) <= 200


def test_a_byte_order_mark_is_no_part_of_the_first_name(service: RunningService, kb: str) -> None:
    job = service.ingest(kb, b"\xef\xbb\xbf" + LINES)
    assert (job["accepted"], job["rejected"]) == (2, 0)
    assert ("Oslo", "capital of", "Norway") in service.facts(kb)


def test_a_bad_line_aborts_when_that_was_asked_for(service: RunningService, kb: str) -> None:
    job = service.ingest(kb, LINES + b"a\tb\n", on_error="abort")
    assert failed(job) == "line_rejected"
    assert "Line 3" in job["error"]["detail"]
    assert service.facts(kb) == set()


def test_on_error_of_another_kind(service: RunningService, kb: str) -> None:
    assert refused(service.upload(kb, LINES, on_error="ignore")) == (422, "invalid_parameter")


def listed(service: RunningService, job: Any) -> list[tuple[int, str]]:
    """Number and text of all rejected lines, page after page."""
    lines: list[tuple[int, str]] = []
    page: dict[str, Any] = {"next_cursor": 0}
    while page["next_cursor"] is not None:
        parameters = {"cursor": page["next_cursor"], "limit": 1000}
        page = service.http.get(f"/v1/jobs/{job['id']}/rejected", params=parameters).json()
        lines += [(line["number"], line["text"]) for line in page["rejected"]]
    return lines


def test_more_bad_lines_than_good_ones_are_all_listed_in_pages(service: RunningService, kb: str) -> None:
    lines = [b"s%d\tr\to" % number if number % 6 == 0 else b"bad %d" % number for number in range(1, 3_001)]
    job = service.ingest(kb, b"\n".join(lines))
    assert (job["state"], job["accepted"], job["rejected"]) == ("succeeded", 500, 2_500)
    assert listed(service, job) == [(number, f"bad {number}") for number in range(1, 3_001) if number % 6]


@pytest.mark.slow
def test_ten_thousand_bad_lines_among_a_million_good_ones_are_all_listed_in_pages(tmp_path: Path) -> None:
    lines = [
        b"bad %d" % n
        if n % 101 == 50
        else b"subject %d\trelation %d\tobject %d" % (n % 1000, n // 1000 % 10, n // 10_000)
        for n in range(1, 1_010_001)
    ]
    with running(Settings(data=tmp_path, threads=1, log_level="warning")) as service:
        kb = service.kb()
        job = service.ingest(kb, b"\n".join(lines))
        assert (job["state"], job["accepted"], job["rejected"]) == ("succeeded", 1_000_000, 10_000)
        assert listed(service, job) == [(n, f"bad {n}") for n in range(50, 1_010_001, 101)]
        assert service.http.get(f"/v1/kbs/{kb}").json()["counts"]["triples"] == 1_000_000


def test_a_turtle_syntax_error_names_its_line(service: RunningService, kb: str) -> None:
    data = b"@prefix : <http://e.org/> .\n:a :b :c .\n:a :b .\n:d :e :f .\n"
    job = service.ingest(kb, data, "text/turtle")
    assert failed(job) == "syntax_error"
    assert "line 3" in job["error"]["detail"]
    assert service.facts(kb) == set()


def test_the_same_file_in_two_jobs_at_once(service: RunningService, kb: str) -> None:
    data = b"".join(b"s%d\tr%d\to%d\n" % (number, number % 7, number % 100) for number in range(5_000))
    numbers = [service.upload(kb, data).json()["id"] for _ in range(2)]
    first, second = (service.ended(number) for number in numbers)
    assert {first["state"], second["state"]} == {"succeeded"}
    assert first["accepted"] + second["accepted"] == 5_000
    assert first["duplicates"] + second["duplicates"] == 5_000
    assert service.http.get(f"/v1/kbs/{kb}").json()["counts"]["triples"] == 5_000


def test_a_full_disk_while_spooling(service: RunningService, kb: str) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6 * 1024**2, limits[1]))
    try:
        reply = service.upload(kb, b"a\tb\tc\n" * 1_200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert refused(reply) == (507, "disk_full")
    assert service.ingest(kb, LINES)["state"] == "succeeded"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("PUT", "/v1/kbs", 405, "method_not_allowed"),
        ("DELETE", "/v1/kbs", 405, "method_not_allowed"),
        ("GET", "/v1/jobs/none", 422, "invalid_parameter"),
        ("GET", "/v1/jobs/999999", 404, "job_not_found"),
        ("GET", "/v1/jobs/99999999999999999999999", 422, "invalid_parameter"),
        ("GET", "/v1/jobs/999999/events", 404, "job_not_found"),
        ("GET", "/v1/jobs?state=asleep", 422, "invalid_parameter"),
        ("DELETE", "/v1/keys/999999", 404, "key_not_found"),
        ("POST", "/v1/kbs", 415, "unsupported_media_type"),
    ],
)
def test_a_request_that_makes_no_sense_is_a_problem(
    service: RunningService, method: str, path: str, status: int, code: str
) -> None:
    assert refused(service.http.request(method, path)) == (status, code)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/kbs", "GET, POST"),
        ("/v1/jobs/1", "DELETE, GET"),
        ("/livez", "GET, HEAD"),
        ("/docs/assets/swagger-ui.css", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(service: RunningService, path: str, methods: str) -> None:
    assert service.http.request("PATCH", path).headers["Allow"] == methods


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/v1/kbs/{kb}/export"])
def test_head_is_answered_like_get_without_the_body(service: RunningService, kb: str, path: str) -> None:
    got, asked = (service.http.request(method, path.format(kb=kb)) for method in ("GET", "HEAD"))
    left_out = ("date", "x-request-id", "transfer-encoding")
    assert (asked.status_code, asked.content) == (200, b"")
    assert [one for one in asked.headers.items() if one[0] not in left_out] == [
        one for one in got.headers.items() if one[0] not in left_out
    ]


def test_a_request_id_is_taken_over_or_made(service: RunningService) -> None:
    assert service.http.get("/livez", headers={"X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"
    strange = service.http.get("/livez", headers={"X-Request-ID": "a b<script>"}).headers["x-request-id"]
    assert strange != "a b<script>"
    assert len(strange) == 24


def test_an_unexpected_fault_is_a_problem_that_tells_nothing(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> bytes:
        raise ZeroDivisionError("internals")

    monkeypatch.setattr(service.services.metrics, "page", broken)
    reply = service.http.get("/metrics")
    assert refused(reply) == (500, "internal_error")
    assert "internals" not in reply.text
