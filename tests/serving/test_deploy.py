"""The files under serving/deploy: they name what exists, and keep the rules that a platform team asks for.

No Docker and no cluster are at hand: what can be checked without them is.
"""

import json
import re
import shutil
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.core import Metric

from framing.model import FramingModel
from serving.metrics import Metrics
from serving.settings import Settings
from serving.telemetry import Telemetry

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "serving" / "deploy"
MANIFESTS = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml")
_SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


@pytest.fixture(scope="module")
def told(model: FramingModel) -> set[str]:
    """The names of all samples that the server may tell."""
    metrics, telemetry = Metrics(drift_seconds=60), Telemetry()
    telemetry.loaded(model)
    metrics.reported("0", telemetry.message())
    return {name for family in metrics.collect() for name in sample_names(family)}


def sample_names(family: Metric) -> list[str]:
    return [family.name + suffix for suffix in _SUFFIXES[family.type]]


def names_in(expression: str) -> set[str]:
    """Return the names of metrics in a PromQL expression."""
    return set(re.findall(r"\b(?:framing|grpc_server)_[a-z_]+(?=\s*[{\[)])", re.sub(r'"[^"]*"', '""', expression)))


def alerts() -> list[dict[str, Any]]:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text("utf-8"))
    return [rule for group in rules["groups"] for rule in group["rules"]]


def dashboard_expressions() -> list[str]:
    board = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text("utf-8"))
    panels = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    variables = [entry["query"]["query"] for entry in board["templating"]["list"] if entry["type"] == "query"]
    return [*panels, *(entry["expr"] for entry in board["annotations"]["list"]), *variables]


def test_alerts_ask_for_metrics_that_there_are(told: set[str]) -> None:
    named = set().union(*(names_in(rule["expr"]) for rule in alerts()))
    assert len(named) > 12
    assert named <= told
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in alerts())


def test_the_dashboard_shows_every_metric_and_no_other(told: set[str]) -> None:
    named = set().union(*(names_in(expression.replace(",", "{")) for expression in dashboard_expressions()))
    assert named <= told
    families = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in told}
    assert families == {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in named}


def test_a_metric_that_there_is_not_would_be_noticed(told: set[str]) -> None:
    assert names_in('sum(rate(framing_invented_total{job="framing_x"}[5m]))') == {"framing_invented_total"}
    assert "framing_invented_total" not in told


@pytest.mark.parametrize("command", [("check", "rules", "alerts.yaml"), ("test", "rules", "alerts_test.yaml")])
def test_promtool_accepts_the_alerts(command: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool (Debian's package prometheus) is not installed")
    done = subprocess.run([promtool, *command], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines if line.strip()]


def test_the_image_runs_as_nobody_in_particular_from_a_slim_base_in_stages() -> None:
    found = instructions()
    assert ("ARG", "PYTHON_IMAGE=python:3.11-slim") in found
    stages = [value for name, value in found if name == "FROM"]
    assert len(stages) == 4
    runtime = found[found.index(("FROM", "${PYTHON_IMAGE} AS runtime")) :]
    users = [value for name, value in runtime if name == "USER"]
    assert users == ["65532:65532"]
    assert not [
        value for name, value in runtime if name == "COPY" and not value.startswith(("--from=build", "${BUNDLE}"))
    ]
    assert {"HEALTHCHECK", "ENTRYPOINT", "STOPSIGNAL"} <= {name for name, _ in runtime}
    prepared = runtime[1][1]
    assert runtime[1][0] == "RUN"
    assert "pip uninstall" in prepared
    assert "compileall" in prepared


def test_the_image_copies_what_exists_and_what_the_build_may_see() -> None:
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert "*" in allowed
    copied = [value.split()[:-1] for name, value in instructions() if name == "COPY" and "--from" not in value]
    sources = {source for sources in copied for source in sources} - {"${BUNDLE}"}
    assert {"framing", "serving", "serving/deploy/requirements.lock"} <= sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source.partition('/')[0]}" in allowed, source


def test_the_image_installs_locked_versions_with_hashes_and_nothing_of_training() -> None:
    runs = " ".join(value for name, value in instructions() if name == "RUN")
    assert "--require-hashes" in runs
    lock = (DEPLOY / "requirements.lock").read_text("utf-8")
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, flags=re.M))
    everything = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), flags=re.M))
    assert pinned.items() <= everything.items()
    assert lock.count("--hash=sha256:") >= len(pinned) > 30
    assert not pinned.keys() & {
        "mlflow",
        "scikit-learn",
        "scipy",
        "pandas",
        "datasets",
        "matplotlib",
        "pytest",
        "optuna",
    }


def test_the_image_compiles_takes_the_means_out_again_and_keeps_bytecode_valid_when_copied() -> None:
    found = instructions()
    build = [value for name, value in found[: found.index(("FROM", "${PYTHON_IMAGE} AS runtime"))] if name == "RUN"]
    modules = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["ext-modules"]
    assert all(module["name"] in build[-1] for module in modules)
    assert "pip uninstall --yes cython" in build[-1]
    assert build[-1].endswith("compileall -q -f --invalidation-mode unchecked-hash /opt/framing/lib")


def test_the_lock_of_the_image_has_what_serving_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["serving"], *extras["registry"], *extras["tracing"]]
    lock = (DEPLOY / "requirements.lock").read_text("utf-8")
    for requirement in wanted:
        name = re.match(r"[\w-]+", requirement)
        assert name
        assert re.search(rf"^{name[0]}==", lock, flags=re.M), requirement


def manifest(kind: str) -> dict[str, Any]:
    documents = [yaml.safe_load(path.read_text("utf-8")) for path in MANIFESTS]
    (found,) = [document for document in documents if document["kind"] == kind]
    return dict(found)


def test_kustomization_lists_every_manifest() -> None:
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text("utf-8"))["resources"]
    assert sorted(listed) == [path.name for path in MANIFESTS]


def test_kustomize_leaves_the_selectors_of_others_alone() -> None:
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        [kubectl, "kustomize", str(DEPLOY / "kubernetes")], capture_output=True, text=True, check=True
    )
    (policy,) = [item for item in yaml.safe_load_all(done.stdout) if item["kind"] == "NetworkPolicy"]
    assert policy["spec"] == manifest("NetworkPolicy")["spec"]  # a label more on the name servers would cut them off


def test_the_settings_of_the_manifests_are_settings() -> None:
    known = {f"FRAMING_{entry.name.upper()}" for entry in fields(Settings)}
    data = manifest("ConfigMap")["data"]
    assert {name for name in data if name.startswith("FRAMING_")} <= known
    image = " ".join(value for name, value in instructions() if name == "ENV")
    assert set(re.findall(r"FRAMING_\w+", image)) <= known
    read = {entry.name: entry.metadata["read"] for entry in fields(Settings)}
    for name, text in data.items():
        read[name.removeprefix("FRAMING_").lower()](text)


def test_pods_are_confined_and_given_time_to_drain() -> None:
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False  # variables such as FRAMING_PORT would be unknown settings
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    drain = float(manifest("ConfigMap")["data"]["FRAMING_DRAIN_SECONDS"])
    before = float(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] >= before + drain + 5
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["grpc"]["port"] == 50051
    written = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert written == {"/var/cache/framing", "/tmp"}  # noqa: S108  # a volume of the pod's own


def test_every_selector_finds_the_pods() -> None:
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        manifest("Deployment")["spec"]["selector"]["matchLabels"],
        manifest("Service")["spec"]["selector"],
        manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
    assert (
        manifest("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"]
        == manifest("Deployment")["metadata"]["name"]
    )
    assert manifest("Service")["spec"]["clusterIP"] == "None"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_kubernetes_would_accept_the_manifests(path: Path) -> None:
    validate = shutil.which("kubernetes-validate")
    if not validate:
        pytest.skip("kubernetes-validate, of PyPI, is not installed")
    done = subprocess.run([validate, "--strict", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_accepts_the_image() -> None:
    hadolint = shutil.which("hadolint")
    if not hadolint:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([hadolint, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
