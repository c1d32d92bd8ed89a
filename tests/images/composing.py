"""deploy/compose.yaml without a container daemon: its services read as a runtime would, and those of our images run.

What it does not do: pull images of others, publish ports, or keep networks apart. Services share one network, where
every name of a service is an address of loopback.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.e2e.running import ROOT
from tests.images.running import Container, Wanted

FILE: Final = ROOT / "deploy/compose.yaml"


@dataclass(frozen=True, slots=True)
class Mount:
    """Something that is mounted for reading.

    Attributes:
        source: What, on this machine.
        target: Where, in the container.
    """

    source: Path
    target: str


@dataclass(frozen=True, slots=True)
class Composition:
    """A compose file, and where it lies."""

    file: Path
    document: Mapping[str, Any]

    @classmethod
    def read(cls, file: Path = FILE) -> "Composition":
        """Read one."""
        return cls(file, yaml.safe_load(file.read_text()))

    @classmethod
    def copied(cls, directory: Path) -> "Composition":
        """A copy of ours, with freshly made material, which a test may change."""
        for name in ("deploy/compose", "helm/files"):
            shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("demo"))
        shutil.copy(FILE, directory / "deploy")
        subprocess.run([directory / "deploy/compose/prepare"], check=True, capture_output=True)
        return cls.read(directory / "deploy/compose.yaml")

    @property
    def services(self) -> Mapping[str, Any]:
        """Each service by its name."""
        return dict(self.document["services"])

    @property
    def demo(self) -> Path:
        """What `prepare` makes."""
        return self.file.parent / "compose/demo"

    def mounts(self, service: str) -> Iterator[Mount]:
        """What a service is given of this machine, whichever way."""
        for source, target, mode in self._volumes(service):
            if source.startswith("."):
                assert mode == "ro", f"{service} may write to {source}"
                yield Mount((self.file.parent / source).resolve(), target)
        for name in self.services[service].get("secrets", ()):
            place = self.document["secrets"][name]["file"]
            yield Mount((self.file.parent / place).resolve(), f"/run/secrets/{name}")

    def named_volumes(self, service: str) -> dict[str, str]:
        """Volumes of the runtime: name by place."""
        return {target: source for source, target, _ in self._volumes(service) if not source.startswith(".")}

    def temporary(self, service: str) -> dict[str, str]:
        """What is a tmpfs: mount's options by place."""
        return dict(one.partition(":")[::2] for one in self.services[service].get("tmpfs", ()))

    def wanted(self, service: str, hosts: Path, beside: Container | None = None) -> Wanted:
        """How a service is run here.

        Args:
            service: Its name.
            hosts: Addresses of all of them.
            beside: Whose network it shares.
        """
        written = self.services[service]
        files = {one.target: one.source for one in self.mounts(service)} | {"/etc/hosts": hosts}
        return Wanted(
            command=written.get("command"),
            entrypoint=written.get("entrypoint"),
            environment=written.get("environment", {}),
            files=files,
            volumes=self.temporary(service),
            read_only=bool(written["read_only"]),
            beside=beside,
        )

    def translated(self, service: str, text: str) -> str:
        """A text of a service with the paths of this machine in place of the container's."""
        for one in sorted(self.mounts(service), key=lambda mount: -len(mount.target)):
            text = text.replace(one.target, str(one.source))
        return text

    def _volumes(self, service: str) -> Iterator[tuple[str, str, str]]:
        for one in self.services[service].get("volumes", ()):
            if isinstance(one, dict):  # the long form
                yield one["source"], one["target"], "ro" if one.get("read_only") else ""
            else:
                source, target, *mode = one.split(":")
                yield source, target, ",".join(mode)
