"""What the pages tell to deploy fits the Compose file and the chart, as far as is seen without Docker or a cluster."""

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from app.settings import Settings
from tests.deploy.test_chart import CHART, FOREIGN, NEWEST, OLDEST, REPLICAS, TEMPLATE, needs_helm, pods_of, rendered
from tests.docs.blocks import blocks_of
from tests.docs.test_docs import ROOT

PAGES = [ROOT / "docs" / "deploy.md", ROOT / "docs" / "how-to" / "deploy.md"]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def commands_of(page: Path) -> str:
    return "\n".join(one.text.replace("\\\n", " ") for one in blocks_of(page) if one.language == "sh")


def values_of(page: Path, folder: Path) -> Path:
    """The values.yaml that the page tells to save."""
    [text] = [one.text for one in blocks_of(page) if one.language == "yaml"]
    path = folder / "values.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pages
def test_services_and_variables_of_compose_are_there(page: Path) -> None:
    commands = commands_of(page)
    services = yaml.safe_load(COMPOSE)["services"].keys()
    named = re.findall(r"--scale (\w+)=|compose logs --follow (\w+)", commands)
    assert {one for pair in named for one in pair if one} <= services
    demanded = set(re.findall(r"\$\{(\w+):\?", COMPOSE))
    assert demanded == {"HOPFACT_API_KEY", "POSTGRES_PASSWORD"}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in re.findall(r"s/\^(\w+)=", commands) or demanded:
        assert name in demanded
        assert re.search(rf"^{name}=", example, re.MULTILINE), "sed finds no such line"


@pages
def test_the_container_is_run_as_the_image_wants_it(page: Path) -> None:
    [run] = re.findall(r"^docker run .*$", commands_of(page), re.MULTILINE)
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [port] = re.findall(r"^EXPOSE (\d+)$", dockerfile, re.MULTILINE)
    assert f":{port} " in run
    assert "127.0.0.1:" in run
    [data] = re.findall(r"--volume \w+:(\S+)", run)
    assert re.search(rf"HOPFACT_DATA={data}\b", dockerfile)
    assert {"--read-only", "--tmpfs", "--env"} <= {*run.split()}


@pages
def test_the_secret_has_the_keys_that_the_chart_reads(page: Path) -> None:
    [command] = re.findall(r"^kubectl create secret generic .*$", commands_of(page), re.MULTILINE)
    given = set(re.findall(r"--from-literal=([\w-]+)=", command))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))["secret"]
    assert values["name"] in command.split()
    assert given == {"api-key", "database-url"}
    for key in given:
        assert key in TEMPLATE or key in values.values()


@pages
def test_the_image_that_is_pushed_is_the_one_that_the_chart_asks_for(page: Path, tmp_path: Path) -> None:
    repository = yaml.safe_load(values_of(page, tmp_path).read_text(encoding="utf-8"))["image"]["repository"]
    version = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["appVersion"]
    commands = commands_of(page).splitlines()
    assert f"docker build --tag {repository}:{version} ." in commands
    assert f"docker push {repository}:{version}" in commands


@needs_helm
@pages
def test_the_chart_takes_the_values_of_the_page(page: Path, tmp_path: Path) -> None:
    values = values_of(page, tmp_path)
    saved = {"values.yaml": values, "replicas.yaml": REPLICAS}
    installs = re.findall(r"^helm upgrade --install (.*) answers (\S+)$", commands_of(page), re.MULTILINE)
    assert installs
    for options, chart in installs:
        assert (ROOT / chart).resolve() == CHART
        files = [saved[name] for name in re.findall(r"--values (\S+)", options)]
        assert files[-1] == values, "what the user wrote wins"
        documents = rendered(*[part for path in files for part in ("--values", path)])
        for document in documents:
            for version in (OLDEST, NEWEST):
                if document["kind"] not in FOREIGN:
                    kubernetes_validate.validate(document, version, strict=True)
        given: dict[str, object] = {}
        for path in files:
            given |= yaml.safe_load(path.read_text(encoding="utf-8")).get("settings", {})
        pods = pods_of(documents)
        for component in {"service", "worker"} & pods.keys():
            pod = pods[component]
            variables = {one["name"]: one.get("value") for one in pod["spec"]["containers"][0]["env"]}
            assert "HOPFACT_RATE_LIMIT" in given
            for name, value in given.items():
                told = str(value).lower() if isinstance(value, bool) else str(value)
                assert variables[name] == told


def test_who_stops_the_service_waits_longer_than_it_takes() -> None:
    chart = (ROOT / "deploy/helm/hopfact/templates/deployment.yaml").read_text(encoding="utf-8")
    waits = re.findall(r"stop_grace_period: (\d+)s", COMPOSE) + re.findall(
        r"terminationGracePeriodSeconds: (\d+)", chart
    )
    assert len(waits) == 2
    assert all(float(seconds) >= Settings(data=ROOT).deadline_seconds + 20 for seconds in waits)
