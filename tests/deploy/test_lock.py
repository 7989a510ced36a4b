"""The image installs what requirements.lock names by hash, and that is all that the project needs."""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
MACHINES = ("x86_64", "aarch64")
EXTRAS = ("telemetry",)


def pins(text: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
    assert len({canonicalize_name(name) for name, _ in found}) == len(found)
    return {canonicalize_name(name): version for name, version in found}


def hashes() -> dict[str, list[str]]:
    entries = re.findall(r"^([\w.-]+)==\S+((?: \\\n    \S+)*)$", LOCK, re.MULTILINE)
    return {canonicalize_name(name): found.replace("\\", "").split() for name, found in entries}


def closure(wanted: Iterable[str], machine: str) -> set[str]:
    """Everything that is needed there, as the installed packages tell."""
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(one), "") for one in wanted]
    while waiting:
        requirement, extra_of_parent = waiting.pop()
        marker = requirement.marker
        environment = {"platform_machine": machine, "extra": extra_of_parent}
        if marker is not None and not marker.evaluate(environment):
            continue
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [(Requirement(one), extra) for one in requires(name) or []]
    return {name for name, _ in seen}


def test_versions_are_those_of_the_constraints() -> None:
    constraints = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    locked = pins(LOCK)
    assert len(locked) > 50
    assert locked == {name: constraints.get(name) for name in locked}


def test_every_package_has_the_hash_of_a_wheel() -> None:
    assert hashes().keys() == pins(LOCK).keys()
    for name, found in hashes().items():
        assert found, name
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in found), name
        assert 1 <= len(found) <= len(MACHINES), name


def test_nothing_but_comments_and_pinned_packages_is_in_it() -> None:
    for line in LOCK.splitlines():
        assert re.fullmatch(r"#.*|[\w.-]+==[\w.+]+ \\|    --hash=\S+(?: \\)?", line), line


@pytest.mark.parametrize("machine", MACHINES)
def test_it_holds_what_the_project_needs_and_nothing_else(machine: str) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*settings["project"]["dependencies"], *settings["build-system"]["requires"]]
    for extra in EXTRAS:
        wanted += settings["project"]["optional-dependencies"][extra]
    assert closure(wanted, machine) == pins(LOCK).keys()


def test_the_image_installs_by_hash_and_nothing_by_name() -> None:
    commands = re.findall(r"pip install (.*)", DOCKERFILE)
    assert len(commands) == 2
    by_hash, own = (command.split() for command in commands)
    assert {"--require-hashes", "requirements.lock"} <= {*by_hash}
    assert {"--no-index", "--no-deps", "--no-build-isolation", "."} <= {*own}


def test_what_the_image_copies_reaches_the_build() -> None:
    copied = {
        name for line in re.findall(r"^COPY (?!--from)(.*)", DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]
    }
    let_in = set(re.findall(r"^!(.+)", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    assert "requirements.lock" in copied
    assert copied == let_in
