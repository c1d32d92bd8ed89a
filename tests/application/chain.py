"""One chain, Root over Sub over leaf, as the core reads it, and who else signs things."""

from typing import Final, Unpack

from service.application.crl_fetcher import CrlOrder, CrlSigner
from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.evidence import CrlWanted, Reach
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


def order(*urls: str, signers: tuple[Authority, ...] = (SUB,)) -> CrlOrder:
    """An order for a CRL that one of these may have signed."""
    return CrlOrder(urls, tuple(CrlSigner.of(read(signer)) for signer in signers))


def crls_wanted(certificate: Certificate, issuer: Authority = SUB, *signers: Authority) -> CrlWanted:
    """What an assessment wants that goes to a certificate's distribution points, and who else may sign there."""
    points = certificate.extensions.crl_distribution_points
    return CrlWanted(certificate, read(issuer), Reach.ORIGIN, tuple(read(signer) for signer in signers), points)


def leaf(subject: str = "leaf", **overrides: Unpack[CertificateOverrides]) -> Certificate:
    """A certificate below Sub."""
    return read(SUB.issue(subject, **overrides))
