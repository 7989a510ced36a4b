"""Every block of the documentation does what the page says: commands are run, output is compared, the rest is read."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyoxigraph
import pytest
import yaml

from tests.docs.blocks import Block, blocks_of, pattern_of, printed
from tests.docs.test_docs import PAGES, ROOT
from tests.processes import ServiceProcess, serving

RUN = [page for page in PAGES if any(one.language == "sh" and one.reason is None for one in blocks_of(page))]
SAVED = re.compile(r"[Ss]ave this as `([\w.-]+)`")
ADDRESS = "http://127.0.0.1:8000"
LANGUAGES = {"", "sh", "text", "json", "yaml", "python", "sparql", "http"}
MARK = "::end of block::"
MAKES_KEYS = "hopfact keys create"
OLD = {"README.md", "CONTRIBUTING.md"}
"""Pages whose blocks without a language are not commands to run one after the other."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service for all pages but those that make keys, for a key closes it to the others."""
    with serving(tmp_path_factory.mktemp("pages"), HOPFACT_TRAINING_STEPS="2") as service:
        yield service


@pytest.fixture
def service(page: Path, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServiceProcess]:
    if MAKES_KEYS in page.read_text(encoding="utf-8"):
        with serving(tmp_path / "data") as own:
            yield own
    else:
        yield request.getfixturevalue("shared")


def saved_files(page: Path) -> dict[str, str]:
    """What a page tells to save, each block by the name in the text before it."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found = {}
    for block in blocks_of(page):
        before = "\n".join(lines[: block.line - 1]).rstrip().rpartition("\n\n")[2]
        if names := SAVED.findall(before):
            found[names[-1]] = block.text + "\n"
    return found


def script_of(page: Path) -> str:
    """All commands of a page as one script, which says where each block ends."""
    commands = [one.text for one in blocks_of(page) if one.language == "sh" and one.reason is None]
    return "\n".join(f"{text}\necho '{MARK}'" for text in commands)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_print_what_it_says(page: Path, service: ServiceProcess, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "docs").symlink_to(ROOT / "docs")
    for name, text in saved_files(page).items():
        (folder / name).write_text(text, encoding="utf-8")
    there = str(service.client.base_url).rstrip("/")
    environment = {
        **os.environ,
        "HOPFACT_DATA": str(service.data),
        "HOPFACT_THREADS": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "120",
    }
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script_of(page).replace(ADDRESS, there)],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=840,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    outputs = [printed(one) for one in ran.stdout.split(f"{MARK}\n")]
    blocks = blocks_of(page)
    runs = [one for one in blocks if one.language == "sh" and one.reason is None]
    assert len(outputs) == len(runs) + 1
    following = {one: after for one, after in pairwise(blocks) if after.language == "text"}
    for block, output in zip(runs, outputs, strict=False):
        if block in following:
            expected = printed(following[block].text)
            told = f"{page.name}:{block.line} printed\n{output}and not\n{expected}"
            assert pattern_of(expected).fullmatch(output.replace(there, ADDRESS)), told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_has_a_language_that_is_checked(page: Path) -> None:
    for before, block in pairwise([None, *blocks_of(page)]):
        assert block is not None
        where = f"{page.name}:{block.line}"
        assert block.language in LANGUAGES, where
        assert block.language or page.name in OLD, f"{where}: say what it is"
        if block.language == "text" and page.parent.name != "reference":
            assert before is not None, f"{where}: what prints this?"
            assert before.language == "sh", f"{where}: what prints this?"


def all_blocks(language: str) -> list[tuple[Path, Block]]:
    return [(page, one) for page in PAGES for one in blocks_of(page) if one.language == language]


@pytest.mark.parametrize(("page", "block"), all_blocks("sh"), ids=lambda one: getattr(one, "name", ""))
def test_every_command_is_shell(page: Path, block: Block) -> None:
    ran = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), page
    for target in re.findall(r"^make ([\w -]+)", block.text, re.MULTILINE):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for path in re.findall(r"(?<![\w/])((?:docs|scripts|deploy|tests)/[\w./-]+)", block.text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(("page", "block"), all_blocks("json"), ids=lambda one: getattr(one, "name", ""))
def test_every_block_of_json_is_json(page: Path, block: Block) -> None:
    assert isinstance(json.loads(block.text), dict), page


@pytest.mark.parametrize(("page", "block"), all_blocks("yaml"), ids=lambda one: getattr(one, "name", ""))
def test_every_block_of_yaml_is_yaml(page: Path, block: Block) -> None:
    assert isinstance(yaml.safe_load(block.text), dict), page


@pytest.mark.parametrize(("page", "block"), all_blocks("sparql"), ids=lambda one: getattr(one, "name", ""))
def test_every_query_is_sparql(page: Path, block: Block) -> None:
    assert pyoxigraph.Store().query(block.text) is not None, page


@pytest.mark.parametrize(("page", "block"), all_blocks("python"), ids=lambda one: getattr(one, "name", ""))
def test_every_program_compiles(page: Path, block: Block) -> None:
    compile(block.text, page.name, "exec")


@pytest.mark.parametrize(("page", "block"), all_blocks("http"), ids=lambda one: getattr(one, "name", ""))
def test_every_request_of_a_page_is_taken(page: Path, block: Block, shared: ServiceProcess) -> None:
    head, _, body = block.text.partition("\n{")
    method, path = head.splitlines()[0].split()
    content = json.loads("{" + body)
    if path.startswith("/v1/kbs/films"):
        shared.client.post("/v1/kbs", json={"name": "films"})
        facts = {"triples": [{"subject": "Inception", "relation": "directed by", "object": "Christopher Nolan"}]}
        assert shared.client.post("/v1/kbs/films/triples", json=facts).status_code == 200
    reply = shared.client.request(method, path, json=content)
    assert reply.is_success, f"{page.name}:{block.line}: {reply.text}"


FILMS = {
    "triples": [
        {"subject": "Sunrise", "relation": "directed by", "object": "F. W. Murnau"},
        {"subject": "F. W. Murnau", "relation": "born in", "object": "Bielefeld"},
    ]
}


def test_the_program_of_an_agent_gets_its_answer(shared: ServiceProcess) -> None:
    [program] = [one.text for page, one in all_blocks("python") if page.name == "agents.md"]
    shared.client.post("/v1/kbs", json={"name": "films"})
    assert shared.client.post("/v1/kbs/films/triples", json=FILMS).status_code == 200
    there = program.replace("http://localhost:8000", str(shared.client.base_url).rstrip("/"))
    ran = subprocess.run([sys.executable, "-c", there], capture_output=True, text=True, check=False, timeout=120)
    assert "Bielefeld" in ran.stdout, ran.stderr


def test_the_first_commands_of_the_readme_answer(shared: ServiceProcess) -> None:
    block = blocks_of(ROOT / "README.md")[0].text
    shown, _, reply = block.partition('\n{"question"')
    script = shown.replace("localhost:8000", shared.client.base_url.netloc.decode())
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("\ncurl", "\necho\ncurl")],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    asked = json.loads(ran.stdout.splitlines()[-1])
    [confidence] = re.findall(r'"confidence": ([\d.]+)', reply)
    assert abs(asked["confidence"] - float(confidence)) < 0.01
    [answer] = asked["answers"]
    assert answer["label"] == "Bielefeld"
    facts = [(fact["hop"], fact["subject"], fact["relation"], fact["object"]) for fact in answer["evidence"]]
    wanted = re.findall(r'"hop": (\d), "subject": "([^"]+)", "relation": "([^"]+)", "object": "([^"]+)"', reply)
    assert facts == [(int(hop), *words) for hop, *words in wanted]


def test_the_commands_of_the_readme_to_use_it_answer(shared: ServiceProcess, tmp_path: Path) -> None:
    [block] = [one.text for one in blocks_of(ROOT / "README.md") if "hopfact ingest" in one.text]
    first, _, script = block.partition("# in another shell, beside it:\n")
    assert [line.split("#")[0].split() for line in first.splitlines()] == [
        ["make", "install"],
        [".venv/bin/hopfact", "serve"],
    ]
    program = Path(sys.executable).with_name("hopfact")
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(".venv/bin/hopfact", str(program)).replace("films", "used")],
        cwd=tmp_path,
        env={**os.environ, "HOPFACT_DATA": str(shared.data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr
    assert "F. W. Murnau\n  1. Sunrise — directed by — F. W. Murnau\n" in ran.stdout


def test_a_pattern_takes_what_it_should_and_nothing_else() -> None:
    pattern = pattern_of("a\n...\nconfidence 0...\n")
    assert pattern.fullmatch(printed("\na\nb\n\nc\nconfidence 0.98\n"))
    assert not pattern.fullmatch(printed("a\nb\n"))
    assert not pattern.fullmatch(printed("x\nconfidence 0.98\n"))
    assert not pattern_of("a\n").fullmatch(printed("a\nb\n"))
