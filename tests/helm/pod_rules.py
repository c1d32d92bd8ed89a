"""Rules about pods: what they may do, where they may write, how they are probed and ended.

Each rule takes all rendered objects and yields a sentence for each thing that is wrong. That a rule can find something
is shown in `test_rules`, by objects that are broken on purpose.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from tests.helm.objects import Document, Workload, of_kind, ports, selects, service_workload, workloads

DATA_DIR: Final = "/var/lib/revet"
PROBES: Final = {
    "startupProbe": ("/healthz", "/readyz"),
    "livenessProbe": ("/healthz",),
    "readinessProbe": ("/readyz",),
}
"""Where each probe of the service may ask."""

_WRITABLE: Final = ("emptyDir", "persistentVolumeClaim", "ephemeral")
_READ_AGAIN: Final = ("secret", "configMap", "projected")

DRAIN_S: Final = 3.0
GRACE_S: Final = 10.0
"""Of `REVET_DRAIN_S` and `REVET_SHUTDOWN_GRACE_S`, where the settings say nothing."""


def unprivileged(documents: Sequence[Document], *, platform_chooses: bool = False) -> Iterator[str]:
    """Every container runs as nobody, with no capability, a read-only root and the runtime's filter of system calls.

    Args:
        documents: All objects.
        platform_chooses: Whether no pod names a user or group of its own, since the platform gives it one (OpenShift).
    """
    for workload in workloads(documents):
        for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
            if workload.spec.get(forbidden):
                yield f"{workload.title} has {forbidden}"
        if workload.spec.get("automountServiceAccountToken") is not False:
            yield f"{workload.title} is given a token of Kubernetes' API"
        of_pod = workload.spec.get("securityContext") or {}
        for container in workload.containers():
            for privilege in _privileges(of_pod, container.get("securityContext") or {}, platform_chooses):
                yield f"{workload.title} {container['name']} {privilege}"


def _privileges(of_pod: Document, own: Document, platform_chooses: bool) -> Iterator[str]:
    both = {**of_pod, **own}
    named = sorted({"runAsUser", "runAsGroup", "fsGroup"} & set(both))
    if platform_chooses and named:
        yield f"names {named}, which is the platform's to choose"
    if both.get("runAsNonRoot") is not True or not (platform_chooses or both.get("runAsUser")):
        yield f"may run as root (user {both.get('runAsUser')})"
    if both.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "has no seccomp profile"
    if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
        yield "may gain privileges"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "may write to its root"
    capabilities = own.get("capabilities") or {}
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        yield "has capabilities"


def bounded(documents: Sequence[Document]) -> Iterator[str]:
    """Every container asks for processor and memory, and has an end of memory."""
    for workload in workloads(documents):
        for container in workload.containers():
            resources = container.get("resources") or {}
            asked, limits = resources.get("requests") or {}, resources.get("limits") or {}
            if not {"cpu", "memory"} <= set(asked) or "memory" not in limits:
                yield f"{workload.title} {container['name']} has no bounds: {resources}"


def images(documents: Sequence[Document]) -> Iterator[str]:
    """Every image is one version, and no moving name."""
    for workload in workloads(documents):
        for container in workload.containers():
            name = container["image"].rpartition("/")[2]
            if "@sha256:" not in name and (":" not in name or name.endswith((":latest", ":"))):
                yield f"{workload.title} {container['name']}: the image {container['image']} names no version"


def mounted(documents: Sequence[Document]) -> Iterator[str]:
    """Every mount has its volume and every volume a mount; no two are at one place."""
    for workload in workloads(documents):
        volumes = [one["name"] for one in workload.spec.get("volumes", [])]
        volumes += [one["metadata"]["name"] for one in workload.document["spec"].get("volumeClaimTemplates", [])]
        used = {mount["name"] for container in workload.containers() for mount in container.get("volumeMounts", [])}
        if len(volumes) != len(set(volumes)):
            yield f"{workload.title} has two volumes of one name"
        for name in sorted(set(volumes) ^ used):
            yield f"{workload.title}: {name} is {'mounted nowhere' if name in volumes else 'no volume'}"
        for container in workload.containers():
            places = [mount["mountPath"].rstrip("/") for mount in container.get("volumeMounts", [])]
            for place in sorted({one for one in places if places.count(one) > 1}):
                yield f"{workload.title} {container['name']}: two mounts at {place}"


def written(documents: Sequence[Document]) -> Iterator[str]:
    """What is written to is a volume made for it; what is read is mounted read-only, and whole: a `subPath` ages."""
    for workload in workloads(documents):
        kinds = {one["name"]: _kind(one) for one in workload.spec.get("volumes", [])}
        for container in workload.containers():
            for mount in container.get("volumeMounts", []):
                kind = kinds.get(mount["name"], "persistentVolumeClaim")
                where = f"{workload.title} {container['name']} {mount['mountPath']}"
                if kind == "hostPath":
                    yield f"{where}: a path of the node"
                if kind not in _WRITABLE and mount.get("readOnly") is not True:
                    yield f"{where}: a {kind} that is not mounted read-only"
                if kind in _READ_AGAIN and "subPath" in mount:
                    yield f"{where}: a {kind} by subPath, which is never brought up to date"


def _kind(volume: Document) -> str:
    (kind,) = set(volume) - {"name"}
    return str(kind)


def data_directory(documents: Sequence[Document], *, platform_chooses: bool = False) -> Iterator[str]:
    """The service can write to its data directory and to /tmp, each a volume, and to nothing else; asked as above."""
    workload = service_workload(documents)
    container = workload.container("revet")
    writable = {one["mountPath"] for one in container.get("volumeMounts", []) if not one.get("readOnly")}
    if writable != {DATA_DIR, "/tmp"}:  # noqa: S108 - a place in a container
        yield f"{workload.title}: the service can write to {sorted(writable)}"
    if not platform_chooses and (workload.spec.get("securityContext") or {}).get("fsGroup") is None:
        yield f"{workload.title}: no fsGroup, so that a volume may belong to root"


def probed(documents: Sequence[Document]) -> Iterator[str]:
    """The service is probed at its management port: alive by /healthz, ready by /readyz."""
    workload = service_workload(documents)
    container = workload.container("revet")
    management = ports(container).get("management")
    for name, paths in PROBES.items():
        asked = (container.get(name) or {}).get("httpGet")
        if asked is None:
            yield f"{workload.title} has no {name}"
            continue
        port = ports(container).get(asked["port"], asked["port"])
        if port != management or asked["path"] not in paths or asked.get("scheme", "HTTP") != "HTTP":
            yield f"{workload.title}: {name} asks {asked.get('scheme', 'http')}://:{port}{asked['path']}"
    asked_for = [one["spec"]["selector"] for one in of_kind(documents, "Service")]
    for one in workloads(documents):
        is_asked = any(selects(selector, one.labels) for selector in asked_for)
        if is_asked and not any("readinessProbe" in container for container in one.spec["containers"]):
            yield f"{one.title} is asked, and never known to be ready"


def looked_after(documents: Sequence[Document]) -> Iterator[str]:
    """What serves nobody has a probe all the same, and none takes its place that ends at once."""
    for workload in workloads(documents):
        for container in workload.containers():
            if "prefetch" not in container.get("args", []):
                continue
            asked = ((container.get("livenessProbe") or {}).get("exec") or {}).get("command")
            if asked != ["/opt/revet/bin/revet", "healthcheck"]:
                yield f"{workload.title}: nobody notices when it hangs ({asked})"
            if not workload.document["spec"].get("minReadySeconds"):
                yield f"{workload.title}: one that ends at once takes the place of one that works"


def ended(documents: Sequence[Document], drain_s: float = DRAIN_S, grace_s: float = GRACE_S) -> Iterator[str]:
    """Kubernetes waits for longer than the service takes to end."""
    workload = service_workload(documents)
    stop = ((workload.container("revet").get("lifecycle") or {}).get("preStop")) or {}
    before = _pause_s(stop)
    granted = workload.spec.get("terminationGracePeriodSeconds", 30)
    if granted <= before + drain_s + grace_s:
        yield f"{workload.title}: {granted} s are granted, and {before} + {drain_s} + {grace_s} s may be needed"


def _pause_s(hook: Document) -> float:
    """How long a hook takes."""
    if "sleep" in hook:
        return float(hook["sleep"]["seconds"])
    command = (hook.get("exec") or {}).get("command") or []
    return max((float(word) for word in command if word.replace(".", "", 1).isdigit()), default=0.0)


def spread(documents: Sequence[Document]) -> Iterator[str]:
    """What spreads pods, or keeps them apart, means the workload's own pods."""
    for workload in workloads(documents):
        for constraint in workload.spec.get("topologySpreadConstraints") or []:
            if not _own(constraint.get("labelSelector"), workload):
                yield f"{workload.title} is spread by the labels of others: {constraint.get('labelSelector')}"
        apart = ((workload.spec.get("affinity") or {}).get("podAntiAffinity")) or {}
        terms = [*apart.get("requiredDuringSchedulingIgnoredDuringExecution", [])]
        terms += [one["podAffinityTerm"] for one in apart.get("preferredDuringSchedulingIgnoredDuringExecution", [])]
        for term in terms:
            if not _own(term.get("labelSelector"), workload):
                yield f"{workload.title} is kept apart from others: {term.get('labelSelector')}"


def _own(selector: Document | None, workload: Workload) -> bool:
    wanted = (selector or {}).get("matchLabels") or {}
    return bool(wanted) and all(workload.labels.get(name) == value for name, value in wanted.items())
