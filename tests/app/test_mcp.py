"""The Model Context Protocol, asked by the SDK's own client: over real HTTP, and over pipes to a real process."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent

from app.api.mcp import check_caller
from app.errors import Problem
from app.settings import Settings, SettingsError, load_settings
from tests.app.running import RunningService, running, triples
from tests.processes import HOPFACT, environment_of

T = TypeVar("T")
ROOT = "a-root-key-of-the-environment"
READING = {"list_kbs", "ask", "find_entities", "facts_about"}
FACTS = ("Sunrise|directed by|F. W. Murnau", "F. W. Murnau|born in|Bielefeld", "Faust|directed by|F. W. Murnau")
MODES = ["legacy", "auto"]
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that needs keys, lets agents write, and has the KBs `one` and `two`."""
    settings = Settings(
        data=tmp_path_factory.mktemp("agents"),
        api_key=ROOT,  # type: ignore[arg-type]
        threads=1,
        mcp_writes=True,
        log_level="error",
    )
    with running(settings) as service:
        service.http.headers["Authorization"] = f"Bearer {ROOT}"
        for name in ("one", "two"):
            service.http.post("/v1/kbs", json={"name": name})
            service.write(name, *FACTS)
        yield service


def with_client(server: Any, use: Callable[[Client], Awaitable[T]], mode: str = "auto") -> T:
    async def go() -> T:
        async with Client(server, mode=mode) as client:
            return await use(client)

    return asyncio.run(go())


def with_key(service: RunningService, key: str, use: Callable[[Client], Awaitable[T]]) -> T:
    async def go() -> T:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http,
            Client(streamable_http_client(f"{service.url}/mcp", http_client=http)) as client,
        ):
            return await use(client)

    return asyncio.run(go())


def calling(name: str, /, **arguments: Any) -> Callable[[Client], Awaitable[CallToolResult]]:
    async def use(client: Client) -> CallToolResult:
        return await client.call_tool(name, arguments)

    return use


def lacking(name: str, /, **arguments: Any) -> Callable[[Client], Awaitable[str]]:
    """What is told of a tool that is not there; told inside, for the client's tasks wrap what gets out."""

    async def use(client: Client) -> str:
        with pytest.raises(MCPError) as error:
            await client.call_tool(name, arguments)
        return str(error.value)

    return use


async def names_of_tools(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools()).tools}


def found(result: CallToolResult) -> Any:
    assert not result.is_error, result.content
    return result.structured_content


def refusal(result: CallToolResult) -> str:
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


def key_for(service: RunningService, scope: str, kb: str | None = None) -> str:
    return str(service.http.post("/v1/keys", json={"name": "agent", "scope": scope, "kb": kb}).json()["key"])


@pytest.mark.parametrize("mode", MODES)
def test_an_agent_gets_answers_with_the_facts_that_prove_them(service: RunningService, mode: str) -> None:
    kb = service.kb(*FACTS)
    asked = calling("ask", kb=kb, question="Where was the director of Sunrise born?")
    reply = found(with_client(f"{service.url}/mcp", asked, mode))
    assert [one["answer"] for one in reply["answers"]] == ["Bielefeld"]
    evidence = [(fact["subject"], fact["relation"], fact["object"]) for fact in reply["answers"][0]["evidence"]]
    assert evidence == [("Sunrise", "directed by", "F. W. Murnau"), ("F. W. Murnau", "born in", "Bielefeld")]
    assert (reply["abstained"], reply["advice"], reply["read_as"], reply["kb"]) == (False, None, ["Sunrise"], kb)


def test_a_refusal_to_answer_comes_with_advice(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    reply = found(with_client(f"{service.url}/mcp", calling("ask", kb=kb, question="Who composed Nosferatu?")))
    assert (reply["abstained"], reply["answers"]) == (True, [])
    assert "find_entities" in reply["advice"] or "facts_about" in reply["advice"]


def test_the_tools_are_told_to_a_model_that_has_never_seen_us(service: RunningService) -> None:
    async def use(client: Client) -> Any:
        assert "list_kbs" in (client.instructions or "")
        return (await client.list_tools()).tools

    tools = with_client(f"{service.url}/mcp", use)
    assert {tool.name for tool in tools} == READING
    for tool in tools:
        assert len(tool.description) > 100
        assert (tool.annotations.read_only_hint, tool.annotations.open_world_hint) == (True, False)
        properties = tool.input_schema["properties"]
        assert all("description" in one for one in properties.values()), tool.name
        assert tool.output_schema["properties"]


def test_an_agent_finds_its_way_from_kbs_to_facts(service: RunningService) -> None:
    kb = service.kb(*FACTS)

    async def use(client: Client) -> None:
        listed = found(await client.call_tool("list_kbs", {"relations_of": kb}))
        assert {"name": kb, "triples": 3, "entities": 4, "relations": 2} in listed["kbs"]
        assert {"relation": "directed by", "facts": 2} in listed["relations"]
        entities = found(await client.call_tool("find_entities", {"kb": kb, "name": "f. w."}))["entities"]
        assert [(one["name"], one["facts"]) for one in entities] == [("F. W. Murnau", 3)]
        arguments = {"kb": kb, "entity_id": entities[0]["entity_id"], "limit": 2}
        page = found(await client.call_tool("facts_about", arguments))
        rest = found(await client.call_tool("facts_about", {**arguments, "cursor": page["next_cursor"]}))
        facts = [(one["subject"], one["object"]) for one in page["facts"] + rest["facts"]]
        assert sorted(facts) == [
            ("F. W. Murnau", "Bielefeld"),
            ("Faust", "F. W. Murnau"),
            ("Sunrise", "F. W. Murnau"),
        ]

    with_client(f"{service.url}/mcp", use)


def test_a_name_leads_to_its_facts_unless_it_may_be_several(service: RunningService) -> None:
    kb = service.kb("Paris|capital of|France", "Paris Hilton|born in|New York", "Paris Texas|lies in|Texas")
    url = f"{service.url}/mcp"
    assert found(with_client(url, calling("facts_about", kb=kb, name="paris")))["name"] == "Paris"
    assert found(with_client(url, calling("facts_about", kb=kb, name="Paris H")))["name"] == "Paris Hilton"
    told = refusal(with_client(url, calling("facts_about", kb=kb, name="Pari")))
    assert "entity_id" in told
    assert "Paris Texas, 1 facts" in told
    assert "find_entities" in refusal(with_client(url, calling("facts_about", kb=kb, name="Rome")))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("ask", {"kb": "none-such", "question": "Who?"}, ["list_kbs", "(code: kb_not_found)"]),
        ("ask", {"kb": "../keys", "question": "Who?"}, ["(code: not_found)"]),
        ("ask", {"kb": "", "question": "Who?"}, ["(code: kb_not_found)"]),
        ("ask", {"kb": "x", "question": "Who?", "hops": 3}, ["hops", "(code: invalid_arguments)"]),
        ("ask", {"kb": "x"}, ["question: Field required", "(code: invalid_arguments)"]),
        ("facts_about", {"kb": "x"}, ["either name or entity_id"]),
        ("list_kbs", {"relations_of": "none-such"}, ["(code: kb_not_found)"]),
    ],
)
def test_an_error_says_what_to_do_with_its_code(
    service: RunningService, mode: str, tool: str, arguments: dict[str, Any], told: list[str]
) -> None:
    text = refusal(with_client(f"{service.url}/mcp", calling(tool, **arguments), mode))
    assert all(part in text for part in told), text


def test_a_question_beyond_the_limits_is_refused_as_by_the_api(service: RunningService) -> None:
    kb, url = service.kb(*FACTS), f"{service.url}/mcp"
    assert "(code: question_too_long)" in refusal(with_client(url, calling("ask", kb=kb, question="x" * 2_001)))
    assert "(code: empty_question)" in refusal(with_client(url, calling("ask", kb=kb, question=" ")))
    unknown = calling("ask", kb=kb, question="Who directed it?", entities=["Nosferatu"])
    assert "find_entities" in refusal(with_client(url, unknown))


def test_an_unknown_tool_is_an_error_of_the_protocol(service: RunningService) -> None:
    told = with_client(f"{service.url}/mcp", lacking("drop_kb", kb="x"))
    assert told == "There is no tool 'drop_kb': take list_kbs, ask, find_entities, facts_about."


def test_writing_is_off_until_it_is_switched_on(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    told = with_client(f"{service.url}/mcp", lacking("add_triples", kb=kb, triples=triples("a|b|c")))
    assert "no tool 'add_triples'" in told
    assert len(service.facts(kb)) == 3


def test_only_a_key_that_may_write_sees_and_has_the_tool_that_writes(closed: RunningService) -> None:
    reader, writer = key_for(closed, "ask"), key_for(closed, "write", "one")
    new = triples("Nosferatu|directed by|F. W. Murnau")
    assert with_key(closed, reader, names_of_tools) == READING
    assert "no tool 'add_triples'" in with_key(closed, reader, lacking("add_triples", kb="one", triples=new))
    assert with_key(closed, writer, names_of_tools) == READING | {"add_triples"}
    written = found(with_key(closed, writer, calling("add_triples", kb="one", triples=new, source="an agent")))
    assert (written["accepted"], written["duplicates"]) == (1, 0)
    again = calling("ask", kb="one", question="Who directed Nosferatu?")
    answer = found(with_key(closed, reader, again))["answers"][0]
    assert (answer["answer"], answer["evidence"][0]["source"]) == ("F. W. Murnau", "an agent")
    elsewhere = calling("add_triples", kb="two", triples=new)
    assert "(code: kb_not_found)" in refusal(with_key(closed, writer, elsewhere))
    assert len(closed.facts("two")) == 3


def test_another_kb_is_to_a_tool_as_if_it_did_not_exist(closed: RunningService) -> None:
    key = key_for(closed, "ask", "one")
    listed = found(with_key(closed, key, calling("list_kbs")))
    assert [kb["name"] for kb in listed["kbs"]] == ["one"]
    for tool, arguments in (
        ("list_kbs", {"relations_of": "two"}),
        ("ask", {"kb": "two", "question": "Who directed Sunrise?"}),
        ("find_entities", {"kb": "two", "name": "S"}),
        ("facts_about", {"kb": "two", "name": "Sunrise"}),
        ("facts_about", {"kb": "two", "entity_id": 1}),
    ):
        theirs = refusal(with_key(closed, key, calling(tool, **arguments)))
        nobodys = refusal(with_key(closed, key, calling(tool, **{**arguments, _kb_of(arguments): "none"})))
        assert theirs == nobodys.replace("'none'", "'two'")


def _kb_of(arguments: dict[str, Any]) -> str:
    return "kb" if "kb" in arguments else "relations_of"


@pytest.mark.parametrize("key", [None, "x", "hf_" + "a" * 54])
def test_without_a_valid_key_not_even_the_tools_are_told(closed: RunningService, key: str | None) -> None:
    headers = {**JSON, "Authorization": f"Bearer {key}"} if key else JSON
    reply = httpx2.post(f"{closed.url}/mcp", json=LIST, headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (401, "key_refused")
    assert reply.headers["www-authenticate"] == "Bearer"


def test_a_message_counts_once_against_the_rate_of_its_key(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, api_key=ROOT, threads=1, log_level="error", rate_limit="4/hour")  # type: ignore[arg-type]
    with running(settings) as service:
        call = {**LIST, "method": "tools/call", "params": {"name": "list_kbs", "arguments": {}}}
        headers = {**JSON, "Authorization": f"Bearer {ROOT}"}
        replies = [service.http.post("/mcp", json=call, headers=headers) for _ in range(5)]
        assert [reply.status_code for reply in replies] == [200] * 4 + [429]
        assert replies[3].json()["result"]["isError"] is False
        assert replies[4].json()["code"] == "too_many_requests"


def test_a_question_that_takes_too_long_is_given_up_with_its_code(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, threads=1, log_level="error", deadline_seconds=1e-6)
    with running(settings) as service:
        kb = service.kb(*FACTS)
        told = refusal(with_client(f"{service.url}/mcp", calling("ask", kb=kb, question="Who directed Sunrise?")))
    assert "(code: deadline_exceeded)" in told
    assert "Try again in 2 s." in told


def test_a_body_is_refused_as_elsewhere(service: RunningService) -> None:
    for content, media_type, status, code in (
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{", "application/json", 400, None),
        (b" " * (2 * 1024**2 + 1), "application/json", 413, "request_too_large"),
    ):
        reply = service.http.post("/mcp", content=content, headers={**JSON, "Content-Type": media_type})
        assert reply.status_code == status
        assert reply.json().get("code") == code or reply.json()["jsonrpc"] == "2.0"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_there_are_no_sessions_to_listen_to_or_to_end(service: RunningService, method: str) -> None:
    reply = service.http.request(method, "/mcp")
    assert (reply.status_code, reply.json()["code"]) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "POST"
    assert "mcp-session-id" not in service.http.post("/mcp", json=LIST, headers=JSON).headers


def test_a_web_page_may_not_call_unless_it_is_listed(service: RunningService) -> None:
    for origin, status in (("http://evil.example", 403), ("null", 403), ("http://localhost:6274", 200)):
        reply = service.http.post("/mcp", json=LIST, headers={**JSON, "Origin": origin})
        assert reply.status_code == status, origin
    rebound = {**JSON, "Origin": f"http://evil.example:{service.port}", "Host": f"evil.example:{service.port}"}
    assert service.http.post("/mcp", json=LIST, headers=rebound).json()["code"] == "origin_refused"
    del rebound["Origin"]
    assert service.http.post("/mcp", json=LIST, headers=rebound).json()["code"] == "key_refused"


def test_origins_and_hosts_are_settings(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path, host="0.0.0.0", mcp_origins="https://Agents.example, http://b:1", mcp_hosts="facts.example"
    )
    for origin in (None, "https://agents.example", "HTTP://b:1"):
        check_caller(origin, "facts.example", settings)
        check_caller(origin, "Facts.Example:443", settings)
    for origin, host, code in (
        ("http://localhost", "facts.example", "origin_refused"),
        ("https://agents.example.evil.example", "facts.example", "origin_refused"),
        (None, "facts.example.evil.example", "host_refused"),
        (None, "", "host_refused"),
        (None, "[", "host_refused"),
    ):
        with pytest.raises(Problem) as refused:
            check_caller(origin, host, settings)
        assert refused.value.code == code
    with pytest.raises(SettingsError, match="HOPFACT_MCP_ORIGINS"):
        load_settings(mcp_origins="agents.example")
    with pytest.raises(SettingsError, match="HOPFACT_MCP_HOSTS"):
        load_settings(mcp_hosts="https://facts.example/")


def stdio(data: Path, *words: str, **variables: str) -> StdioServerParameters:
    return StdioServerParameters(command=HOPFACT, args=["mcp", *words], env=environment_of(data) | variables)


async def _ask_sunrise(client: Client) -> CallToolResult:
    return await client.call_tool("ask", {"kb": "films", "question": "Where was the director of Sunrise born?"})


def test_an_agent_that_starts_us_reads_the_data_folder_without_a_service(tmp_path: Path) -> None:
    lines = "".join(fact.replace("|", "\t") + "\n" for fact in FACTS)
    (tmp_path / "films.tsv").write_text(lines)
    ingest = [HOPFACT, "ingest", str(tmp_path / "films.tsv"), "--kb", "films"]
    subprocess.run(ingest, env=environment_of(tmp_path / "data"), check=True, capture_output=True, timeout=120)

    async def use(client: Client) -> None:
        assert await names_of_tools(client) == READING
        assert found(await _ask_sunrise(client))["answers"][0]["answer"] == "Bielefeld"
        assert "(code: kb_not_found)" in refusal(await client.call_tool("ask", {"kb": "x", "question": "Who?"}))

    with_client(stdio(tmp_path / "data", HOPFACT_HOST="0.0.0.0"), use, "legacy")

    async def write(client: Client) -> None:
        arguments = {"kb": "films", "triples": triples("F. W. Murnau|born in|Bielefeld")}
        assert found(await client.call_tool("add_triples", arguments))["duplicates"] == 1

    with_client(stdio(tmp_path / "data", HOPFACT_MCP_WRITES="true"), write)


def test_an_agent_that_starts_us_asks_a_running_service(closed: RunningService, tmp_path: Path) -> None:
    key = key_for(closed, "ask", "two")
    data = tmp_path / "unused"

    async def use(client: Client) -> None:
        listed = found(await client.call_tool("list_kbs", {}))
        assert [kb["name"] for kb in listed["kbs"]] == ["two"]
        assert "(code: kb_not_found)" in refusal(await _ask_sunrise(client))

    with_client(stdio(data, "--url", closed.url, "--key", key), use)
    assert not data.exists()

    async def refused(client: Client) -> str:
        return refusal(await client.call_tool("list_kbs", {}))

    assert "(code: key_refused)" in with_client(stdio(data, "--url", closed.url, "--key", "hf_x"), refused)
    assert "cannot be reached" in with_client(stdio(data, "--url", "http://127.0.0.1:1"), refused)


AGENTS = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", AGENTS, re.DOTALL)


@pytest.mark.parametrize("written", [block for kind, block in BLOCKS if kind == "json"])
def test_a_configuration_of_the_page_connects(closed: RunningService, tmp_path: Path, written: str) -> None:
    key = key_for(closed, "ask", "two")
    for shown, real in (
        ("/home/me/data", str(tmp_path / "data")),
        ("hf_…", key),
        ("https://facts.example", closed.url),
        ("http://localhost:8000", closed.url),
    ):
        written = written.replace(shown, real)
    (servers,) = json.loads(written).values()
    (server,) = servers.values()
    if "command" in server:
        assert server["command"] == "hopfact"
        started = StdioServerParameters(command=HOPFACT, args=server["args"], env=dict(os.environ) | server["env"])
        assert with_client(started, names_of_tools) == READING
    else:
        assert (server["type"], server["headers"]) == ("http", {"Authorization": f"Bearer {key}"})
        assert server["url"] == f"{closed.url}/mcp"
        assert with_key(closed, key, names_of_tools) == READING


def test_the_program_of_the_page_prints_the_answer(service: RunningService) -> None:
    kb = service.kb(*FACTS)
    (program,) = [block for kind, block in BLOCKS if kind == "python"]
    program = program.replace("http://localhost:8000", service.url).replace('"films"', f'"{kb}"')
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert "'answer': 'Bielefeld'" in ran.stdout


def test_a_folder_that_cannot_be_served_ends_the_process_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "reader").write_text("no checkpoint")
    environment = environment_of(tmp_path / "data") | {"HOPFACT_READER": str(tmp_path / "reader")}
    ended = subprocess.run(
        [HOPFACT, "mcp"], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "HOPFACT_READER" in ended.stderr.splitlines()[-1]


def test_a_service_that_no_agent_asks_does_not_load_the_sdk() -> None:
    program = "import sys, app.main, app.cli; sys.exit('mcp' in sys.modules or 'mcp_types' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=120, check=False).returncode == 0
