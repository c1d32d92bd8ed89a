"""Rules about names and labels: as Kubernetes allows them, the same on all objects, and none twice."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from tests.helm.objects import Document, labels, title, workloads

NAME_MAX: Final = 63
"""A Service's name and a label's value (RFC 1035 §2.3.4); others may be longer, and are not."""

PORT_NAME_MAX: Final = 15
"""RFC 6335 §5.1."""

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL: Final = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")

LABELS: Final = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
)
"""On every object: those that Kubernetes recommends, and Helm."""

_SELECTED: Final = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component")


_MONITORING: Final = ("ServiceMonitor", "PodMonitor", "PrometheusRule", "ConfigMap")


def named(documents: Sequence[Document]) -> Iterator[str]:
    """Names are short and well-formed, and no two objects of a kind have one."""
    for (kind, name), times in Counter((one["kind"], one["metadata"]["name"]) for one in documents).items():
        if times > 1:
            yield f"{kind}/{name} is there {times} times"
        if len(name) > NAME_MAX or not _NAME.fullmatch(name):
            yield f"{kind}/{name}: no such name ({len(name)} characters)"
    for workload in workloads(documents):
        for container in workload.containers():
            for port in container.get("ports", []):
                if len(port["name"]) > PORT_NAME_MAX:
                    yield f"{workload.title}: the name of port {port['name']} is too long"


def labelled(documents: Sequence[Document]) -> Iterator[str]:
    """Every object has the labels that are recommended, and every label is well-formed."""
    for one in documents:
        for missing in sorted(set(LABELS) - set(labels(one))):
            yield f"{title(one)} has no label {missing}"
        for name, value in labels(one).items():
            if len(value) > NAME_MAX or not _LABEL.fullmatch(value):
                yield f"{title(one)}: {name} is {value!r}"
    for workload in workloads(documents):
        for missing in sorted(set(_SELECTED) - set(workload.labels)):
            yield f"{workload.title}: its pods have no label {missing}"


def placed(documents: Sequence[Document], namespace: str, monitoring: Sequence[str] = ()) -> Iterator[str]:
    """Every object is in the namespace of the release, and none belongs to the whole cluster.

    Args:
        documents: All objects.
        namespace: Of the release.
        monitoring: Where else what Prometheus and Grafana read may be.
    """
    for one in documents:
        places = {namespace, *(monitoring if one["kind"] in _MONITORING else ())}
        if one["metadata"].get("namespace") not in places:
            yield f"{title(one)} is in {one['metadata'].get('namespace')}"
        if one["kind"].startswith("Cluster"):
            yield f"{title(one)} belongs to the whole cluster"


def stable_selectors(documents: Sequence[Document]) -> Iterator[str]:
    """What a workload selects by never changes with a version: Kubernetes refuses such an upgrade."""
    for one in documents:
        if one["kind"] in {"Deployment", "StatefulSet", "DaemonSet"}:
            moving = set(one["spec"]["selector"].get("matchLabels") or {}) - set(_SELECTED)
            if moving:
                yield f"{title(one)} selects by {sorted(moving)}"
