"""The scripts for the lock file and the bill of materials, as far as they need no network."""

import re
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


def test_the_audit_takes_no_answer_for_a_failure() -> None:
    assert 'pip-audit" --strict' in (ROOT / "scripts" / "audit").read_text(encoding="utf-8")
