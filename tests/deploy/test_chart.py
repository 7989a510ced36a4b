"""The Helm chart is of this version, knows this version's settings and commands, and renders to what Kubernetes takes.

What Helm does is tested where it is: on PATH, or as .venv/bin/helm, where `scripts/helm` brings it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import kubernetes_validate
import pytest
import yaml

from app.main import create_app
from app.settings import PREFIX, Settings, load_settings
from tests.docs.test_docs import options_of

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "hopfact"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in (CHART / "templates").iterdir()}
TEMPLATE = "\n".join(TEMPLATES.values())
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
REPLICAS = CHART / "ci" / "replicas-values.yaml"
OLDEST, NEWEST = "1.25", "1.35"
FOREIGN = {"ServiceMonitor"}
"""Kinds that Kubernetes itself does not have, and so no schema for."""

HELM = shutil.which("helm", path=f"{os.environ['PATH']}:{Path(sys.executable).parent}")
needs_helm = pytest.mark.skipif(HELM is None, reason="Helm is not here: scripts/helm brings it")
Document = dict[str, Any]


def paths_of(values: dict[str, Any], above: str = "") -> Iterator[str]:
    """The dotted path of every value; a map whose keys are free is one value."""
    for name, value in values.items():
        path = f"{above}.{name}"
        if isinstance(value, dict) and "properties" in schema_at(path):
            yield from paths_of(value, path)
        else:
            yield path


def schema_at(path: str) -> dict[str, Any]:
    schema: dict[str, Any] = SCHEMA
    for name in path.split(".")[1:]:
        schema = schema["properties"][name]
    return schema


def test_the_chart_is_of_the_projects_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert (chart["name"], chart["version"], chart["appVersion"]) == ("hopfact", version, version)


def test_the_values_are_those_of_the_schema() -> None:
    described = {path for path in _paths_of_schema(SCHEMA) if path != ".global"}
    assert {*paths_of(VALUES)} == described


def _paths_of_schema(schema: dict[str, Any], above: str = "") -> Iterator[str]:
    assert schema["additionalProperties"] is False, above
    for name, inner in schema["properties"].items():
        if "properties" in inner:
            yield from _paths_of_schema(inner, f"{above}.{name}")
        else:
            yield f"{above}.{name}"


def test_the_values_fit_the_schema_and_mistakes_do_not() -> None:
    schema = jsonschema_rs.validator_for(SCHEMA)
    schema.validate(VALUES)
    schema.validate(yaml.safe_load(REPLICAS.read_text(encoding="utf-8")))
    assert not schema.is_valid({**VALUES, "replica": 2})
    assert not schema.is_valid({**VALUES, "settings": {"HOPFACT_RATE_LIMITS": "1/second"}})
    assert not schema.is_valid({**VALUES, "data": {"accessMode": "ReadWriteSometimes"}})


def test_every_value_is_used_and_every_value_that_is_used_is_there() -> None:
    used = set(re.findall(r"\.Values((?:\.\w+)+)", TEMPLATE))
    assert used == {*paths_of(VALUES)}


def test_the_schema_lets_in_every_setting_that_the_chart_does_not_make_itself() -> None:
    own = set(re.findall(rf"{PREFIX}[A-Z_]+", re.sub(r"{{-? /\*.*?\*/ -?}}", "", TEMPLATE)))
    own |= {PREFIX + word.upper() for word in re.findall(r'"--(\w+)"', TEMPLATE)}
    free = set(SCHEMA["properties"]["settings"]["propertyNames"]["enum"])
    assert own == {PREFIX + name for name in ("API_KEY", "DATABASE_URL", "DATA", "HOST", "PORT", "WORKER")}
    assert own | free == {PREFIX + name.upper() for name in Settings.model_fields}
    assert not own & free


def test_every_command_of_the_chart_exists() -> None:
    commands = [json.loads(found) for found in re.findall(r"args: (\[.*\])", TEMPLATE)]
    assert len(commands) == 3
    for words in commands:
        assert {word for word in words if word.startswith("--")} <= options_of(words)


def test_user_and_port_are_those_of_the_image() -> None:
    user = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    ids = re.findall(r"(?:runAsUser|runAsGroup|fsGroup): (\d+)", TEMPLATE)
    assert {*user[0]} == {*ids}
    ports = re.findall(r"containerPort: (\d+)", TEMPLATE)
    assert ports == re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    assert f'"--port", "{ports[0]}"' in TEMPLATE


def test_what_is_probed_and_scraped_is_offered(tmp_path: Path) -> None:
    offered = create_app(load_settings(data=tmp_path)).openapi()["paths"]
    probed = re.findall(r"Probe:\s+httpGet:\s+path: (\S+)", TEMPLATE)
    assert sorted(probed) == ["/livez", "/livez", "/readyz"]
    scraped = re.findall(r"path: (\S+)", TEMPLATES["servicemonitor.yaml"])
    assert {*probed, *scraped} <= offered.keys()


def helm(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    assert HELM is not None
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, timeout=60)


def rendered(*arguments: str | Path) -> list[Document]:
    ran = helm("template", "answers", CHART, *arguments)
    assert ran.returncode == 0, ran.stderr
    return [document for document in yaml.safe_load_all(ran.stdout) if document]


def of_kind(documents: list[Document], kind: str) -> list[Document]:
    return [document for document in documents if document["kind"] == kind]


def pods_of(documents: list[Document]) -> dict[str, Document]:
    """The pod of each workload, by its component."""
    templates = [document["spec"]["template"] for document in documents if "template" in document.get("spec", {})]
    return {template["metadata"]["labels"]["app.kubernetes.io/component"]: template for template in templates}


VALUE_SETS: dict[str, list[str | Path]] = {
    "default": [],
    "replicas": ["--values", REPLICAS],
    "own volume, no autoscaling": [
        *("--set", "data.existingClaim=mine", "--set", "data.accessMode=ReadWriteMany"),
        *("--set", "replicas=3", "--set", "fullnameOverride=hopfact", "--set", "service.type=LoadBalancer"),
    ],
}
value_sets = pytest.mark.parametrize("arguments", VALUE_SETS.values(), ids=VALUE_SETS)


@needs_helm
@value_sets
def test_helm_finds_nothing_to_say(arguments: list[str | Path]) -> None:
    ran = helm("lint", "--strict", CHART, *arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 chart(s) linted, 0 chart(s) failed" in ran.stdout


@needs_helm
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@value_sets
def test_kubernetes_takes_what_is_rendered(arguments: list[str | Path], version: str) -> None:
    documents = rendered(*arguments)
    assert {document["kind"] for document in documents} >= {"Deployment", "Service", "Job"}
    for document in documents:
        if document["kind"] not in FOREIGN:
            kubernetes_validate.validate(document, version, strict=True)


@needs_helm
def test_what_is_made_for_which_values() -> None:
    def kinds(arguments: list[str | Path]) -> list[str]:
        return sorted(document["kind"] for document in rendered(*arguments))

    basis = ["Deployment", "Job", "Service"]
    budget, volume = "PodDisruptionBudget", "PersistentVolumeClaim"
    assert kinds(VALUE_SETS["default"]) == sorted([*basis, volume])
    assert kinds(VALUE_SETS["own volume, no autoscaling"]) == sorted([*basis, budget])
    more = ["Deployment", "HorizontalPodAutoscaler", "Ingress", "ServiceMonitor"]
    assert kinds(VALUE_SETS["replicas"]) == sorted([*basis, volume, budget, *more])


@needs_helm
@value_sets
def test_every_pod_has_no_more_rights_than_it_needs(arguments: list[str | Path]) -> None:
    for pod in pods_of(rendered(*arguments)).values():
        security, [container] = pod["spec"]["securityContext"], pod["spec"]["containers"]
        assert security["runAsNonRoot"]
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert container["resources"]["limits"]["memory"]


@needs_helm
@value_sets
def test_what_a_pod_writes_lies_on_its_volumes(arguments: list[str | Path]) -> None:
    for pod in pods_of(rendered(*arguments)).values():
        [container] = pod["spec"]["containers"]
        folders = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == {one["name"] for one in pod["spec"]["volumes"]}
        [data] = [one["value"] for one in container["env"] if one["name"] == "HOPFACT_DATA"]
        assert any(Path(data).is_relative_to(folder) for folder in folders)
        assert "/tmp" in folders


@needs_helm
@value_sets
def test_the_variables_of_every_pod_are_settings_that_let_it_start(
    arguments: list[str | Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for component, pod in pods_of(rendered(*arguments)).items():
        assert pod["spec"]["enableServiceLinks"] is False, "Kubernetes adds HOPFACT_PORT for a service of this name"
        variables = {one["name"]: one.get("value") for one in pod["spec"]["containers"][0]["env"]}
        assert ("HOPFACT_API_KEY" in variables) == (component == "service")
        assert variables["HOPFACT_DATABASE_URL"] is None, "it comes from the secret"
        with monkeypatch.context() as environment:
            for name, value in variables.items():
                environment.setenv(name, value or "from-a-secret-of-yours")
            load_settings()


@needs_helm
def test_settings_come_as_they_were_written() -> None:
    pods = pods_of(rendered(*VALUE_SETS["replicas"]))
    for component in ("service", "worker"):
        variables = {one["name"]: one.get("value") for one in pods[component]["spec"]["containers"][0]["env"]}
        assert variables["HOPFACT_MAX_REQUEST_BYTES"] == "8589934592"
        assert variables["HOPFACT_ABSTAIN_BELOW"] == "0.5"
        assert variables["HOPFACT_LOG_QUESTIONS"] == "false"
        assert variables["HOPFACT_WORKER"] == "none"
        assert "OTEL_EXPORTER_OTLP_HEADERS" in variables
    alone = pods_of(rendered())["service"]["spec"]["containers"][0]["env"]
    assert {"name": "HOPFACT_WORKER", "value": "embedded"} in alone


@needs_helm
@value_sets
def test_whatever_points_at_something_finds_it(arguments: list[str | Path]) -> None:
    documents = rendered(*arguments)
    pods = pods_of(documents)
    labels = {component: pod["metadata"]["labels"].items() for component, pod in pods.items()}

    def chosen(selector: dict[str, str]) -> set[str]:
        return {component for component, present in labels.items() if selector.items() <= present}

    for deployment in of_kind(documents, "Deployment"):
        component = deployment["metadata"]["labels"]["app.kubernetes.io/component"]
        assert chosen(deployment["spec"]["selector"]["matchLabels"]) == {component}
    [service] = of_kind(documents, "Service")
    assert chosen(service["spec"]["selector"]) == {"service"}
    [port] = service["spec"]["ports"]
    assert port["targetPort"] in {one["name"] for one in pods["service"]["spec"]["containers"][0]["ports"]}
    for budget in of_kind(documents, "PodDisruptionBudget"):
        assert chosen(budget["spec"]["selector"]["matchLabels"]) == {"service"}
    for scaler in of_kind(documents, "HorizontalPodAutoscaler"):
        [scaled] = [one for one in of_kind(documents, "Deployment") if one["metadata"]["name"] == service_name(service)]
        assert scaler["spec"]["scaleTargetRef"]["name"] == scaled["metadata"]["name"]
        assert "replicas" not in scaled["spec"], "an upgrade would undo what the autoscaler chose"
    for ingress in of_kind(documents, "Ingress"):
        backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        assert backend == {"name": service_name(service), "port": {"name": port["name"]}}
    for monitor in of_kind(documents, "ServiceMonitor"):
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        assert monitor["spec"]["endpoints"][0]["port"] == port["name"]
        assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "hopfact", "as the alerts call the job"
    claims = {claim["metadata"]["name"] for claim in of_kind(documents, "PersistentVolumeClaim")} or {"mine"}
    for component in pods.keys() - {"migration"}:
        volumes = {one["name"]: one for one in pods[component]["spec"]["volumes"]}
        assert {volumes["data"]["persistentVolumeClaim"]["claimName"]} == claims


def service_name(service: Document) -> str:
    name: str = service["metadata"]["name"]
    return name


@needs_helm
def test_a_volume_of_one_node_is_left_by_the_old_pod_before_the_new_one_starts() -> None:
    [alone] = of_kind(rendered(), "Deployment")
    assert alone["spec"]["strategy"] == {"type": "Recreate"}
    for deployment in of_kind(rendered(*VALUE_SETS["replicas"]), "Deployment"):
        assert deployment["spec"].get("strategy", {}).get("type", "RollingUpdate") == "RollingUpdate"


@needs_helm
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("replicas=2", "ReadWriteMany"),
        ("worker.enabled=true", "ReadWriteMany"),
        ("autoscaling.enabled=true", "ReadWriteMany"),
        ("ingress.enabled=true", "ingress.host"),
        ("settings.HOPFACT_RATE_LIMITS=1/second", "HOPFACT_RATE_LIMIT"),
        ("secret.name=", "secret"),
    ],
)
def test_values_that_cannot_work_are_refused_with_words(setting: str, words: str) -> None:
    ran = helm("template", "hopfact", CHART, "--set", setting)
    assert ran.returncode != 0
    assert words in ran.stderr


@needs_helm
def test_the_schema_is_migrated_before_anything_else_of_a_release() -> None:
    [job] = of_kind(rendered(), "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    volumes = job["spec"]["template"]["spec"]["volumes"]
    assert volumes == [{"name": "tmp", "emptyDir": {}}], "the claim is made after the hooks"
