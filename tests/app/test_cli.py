"""The command line, on the embedded store and against a server."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from app import cli
from app.errors import ServiceError
from app.settings import load_settings
from app.telemetry import configure_logging
from models import cluster
from tests.app.running import RunningService
from tests.processes import HOPFACT, wait

LINES = "Oslo\tcapital of\tNorway\nRome\tcapital of\tItaly\nbad\n"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOPFACT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOPFACT_THREADS", "1")
    monkeypatch.setenv("HOPFACT_TRAINING_STEPS", "2")
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "capitals.tsv").write_text(LINES)
    return tmp_path


class Ran:
    """How a command ended, in this process."""

    def __init__(self, *arguments: str) -> None:
        result = CliRunner().invoke(cli.app, list(arguments))
        configure_logging(load_settings())  # the runner's streams are closed now, and later tests log
        self.error = result.exception
        self.code = result.exit_code
        self.output = result.output


def run(*arguments: str) -> str:
    ran = Ran(*arguments)
    assert ran.code == 0, (ran.output, ran.error)
    return ran.output


def verbs(data: Path, *where: str) -> None:
    """Every verb that works on both, in turn."""
    run("ingest", str(data / "capitals.tsv"), "--kb", "cities", "--source", "atlas", *where)
    again = run("ingest", str(data / "capitals.tsv"), "--kb", "cities", *where)
    assert "line 3: 1 field, not 3" in again
    assert "0 new, 2 known already, 1 rejected" in again
    assert "cities" in run("kb", "list", *where)
    assert '"triples": 2' in run("kb", "show", "cities", *where)
    run("kb", "export", "cities", "--format", "tsv", "--out", str(data / "out.tsv"), *where)
    assert (data / "out.tsv").read_text() == "".join(LINES.splitlines(keepends=True)[:2])
    assert "kb_revision" in run("ask", "Oslo is the capital of what?", "--kb", "cities", "--explain", *where)
    (data / "asked.jsonl").write_text('{"question": "whose capital is Rome?", "answers": ["Italy"]}')
    trained = run("train", "--kb", "cities", "--questions", str(data / "asked.jsonl"), *where)
    assert "does not answer: fewer than 8 held-out questions" in " ".join(trained.split())
    assert "reader-" in run("kb", "models", "cities", "--activate", "0", *where)
    run("kb", "create", "empty", *where)
    run("kb", "delete", "empty", "--yes", *where)
    assert "empty" not in run("kb", "list", *where)


def test_every_verb_works_on_the_embedded_store(data: Path) -> None:
    verbs(data)
    assert "cities: agrees" in run("index", "verify")
    assert "cities: built" in run("index", "rebuild")
    assert "cities: agrees" in run("index", "verify", "cities")


def test_every_verb_works_against_a_server(data: Path, service: RunningService) -> None:
    verbs(data, "--url", service.url)
    service.http.delete("/v1/kbs/cities")


def test_new_names_are_told_apart_from_new_facts(data: Path) -> None:
    (data / "film.nt").write_text(
        '<http://e.org/f> <http://www.w3.org/2000/01/rdf-schema#label> "Inception" .\n'
        "<http://e.org/f> <http://e.org/directedBy> <http://e.org/n> .\n"
    )
    assert "1 new and 1 names, 0 known already, 0 rejected" in run("ingest", str(data / "film.nt"), "--kb", "films")


def test_keys_are_made_listed_and_revoked(data: Path) -> None:
    key = run("keys", "create", "me", "--scope", "admin", "--days", "3").strip()
    assert key.startswith("hf_")
    listed = run("keys", "list")
    assert key.split("_")[1] in listed
    assert key not in listed
    run("keys", "revoke", "1")
    assert key.split("_")[1] not in run("keys", "list")


def test_the_schema_is_checked_and_upgraded(data: Path) -> None:
    assert Ran("db", "check").code == 1
    run("db", "upgrade")
    assert "this version's" in run("db", "check")


@pytest.mark.parametrize(
    "arguments",
    [
        ("kb", "show", "none"),
        ("kb", "create", "../x"),
        ("ask", "Who?", "--kb", "none"),
        ("keys", "revoke", "77"),
        ("kb", "list", "--url", "http://127.0.0.1:1"),
    ],
)
def test_what_cannot_be_done_raises_what_is_told_in_one_line(data: Path, arguments: tuple[str, ...]) -> None:
    ran = Ran(*arguments)
    assert ran.code == 1
    assert isinstance(ran.error, cli.TOLD)
    assert "\n" not in str(ran.error)


def test_a_failed_ingestion_is_an_error_and_changes_nothing(data: Path) -> None:
    ran = Ran("ingest", str(data / "capitals.tsv"), "--kb", "cities", "--on-error", "abort")
    assert ran.code == 1
    assert "Line 3" in str(ran.error)
    assert '"triples": 0' in run("kb", "show", "cities")


def test_a_file_of_unknown_format_is_asked_about(data: Path) -> None:
    (data / "facts.doc").write_text(LINES)
    ran = Ran("ingest", str(data / "facts.doc"), "--kb", "cities")
    assert ran.code == 2
    assert "--media-type" in ran.output


def test_a_table_is_loaded_cell_by_cell(data: Path) -> None:
    path = data / "packs.csv"
    path.write_text("pack,brand,price,colour\nTrail 20,Alpka,89 EUR,red\nSummit 45,Nordo,149 EUR,\n")
    assert "give --table" in run("ingest", str(path), "--kb", "shop")
    assert "5 new" in run("ingest", str(path), "--kb", "shop", "--table")
    assert "Nordo" in run("ask", "Which brand is the Summit 45?", "--kb", "shop")
    path.write_text("pack,brand\nTrail 20,Alpka,89 EUR\n")
    ran = Ran("ingest", str(path), "--kb", "shop", "--table")
    assert ran.code == 2
    assert "line 2 has 3 cells" in ran.output
    assert Ran("ingest", str(path), "--kb", "shop", "--table", "--media-type", "text/csv").code == 2


def hopfact(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("hopfact")), *arguments]
    variables = {"PATH": "/usr/bin:/bin", "HOPFACT_DATA": str(data / "data"), **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=180, check=False)


def test_a_bad_setting_ends_a_process_with_one_line_and_code_2(data: Path) -> None:
    ended = hopfact(data, "serve", HOPFACT_PROT="1")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "HOPFACT_PROT is no setting" in ended.stderr


def test_the_service_is_not_open_to_the_network_without_a_key(data: Path) -> None:
    ended = hopfact(data, "serve", "--host", "0.0.0.0", "--port", "0")
    assert ended.returncode == 2
    assert "HOPFACT_API_KEY" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(("device", "says"), [("tpu", "no device 'tpu'"), ("cuda", "torch finds no NVIDIA card here")])
def test_a_device_that_is_not_there_is_named(device: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ran = Ran("train", "models/recipes/weston2015_memnn_babi.toml", "--device", device)
    assert ran.code == 2
    assert says in " ".join(ran.output.replace("│", " ").split())


def test_only_the_reader_begins_from_weights(tmp_path: Path) -> None:
    weights = tmp_path / "reader.safetensors"
    weights.touch()
    ran = Ran("train", "models/recipes/weston2015_memnn_babi.toml", "--from", str(weights))
    assert ran.code == 2
    assert "only the service's reader" in " ".join(ran.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("recipe", "options", "says"),
    [
        ("path_reader", (), "the service's reader learns in one process"),
        ("weston2015_memnn_babi", ("--no-resume",), "for a new run, give another --out"),
        ("weston2015_memnn_babi", (), "pip install -c constraints.txt -e '.[ray-train]'"),
    ],
)
def test_what_several_workers_cannot_train_is_told(
    recipe: str, options: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "NEEDED", ("no_such_package",))
    ran = Ran("train", f"models/recipes/{recipe}.toml", "--workers", "2", *options)
    assert ran.code == 2
    assert says in " ".join(ran.output.replace("│", " ").split())


def test_a_cluster_that_cannot_be_used_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **wanted: object) -> Path:
        raise cluster.ClusterUnusable(f"no cluster at {wanted['address']}")

    monkeypatch.setattr(cluster, "NEEDED", ("typer",))
    monkeypatch.setattr(cluster, "train", fail)
    monkeypatch.setenv("HOPFACT_RAY_ADDRESS", "nowhere:6379")
    ran = Ran("train", "models/recipes/weston2015_memnn_babi.toml", "--workers", "2")
    assert isinstance(ran.error, ServiceError)
    assert str(ran.error) == "no cluster at nowhere:6379"


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",)], ids=["serve", "worker"])
def test_what_runs_for_long_may_open_as_many_files_as_the_system_allows(data: Path, command: tuple[str, ...]) -> None:
    with_few = ("sh", "-c", 'ulimit -Sn 256; ulimit -Hn 2000; exec "$@"', "sh")
    process = subprocess.Popen([*with_few, HOPFACT, *command], stderr=subprocess.DEVNULL)
    try:
        wait(
            lambda: resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (2000, 2000),
            "the limit of open files was not raised",
            seconds=60,
        )
    finally:
        process.kill()
        process.wait()
