"""The bundled Redis as its pod starts it, with this machine's redis-server."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.helm.objects import Document, Workload, of_kind, workloads

_VARIABLE: Final = re.compile(r"\$\((\w+)\)")
"""What the kubelet fills in (Kubernetes, dependent environment variables)."""


def command(documents: Sequence[Document], directory: Path) -> list[str]:
    """What is to be started, with the environment filled in as the kubelet does, and its configuration in a directory.

    Args:
        documents: What was rendered, and Secrets of the operator's that it names.
        directory: For `redis.conf`, and in place of `/data`.
    """
    (workload,) = (one for one in workloads(documents) if any(c["name"] == "redis" for c in one.spec["containers"]))
    container = workload.container("redis")
    environment = dict(_environment(documents, container))
    (config,) = (one for one in of_kind(documents, "ConfigMap") if one["metadata"]["name"] == _mounted(workload))
    file = directory / "redis.conf"
    file.write_text(config["data"]["redis.conf"].replace("dir /data", f"dir {directory}"), encoding="utf-8")
    words = [_VARIABLE.sub(lambda found: environment.get(found[1], found[0]), one) for one in container["command"]]
    return [str(file) if one == "/etc/redis/redis.conf" else one for one in words]


def _mounted(workload: Workload) -> str:
    (name,) = (one["configMap"]["name"] for one in workload.spec["volumes"] if "configMap" in one)
    return str(name)


def _environment(documents: Sequence[Document], container: Document) -> Iterator[tuple[str, str]]:
    secrets: Mapping[str, Document] = {one["metadata"]["name"]: one for one in of_kind(documents, "Secret")}
    for one in container["env"]:
        wanted = one["valueFrom"]["secretKeyRef"]
        yield one["name"], base64.b64decode(secrets[wanted["name"]]["data"][wanted["key"]]).decode()
