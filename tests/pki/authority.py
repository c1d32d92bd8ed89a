"""Certification authorities that issue whatever a test asks for, broken or not.

Rules: an `Authority` is a value. Every method returns something new, and the same
calls give the same certificates: the same name means the same key, unless `key` says otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self, Unpack

from cryptography import x509

from tests.pki.certificate import (
    AUTHORITY,
    END_ENTITY,
    CertificateOverrides,
    CertificateTemplate,
    Issued,
    issue,
)
from tests.pki.crl import CrlOverrides, CrlTemplate
from tests.pki.keys import PrivateKey
from tests.pki.names import NameLike
from tests.pki.ocsp import Answer, OcspOverrides, OcspTemplate


@dataclass(frozen=True, slots=True)
class Authority:
    """A name, a key, and the certificate that binds them."""

    issued: Issued
    template: CertificateTemplate = AUTHORITY
    """What its certificate was made from."""
    issuer: "Authority | None" = None
    """Who signed its certificate; None where it did so itself."""

    @classmethod
    def root(cls, subject: NameLike, **overrides: Unpack[CertificateOverrides]) -> Self:
        """A self-signed authority."""
        template = replace(AUTHORITY, **overrides)
        return cls(issue(template, subject), template)

    def subordinate(self, subject: NameLike, **overrides: Unpack[CertificateOverrides]) -> "Authority":
        """An authority below this one."""
        template = replace(AUTHORITY, **overrides)
        return Authority(issue(template, subject, self.issued), template, self)

    def issue(self, subject: NameLike, **overrides: Unpack[CertificateOverrides]) -> Issued:
        """A certificate that is nobody's authority: a TLS client unless overridden."""
        return issue(replace(END_ENTITY, **overrides), subject, self.issued)

    def ocsp_responder(self, subject: NameLike, **overrides: Unpack[CertificateOverrides]) -> Issued:
        """A delegate that may sign OCSP answers, with id-pkix-ocsp-nocheck."""
        template = replace(END_ENTITY, extended_key_usage="OCSPSigning", no_check=True)
        return issue(replace(template, **overrides), subject, self.issued)

    def cross_sign(self, other: "Authority", **overrides: Unpack[CertificateOverrides]) -> "Authority":
        """The `other` authority, under a certificate that this one gives it."""
        known = replace(AUTHORITY, key=other.key, subject_key_identifier=other.key_identifier)
        template = replace(known, **overrides)
        return Authority(issue(template, other.subject, self.issued), template, self)

    def reissue(self, **overrides: Unpack[CertificateOverrides]) -> "Authority":
        """The same authority, certified anew by the same issuer: renewal or key rollover.

        Keeps everything of its certificate but the serial number and what is overridden.
        """
        template = replace(replace(self.template, serial=None), **overrides)
        issuer = None if self.issuer is None else self.issuer.issued
        return Authority(issue(template, self.subject, issuer), template, self.issuer)

    def crl(self, **overrides: Unpack[CrlOverrides]) -> bytes:
        """A CRL as DER; an empty complete one unless overridden."""
        return CrlTemplate(**overrides).encoded(self.issued)

    def ocsp(self, *subjects: Issued | int | Answer, **overrides: Unpack[OcspOverrides]) -> bytes:
        """An OCSP answer as DER, one single response for each subject; good unless overridden."""
        return OcspTemplate(**overrides).encoded_answer(self.issued, subjects)

    @property
    def certificate(self) -> x509.Certificate:
        """Its certificate as `cryptography` reads it."""
        return self.issued.certificate

    @property
    def der(self) -> bytes:
        """Its certificate as DER."""
        return self.issued.der

    @property
    def pem(self) -> str:
        """Its certificate as PEM."""
        return self.issued.pem

    @property
    def key(self) -> PrivateKey:
        """Its private key."""
        return self.issued.key

    @property
    def subject(self) -> bytes:
        """Its name, as DER."""
        return self.issued.subject

    @property
    def serial(self) -> int:
        """The serial number of its certificate."""
        return self.issued.serial

    @property
    def key_identifier(self) -> bytes:
        """Its subjectKeyIdentifier."""
        return self.issued.key_identifier


def bundle(certificates: Iterable[Issued | Authority]) -> str:
    """The certificates one after the other as PEM: a chain, or a trust store."""
    return "".join(item.pem for item in certificates)
