"""deploy/compose.yaml and deploy/kubernetes hold to their schemas, and to what is promised of them."""

import json
import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from commands import htn
from executor.settings import Settings
from executor.settings.settings import variables
from tests.deploy.local_base import LOCK, pins
from tests.services import require_or_skip

DEPLOY = Path(__file__).parents[2] / "deploy"
SCHEMAS = Path(__file__).with_name("schemas")
KUBERNETES = sorted(path.name for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml")
WITH_PODS = ("Deployment", "StatefulSet")
Document = dict[str, Any]


def documents(text: str) -> list[Document]:
    return list(yaml.safe_load_all(text))


@cache
def manifests() -> tuple[Document, ...]:
    folder = DEPLOY / "kubernetes"
    return tuple(each for name in KUBERNETES for each in documents((folder / name).read_text()))


def pods() -> list[tuple[str, Document]]:
    """The pods of all workloads, each with its name."""
    return [(each["metadata"]["name"], each["spec"]["template"]["spec"]) for each in manifests()
            if each["kind"] in WITH_PODS]  # fmt: skip


def problems_of(document: Document) -> list[str]:
    """What the API of Kubernetes would say of a document."""
    known = json.loads((SCHEMAS / "kubernetes.json").read_text())
    kind = f"{document['apiVersion']}/{document['kind']}"
    assert kind in known["kinds"], f"{kind} is not among the schemas of tests/deploy/schemas/kubernetes.json"
    schema = {"$schema": known["$schema"], "$ref": f"#/$defs/{known['kinds'][kind]}", "$defs": known["$defs"]}
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)]


def composed(*names: str) -> Document:
    """A compose file whose variables have their defaults, as the Compose Specification fills them in."""
    (text,) = (re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (DEPLOY / name).read_text()) for name in names)
    found: Document = yaml.safe_load(text)
    return found


def settings_of(environment: dict[str, Any]) -> set[str]:
    """The names of an environment that are meant for htn."""
    return {name for name in environment if name.startswith(("HTN_", "REDIS_", "LLM_", "OLLAMA_"))}


def known_variables() -> set[str]:
    names = {variable for field in Settings.model_fields for variable in variables(field)}
    return names | {f"{name}_FILE" for name in names}


@pytest.mark.parametrize("name", ["compose.yaml", "compose.key.yaml"])
def test_a_compose_file_is_one_by_the_specification(name: str) -> None:
    schema = json.loads((SCHEMAS / "compose-spec.json").read_text())
    validator = Draft202012Validator if "2020-12" in schema["$schema"] else Draft7Validator
    assert [f"{error.json_path}: {error.message}" for error in validator(schema).iter_errors(composed(name))] == []


@pytest.mark.parametrize("name", KUBERNETES)
def test_a_manifest_is_what_the_api_of_kubernetes_takes(name: str) -> None:
    for document in documents((DEPLOY / "kubernetes" / name).read_text()):
        assert problems_of(document) == [], document["metadata"]["name"]


def test_a_field_that_kubernetes_does_not_have_is_noticed() -> None:
    (workload,) = [each for each in manifests() if each["metadata"]["name"] == "worker" and "template" in each["spec"]]
    wrong = json.loads(json.dumps(workload))
    wrong["spec"]["template"]["spec"]["containers"][0]["resource"] = {}
    assert any("'resource' was unexpected" in problem for problem in problems_of(wrong))


def test_the_kustomization_names_every_manifest_but_the_template_of_the_secret() -> None:
    (kustomization,) = documents((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    assert sorted(kustomization["resources"]) == [name for name in KUBERNETES if name != "secret.template.yaml"]


def test_what_kustomize_makes_of_them_is_taken_too_and_lies_in_one_namespace() -> None:
    require_or_skip("kubectl", shutil.which("kubectl") is not None)
    words = ["kubectl", "kustomize", str(DEPLOY / "kubernetes")]
    made = documents(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert [problems_of(each) for each in made] == [[]] * len(made)
    assert {each["metadata"].get("namespace") for each in made if each["kind"] != "Namespace"} == {"htn"}
    (settings,) = [each["metadata"]["name"] for each in made if each["kind"] == "ConfigMap"]
    sources = [source["configMapRef"]["name"] for each in made if each["kind"] in WITH_PODS
               for container in each["spec"]["template"]["spec"]["containers"]
               for source in container.get("envFrom", [])]  # fmt: skip
    assert sources == [settings] * 2


@pytest.mark.parametrize(("name", "pod"), pods())
def test_a_pod_is_not_root_keeps_no_capability_writes_nowhere_but_to_volumes_and_has_limits(
    name: str, pod: Document
) -> None:
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        rights = container["securityContext"]
        assert rights == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert container["resources"]["limits"].keys() == {"cpu", "memory"}
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted <= {volume["name"] for volume in pod.get("volumes", [])} | {"data"}


@pytest.mark.parametrize(("name", "pod"), pods())
def test_no_pod_reaches_the_host_and_no_engine_of_it(name: str, pod: Document) -> None:
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert not any("hostPath" in volume for volume in pod.get("volumes", []))


@pytest.mark.parametrize(("name", "pod"), pods())
def test_no_pod_takes_settings_from_the_names_of_services(name: str, pod: Document) -> None:
    """A Service called htn would set HTN_SERVICE_HOST and HTN_SERVICE_PORT in every pod of its namespace."""
    assert pod["enableServiceLinks"] is False


def test_the_probes_of_the_service_ask_for_its_health_under_a_name_that_it_knows() -> None:
    (container,) = dict(pods())["service"]["containers"]
    probes = [container[probe]["httpGet"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
    asked = {"path": "/health", "port": "http", "httpHeaders": [{"name": "Host", "value": "localhost"}]}
    assert probes == [asked] * 3


def test_every_selector_finds_a_pod() -> None:
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in manifests() if each["kind"] in WITH_PODS]
    wanted = [each["spec"]["selector"] for each in manifests() if each["kind"] == "Service"]
    wanted += [each["spec"]["selector"]["matchLabels"] for each in manifests() if each["kind"] in WITH_PODS]
    wanted += [each["spec"]["podSelector"].get("matchLabels", {}) for each in manifests()
               if each["kind"] == "NetworkPolicy"]  # fmt: skip
    for selector in wanted:
        assert any(selector.items() <= label.items() for label in labels), selector


@pytest.mark.parametrize("name", ["service", "worker", "valkey", "ollama"])
def test_a_composed_service_has_no_capability_and_no_engine_of_the_host(name: str) -> None:
    service = composed("compose.yaml")["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "docker.sock" not in json.dumps(service)
    assert service.get("read_only", False) or name == "ollama"


def test_only_the_service_is_published_and_on_this_machine_only() -> None:
    found = composed("compose.yaml")
    published = {name: service["ports"] for name, service in found["services"].items() if "ports" in service}
    assert published == {"service": ["127.0.0.1:8080:8080"]}
    assert found["networks"]["inside"] == {"internal": True}
    assert found["services"]["valkey"]["networks"] == ["inside"]


def test_every_command_of_a_container_is_one_and_has_these_options() -> None:
    given = [service["command"] for name, service in composed("compose.yaml")["services"].items()
             if name in ("service", "worker")]  # fmt: skip
    given += [dict(pods())[name]["containers"][0]["args"] for name in ("service", "worker")]
    for words in given:
        found = htn.get_command(click.Context(htn), words[0])
        assert found is not None, words
        found.make_parser(click.Context(found)).parse_args(words[1:])


def test_every_setting_that_is_given_is_one() -> None:
    given = {name for service in composed("compose.yaml")["services"].values()
             for name in settings_of(service.get("environment", {}))}  # fmt: skip
    given |= settings_of(composed("compose.key.yaml")["services"]["worker"]["environment"])
    for _, pod in pods():
        for container in pod["containers"]:
            given |= settings_of({each["name"]: None for each in container["env"]})
    lines = (DEPLOY / "kubernetes" / "settings.env").read_text().splitlines()
    given |= settings_of({line.partition("=")[0]: None for line in lines})
    assert given - known_variables() == set()


def test_the_template_of_the_secret_holds_no_secret_and_every_key_that_pods_ask_for() -> None:
    (secret,) = [each for each in manifests() if each["kind"] == "Secret"]
    assert set(secret["stringData"].values()) == {"REPLACE"}
    asked = set(re.findall(r"'key': '([\w-]+)'", str(pods())))
    assert asked == secret["stringData"].keys()


def test_the_image_takes_nothing_but_what_it_needs() -> None:
    """A library, a key or an environment that lies about does not get into the context of the build."""
    rules = [line for line in (DEPLOY.parent / ".dockerignore").read_text().splitlines() if line[:1] not in "#"]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert allowed == {"pyproject.toml", "README.md", "LICENSE", "requirements/service.lock", "deploy/image", *packages}
    assert all((DEPLOY.parent / name).exists() for name in allowed)


def test_the_image_has_the_versions_that_the_tests_run_with() -> None:
    tested = pins(LOCK.with_name("dev.lock"))
    assert {name: tested.get(name) for name in pins()} == pins()
