"""Certificates: a template of what may be overridden, and the writer that signs it.

Rules: a certificate is written field by field, so that it may contradict itself; what
nobody overrides is right. Serial numbers are positive 64-bit numbers derived from issuer,
subject, key and validity: the same certificate has the same one on every run, and two
that differ in any of the four have two.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography import x509

from tests.pki import der, extensions, names, oids
from tests.pki.extensions import DistributionPoints, Extension, KeyIdentifier, KeyUsage
from tests.pki.keys import PrivateKey, PublicKey, key, key_identifier, spki
from tests.pki.moments import NOT_AFTER, NOT_BEFORE
from tests.pki.names import GeneralNameLike, NameLike
from tests.pki.pem import pem
from tests.pki.signing import Signing, SigningOverrides

_NAMED_KEYS: Final = 1 << 32
"""Keys derived from names have indices from here, out of the way of `key("p256", 7)`."""


class CertificateOverrides(SigningOverrides, total=False):
    """The keyword arguments that set the fields of `CertificateTemplate`."""

    issuer_name: NameLike | None
    serial: int | None
    not_before: der.Moment
    not_after: der.Moment
    key: PrivateKey | None
    public_key: PublicKey | bytes | None
    version: int
    ca: bool | None
    path_length: int | None
    key_usage: AbstractSet[KeyUsage] | None
    extended_key_usage: str | Sequence[str] | None
    san: str | Sequence[GeneralNameLike] | None
    crl_urls: DistributionPoints | None
    freshest_crl_urls: DistributionPoints | None
    ocsp_urls: str | Sequence[str]
    ca_issuers: str | Sequence[str]
    policies: str | Sequence[str] | None
    subject_key_identifier: KeyIdentifier | bytes | None
    authority_key_identifier: KeyIdentifier | bytes | None
    no_check: bool
    no_rev_avail: bool
    extensions: Sequence[Extension]
    criticality: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with the private key of its subject."""

    der: bytes
    key: PrivateKey
    """The subject's key; where `public_key` was overridden, not the certificate's."""
    subject: bytes
    """The subject's name, as DER."""
    serial: int
    spki: bytes
    """The SubjectPublicKeyInfo in the certificate, as DER."""
    key_identifier: bytes
    """The subjectKeyIdentifier in the certificate or, without one, the SHA-1 of the key."""

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate as `cryptography` reads it, anew each time; it may refuse to."""
        return x509.load_der_x509_certificate(self.der)

    @property
    def pem(self) -> str:
        """The certificate as PEM."""
        return pem(self.der)


# Without slots, as `Signing`.
@dataclass(frozen=True, kw_only=True)
class CertificateTemplate(Signing):
    """Everything about a certificate but its subject and its issuer.

    Where `None` is allowed, it leaves the extension out.
    """

    issuer_name: NameLike | None = None
    """In place of the issuer's own name."""
    serial: int | None = None
    """None derives it; any integer is written, negative ones and zero too."""
    not_before: der.Moment = NOT_BEFORE
    not_after: der.Moment = NOT_AFTER
    key: PrivateKey | None = None
    """The subject's key; None takes a P-256 key derived from the subject's name."""
    public_key: PublicKey | bytes | None = None
    """Another public key for the certificate, as a key or as raw SubjectPublicKeyInfo."""
    version: int = 3
    """1 writes no version field and no extensions."""
    ca: bool | None = False
    """basicConstraints' `cA`; None leaves the extension out, path length and all."""
    path_length: int | None = None
    key_usage: AbstractSet[KeyUsage] | None = frozenset({"digitalSignature"})
    extended_key_usage: str | Sequence[str] | None = ("clientAuth",)
    san: str | Sequence[GeneralNameLike] | None = None
    crl_urls: DistributionPoints | None = None
    freshest_crl_urls: DistributionPoints | None = None
    ocsp_urls: str | Sequence[str] = ()
    ca_issuers: str | Sequence[str] = ()
    policies: str | Sequence[str] | None = None
    subject_key_identifier: KeyIdentifier | bytes | None = KeyIdentifier.DERIVED
    authority_key_identifier: KeyIdentifier | bytes | None = KeyIdentifier.DERIVED
    no_check: bool = False
    """id-pkix-ocsp-nocheck (RFC 6960 section 4.2.2.2.1)."""
    no_rev_avail: bool = False
    """noRevAvail (RFC 9608)."""
    extensions: Sequence[Extension] = ()
    """Further extensions, last; repeating one that is there already is allowed."""
    criticality: Mapping[str, bool] = field(default_factory=dict)
    """Criticality by dotted OID where the usual one is not wanted."""


AUTHORITY: Final = CertificateTemplate(
    ca=True, key_usage=frozenset({"keyCertSign", "cRLSign"}), extended_key_usage=None
)
"""The template of roots and subordinate authorities."""

END_ENTITY: Final = CertificateTemplate()
"""The template of everything else: a TLS client without revocation pointers."""


def issue(template: CertificateTemplate, subject: NameLike, issuer: Issued | None = None) -> Issued:
    """Sign a certificate for `subject`; without an issuer it signs itself.

    Raises:
        LookupError: No AlgorithmIdentifier exists for the signing key and hash.
    """
    subject_name = names.name(subject)
    subject_key = template.key or named_key(subject_name)
    public = template.public_key or subject_key.public_key()
    subject_spki = public if isinstance(public, bytes) else spki(public)
    own_identifier = template.subject_key_identifier
    if not isinstance(own_identifier, bytes):
        own_identifier = key_identifier(subject_spki)
    issuer_name = subject_name if issuer is None else issuer.subject
    if template.issuer_name is not None:
        issuer_name = names.name(template.issuer_name)
    issuer_key = subject_key if issuer is None else issuer.key
    validity = der.seq(der.time(template.not_before), der.time(template.not_after))
    serial = template.serial
    if serial is None:
        serial = _serial(issuer_name + subject_name + subject_spki + validity)
    issuer_identifier = own_identifier if issuer is None else issuer.key_identifier
    signed_part = der.seq(
        _version(template.version),
        der.integer(serial),
        template.algorithm(issuer_key),
        issuer_name,
        validity,
        subject_name,
        subject_spki,
        _extensions(template, own_identifier, issuer_identifier),
    )
    return Issued(
        der=template.signed(issuer_key, signed_part),
        key=subject_key,
        subject=subject_name,
        serial=serial,
        spki=subject_spki,
        key_identifier=own_identifier,
    )


def named_key(subject_name: bytes) -> PrivateKey:
    """The P-256 key that a subject of this name (DER) has unless it is given another."""
    return key("p256", _NAMED_KEYS + int.from_bytes(sha256(subject_name).digest()[:4], "big"))


def _serial(seed: bytes) -> int:
    number = int.from_bytes(sha256(seed).digest()[:8], "big")
    return number | 1 << 63  # the top bit keeps it positive and always of one length


def _version(version: int) -> bytes:
    return b"" if version == 1 else der.explicit(0, der.integer(version - 1))


def _extensions(template: CertificateTemplate, own: bytes, issuers: bytes) -> bytes:
    if template.version == 1:
        return b""
    described = [*_identifiers(template, own, issuers), *_purpose(template), *_pointers(template)]
    encoded = extensions.encoded_list([*described, *template.extensions], template.criticality)
    return der.explicit(3, encoded) if encoded else b""


def _identifiers(template: CertificateTemplate, own: bytes, issuers: bytes) -> Iterator[Extension]:
    if template.subject_key_identifier is not None:
        yield extensions.subject_key_identifier(own)
    if (given := template.authority_key_identifier) is not None:
        identifier = given if isinstance(given, bytes) else issuers
        yield extensions.authority_key_identifier(identifier)


def _purpose(template: CertificateTemplate) -> Iterator[Extension]:
    if template.ca is not None:
        yield extensions.basic_constraints(ca=template.ca, path_length=template.path_length)
    if template.key_usage is not None:
        yield extensions.key_usage(template.key_usage)
    if template.extended_key_usage is not None:
        yield extensions.extended_key_usage(template.extended_key_usage)
    if template.san is not None:
        yield extensions.subject_alt_name(template.san)
    if template.policies is not None:
        yield extensions.certificate_policies(template.policies)


def _pointers(template: CertificateTemplate) -> Iterator[Extension]:
    if template.crl_urls is not None:
        yield extensions.distribution_points(oids.CRL_DISTRIBUTION_POINTS, template.crl_urls)
    if template.freshest_crl_urls is not None:
        yield extensions.distribution_points(oids.FRESHEST_CRL, template.freshest_crl_urls)
    if template.ocsp_urls or template.ca_issuers:
        yield extensions.authority_info_access(template.ocsp_urls, template.ca_issuers)
    if template.no_check:
        yield Extension(oids.OCSP_NO_CHECK, der.null())
    if template.no_rev_avail:
        yield Extension(oids.NO_REV_AVAIL, der.null())
