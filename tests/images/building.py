"""Images without a daemon: buildah, on base images that debootstrap makes under the names that the Dockerfiles ask for.

Everything lies below one directory and is gone with it. Packages come from where this machine's own apt and pip get
theirs; of these places nothing is written down here.

What it does not do: run an image (`tests.images.running`).
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.e2e.running import ROOT

EPOCH: Final = "315532800"
"""The Dockerfile's own, for what buildah itself writes."""

SUITE: Final = "trixie"
"""The Debian that the bases are: its Python is of the series that the Dockerfile asks for."""

AUTHORITIES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
"""Whom this machine believes: an index of packages may show a certificate that only it knows."""

_KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"

_AS_THE_OFFICIAL: Final = """
set -eu
version=$(python3 -c 'import sys; print(f"python3.{sys.version_info.minor}")')
cp "/usr/bin/$version" /usr/local/bin/
ln -s "$version" /usr/local/bin/python3
cp -a "/usr/lib/$version" /usr/local/lib/
find /usr/local/lib -name __pycache__ -prune -exec rm -r {} +
rm /usr/bin/python3*
rm -r "/usr/lib/$version"
"""
"""The official images have their interpreter below /usr/local, and no bytecode of the standard library."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image, with its root file system laid open.

    Attributes:
        name: In the store.
        root: Where its files are. Whoever runs it mounts them for reading only.
        config: What a runtime is told: `Env`, `Entrypoint`, `Cmd`, `User`, `Healthcheck`, …
        layers: Digests of its layers, the base's first.
    """

    name: str
    root: Path
    config: Mapping[str, Any]
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Store:
    """Where images are kept."""

    directory: Path

    def buildah(self, *arguments: str | Path) -> str:
        """What buildah prints.

        Raises:
            AssertionError: it fails; what it said is the message.
        """
        place = ("--root", self.directory / "store", "--runroot", self.directory / "run", "--storage-driver", "vfs")
        environment = {**os.environ, "TMPDIR": str(self.directory)}
        command = ("buildah", *place, *arguments)
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)
        assert done.returncode == 0, f"{arguments}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout.strip()

    def bootstrap(self, name: str) -> None:
        """Make an image of the smallest Debian there is."""
        tree, archive = self.directory / "debian", self.directory / "debian.tar"
        _run("debootstrap", "--variant=minbase", f"--keyring={_KEYRING}", "--force-check-gpg", SUITE, tree, _mirror())
        (tree / "etc/apt/apt.conf.d/90machine").write_text(_apt_acquires())
        _run("tar", "--directory", tree, "--create", "--file", archive, ".")
        shutil.rmtree(tree)
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, archive, "/")
        self.buildah("config", "--cmd", "bash", container)
        self.buildah("commit", "--quiet", "--rm", container, name)
        archive.unlink()

    def derive(self, base: str, name: str, script: str) -> None:
        """Make an image out of another by what a shell does in it."""
        container = self.buildah("from", "--pull-never", base)
        self.buildah("run", "--isolation", "chroot", "--network", "host", container, "--", "sh", "-euc", script)
        self.buildah("commit", "--quiet", "--rm", container, name)

    def build(self, name: str, context: Path, *arguments: str, timestamp: str = EPOCH) -> Image:
        """Build a Dockerfile, with this machine's index of packages given as secrets.

        Args:
            name: Of the image.
            context: What the builder is sent.
            arguments: More, as on buildah's command line.
            timestamp: When everything in the new layers was last changed, in seconds since 1970.
        """
        settings = self.directory / "pip.conf"
        settings.write_text(_pip_settings())
        secrets = (f"--secret=id=pip.conf,src={settings}", f"--secret=id=ca.pem,src={AUTHORITIES}")
        isolation = ("--isolation", "chroot", "--network", "host", "--pull-never", "--format", "docker")
        self.buildah("bud", *isolation, *secrets, "--timestamp", timestamp, *arguments, "--tag", name, context)
        return self.image(name)

    def image(self, name: str) -> Image:
        """Lay an image open."""
        document = json.loads(self.buildah("inspect", "--type", "image", name))["Docker"]
        root = Path(self.buildah("mount", self.buildah("from", "--pull-never", name)))
        layers = tuple(document["rootfs"]["diff_ids"])
        return Image(name, root, document["config"], layers)

    def remove(self) -> None:
        """Remove everything."""
        self.buildah("umount", "--all")
        shutil.rmtree(self.directory)


def make_bases(store: Store) -> None:
    """Make what the two Dockerfiles are built on, and `debian-python`, whose interpreter is Debian's own."""
    debian, python = (f"docker.io/library/{default_of(file, name)}" for file, name in BASES)
    store.bootstrap(debian)
    packages = "python3 python3-venv ca-certificates"
    install = f"DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends {packages} >/dev/null"
    store.derive(debian, "localhost/debian-python", f"apt-get update -qq; {install}; rm -rf /var/lib/apt/lists/*")
    store.derive("localhost/debian-python", python, _AS_THE_OFFICIAL)


BASES: Final = ((ROOT / "sidecar/Dockerfile", "BASE_IMAGE"), (ROOT / "Dockerfile", "PYTHON_IMAGE"))
"""Which argument of which Dockerfile names its base."""


def default_of(dockerfile: Path, argument: str) -> str:
    """The default of a build argument."""
    (found,) = set(re.findall(rf"^ARG {argument}=(\S+)$", dockerfile.read_text(), re.MULTILINE))
    return str(found)


def _mirror() -> str:
    """Where this machine has Debian's packages from."""
    places = _run("apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Label: Debian").split()
    assert places, "apt knows no mirror of Debian: run `apt-get update`"
    return places[0]


def _apt_acquires() -> str:
    """How this machine's apt gets at its mirror: a proxy, for one."""
    return "\n".join(line for line in _run("apt-config", "dump").splitlines() if line.startswith("Acquire::")) + "\n"


def _pip_settings() -> str:
    """How this machine's pip gets at its index, without what is a path of this machine."""
    written = _run(sys.executable, "-m", "pip", "config", "list")
    found = re.findall(r"^(?:global|:env:)\.(index-url|proxy|timeout)='(.*)'$", written, re.MULTILINE)
    lines = [f"{name} = {value}\n" for name, value in dict(found).items()]
    return "".join(("[global]\n", *lines, "cert = /run/secrets/ca.pem\n"))


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout
