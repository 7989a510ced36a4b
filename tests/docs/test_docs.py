"""The documentation says what is: settings, commands, endpoints, problem codes, links, decisions."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from app.cli import app as cli
from app.errors import PROBLEMS
from app.main import create_app
from app.settings import PREFIX, Settings, load_settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields}
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
VARIABLE = re.compile(r"\bHOPFACT_[A-Z_]*[A-Z]\b")


def code_of(page: Path) -> str:
    return "\n".join(CODE.findall(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", [".env.example", "docs/deploy.md"])
def test_every_setting_is_listed_once_with_its_default_and_what_it_is(name: str) -> None:
    listed: dict[str, list[str]] = {}
    above = ""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        found = re.match(r"(?:# )?(HOPFACT_[A-Z_]+)=(.*)|\| `(HOPFACT_[A-Z_]+)` \| `?([^|`]*)`? \| (.*) \|", line)
        if found:
            setting = found[1] or found[3]
            listed.setdefault(setting, []).append((found[2] or found[4] or "").strip())
            told = Settings.model_fields[setting.removeprefix(PREFIX).lower()].description
            assert (found[5] or above.removeprefix("# ")).startswith(told or ""), setting
        above = line
    expected = {
        PREFIX + field.upper(): ["" if setting.default is None else str(setting.default)]
        for field, setting in Settings.model_fields.items()
    }
    assert listed == expected


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docker-compose.yml", ROOT / "Dockerfile"], ids=lambda page: page.name)
def test_every_setting_that_is_mentioned_exists(page: Path) -> None:
    assert set(VARIABLE.findall(page.read_text(encoding="utf-8"))) <= SETTINGS


def commands_in(text: str) -> Iterator[list[str]]:
    joined = text.replace("\\\n", " ")
    for found in re.finditer(r"(?:^|[`\s/])hopfact ((?:--?)?[a-z][^`\n|#]*)", joined):
        words = found[1].split()
        if not re.match(r"(hopfact|CMD|image)$", words[0]):
            yield words


def options_of(words: list[str]) -> set[str]:
    command = get_command(cli)
    for word in words:
        if not isinstance(command, TyperGroup) or word.startswith("-"):
            break
        assert word in command.commands, f"hopfact has no command {word!r}"
        command = command.commands[word]
    return {option for parameter in command.params for option in parameter.opts} | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_is_shown_exists(page: Path) -> None:
    for words in commands_in(code_of(page)):
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= options_of(words), " ".join(words)


def test_the_commands_of_a_page_are_found() -> None:
    assert list(commands_in('`hopfact kb list` and\n```\nA=1 hopfact ask "x?" --kb y\n```\nhopfact/x')) == [
        ["kb", "list"],
        ["ask", '"x?"', "--kb", "y"],
    ]


def test_every_endpoint_is_in_the_api_page_and_no_other(tmp_path: Path) -> None:
    document = create_app(load_settings(data=tmp_path)).openapi()
    offered = {f"{method.upper()} {path}" for path, calls in document["paths"].items() for method in calls}
    table = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`?]+)`", table, re.MULTILINE))
    assert shown == offered


def test_every_problem_code_is_in_the_api_page() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py"))
    raised = set(re.findall(r'Problem\(\s*\d{3},\s*"(\w+)"', sources)) | {code for _, code in PROBLEMS.values()}
    page = code_of(ROOT / "docs" / "api.md")
    assert {code for code in raised if f"`{code}`" not in page} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, place = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), f"{page.name}: {target}"
        if place:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert place in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}, target


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    records = sorted(path for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name != "README.md")
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for number, path in enumerate(records, 1):
        assert path.name.startswith(f"{number:04}-")
        assert f"]({path.name})" in index
        headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings[0].startswith(f"{number}. ")
        assert headings[1:] == ["Context", "Decision", "Consequences", "Alternatives"]


def test_every_page_is_reached_from_another() -> None:
    targets = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
        if "://" not in target
    }
    assert {
        page for page in (ROOT / "docs").rglob("*.md") if page not in targets and page.parent not in targets
    } == set()


def test_every_test_that_the_threat_model_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "threats.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text("utf-8")]
    assert missing == []
