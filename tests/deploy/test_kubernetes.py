"""The manifests for Kubernetes: by its own schemas, and by what is promised of them."""

from typing import Any

import kubernetes_validate
import pytest
import yaml
from django.core.management import get_commands

from credservice import __version__
from tests.deploy.facts import SETTINGS
from tests.support.paths import ROOT

FOLDER = ROOT / "deploy/kubernetes"
KINDS_WITH_PODS = ("Deployment", "StatefulSet", "Job", "CronJob")
KUSTOMIZATIONS = sorted(FOLDER.rglob("kustomization.yaml"))
OBJECTS: dict[str, dict[str, Any]] = {
    f"{found['kind']}/{found['metadata']['name']}": found
    for path in sorted(FOLDER.rglob("*.yaml"))
    if path not in KUSTOMIZATIONS
    for found in yaml.safe_load_all(path.read_text())
}


def pod_of(found: dict[str, Any]) -> dict[str, Any]:
    """The pod's template of a Deployment, a StatefulSet, a Job or a CronJob."""
    spec = found["spec"]
    template: dict[str, Any] = (spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec)["template"]
    return template


PODS = {name: pod_of(found) for name, found in OBJECTS.items() if name.split("/")[0] in KINDS_WITH_PODS}


@pytest.mark.parametrize("name", OBJECTS)
def test_it_fits_its_schema(name: str) -> None:
    kubernetes_validate.validate(OBJECTS[name], "1.33", strict=True)


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: path.parent.name)
def test_every_file_is_applied_in_this_release(path: Any) -> None:
    found = yaml.safe_load(path.read_text())
    assert sorted(found["resources"]) == sorted(p.name for p in path.parent.glob("*.yaml") if p != path)
    assert [(image["name"], image["newTag"]) for image in found["images"]] == [("credservice", __version__)]


def test_every_variable_is_a_setting_and_every_secret_a_file() -> None:
    named = set(OBJECTS["ConfigMap/credservice"]["data"])
    assert {name.removesuffix("_FILE") for name in named} <= SETTINGS
    assert not named & {"SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL"}


@pytest.mark.parametrize("name", PODS)
def test_a_pod_can_write_nothing_and_gain_nothing(name: str) -> None:
    spec = PODS[name]["spec"]
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"]) == (True, 10001)
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["args"][0] in {*get_commands(), "serve"}
    assert {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")} == {
        "/var/lib/credservice",
        "/tmp",
    }


def test_a_worker_remembers_the_audit_logs_head() -> None:
    (claim,) = OBJECTS["StatefulSet/credservice-worker"]["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "state"


def test_a_worker_tells_by_its_command_whether_it_is_alive() -> None:
    (worker,) = PODS["StatefulSet/credservice-worker"]["spec"]["containers"]
    for kind in ("startup", "liveness"):
        assert worker[f"{kind}Probe"]["exec"]["command"] == ["credservice", "worker", "--check"]


def test_prometheus_reaches_a_workers_figures() -> None:
    (worker,) = PODS["StatefulSet/credservice-worker"]["spec"]["containers"]
    (port,) = worker["ports"]
    assert worker["env"] == [{"name": "WORKER_METRICS", "value": f"0.0.0.0:{port['containerPort']}"}]
    (rule,) = OBJECTS["NetworkPolicy/credservice-worker"]["spec"]["ingress"]
    assert rule["ports"] == [{"port": port["name"]}]


def test_probes_ask_what_each_is_for() -> None:
    (web,) = PODS["Deployment/credservice-web"]["spec"]["containers"]
    paths = {kind: web[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


@pytest.mark.parametrize("part", ["web", "worker"])
def test_one_at_a_time_may_be_taken_away(part: str) -> None:
    budget = OBJECTS[f"PodDisruptionBudget/credservice-{part}"]["spec"]
    (pod,) = [pod for name, pod in PODS.items() if name.endswith(f"credservice-{part}")]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"] == pod["metadata"]["labels"]


def test_nobody_reaches_a_pod_but_by_a_policy() -> None:
    inwards = OBJECTS["NetworkPolicy/credservice-inwards"]["spec"]
    assert inwards["policyTypes"] == ["Ingress"]
    assert "ingress" not in inwards
    for pod in PODS.values():
        assert inwards["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
