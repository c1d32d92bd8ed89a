"""Extensions of certificates, CRLs, CRL entries and OCSP answers.

Rules: everything is written by hand, so that combinations which a library refuses (a
path length without `ca`, a usage bit without its companion) can be made. An `Extension`
holds raw DER: what has no function here is made by `Extension.of` out of a value of
`cryptography`, or spelt out.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, Literal, Self, TypeAlias

from cryptography import x509

from tests.pki import der, names, oids
from tests.pki.names import GeneralNameLike, NameLike

KeyUsage: TypeAlias = Literal[
    "digitalSignature",
    "contentCommitment",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
]
Reason: TypeAlias = Literal[
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "removeFromCRL",
    "privilegeWithdrawn",
    "aACompromise",
]

_KEY_USAGE_BITS: Final[Mapping[KeyUsage, int]] = {
    "digitalSignature": 0,
    "contentCommitment": 1,
    "keyEncipherment": 2,
    "dataEncipherment": 3,
    "keyAgreement": 4,
    "keyCertSign": 5,
    "cRLSign": 6,
    "encipherOnly": 7,
    "decipherOnly": 8,
}
_REASON_FLAGS: Final[Mapping[Reason, int]] = {
    "keyCompromise": 1,
    "cACompromise": 2,
    "affiliationChanged": 3,
    "superseded": 4,
    "cessationOfOperation": 5,
    "certificateHold": 6,
    "privilegeWithdrawn": 7,
    "aACompromise": 8,
}
_REASON_CODES: Final[Mapping[Reason, int]] = {
    "unspecified": 0,
    "keyCompromise": 1,
    "cACompromise": 2,
    "affiliationChanged": 3,
    "superseded": 4,
    "cessationOfOperation": 5,
    "certificateHold": 6,
    "removeFromCRL": 8,
    "privilegeWithdrawn": 9,
    "aACompromise": 10,
}


class KeyIdentifier(Enum):
    """Where a key identifier comes from when the test does not give it."""

    DERIVED = auto()
    """From the key: its SHA-1, or what the issuer's certificate says it is."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension with its raw value."""

    oid: str
    """Dotted form."""
    value: bytes
    """What goes inside the OCTET STRING."""
    critical: bool = False

    @classmethod
    def of(cls, value: x509.ExtensionType, *, critical: bool = False) -> Self:
        """An extension out of a value of `cryptography`."""
        return cls(value.oid.dotted_string, value.public_bytes(), critical)

    def encoded(self) -> bytes:
        """The DER of the extension; `critical` is written only when it is true."""
        critical = der.TRUE if self.critical else b""
        return der.seq(der.oid(self.oid), critical, der.octet_string(self.value))


@dataclass(frozen=True, slots=True)
class DistributionPoint:
    """One distribution point of cRLDistributionPoints or freshestCRL."""

    names: Sequence[GeneralNameLike] = ()
    """The full name: URLs as text, other general names as values."""
    relative_name: x509.RelativeDistinguishedName | None = None
    """nameRelativeToCRLIssuer, in place of the full name."""
    reasons: AbstractSet[Reason] | None = None
    crl_issuer: NameLike | None = None

    def encoded(self) -> bytes:
        """The DER of the distribution point (RFC 5280 section 4.2.1.13)."""
        parts = [distribution_point_name(self.names, self.relative_name)]
        if self.reasons is not None:
            parts.append(der.implicit(1, reason_flags(self.reasons)))
        if self.crl_issuer is not None:
            parts.append(der.implicit(2, der.seq(names.directory_name(self.crl_issuer))))
        return der.seq(*parts)


DistributionPoints: TypeAlias = str | Sequence[str | DistributionPoint]
"""A URL, or a list of distribution points, each a URL or spelt out."""


def encoded_list(extensions: Iterable[Extension], criticality: Mapping[str, bool]) -> bytes:
    """The SEQUENCE of extensions, with criticality overridden by OID; empty if there are none."""
    items = [replace(item, critical=criticality.get(item.oid, item.critical)).encoded() for item in extensions]
    return der.seq(*items) if items else b""


def distribution_point_name(
    full_name: Sequence[GeneralNameLike],
    relative_name: x509.RelativeDistinguishedName | None,
) -> bytes:
    """The field `[0] DistributionPointName` of distribution points, empty if it has no name."""
    if relative_name is not None:
        return der.explicit(0, der.implicit(1, names.relative_name(relative_name)))
    if full_name:
        locations = der.seq(*(names.location(item) for item in full_name))
        return der.explicit(0, der.implicit(0, locations))
    return b""


def reason_flags(reasons: AbstractSet[Reason]) -> bytes:
    """ReasonFlags, a BIT STRING."""
    return der.named_bits(_REASON_FLAGS[reason] for reason in reasons)


def reason_code(reason: Reason | int) -> bytes:
    """CRLReason, an ENUMERATED; a number is written as it is."""
    return der.enumerated(reason if isinstance(reason, int) else _REASON_CODES[reason])


def basic_constraints(*, ca: bool, path_length: int | None) -> Extension:
    """Extension basicConstraints."""
    parts = [der.TRUE] if ca else []
    if path_length is not None:
        parts.append(der.integer(path_length))
    return Extension(oids.BASIC_CONSTRAINTS, der.seq(*parts), critical=True)


def key_usage(usages: AbstractSet[KeyUsage]) -> Extension:
    """Extension keyUsage."""
    bits = der.named_bits(_KEY_USAGE_BITS[usage] for usage in usages)
    return Extension(oids.KEY_USAGE, bits, critical=True)


def extended_key_usage(purposes: str | Sequence[str]) -> Extension:
    """Extension extendedKeyUsage; purposes by RFC name or dotted OID."""
    purpose_oids = (der.oid(oids.EXTENDED_KEY_USAGES.get(purpose, purpose)) for purpose in names.listed(purposes))
    return Extension(oids.EXTENDED_KEY_USAGE, der.seq(*purpose_oids))


def subject_alt_name(values: str | Sequence[GeneralNameLike]) -> Extension:
    """Extension subjectAltName."""
    items = (values,) if isinstance(values, str) else values
    encoded = der.seq(*(names.general_name(item) for item in items))
    return Extension(oids.SUBJECT_ALT_NAME, encoded)


def distribution_points(oid: str, points: DistributionPoints) -> Extension:
    """Extension cRLDistributionPoints or freshestCRL; a lone URL is a point of its own."""
    items = (points,) if isinstance(points, str) else points
    encoded = ((DistributionPoint((item,)) if isinstance(item, str) else item).encoded() for item in items)
    return Extension(oid, der.seq(*encoded))


def authority_info_access(ocsp_urls: str | Sequence[str], ca_issuers: str | Sequence[str]) -> Extension:
    """Extension authorityInfoAccess, OCSP responders first."""
    located = [(oids.OCSP, url) for url in names.listed(ocsp_urls)]
    located += [(oids.CA_ISSUERS, url) for url in names.listed(ca_issuers)]
    encoded = (der.seq(der.oid(method), names.location(url)) for method, url in located)
    return Extension(oids.AUTHORITY_INFO_ACCESS, der.seq(*encoded))


def certificate_policies(policies: str | Sequence[str]) -> Extension:
    """Extension certificatePolicies, dotted OIDs without qualifiers."""
    encoded = (der.seq(der.oid(policy)) for policy in names.listed(policies))
    return Extension(oids.CERTIFICATE_POLICIES, der.seq(*encoded))


def subject_key_identifier(identifier: bytes) -> Extension:
    """Extension subjectKeyIdentifier."""
    return Extension(oids.SUBJECT_KEY_IDENTIFIER, der.octet_string(identifier))


def authority_key_identifier(identifier: bytes) -> Extension:
    """Extension authorityKeyIdentifier with a key identifier alone."""
    encoded = der.seq(der.implicit(0, der.octet_string(identifier)))
    return Extension(oids.AUTHORITY_KEY_IDENTIFIER, encoded)
