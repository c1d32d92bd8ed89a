"""The trust store of a custom domain name, and the TLS that it asks for.

What API Gateway documents: a trust store is one file of PEM certificates in S3; the issuer of a client's certificate
has to be in it; a chain has four certificates at most; RSA of 2048 bits and ECDSA of 256 bits and more; revocation is
never looked at. A client without a certificate gets no connection; one whose issuer is not in the store gets a 403.

Rules: intermediates that a client sends along are not trusted, and not even needed: the store has to hold the issuer. A
store without a self-signed certificate is trusted as it is.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

MAX_CHAIN: Final = 4
"""Certificates in a chain, by API Gateway's developer guide."""


@dataclass(frozen=True, slots=True)
class TrustStore:
    """The certificates of a trust store."""

    pem: bytes
    certificates: tuple[x509.Certificate, ...]

    @classmethod
    def of(cls, pem: bytes) -> "TrustStore":
        """Read one.

        Raises:
            ValueError: it does not parse, or holds no certificate.
        """
        return cls(pem, tuple(x509.load_pem_x509_certificates(pem)))

    def has_issuer_of(self, certificate: x509.Certificate) -> bool:
        """Whether an authority in it has issued a certificate."""
        return any(_issued(authority, certificate) for authority in self.certificates)


def server_context(store: TrustStore, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS that a client cannot finish without a certificate of the trust store.

    Args:
        store: Whom to trust.
        certificate: The server's own, with its chain below, PEM.
        key: Its private key, PEM.

    Raises:
        OSError: a file cannot be read, or is no certificate or key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # the security policy TLS_1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(cadata=store.pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    if not any(one.subject == one.issuer for one in store.certificates):
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context


def _issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
