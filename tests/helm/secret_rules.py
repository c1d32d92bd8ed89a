"""Rules about secrets: they are in Secrets, reach the service as files that it alone can read, and are nowhere else."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.helm.objects import Document, Workload, of_kind, service_workload, texts, title, workloads

_SECRET_SETTINGS: Final = (
    "REVET_API_TOKENS",
    "REVET_ADMIN_TOKENS",
    "REVET_SHADOW_TOKENS",
    "REVET_FLEET_KEY",
    "REVET_REDIS_URL",
)

READABLE_BY_OTHERS: Final = 0o007


def hidden(documents: Sequence[Document], secrets: Sequence[str]) -> Iterator[str]:
    """No secret stands anywhere but in a Secret, plain or in base64.

    Args:
        documents: All objects.
        secrets: What was given as a secret.
    """
    for one in documents:
        looked_at = {"metadata": one["metadata"]} if one["kind"] == "Secret" else one
        encoded = [base64.b64encode(each.encode()).decode() for each in secrets]
        for text in texts(looked_at):
            for secret in [*secrets, *encoded]:
                if secret in text:
                    yield f"{title(one)} tells a secret: {secret[:4]}…"


def given_as_files(documents: Sequence[Document]) -> Iterator[str]:
    """The service has no secret in its environment or its arguments: not by value, and not by reference."""
    workload = service_workload(documents)
    for container in workload.containers():
        for one in container.get("env", []):
            if one["name"] in _SECRET_SETTINGS or "secretKeyRef" in (one.get("valueFrom") or {}):
                yield f"{workload.title} {container['name']}: the environment has the secret {one['name']}"
        for one in container.get("envFrom", []):
            if "secretRef" in one:
                yield f"{workload.title} {container['name']}: the environment has a whole Secret"


_READERS: Final[Mapping[str, frozenset[str]]] = {
    "api-tokens": frozenset({"revet", "ask"}),
    "admin-tokens": frozenset({"revet"}),
    "shadow-tokens": frozenset({"revet"}),
    "fleet-key": frozenset({"revet", "fetcher"}),
    "redis-url": frozenset({"revet", "fetcher"}),
    "password": frozenset(),
    "password-sha256": frozenset({"redis"}),
    "former-password-sha256": frozenset({"redis"}),
}
"""Which containers may have what is in a Secret of the chart's own. (`password` is there to be found again.)"""

_ABOUT: Final = dict.fromkeys(("redis-url", "password", "password-sha256", "former-password-sha256"), "redis")
"""What may stand together: nobody who may read one of them learns more from another. Everything else stands alone."""


def apart(documents: Sequence[Document]) -> Iterator[str]:
    """A Secret is for one purpose, since whoever may read it reads all of it; and a container gets what it needs."""
    made = {one["metadata"]["name"]: one for one in of_kind(documents, "Secret")}
    for one in made.values():
        purposes = sorted({_ABOUT.get(key, key) for key in one["data"]})
        if len(purposes) != 1:
            yield f"{title(one)} is for several purposes: {purposes}"
    for workload in workloads(documents):
        for name, key in _taken(workload, made):
            (container,) = {one["name"] for one in workload.spec["containers"]} & _ALL_READERS
            if container not in _READERS.get(key, frozenset()):
                yield f"{workload.title}: {container} has {key} of {name}"


_ALL_READERS: Final = frozenset().union(*_READERS.values())


def _taken(workload: Workload, made: Mapping[str, Document]) -> Iterator[tuple[str, str]]:
    """Names and keys of what a pod takes from Secrets of the chart's own."""
    for volume in workload.spec.get("volumes", []):
        for source in [volume, *(volume.get("projected") or {}).get("sources", [])]:
            secret = source.get("secret") or {}
            name = str(secret.get("secretName") or secret.get("name"))
            if name in made:
                keys = [one["key"] for one in secret.get("items") or []] or sorted(made[name]["data"])
                yield from ((name, key) for key in keys)
    for container in workload.containers():
        for one in container.get("env", []):
            wanted = (one.get("valueFrom") or {}).get("secretKeyRef") or {}
            if wanted.get("name") in made:
                yield wanted["name"], wanted["key"]


def modes(documents: Sequence[Document]) -> Iterator[str]:
    """Files of Secrets cannot be read by everybody in the container."""
    for workload in workloads(documents):
        for volume in workload.spec.get("volumes", []):
            if "secret" in volume:
                mode = volume["secret"].get("defaultMode", 0o644)
            elif any("secret" in one for one in (volume.get("projected") or {}).get("sources", [])):
                mode = volume["projected"].get("defaultMode", 0o644)
            else:
                continue
            if mode & READABLE_BY_OTHERS:
                yield f"{workload.title}: everybody can read the volume {volume['name']} ({mode:o})"


def keyless(documents: Sequence[Document]) -> Iterator[str]:
    """No ConfigMap holds a private key or a setting that is a secret."""
    for one in of_kind(documents, "ConfigMap"):
        for text in texts(one):
            if "PRIVATE KEY" in text:
                yield f"{title(one)} has a private key"
            for setting in _SECRET_SETTINGS:
                short = setting.removeprefix("REVET_").lower()
                if any(line.split("=")[0].strip() == short for line in text.splitlines()):
                    yield f"{title(one)} has {short}"
