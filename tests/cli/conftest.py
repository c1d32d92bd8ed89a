"""Certificates for the commands."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pki import Authority, CertificateOverrides, days
from tests.pki.clock import now, validity_of_now


@dataclass(frozen=True, slots=True)
class Files:
    """Certificates in files."""

    directory: Path
    trust_store: Path
    good: Path
    expired: Path
    foreign: Path
    declared: Path


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """A trust store and leaves; no settings but those of the test."""
    for name in ("REVET_TRUST_STORE", "REVET_CONFIG", "REVET_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    validity = validity_of_now()
    declaring: CertificateOverrides = {**validity, "crl_urls": "http://127.0.0.1:1/a.crl"}
    root = Authority.root("Root", **validity)
    sub = root.subordinate("Sub", **validity)
    leaves = {
        "good": sub.issue("good", **validity),
        "expired": sub.issue("expired", not_before=now() - days(9), not_after=now() - days(1)),
        "foreign": Authority.root("Other", **validity).issue("foreign", **validity),
        "declared": sub.issue("declared", **declaring),
    }
    for name, leaf in leaves.items():
        (tmp_path / f"{name}.pem").write_text(leaf.pem + sub.pem)
    (tmp_path / "trust.pem").write_text(root.pem)
    (tmp_path / "list.crl").write_bytes(sub.crl(revoked={leaves["good"].serial: "superseded"}, number=7))
    return Files(tmp_path, tmp_path / "trust.pem", *(tmp_path / f"{name}.pem" for name in leaves))
