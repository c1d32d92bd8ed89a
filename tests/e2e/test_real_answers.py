"""Real certificates and OCSP answers that nobody here made, at their own time.

They are among the test vectors of `cryptography`: certificates of Let's Encrypt, and answers of responders.
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import cryptography_vectors
import pytest

from service.application.pem import read_certificates
from service.core.der.certificate import read_certificate
from service.core.der.ocsp import read_ocsp_response
from service.core.der.signature import SignatureResult, verify
from service.core.model.attempt import Problem
from service.core.model.budget import Budget
from service.core.model.certificate import OCSP_SIGNING
from service.core.model.evidence_tier import Tier
from service.core.model.ocsp import OcspFinding
from service.core.model.policy import Policy
from service.core.model.verdict import RevocationStatus
from service.core.ocsp.judging import judge_answers, signed_answers
from tests.e2e.running import Service, running_service

VECTORS: Final = files(cryptography_vectors) / "x509"
ISSUER: Final = "letsencryptx3.pem"
AT: Final = datetime(2018, 9, 1, tzinfo=UTC)
"""Within the week of the answer `resp-sha256.der`."""


def vector(name: str) -> bytes:
    """A file of the vectors."""
    return (VECTORS / name).read_bytes()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that trusts Let's Encrypt Authority X3, a store without a self-signed certificate."""
    directory: Path = tmp_path_factory.mktemp("real")
    (directory / "trust.pem").write_bytes(vector(ISSUER))
    with running_service(directory, directory / "trust.pem", {"REVET_ALLOW_REQUEST_OVERRIDES": "true"}) as started:
        yield started


def ask(service: Service, name: str, at: str, ocsp: str | None = None, **options: object) -> dict[str, Any]:
    """The service's answer about a vector at a moment."""
    evidence = {"ocsp_responses": [] if ocsp is None else [b64encode(vector(f"ocsp/{ocsp}")).decode()]}
    given = {"at": at, "key_purpose": "server", "evidence": evidence, **options}
    return service.validate(vector(name).decode(), options=given)


def test_the_answer_of_lets_encrypt_is_good_at_its_time() -> None:
    """Signed by the issuer itself, about the certificate whose serial number it names."""
    (leaf,), (issuer,) = (read_certificates(vector(name)) for name in ("cryptography.io.precert.pem", ISSUER))
    certificate, authority = read_certificate(leaf), read_certificate(issuer)
    finding = OcspFinding(read_ocsp_response(vector("ocsp/resp-sha256.der")), "vector", Tier.EVIDENCE)
    answers, refused = signed_answers((finding,), certificate, authority, Policy(), AT, Budget(Policy().limits))
    judgement = judge_answers(answers, {}, Policy(), AT)
    assert () == refused
    assert judgement.answer is not None
    assert RevocationStatus.GOOD is judgement.answer.status


def test_the_same_answer_a_month_later_is_stale() -> None:
    """Its week is over."""
    (leaf,), (issuer,) = (read_certificates(vector(name)) for name in ("cryptography.io.precert.pem", ISSUER))
    certificate, authority = read_certificate(leaf), read_certificate(issuer)
    finding = OcspFinding(read_ocsp_response(vector("ocsp/resp-sha256.der")), "vector", Tier.EVIDENCE)
    later = AT.replace(month=10)
    answers, _ = signed_answers((finding,), certificate, authority, Policy(), later, Budget(Policy().limits))
    judgement = judge_answers(answers, {}, Policy(), later)
    assert (None, [Problem.STALE]) == (judgement.answer, [attempt.problem for attempt in judgement.attempts])


@pytest.mark.parametrize(
    "name",
    [
        "resp-delegate-unknown-cert.der",
        "resp-revoked-reason.der",
        "resp-sct-extension.der",
        "ocsp-army.deps.mil-resp.der",
    ],
)
def test_delegates_of_real_responders_are_delegates(name: str) -> None:
    """The response verifies under the certificate it brings, which is one for OCSP signing."""
    response = read_ocsp_response(vector(f"ocsp/{name}"))
    delegates = [read_certificate(der) for der in response.certificates]
    signers = [one for one in delegates if verify(response.signature, one.public_key) is SignatureResult.VALID]
    assert signers
    assert all(OCSP_SIGNING in (one.extensions.extended_key_usage or ()) for one in signers)


@pytest.mark.parametrize(
    ("name", "at"),
    [("cryptography-scts.pem", "2018-10-01T00:00:00Z"), ("tls-feature-ocsp-staple.pem", "2017-10-01T00:00:00Z")],
)
def test_a_real_certificate_without_an_answer(service: Service, name: str, at: str) -> None:
    """It chains; without an answer hard-fail denies and soft-fail allows, unknown."""
    strict, lenient = ask(service, name, at), ask(service, name, at, revocation_mode="soft-fail")
    assert ("deny", "revocation_unavailable") == (strict["decision"], strict["code"])
    assert ("allow", "unknown") == (lenient["decision"], lenient["status"])
    assert ["CN=Let's Encrypt Authority X3,O=Let's Encrypt,C=US"] == [one["issuer"] for one in strict["path"]]


def test_an_answer_about_another_certificate_is_none(service: Service) -> None:
    """A good answer, rightly signed, in time, about somebody else."""
    answer = ask(service, "cryptography-scts.pem", "2018-10-01T00:00:00Z", ocsp="resp-sha256.der")
    assert ("deny", "revocation_unavailable") == (answer["decision"], answer["code"])
    assert "another certificate" in answer["detail"]


def test_a_real_certificate_after_its_time(service: Service) -> None:
    """Expired."""
    assert "expired" == ask(service, "cryptography-scts.pem", "2019-01-01T00:00:00Z")["code"]


def test_a_precertificate_is_no_certificate(service: Service) -> None:
    """The answer about it is good, and its critical poison (RFC 6962 §3.1) still refuses it by name."""
    answer = ask(service, "cryptography.io.precert.pem", "2018-09-01T00:00:00Z", ocsp="resp-sha256.der")
    assert ("deny", "unsupported") == (answer["decision"], answer["code"])
    assert "1.3.6.1.4.1.11129.2.4.3" in answer["detail"]


def test_a_certificate_of_another_authority(service: Service) -> None:
    """RapidSSL's is not trusted here."""
    assert "untrusted" == ask(service, "cryptography.io.pem", "2015-01-01T00:00:00Z")["code"]
