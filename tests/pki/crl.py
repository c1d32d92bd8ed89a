"""CRLs: a template of what may be overridden, and the writer that signs it.

Rules: entries are written in the order given, duplicates and disorder included; a CRL
of version 1 has no extensions of either kind, whatever the template says. Times are
whole seconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from cryptography import x509

from tests.pki import der, extensions, names, oids
from tests.pki.certificate import Issued
from tests.pki.extensions import DistributionPoints, Extension, KeyIdentifier, Reason
from tests.pki.moments import NEXT_UPDATE, REVOKED_AT, THIS_UPDATE
from tests.pki.names import GeneralNameLike, NameLike
from tests.pki.signing import Signing, SigningOverrides


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a CRL."""

    serial: int
    reason: Reason | int | None = None
    """None leaves the extension out; a number is written as it is."""
    date: der.Moment = REVOKED_AT
    certificate_issuer: NameLike | None = None
    """The critical extension of indirect CRLs (RFC 5280 section 5.3.3)."""
    invalidity_date: datetime | None = None
    extensions: Sequence[Extension] = ()
    """Further entry extensions, last."""

    def encoded(self) -> bytes:
        """The DER of the entry (RFC 5280 section 5.1.2.6)."""
        listed = extensions.encoded_list(self._extensions(), {})
        return der.seq(der.integer(self.serial), der.time(self.date), listed)

    def _extensions(self) -> Iterator[Extension]:
        if self.reason is not None:
            yield Extension(oids.REASON_CODE, extensions.reason_code(self.reason))
        if self.invalidity_date is not None:
            yield Extension(oids.INVALIDITY_DATE, der.generalized_time(self.invalidity_date))
        if self.certificate_issuer is not None:
            issuer = der.seq(names.directory_name(self.certificate_issuer))
            yield Extension(oids.CERTIFICATE_ISSUER, issuer, critical=True)
        yield from self.extensions


Revocation: TypeAlias = Reason | tuple[der.Moment, Reason | int | None] | None
"""A reason, or a date with a reason, or nothing to say."""

Revoked: TypeAlias = Mapping[int, Revocation] | Sequence[int | Entry]
"""Serials with what is said of them, or a list of serials and entries."""


@dataclass(frozen=True, slots=True)
class IssuingDistributionPoint:
    """Extension issuingDistributionPoint (RFC 5280 section 5.2.5)."""

    names: Sequence[GeneralNameLike] = ()
    """The full name: URLs as text, other general names as values."""
    relative_name: x509.RelativeDistinguishedName | None = None
    """nameRelativeToCRLIssuer, in place of the full name."""
    only_user: bool = False
    only_ca: bool = False
    only_attribute: bool = False
    only_some_reasons: AbstractSet[Reason] | None = None
    indirect: bool = False

    def encoded(self) -> bytes:
        """The DER of the extension's value."""
        reasons = self.only_some_reasons
        return der.seq(
            extensions.distribution_point_name(self.names, self.relative_name),
            der.implicit(1, der.TRUE) if self.only_user else b"",
            der.implicit(2, der.TRUE) if self.only_ca else b"",
            der.implicit(3, extensions.reason_flags(reasons)) if reasons is not None else b"",
            der.implicit(4, der.TRUE) if self.indirect else b"",
            der.implicit(5, der.TRUE) if self.only_attribute else b"",
        )


class CrlOverrides(SigningOverrides, total=False):
    """The keyword arguments that set the fields of `CrlTemplate`."""

    revoked: Revoked
    this_update: der.Moment
    next_update: der.Moment | None
    number: int | None
    idp: IssuingDistributionPoint | bytes | None
    delta_base: int | None
    freshest_crl_urls: DistributionPoints | None
    authority_key_identifier: KeyIdentifier | bytes | None
    extensions: Sequence[Extension]
    criticality: Mapping[str, bool]
    issuer_name: NameLike | None
    version: int


# Without slots, as `Signing`.
@dataclass(frozen=True, kw_only=True)
class CrlTemplate(Signing):
    """Everything about a CRL but its issuer. Where `None` is allowed, it leaves the field out."""

    revoked: Revoked = ()
    this_update: der.Moment = THIS_UPDATE
    next_update: der.Moment | None = NEXT_UPDATE
    number: int | None = 1
    idp: IssuingDistributionPoint | bytes | None = None
    """Spelt out, or the raw value of the extension."""
    delta_base: int | None = None
    """BaseCRLNumber of the critical deltaCRLIndicator, which makes this a delta CRL."""
    freshest_crl_urls: DistributionPoints | None = None
    authority_key_identifier: KeyIdentifier | bytes | None = KeyIdentifier.DERIVED
    extensions: Sequence[Extension] = ()
    """Further CRL extensions, last."""
    criticality: Mapping[str, bool] = field(default_factory=dict)
    """Criticality by dotted OID where the usual one is not wanted."""
    issuer_name: NameLike | None = None
    """In place of the issuer's own name (None)."""
    version: int = 2
    """1 writes no version field and no extensions."""

    def encoded(self, issuer: Issued) -> bytes:
        """The DER of the CRL, signed by `issuer`.

        Raises:
            LookupError: No AlgorithmIdentifier exists for the signing key and hash.
        """
        issuer_name = issuer.subject if self.issuer_name is None else names.name(self.issuer_name)
        signed_part = der.seq(
            b"" if self.version == 1 else der.integer(self.version - 1),
            self.algorithm(issuer.key),
            issuer_name,
            der.time(self.this_update),
            b"" if self.next_update is None else der.time(self.next_update),
            self._entries(),
            self._extensions(issuer),
        )
        return self.signed(issuer.key, signed_part)

    def _entries(self) -> bytes:
        listed = [entry.encoded() for entry in entries(self.revoked, self.version)]
        return der.seq(*listed) if listed else b""  # absent rather than empty (section 5.1.2.6)

    def _extensions(self, issuer: Issued) -> bytes:
        if self.version == 1:
            return b""
        described = [*self._described(issuer), *self.extensions]
        listed = extensions.encoded_list(described, self.criticality)
        return der.explicit(0, listed) if listed else b""

    def _described(self, issuer: Issued) -> Iterator[Extension]:
        if (given := self.authority_key_identifier) is not None:
            identifier = given if isinstance(given, bytes) else issuer.key_identifier
            yield extensions.authority_key_identifier(identifier)
        if self.number is not None:
            yield Extension(oids.CRL_NUMBER, der.integer(self.number))
        if self.delta_base is not None:
            base = der.integer(self.delta_base)
            yield Extension(oids.DELTA_CRL_INDICATOR, base, critical=True)
        if (idp := self.idp) is not None:
            value = idp if isinstance(idp, bytes) else idp.encoded()
            yield Extension(oids.ISSUING_DISTRIBUTION_POINT, value, critical=True)
        if self.freshest_crl_urls is not None:
            yield extensions.distribution_points(oids.FRESHEST_CRL, self.freshest_crl_urls)


def entries(revoked: Revoked, version: int = 2) -> Iterator[Entry]:
    """The entries that a mapping or list of revocations stands for, bare in version 1."""
    if isinstance(revoked, Mapping):
        listed = (_entry(serial, revocation) for serial, revocation in revoked.items())
    else:
        listed = (item if isinstance(item, Entry) else Entry(item) for item in revoked)
    return (Entry(entry.serial, date=entry.date) for entry in listed) if version == 1 else listed


def _entry(serial: int, revocation: Revocation) -> Entry:
    match revocation:
        case (date, reason):
            return Entry(serial, reason, date)
        case reason:
            return Entry(serial, reason)
