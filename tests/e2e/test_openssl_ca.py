"""A foreign CA, run by OpenSSL, revokes while the service runs: allow before, deny after."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.openssl_ca import OpensslCa, openssl_ca
from tests.e2e.running import Service, running_service, until

CRL_S = 4
"""Seconds the first CRL is good for: long enough to be asked about, short enough to wait for its end."""

NEXT_CRL_S = 600
"""The same for the next one."""


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[OpensslCa]:
    """A CA."""
    with openssl_ca(tmp_path / "ca") as made:
        yield made


@pytest.fixture
def service(tmp_path: Path, ca: OpensslCa) -> Iterator[Service]:
    """A service that trusts it, without tolerance for clocks: they are the same one."""
    settings = {"REVET_CLOCK_SKEW_S": "0", "REVET_ALLOW_REQUEST_OVERRIDES": "true"}
    with running_service(tmp_path, ca.certificate, settings) as started:
        yield started


def test_revoked_by_crl(ca: OpensslCa, service: Service) -> None:
    """Once the CRL that was held has ended, the next one is fetched, and the certificate is on it."""
    certificate = ca.issue("client", "by_crl")
    ca.publish_crl(CRL_S)
    before = service.validate(certificate)
    assert ("allow", "good", "ok") == (before["decision"], before["status"], before["code"])
    ca.revoke("client")
    ca.publish_crl(NEXT_CRL_S)
    until(lambda: service.validate(certificate)["decision"] == "deny", "the service denies")
    after = service.validate(certificate)
    assert ("revoked", "crl", "keyCompromise") == (
        after["code"],
        after["path"][0]["revocation"]["method"],
        after["path"][0]["revocation"]["reason"],
    )


def test_revoked_at_the_responder(ca: OpensslCa, service: Service) -> None:
    """`openssl ocsp` says good, and after the revocation revoked; answers older than two seconds do not serve."""
    certificate = ca.issue("client", "by_ocsp")
    options = {"max_evidence_age_s": 2}
    with ca.responding():
        before = service.validate(certificate, options=options)
        assert ("allow", "good", "ocsp") == (
            before["decision"],
            before["status"],
            before["path"][0]["revocation"]["method"],
        ), before["detail"]
        ca.revoke("client")
        until(lambda: service.validate(certificate, options=options)["code"] == "revoked", "the service denies")


def test_the_responder_is_gone(ca: OpensslCa, service: Service) -> None:
    """Nobody answers: hard-fail denies, and says who did not."""
    answer = service.validate(ca.issue("client", "by_ocsp"))
    assert ("deny", "unknown", "revocation_unavailable") == (answer["decision"], answer["status"], answer["code"])
    assert str(ca.ocsp_port) in answer["detail"]
