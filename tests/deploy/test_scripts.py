"""The scripts to install, for the lock file and the bill of materials, as far as they need no network."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.scripts import ROOT, script


def installed(name: str, digest: str) -> dict[str, Any]:
    archive = {"url": f"file:///{name}.whl", "archive_info": {"hashes": {"sha256": digest}}}
    return {"metadata": {"name": name, "version": "1.0"}, "download_info": archive}


def test_components_carry_the_hash_of_the_wheel_that_was_installed() -> None:
    bom = {"components": [{"name": "b", "version": "1.0"}, {"name": "a", "version": "1.0"}]}
    script("sbom").add_hashes(bom, {"install": [installed("a", "aa"), installed("b", "bb")]})
    assert bom["components"] == [
        {"name": "b", "version": "1.0", "hashes": [{"alg": "SHA-256", "content": "bb"}]},
        {"name": "a", "version": "1.0", "hashes": [{"alg": "SHA-256", "content": "aa"}]},
    ]


@pytest.mark.parametrize("described", [["a"], ["a", "b", "c"]])
def test_a_bill_that_leaves_out_or_adds_a_package_is_refused(described: list[str]) -> None:
    bom = {"components": [{"name": name, "version": "1.0"} for name in described]}
    with pytest.raises(ValueError, match="not both"):
        script("sbom").add_hashes(bom, {"install": [installed("a", "aa"), installed("b", "bb")]})


def test_the_lock_keeps_hashes_of_the_same_version_only() -> None:
    lock = script("lock")
    version = re.search(r"^torch==(\S+)", lock.LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert len(lock.locked_hashes(f"torch=={version[1]}")) == 2
    assert lock.locked_hashes(f"torch=={version[1]}.1") == set()
    assert lock.locked_hashes(f"torch=={version[1][:-1]}") == set()


@pytest.mark.parametrize("name", ["lock", "sbom"])
def test_torch_comes_from_where_the_dockerfile_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    stated = re.search(r"^ARG TORCH_INDEX=(\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert stated is not None
    assert script(name).torch_index() == ["--extra-index-url", stated[1]]
    monkeypatch.setenv("TORCH_INDEX", "")
    assert script(name).torch_index() == []


FAKE_PYTHON = """#!/bin/sh
case "$*" in
  *"config list") echo "$CONFIGURED" ;;
  *"install --quiet --retries 1"*) echo "$@" >> calls; exit "$OUTCOME" ;;
  *) echo "$@" >> calls ;;
esac
"""


def calls_of_install(folder: Path, configured: str = "", outcome: int = 0, **variables: str) -> list[str]:
    """What `scripts/install` tells pip to install, where its settings are these, and the CPU build is had or not."""
    (folder / "scripts").mkdir()
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in ("scripts/install", "Dockerfile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    python = folder / ".venv" / "bin" / "python"
    python.write_text(FAKE_PYTHON, encoding="utf-8")
    python.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "TORCH_INDEX"}
    environment |= {"CONFIGURED": configured, "OUTCOME": str(outcome), **variables}
    subprocess.run([folder / "scripts" / "install"], env=environment, check=True, capture_output=True, timeout=60)
    assert (folder / ".venv" / "installed").exists()
    return (folder / "calls").read_text(encoding="utf-8").splitlines()


def test_install_takes_the_cpu_build_of_torch_first(tmp_path: Path) -> None:
    [torch, rest] = calls_of_install(tmp_path, configured="global.timeout='60'")
    stated = re.search(r"^ARG TORCH_INDEX=(\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert stated is not None
    assert torch.endswith(f"--no-deps --index-url {stated[1]} -c constraints.txt torch")
    assert rest.endswith("install --quiet -c constraints.txt -e .[dev,demo,docs]")


def test_install_goes_on_where_there_is_no_cpu_build(tmp_path: Path) -> None:
    assert len(calls_of_install(tmp_path, outcome=1)) == 2


@pytest.mark.parametrize("setting", ["global.index-url", ":env:.extra-index-url", "install.find-links"])
def test_install_leaves_torch_to_pip_where_pip_is_told_of_an_index(setting: str, tmp_path: Path) -> None:
    [rest] = calls_of_install(tmp_path, configured=f"{setting}='file:///index'")
    assert rest.endswith("-e .[dev,demo,docs]")


def test_install_asks_the_index_that_torch_index_names_or_none(tmp_path: Path) -> None:
    (tmp_path / "named").mkdir()
    (tmp_path / "none").mkdir()
    [torch, _] = calls_of_install(tmp_path / "named", "global.index-url='x'", TORCH_INDEX="file:///torch")
    assert "--index-url file:///torch " in torch
    assert len(calls_of_install(tmp_path / "none", TORCH_INDEX="")) == 1


def test_the_audit_takes_no_answer_for_a_failure() -> None:
    assert 'pip-audit" --strict' in (ROOT / "scripts" / "audit").read_text(encoding="utf-8")
