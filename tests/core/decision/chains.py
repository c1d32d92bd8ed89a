"""One chain, Root over Sub over leaf, whose members declare what a test wants."""

from dataclasses import dataclass
from typing import Final

from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.trust_store import TrustStore
from service.core.model.verdict import Verdict
from tests.core.decision.shell import CRL_URL, OCSP_URL, trusting
from tests.pki import Authority, CertificateOverrides, Issued

ROOT: Final = Authority.root("Root")

BOTH: Final[CertificateOverrides] = {"crl_urls": CRL_URL, "ocsp_urls": OCSP_URL}
CRL: Final[CertificateOverrides] = {"crl_urls": CRL_URL}
OCSP: Final[CertificateOverrides] = {"ocsp_urls": OCSP_URL}
NONE: Final[CertificateOverrides] = {}


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain, and the trust store that makes it one."""

    root: Authority
    sub: Authority
    leaf: Issued

    @property
    def store(self) -> TrustStore:
        """Root is the anchor, Sub an intermediate."""
        return trusting(self.root, self.sub)


def chain(leaf: CertificateOverrides = NONE, sub: CertificateOverrides = NONE) -> Chain:
    """Root over Sub over leaf."""
    authority = ROOT.subordinate("Sub", **sub)
    return Chain(ROOT, authority, authority.issue("leaf", **leaf))


def certificate(issued: Issued | Authority) -> Certificate:
    """A certificate as the core reads it."""
    return read_certificate(issued.der)


def summary(verdict: Verdict) -> tuple[str, str, str]:
    """Decision, status and code."""
    return verdict.decision.value, verdict.status.value, verdict.code.value


ALLOWED: Final = ("allow", "good", "ok")
ALLOWED_UNANSWERED: Final = ("allow", "unknown", "ok")
REVOKED: Final = ("deny", "revoked", "revoked")
UNAVAILABLE: Final = ("deny", "unknown", "revocation_unavailable")
EXHAUSTED: Final = ("deny", "unknown", "budget_exhausted")
