"""The rules can find something: each is shown objects that are broken on purpose, and templates that are."""

import copy
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.helm.engine import CHART, Engine, Release
from tests.helm.everything import EVERYTHING, SECRETS
from tests.helm.objects import Document, labels
from tests.helm.rules import broken, rules_for
from tests.helm.schemas import problems
from tests.helm.secret_rules import hidden

GONE: Final = object()
"""In place of a value: the member is taken away."""

POD: Final = "spec.template.spec"
MAIN: Final = f"{POD}.containers.0"

BREAKS: Final[tuple[tuple[str, str, str | None, str, object], ...]] = (
    ("unprivileged", "Deployment", "service", f"{MAIN}.securityContext.readOnlyRootFilesystem", False),
    ("unprivileged", "Deployment", "service", f"{MAIN}.securityContext.allowPrivilegeEscalation", GONE),
    ("unprivileged", "Deployment", "service", f"{MAIN}.securityContext.privileged", True),
    ("unprivileged", "Deployment", "service", f"{MAIN}.securityContext.runAsUser", 0),
    ("unprivileged", "Deployment", "service", f"{MAIN}.securityContext.runAsNonRoot", False),
    ("unprivileged", "Deployment", "service", f"{POD}.automountServiceAccountToken", True),
    ("unprivileged", "Deployment", "service", f"{POD}.hostNetwork", True),
    ("unprivileged", "Deployment", "fetcher", f"{MAIN}.securityContext.capabilities.drop", ["NET_RAW"]),
    ("unprivileged", "Deployment", "redis", f"{MAIN}.securityContext.capabilities.add", ["SYS_TIME"]),
    ("unprivileged", "Deployment", "redis", f"{POD}.securityContext.seccompProfile", GONE),
    ("unprivileged", "Pod", "test", "spec.containers.0.securityContext", GONE),
    ("bounded", "Deployment", "service", f"{MAIN}.resources.limits.memory", GONE),
    ("bounded", "Deployment", "redis", f"{MAIN}.resources", GONE),
    ("images", "Deployment", "service", f"{MAIN}.image", "registry.example:5000/revet"),
    ("images", "Deployment", "redis", f"{MAIN}.image", "redis:latest"),
    ("mounted", "Deployment", "service", f"{POD}.volumes.0", GONE),
    ("mounted", "Deployment", "service", f"{MAIN}.volumeMounts.0", GONE),
    ("mounted", "Deployment", "service", f"{MAIN}.volumeMounts.0.mountPath", "/var/lib/revet/"),
    ("written", "Deployment", "service", f"{MAIN}.volumeMounts.0.readOnly", False),
    ("written", "Deployment", "service", f"{MAIN}.volumeMounts.1.subPath", "api-tokens"),
    ("written", "Deployment", "fetcher", f"{POD}.volumes.0", {"name": "config", "hostPath": {"path": "/etc"}}),
    ("data_directory", "Deployment", "service", f"{MAIN}.volumeMounts.2.mountPath", "/data"),
    ("data_directory", "Deployment", "service", f"{POD}.securityContext.fsGroup", GONE),
    ("probed", "Deployment", "service", f"{MAIN}.livenessProbe.httpGet.path", "/readyz"),
    ("probed", "Deployment", "service", f"{MAIN}.readinessProbe.httpGet.path", "/healthz"),
    ("probed", "Deployment", "service", f"{MAIN}.readinessProbe.httpGet.port", "api"),
    ("probed", "Deployment", "service", f"{MAIN}.startupProbe", GONE),
    ("probed", "Deployment", "redis", f"{MAIN}.readinessProbe", GONE),
    ("ended", "Deployment", "service", f"{POD}.terminationGracePeriodSeconds", 18),
    ("spread", "Deployment", "service", f"{POD}.topologySpreadConstraints.0.labelSelector", GONE),
    (
        "spread",
        "Deployment",
        "service",
        f"{POD}.topologySpreadConstraints.0.labelSelector.matchLabels",
        {"app.kubernetes.io/name": "other"},
    ),
    ("services", "Service", "service", "spec.selector", {"app.kubernetes.io/instance": "revet"}),
    ("services", "Service", "service", "spec.selector", {"app.kubernetes.io/name": "other"}),
    ("services", "Service", "service", "spec.ports.0.targetPort", "grpc"),
    ("services", "Service", "redis", "spec.ports.0.targetPort", 6380),
    ("selectors", "PodDisruptionBudget", "service", "spec.selector.matchLabels", {"app.kubernetes.io/name": "revet"}),
    ("selectors", "NetworkPolicy", "redis", "spec.podSelector.matchLabels", {"app.kubernetes.io/component": "cache"}),
    ("selectors", "Deployment", "service", "spec.selector.matchLabels", {"app.kubernetes.io/name": "revet"}),
    ("scaled", "HorizontalPodAutoscaler", "service", "spec.scaleTargetRef.name", "other"),
    ("scaled", "HorizontalPodAutoscaler", "service", "spec.scaleTargetRef.kind", "StatefulSet"),
    ("scaled", "Deployment", "service", "spec.replicas", 2),
    ("watched", "ServiceMonitor", None, "spec.selector.matchLabels", {"app.kubernetes.io/name": "revet"}),
    ("watched", "ServiceMonitor", None, "spec.endpoints.0.port", "api"),
    ("published", "Ingress", None, "spec.rules.0.http.paths.0.backend.service.name", "other"),
    ("published", "Ingress", None, "spec.rules.0.http.paths.0.backend.service.port", {"number": 9090}),
    ("published", "HTTPRoute", None, "spec.rules.0.backendRefs.0.port", 1),
    ("networks", "NetworkPolicy", "service", "spec.ingress", []),
    ("networks", "NetworkPolicy", "service", "spec.egress", []),
    ("networks", "NetworkPolicy", "redis", "spec.ingress.0.ports.0.port", 6380),
    (
        "given_as_files",
        "Deployment",
        "service",
        f"{MAIN}.env",
        [{"name": "REVET_API_TOKENS", "value": "a-token-of-a-caller"}],
    ),
    (
        "given_as_files",
        "Deployment",
        "service",
        f"{MAIN}.env",
        [{"name": "ANY", "valueFrom": {"secretKeyRef": {"name": "revet", "key": "fleet-key"}}}],
    ),
    ("given_as_files", "Deployment", "service", f"{MAIN}.envFrom", [{"secretRef": {"name": "revet"}}]),
    ("keyless", "ConfigMap", "service", "data", {"revet.toml": 'fleet_key = "a-key-of-the-fleet"\n'}),
    ("keyless", "ConfigMap", "service", "data", {"tls.key": "-----BEGIN EC PRIVATE KEY-----"}),
    ("modes", "Deployment", "service", f"{POD}.volumes.1.projected.defaultMode", 0o444),
    ("modes", "Deployment", "service", f"{POD}.volumes.1.projected.defaultMode", GONE),
    ("labelled", "Service", "service", "metadata.labels", GONE),
    ("labelled", "Service", "service", "metadata.labels.example", "a b"),
    ("labelled", "Deployment", "service", "spec.template.metadata.labels", GONE),
    ("named", "Service", "service", "metadata.name", "r" * 64),
    ("named", "Service", "service", "metadata.name", "Revet"),
    ("named", "Service", "service", "metadata.name", "revet-redis"),
    ("named", "Deployment", "service", f"{MAIN}.ports.0.name", "the-port-of-the-api"),
    ("placed", "Service", "service", "metadata.namespace", "default"),
    ("placed", "Service", "service", "metadata.namespace", GONE),
    ("mentioned", "ServiceAccount", None, "metadata.name", "other"),
    ("mentioned", "Secret", "service", "metadata.name", "other"),
    ("mentioned", "Secret", "service", "data", {}),
    ("mentioned", "Secret", "redis", "data.password-sha256", GONE),
    ("apart", "Secret", "service", "data.fleet-key", "YQ=="),
    ("apart", "Deployment", "fetcher", f"{POD}.volumes.1.projected.sources.0.secret", {"name": "revet-admins"}),
    ("apart", "Deployment", "redis", f"{MAIN}.env.0.valueFrom.secretKeyRef.key", "password"),
    ("apart", "Pod", "test", "spec.volumes.0.projected.sources.1.secret", {"name": "revet-fleet"}),
    ("looked_after", "Deployment", "fetcher", f"{MAIN}.livenessProbe", GONE),
    ("looked_after", "Deployment", "fetcher", "spec.minReadySeconds", GONE),
    ("mentioned", "ConfigMap", "service", "data", {"other.toml": ""}),
    ("stable_selectors", "Deployment", "service", "spec.selector.matchLabels.app.kubernetes.io/version", "1"),
)


@pytest.fixture(scope="module")
def sound(engine: Engine) -> list[Document]:
    """Objects in which nothing is broken."""
    documents = engine.render(EVERYTHING)
    assert [] == broken(documents, engine.merged(EVERYTHING), EVERYTHING, Release().namespace)
    return documents


def _broken(
    documents: Sequence[Document], kind: str, component: str | None, path: str, value: object
) -> list[Document]:
    """A copy in which one member of one object is another."""
    copied = copy.deepcopy([*documents])
    changed = next(
        one
        for one in copied
        if one["kind"] == kind and component in {None, labels(one).get("app.kubernetes.io/component")}
    )
    place: Any = changed
    *above, last = _names(path)
    for name in above:
        place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
    if value is GONE:
        del place[int(last) if isinstance(place, list) else last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return copied


def _names(path: str) -> list[str]:
    """The names in a path; that of a label has dots of its own."""
    before, label, after = path.partition("app.kubernetes.io/")
    names = before.strip(".").split(".")
    return [*names, label + after] if label else names


@pytest.mark.parametrize(
    ("rule", "kind", "component", "path", "value"),
    BREAKS,
    ids=[
        f"{rule}-{kind}-{path.rpartition('spec.')[2]}-{number}"
        for number, (rule, kind, _, path, _) in enumerate(BREAKS)
    ],
)
def test_rule_finds_what_is_broken(
    sound: list[Document], engine: Engine, rule: str, kind: str, component: str | None, path: str, value: object
) -> None:
    """It finds nothing in what is sound, and something in what is not."""
    rules = rules_for(engine.merged(EVERYTHING), EVERYTHING, Release().namespace)
    assert [] == [*rules[rule](sound)]
    assert [] != [*rules[rule](_broken(sound, kind, component, path, value))]


def test_every_rule_is_shown_something_broken(engine: Engine) -> None:
    """A rule that nobody has seen fail is none."""
    assert set(rules_for(engine.merged(EVERYTHING), EVERYTHING, "n")) == {rule for rule, *_ in BREAKS}


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", f"{MAIN}.imagePullPolice", "Always"),
        ("Deployment", f"{MAIN}.ports.0.containerPort", "8080"),
        ("HorizontalPodAutoscaler", "spec.maxReplicas", GONE),
        ("NetworkPolicy", "spec.ingress.0.form", []),
        ("Ingress", "spec.rules.0.http.paths.0.pathType", GONE),
        ("ServiceMonitor", "spec.endpoint", []),
        ("PrometheusRule", "spec.groups.0.rules.0.expression", "up"),
        ("Certificate", "spec.secretName", GONE),
        ("HTTPRoute", "spec.rules.0.backendRefs.0.port", "443"),
        ("ConfigMap", "data.number", 1),
    ],
)
def test_schemas_find_what_is_broken(sound: list[Document], kind: str, path: str, value: object) -> None:
    """Fields that nobody knows, types, and what is missing."""
    assert [] == [one for document in sound for one in problems(document, "1.31")]
    assert [] != [one for document in _broken(sound, kind, None, path, value) for one in problems(document, "1.31")]


def test_a_kind_that_nobody_knows_is_found() -> None:
    """A version that Kubernetes has given up, and a kind of nobody's."""
    old = {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"}, "spec": {}}
    assert [] != problems(old, "1.31")
    assert [] != problems({**old, "apiVersion": "example/v1", "kind": "Thing"}, "1.31")


@pytest.mark.parametrize("where", ["metadata.annotations.example", "data.example", "metadata.name"])
def test_a_secret_in_the_open_is_found(sound: list[Document], where: str) -> None:
    """Plain or in base64, in any object that is no Secret."""
    assert [] == [*hidden(sound, SECRETS)]
    assert [] != [*hidden(_broken(sound, "ConfigMap", None, where, f"x {SECRETS[0]} x"), SECRETS)]


TEMPLATE_BREAKS: Final[Mapping[str, tuple[str, str, str]]] = {
    "a probe at the wrong place": ("_pod.tpl deployment.yaml", "path: /readyz", "path: /v1/stats"),
    "a root that can be written to": (
        "../values.yaml",
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
    ),
    "the key of the fleet in the ConfigMap": (
        "configmap.yaml",
        "data:",
        'data:\n  fleet.toml: |\n    fleet_key = "a-key"',
    ),
    "replicas beside a scaler": ("deployment.yaml", "spec:\n", "spec:\n  replicas: 2\n"),
    "a Service of the wrong pods": (
        "service.yaml",
        'include "revet.selectorLabels" (list . "service")',
        'include "revet.selectorLabels" (list . "redis")',
    ),
    "a typing error": ("service.yaml", "targetPort:", "targetPrt:"),
}


@pytest.mark.parametrize("name", TEMPLATE_BREAKS)
def test_a_broken_template_is_found(engine: Engine, tmp_path: Path, name: str) -> None:
    """In a copy of the chart that is wrong in one place."""
    files, before, after = TEMPLATE_BREAKS[name]
    chart = tmp_path / "helm"
    shutil.copytree(CHART, chart)
    changed = 0
    for file in files.split():
        path = chart / "templates" / file
        text = path.read_text(encoding="utf-8")
        changed += before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")
    assert changed, f"{before!r} is in none of {files}"
    documents = engine.render(EVERYTHING, chart=chart)
    wrong = broken(documents, engine.merged(EVERYTHING), EVERYTHING, Release().namespace)
    assert wrong or any(problems(document, "1.31") for document in documents)
