"""Clients that a generator makes of the OpenAPI document compile, and one round trip works with each.

`scripts/clients` brings generator and compilers to .venv/clients; Java and Node.js must be there already.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ServiceProcess

SOURCES = Path(__file__).parent / "generated"
TOOLS = Path(sys.executable).parents[1] / "clients"
JAR, GO, TSC = TOOLS / "openapi-generator.jar", TOOLS / "go/bin/go", TOOLS / "typescript/package/bin/tsc"
RENAMED = "NewKeyReply=IssuedKeyReply"
"""In Go `NewKeyReply` is what makes a `KeyReply`, too."""
pytestmark = pytest.mark.slow


def needs(program: str, *brought: Path) -> pytest.MarkDecorator:
    missing = [path.name for path in brought if not path.exists()] + [program] * (shutil.which(program) is None)
    return pytest.mark.skipif(
        bool(missing), reason=f"{', '.join(missing)} not here: scripts/clients brings all but Java and Node.js"
    )


def run(*command: str | Path, folder: Path, **variables: str) -> None:
    environment = os.environ | variables
    ran = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-8_000:]


def generate(service: ServiceProcess, language: str, folder: Path, properties: str) -> None:
    document = folder.parent / "openapi.json"
    document.write_bytes(service.client.get("/openapi.json").content)
    options = ["--model-name-mappings", RENAMED, "--additional-properties", properties]
    run("java", "-jar", JAR, "generate", "-g", language, "-i", document, "-o", folder, *options, folder=folder.parent)


@needs("java", JAR, TSC)
@needs("node", TSC)
def test_a_typescript_client_compiles_and_works(served: ServiceProcess, tmp_path: Path) -> None:
    generate(served, "typescript-fetch", tmp_path / "client", "supportsES6=true")
    shutil.copy(SOURCES / "round_trip.ts", tmp_path)
    options = ["--strict", "--target", "es2022", "--lib", "es2022,dom", "--module", "commonjs", "--outDir", "made"]
    run("node", TSC, *options, "round_trip.ts", folder=tmp_path)
    run("node", "made/round_trip.js", str(served.client.base_url).rstrip("/"), folder=tmp_path)


@needs("java", JAR, GO)
def test_a_go_client_compiles_and_works(served: ServiceProcess, tmp_path: Path) -> None:
    made = tmp_path / "client"
    generate(served, "go", made, "packageName=hopfact,withGoMod=false")
    (made / "go.mod").write_text(
        "module example.com/hopfact\n\ngo 1.23\n\nrequire gopkg.in/validator.v2 v2.0.1\n\n"
        f"replace gopkg.in/validator.v2 => {TOOLS / 'validator.v2'}\n"
    )
    shutil.rmtree(made / "test")  # its tests need a module more
    (made / "trip").mkdir()
    shutil.copy(SOURCES / "round_trip.go", made / "trip")
    variables = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOPATH": str(tmp_path / "path")}
    variables |= {"GOCACHE": str(TOOLS / "gocache"), "GOROOT": str(TOOLS / "go")}
    run(GO, "vet", ".", folder=made, **variables)
    run(GO, "build", "-o", "round_trip", "./trip", folder=made, **variables)
    run(made / "round_trip", str(served.client.base_url).rstrip("/"), folder=made)
