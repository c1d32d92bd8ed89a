"""A rendered pod's files and environment on this machine, so that the service can be asked about them.

Every path of the pod is put below one directory, in the settings too. What Secrets and ConfigMaps of the operator's own
hold is made up, by what it is mounted as.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.helm.objects import Document, Workload

PLACES: Final = ("/etc/revet", "/run/secrets/revet", "/var/lib/revet", "/mnt/")
"""Where the pod has files that settings name."""

MadeUp = Callable[[str], str]
"""What a file of the operator's holds, by where it is mounted."""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod on this machine.

    Attributes:
        root: Where its file system begins.
        environment: Of its container, with paths below `root`.
    """

    root: Path
    environment: Mapping[str, str]

    def file(self, path: str) -> Path:
        """A file of the pod."""
        return self.root / path.lstrip("/")


def mounted(documents: Sequence[Document], workload: Workload, container: str, root: Path, made_up: MadeUp) -> Pod:
    """Write a pod's files.

    Args:
        documents: All that were rendered: whose Secrets and ConfigMaps are mounted.
        workload: Whose pod it is.
        container: Which of its containers.
        root: An empty directory.
        made_up: What is in files of objects that were not rendered.
    """
    volumes = {one["name"]: one for one in workload.spec["volumes"]}
    chosen = workload.container(container)
    for mount in chosen["volumeMounts"]:
        place = mount["mountPath"]
        (root / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for name, text in _files(documents, volumes[mount["name"]], place, made_up):
            file = root / place.lstrip("/") / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_moved(text, root), encoding="utf-8")
    environment = {one["name"]: _moved(one["value"], root) for one in chosen["env"] if "value" in one}
    return Pod(root, environment)


def _files(documents: Sequence[Document], volume: Document, place: str, made_up: MadeUp) -> Iterator[tuple[str, str]]:
    """Names and texts of what a volume holds."""
    sources = (volume.get("projected") or {}).get("sources") or [volume]
    for source in sources:
        for kind, member in (("ConfigMap", "configMap"), ("Secret", "secret")):
            if member not in source:
                continue
            wanted = source[member]
            held = _data(documents, kind, wanted.get("name") or wanted.get("secretName"))
            items = wanted.get("items") or [{"key": key, "path": key} for key in held or ["devices.pem"]]
            for item in items:
                path = f"{place}/{item['path']}"
                yield item["path"], made_up(path) if held is None else held[item["key"]]


def _data(documents: Sequence[Document], kind: str, name: str) -> Mapping[str, str] | None:
    for one in documents:
        if (one["kind"], one["metadata"]["name"]) == (kind, name):
            if kind == "ConfigMap":
                return dict(one["data"])
            return {key: base64.b64decode(value).decode() for key, value in one["data"].items()}
    return None


def _moved(text: str, root: Path) -> str:
    """The same, with the pod's paths below a directory: those in quotation marks, and a text that is one."""
    for place in PLACES:
        text = text.replace(f'"{place}', f'"{root}{place}')
        text = f"{root}{text}" if text.startswith(place) else text
    return text
