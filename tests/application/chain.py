"""One chain, Root over Sub over leaf, as the core reads it, and who else signs things."""

from typing import Final, Unpack

from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from tests.pki import Authority, CertificateOverrides, Issued, key

CRL_URL: Final = "http://crl.example/sub.crl"
OCSP_URL: Final = "http://ocsp.example/"

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
STRANGER: Final = Authority.root("Stranger")
NAMESAKE: Final = STRANGER.subordinate("Sub", key=key("p256", 1))
"""Another authority with the name of Sub, and a key of its own."""


def read(link: Issued | Authority) -> Certificate:
    """A certificate as the core reads it."""
    return read_certificate(link.der)


def leaf(subject: str = "leaf", **overrides: Unpack[CertificateOverrides]) -> Certificate:
    """A certificate below Sub."""
    return read(SUB.issue(subject, **overrides))
