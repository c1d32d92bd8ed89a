"""Both images, built once for all the tests of a run, and certificates for them."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.running import ROOT
from tests.images.building import Image, Store, make_bases
from tests.pki import Authority, CertificateOverrides
from tests.pki.clock import now, validity_of_now
from tests.sidecar.material import write

API_TOKEN: Final = "a-token-of-the-images-0123456789"
ADMIN_TOKEN: Final = "an-administrator-of-the-images-0123456789"

_CONTEXT: Final = (
    *("Dockerfile", ".dockerignore", "LICENSE", "README.md", "pyproject.toml"),
    *("authorizer", "requirements", "service", "sidecar", "docs", "tests/images", "scripts"),
)


@dataclass(frozen=True, slots=True)
class Material:
    """What an operator mounts, below one directory.

    Attributes:
        directory: With `trust.pem`, `crls/`, `api-tokens` and `admin-tokens`; with keys `good.pem` and `revoked.pem`,
            and for `localhost` `server.pem`.
        good: A certificate, as PEM.
        revoked: One that the CRL lists.
        path: Of the directory, in a container.
    """

    directory: Path
    good: str
    revoked: str
    path: str = "/etc/revet"

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a service that has them."""
        return {
            "REVET_TRUST_STORE": f"{self.path}/trust.pem",
            "REVET_CRL_SOURCES": f"{self.path}/crls",
            "REVET_CRL_FIRST_DELAY_S": "0",
            "REVET_API_TOKENS_FILE": f"{self.path}/api-tokens",
            "REVET_ADMIN_TOKENS_FILE": f"{self.path}/admin-tokens",
            "REVET_DEADLINE_MS": "5000",
            "REVET_WORKERS": "1",
        }


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that nobody edits meanwhile, and what lies about in one."""
    directory = tmp_path_factory.mktemp("checkout")
    for name in _CONTEXT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, directory / name)
    for name in (".git/config", ".demo/certificates/good.key", ".env", "service/__pycache__/x.cpython-313.pyc"):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text("not for an image")
    return directory


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Where images are, with the bases that the Dockerfiles ask for."""
    assert os.geteuid() == 0, "images are built and entered as root: namespaces, mounts and debootstrap need it"
    made = Store(tmp_path_factory.mktemp("images"))
    try:
        make_bases(made)
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def service_image(store: Store, context: Path) -> Image:
    """The service's image, on a base like the official one."""
    return store.build("localhost/revet", context)


@pytest.fixture(scope="session")
def sidecar_image(store: Store, context: Path) -> Image:
    """The sidecar's image."""
    return store.build("localhost/revet-sidecar", context / "sidecar")


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """An authority, its CRL, a certificate that is good and one that is revoked."""
    directory = tmp_path_factory.mktemp("material")
    root = Authority.root("Root", **validity_of_now())
    good, revoked = (root.issue(name, **validity_of_now()) for name in ("good", "revoked"))
    (directory / "trust.pem").write_text(root.pem)
    (directory / "crls").mkdir()
    this_update = now() - timedelta(hours=1)
    crl = root.crl(revoked=[revoked.serial], number=1, this_update=this_update, next_update=now() + timedelta(days=1))
    (directory / "crls" / "root.crl").write_bytes(crl)
    (directory / "api-tokens").write_text(API_TOKEN)
    (directory / "admin-tokens").write_text(ADMIN_TOKEN)
    of_a_server: CertificateOverrides = {
        **validity_of_now(),
        "san": ["DNS:localhost"],
        "extended_key_usage": ["serverAuth"],
    }
    server = root.issue("server", **of_a_server)
    for name, issued in (("good", good), ("revoked", revoked), ("server", server)):
        write(directory, name, issued)
    (directory / "foreign.pem").write_text(Authority.root("Foreign", **validity_of_now()).issue("foreign").pem)
    for place in (directory, *directory.rglob("*")):  # somebody else reads it
        place.chmod(0o755 if place.is_dir() else 0o644)
    return Material(directory, good.pem, revoked.pem)
