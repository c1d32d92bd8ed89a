"""The CRLs of the demonstration's authorities: complete ones that name their own distribution point.

What is revoked is read from the CRL before: nothing else has to remember it. The issuing distribution point, which AWS
Private CA writes too, confines a CRL to the certificates that name it; one that declares OCSP alone is not covered.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from service.demo.certificates import Signer, authority_key_identifier

CRL_LIFETIME: Final = timedelta(hours=24)

RENEW_AFTER: Final = CRL_LIFETIME / 2
"""Half of its validity is when AWS Private CA issues a CRL anew."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """A certificate that is no longer good."""

    serial_number: int
    at: datetime
    reason: x509.ReasonFlags


def first_crl(signer: Signer, url: str, revocations: tuple[Revocation, ...], at: datetime) -> bytes:
    """An authority's first CRL, as DER."""
    builder = _builder(signer, url, number=1, at=at)
    for revocation in revocations:
        builder = builder.add_revoked_certificate(_entry(revocation))
    return _signed(builder, signer)


def next_crl(before: bytes, signer: Signer, url: str, at: datetime, added: Revocation | None = None) -> bytes:
    """The CRL after another one, as DER, with one more entry or the same ones.

    A certificate that is listed already stays listed as it is.

    Raises:
        ValueError: the one before is not a CRL.
    """
    crl = x509.load_der_x509_crl(before)
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    builder = _builder(signer, url, number + 1, at)
    for entry in crl:
        builder = builder.add_revoked_certificate(entry)
    if added is not None and crl.get_revoked_certificate_by_serial_number(added.serial_number) is None:
        builder = builder.add_revoked_certificate(_entry(added))
    return _signed(builder, signer)


def is_due(crl: bytes, at: datetime) -> bool:
    """Whether a CRL has lived for half of its validity.

    Raises:
        ValueError: it is not a CRL.
    """
    return at >= x509.load_der_x509_crl(crl).last_update_utc + RENEW_AFTER


def _builder(signer: Signer, url: str, number: int, at: datetime) -> x509.CertificateRevocationListBuilder:
    scope = x509.IssuingDistributionPoint(
        full_name=[x509.UniformResourceIdentifier(url)],
        relative_name=None,
        only_contains_user_certs=False,
        only_contains_ca_certs=False,
        only_some_reasons=None,
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(signer.certificate.subject)
        .last_update(at)
        .next_update(at + CRL_LIFETIME)
        .add_extension(authority_key_identifier(signer), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(scope, critical=True)
    )


def _entry(revocation: Revocation) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(revocation.serial_number).revocation_date(revocation.at)
    if revocation.reason is not x509.ReasonFlags.unspecified:  # RFC 5280 §5.3.1: then absent
        builder = builder.add_extension(x509.CRLReason(revocation.reason), critical=False)
    return builder.build()


def _signed(builder: x509.CertificateRevocationListBuilder, signer: Signer) -> bytes:
    return builder.sign(signer.key, SHA256()).public_bytes(Encoding.DER)
