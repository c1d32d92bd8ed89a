"""OpenSSL's own OCSP responder, asked with nonces, and as a responder that the operator trusts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.openssl_ca import OpensslCa, openssl_ca
from tests.e2e.running import running_service


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[OpensslCa]:
    """A CA."""
    with openssl_ca(tmp_path / "ca") as made:
        yield made


def revocation(answer: dict[str, Any]) -> tuple[str, str, str | None]:
    """What is known of the leaf, how, and from where."""
    found = answer["path"][0]["revocation"]
    return found["status"], found["method"], found["tier"]


def test_nonces(tmp_path: Path, ca: OpensslCa) -> None:
    """It repeats them: each request has an answer of its own, and a revocation is in force at once."""
    certificate = ca.issue("client", "by_ocsp")
    settings = {"REVET_OCSP_NONCE": "require", "REVET_VERDICT_CACHE_ENTRIES": "0"}
    with running_service(tmp_path, ca.certificate, settings) as service:
        with ca.responding():
            answers = [service.validate(certificate) for _ in range(3)]
            assert [("good", "ocsp", "origin")] * 3 == [revocation(answer) for answer in answers], answers[0]["detail"]
        silent = service.validate(certificate)
        assert ("deny", "revocation_unavailable") == (silent["decision"], silent["code"])
        assert "without the nonce that the settings ask for" in silent["detail"]
        ca.revoke("client")
        with ca.responding():
            revoked = service.validate(certificate)
        assert ("revoked", ("revoked", "ocsp", "origin")) == (revoked["code"], revocation(revoked))
        assert ("revoked", "ocsp", "host") == revocation(service.validate(certificate))


def test_a_trusted_responder(tmp_path: Path, ca: OpensslCa) -> None:
    """A responder with a certificate of its own answers where the operator trusts it, and nowhere else."""
    gateway = ca.make_stranger("gateway")
    certificate = ca.issue("client", "by_ocsp")
    trusted, untrusted = tmp_path / "trusted", tmp_path / "untrusted"
    for directory in (trusted, untrusted):
        directory.mkdir()
    with ca.responding("gateway"):
        with running_service(trusted, ca.certificate, {"REVET_OCSP_TRUSTED_RESPONDERS": str(gateway)}) as service:
            answer = service.validate(certificate)
            assert ("allow", "good", "ocsp") == (answer["decision"], *revocation(answer)[:2]), answer["detail"]
        with running_service(untrusted, ca.certificate) as service:
            answer = service.validate(certificate)
            assert ("deny", "revocation_unavailable") == (answer["decision"], answer["code"])
            assert "signed by somebody who may not speak for the issuer" in answer["detail"]
