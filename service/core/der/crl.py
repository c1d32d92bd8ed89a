"""CRLs (RFC 5280 §5): the head and the extensions; the entries are walked over, never held.

Works on a memory-mapped file as on octets in memory. The head can be read by itself, which takes microseconds whatever
the CRL's size: whether somebody known has signed the list is asked before anybody walks over it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from service.core.der import tlv
from service.core.der.distribution_points import distribution_point_name, read_distribution_points, read_reasons
from service.core.der.entry_runs import count_runs, read_runs
from service.core.der.extension import (
    Extension,
    oid,
    only,
    optional,
    read_extensions,
    read_integer,
    read_key_identifier,
    unknown_critical,
)
from service.core.der.moment import is_time, read_moment
from service.core.der.name import read_name
from service.core.der.signed import read_signed
from service.core.der.usual_entries import EntryRun
from service.core.model.crl import CrlMeta, CrlRow, IssuingDistributionPoint
from service.core.model.key import Signature
from service.core.model.malformed import MalformedError
from service.core.model.name import Name

ISSUER_ALTERNATIVE_NAME = oid("2.5.29.18")
CRL_NUMBER = oid("2.5.29.20")
DELTA_CRL_INDICATOR = oid("2.5.29.27")
ISSUING_DISTRIBUTION_POINT = oid("2.5.29.28")
AUTHORITY_KEY_IDENTIFIER = oid("2.5.29.35")
FRESHEST_CRL = oid("2.5.29.46")
AUTHORITY_INFORMATION_ACCESS = oid("1.3.6.1.5.5.7.1.1")

MAY_BE_CRITICAL = frozenset({ISSUER_ALTERNATIVE_NAME, DELTA_CRL_INDICATOR, ISSUING_DISTRIBUTION_POINT})
"""The others that are known here must not be (RFC 5280 §5.2.1, §5.2.3, §5.2.6, §5.2.7)."""

VERSION_2 = 2


@dataclass(frozen=True, slots=True)
class CrlDocument:
    """A CRL whose entries are still where they were.

    Attributes:
        entries: First and one past the last offset of the content of revokedCertificates.
    """

    data: tlv.Buffer = field(repr=False)
    meta: CrlMeta
    signature: Signature = field(repr=False)
    entries: tuple[int, int]

    def runs(self) -> Iterator[EntryRun[list[CrlRow]]]:
        """The entries, in order: each under its serial number, whoever's certificate it is.

        Raises:
            MalformedError: one does not decode.
        """
        return read_runs(self.data, *self.entries)


@dataclass(frozen=True, slots=True)
class CrlHead:
    """A CRL of which everything is read but the entries.

    Attributes:
        meta: As far as that goes: no entries counted, and of what is unsupported only what is not in an entry.
        entries: First and one past the last offset of the content of revokedCertificates.
    """

    data: tlv.Buffer = field(repr=False)
    meta: CrlMeta
    signature: Signature = field(repr=False)
    entries: tuple[int, int]

    def walk(self) -> CrlDocument:
        """Walk once over the entries.

        Raises:
            MalformedError: one of them, its extensions included, does not decode.
        """
        scope = self.meta.issuing_distribution_point
        count, found = _walk(self.data, self.entries, may_be_indirect=scope is not None and scope.indirect_crl)
        meta = replace(self.meta, entries=count, unsupported=(*self.meta.unsupported, *sorted(found)))
        return CrlDocument(self.data, meta, self.signature, self.entries)


@dataclass(frozen=True, slots=True)
class _Header:
    """TBSCertList, field by field."""

    algorithm: bytes
    issuer: Name
    this_update: datetime
    next_update: datetime | None
    entries: tuple[int, int]
    has_empty_list: bool
    extensions: dict[bytes, Extension]


def read_crl(data: tlv.Buffer) -> CrlDocument:
    """Read a CRL and walk once over its entries.

    Raises:
        MalformedError: it is not strict DER, has octets after its end, names two signature algorithms, or any part of
            it, an entry's extensions included, does not decode.
    """
    return read_crl_head(data).walk()


def read_crl_head(data: tlv.Buffer, digest: bytes | None = None) -> CrlHead:
    """Read all of a CRL but its entries.

    Args:
        data: The CRL.
        digest: SHA-256 of it, where the caller knows that already.

    Raises:
        MalformedError: it is not strict DER, has octets after its end, names two signature algorithms, or any part of
            it but the entries does not decode.
    """
    signature, start, stop = read_signed(data, "a CRL")
    header = _read_header(data, start, stop)
    if header.algorithm != signature.algorithm:
        raise MalformedError("two different signature algorithms (RFC 5280 §5.1.1.2)")
    meta = _read_meta(data, header, digest or sha256(data).digest())
    return CrlHead(data, meta, signature, header.entries)


def _read_header(data: tlv.Buffer, position: int, stop: int) -> _Header:
    tag, start, after = tlv.read(data, position, stop)
    version = 1
    if tag == tlv.INTEGER:
        version = tlv.integer(data, start, after) + 1
        if version != VERSION_2:
            raise MalformedError("a CRL of a version other than 1 and 2")
        position = after
    algorithm_position = position
    _, position = tlv.expect(data, position, stop, tlv.SEQUENCE)
    algorithm = bytes(data[algorithm_position:position])
    issuer_position = position
    _, position = tlv.expect(data, position, stop, tlv.SEQUENCE)
    issuer = read_name(bytes(data[issuer_position:position]))
    this_update, position = read_moment(data, position, stop)
    next_update: datetime | None = None
    if position < stop and is_time(data[position]):
        next_update, position = read_moment(data, position, stop)
    entries = (position, position)
    has_empty_list = False
    if position < stop and data[position] == tlv.SEQUENCE:
        entries = tlv.expect(data, position, stop, tlv.SEQUENCE)
        position = entries[1]
        has_empty_list = entries[0] == entries[1]
    extensions: dict[bytes, Extension] = {}
    if position < stop:
        if version != VERSION_2:
            raise MalformedError("extensions in a CRL of version 1")
        start, position = tlv.expect(data, position, stop, tlv.context(0))
        extensions = read_extensions(data, *only(data, start, position, tlv.SEQUENCE))
    if position != stop:
        raise MalformedError("octets after the end of the TBSCertList")
    return _Header(algorithm, issuer, this_update, next_update, entries, has_empty_list, extensions)


def _read_meta(data: tlv.Buffer, header: _Header, digest: bytes) -> CrlMeta:
    found = header.extensions
    extension = found.get(ISSUING_DISTRIBUTION_POINT)
    scope = None if extension is None else _issuing_distribution_point(data, extension, header.issuer.der)
    freshest = found.get(FRESHEST_CRL)
    # RFC 5280 §5.1.2.6: without entries the list MUST be absent.
    empty = ("an empty list of revoked certificates",) if header.has_empty_list else ()
    return CrlMeta(
        digest=digest,
        issuer=header.issuer,
        algorithm=header.algorithm,
        this_update=header.this_update,
        next_update=header.next_update,
        crl_number=optional(data, found, CRL_NUMBER, read_integer),
        authority_key_identifier=optional(data, found, AUTHORITY_KEY_IDENTIFIER, read_key_identifier),
        issuing_distribution_point=scope,
        base_crl_number=optional(data, found, DELTA_CRL_INDICATOR, read_integer),
        freshest_crl=() if freshest is None else read_distribution_points(data, freshest, header.issuer.der),
        unsupported=(*unknown_critical(found, MAY_BE_CRITICAL), *_ambiguous(scope), *empty),
        size=len(data),
    )


def _walk(data: tlv.Buffer, entries: tuple[int, int], *, may_be_indirect: bool) -> tuple[int, set[str]]:
    """Count the entries and collect what in any of them makes the whole CRL unusable (RFC 5280 §5.3)."""
    count = 0
    unsupported = set[str]()
    for run in count_runs(data, *entries):
        count += run.found
        for _, extensions in run.remarks:
            unsupported.update(extensions.unsupported)
            if extensions.certificate_issuer and not may_be_indirect:
                unsupported.add("a certificateIssuer outside an indirect CRL")
    return count, unsupported


def _issuing_distribution_point(data: tlv.Buffer, extension: Extension, issuer: bytes) -> IssuingDistributionPoint:
    """RFC 5280 §5.2.5."""
    point = IssuingDistributionPoint()
    for tag, _, content, after in tlv.fields(data, *only(data, extension.start, extension.stop, tlv.SEQUENCE)):
        if tag == tlv.context(0):
            point = replace(point, names=distribution_point_name(data, content, after, issuer))
        elif tag == tlv.context(3, constructed=False):
            point = replace(point, only_some_reasons=read_reasons(data, content, after))
        elif tag in _FLAGS:
            point = _FLAGS[tag](point, tlv.boolean(data, content, after))
        else:
            raise MalformedError("an issuing distribution point with an unknown field")
    return point


def _ambiguous(scope: IssuingDistributionPoint | None) -> tuple[str, ...]:
    """What RFC 5280 §5.2.5 forbids a scope to be: nothing at all, or more than one kind of certificate only."""
    if scope is None:
        return ()
    if scope == IssuingDistributionPoint():
        return ("an empty issuing distribution point",)
    kinds = (scope.only_contains_user_certs, scope.only_contains_ca_certs, scope.only_contains_attribute_certs)
    return ("an issuing distribution point that covers more than one kind only",) if sum(kinds) > 1 else ()


_FLAGS: Mapping[int, Callable[[IssuingDistributionPoint, bool], IssuingDistributionPoint]] = {
    tlv.context(1, constructed=False): lambda point, flag: replace(point, only_contains_user_certs=flag),
    tlv.context(2, constructed=False): lambda point, flag: replace(point, only_contains_ca_certs=flag),
    tlv.context(4, constructed=False): lambda point, flag: replace(point, indirect_crl=flag),
    tlv.context(5, constructed=False): lambda point, flag: replace(point, only_contains_attribute_certs=flag),
}
