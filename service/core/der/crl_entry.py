"""One entry of a CRL (RFC 5280 §5.1.2.6, §5.3), whatever its form.

This decides what an entry is and what it says; `usual_entries` is a quicker way to the same for most of them.
"""

from dataclasses import dataclass
from functools import lru_cache

from service.core.der import tlv
from service.core.der.extension import oid, only, optional, read_extensions, unknown_critical
from service.core.der.moment import is_time, moment
from service.core.der.name import read_general_names, read_name
from service.core.model.crl import CrlEntry, CrlRow
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralNameKind, Name
from service.core.model.reason import Reason

REASON_CODE = oid("2.5.29.21")
HOLD_INSTRUCTION_CODE = oid("2.5.29.23")
INVALIDITY_DATE = oid("2.5.29.24")
CERTIFICATE_ISSUER = oid("2.5.29.29")

KNOWN = frozenset({REASON_CODE, HOLD_INSTRUCTION_CODE, INVALIDITY_DATE, CERTIFICATE_ISSUER})

MAX_SERIAL_OCTETS = 64
"""RFC 5280 §4.1.2.2 allows 20; longer ones exist and are looked up like any other."""

MAX_CACHED_OCTETS = 256
"""Extensions of one entry: a reason code has 14 octets, the name of a certificate's issuer some 100."""

MAX_CACHED = 8192
"""Different extensions: as many as 1,000 issuers of certificates, each with every reason. 12 MiB at most."""

NO_REASON = 0xFF

UTC_TIME_OCTETS = len("YYMMDDHHMMSSZ")

_USUAL_OCTETS = 2 + 2 + 1 + 2 + UTC_TIME_OCTETS
"""The shortest entry of the usual form: its own head, a serial number of one octet, a date."""


@dataclass(frozen=True, slots=True)
class EntryExtensions:
    """What the extensions of one entry say.

    Attributes:
        certificate_issuer: Whose certificate this entry, and those that follow it, revoke (§5.3.3); empty where the
            extension is absent.
        unsupported: What makes the whole CRL unusable (RFC 5280 §5.3): unknown critical extensions.
    """

    reason: Reason | None = None
    certificate_issuer: tuple[Name, ...] = ()
    unsupported: tuple[str, ...] = ()

    @property
    def head(self) -> bytes:
        """How the record of a row begins (`unpack`)."""
        return bytes((NO_REASON if self.reason is None else self.reason,))

    @property
    def is_reason(self) -> bool:
        """Whether nothing is said but a reason, or not even that."""
        return not (self.certificate_issuer or self.unsupported)


_NONE = EntryExtensions()


def read_entry(data: tlv.Buffer, position: int, stop: int) -> tuple[CrlRow, EntryExtensions, int]:
    """Read the entry at a position.

    Returns:
        Its row under its serial number, whoever's certificate it is; what its extensions say; the offset after it.

    Raises:
        MalformedError: it does not decode or does not end before `stop`.
    """
    serial_start, serial_stop, time_stop, after = _usual(data, position, stop) or _any(data, position, stop)
    # Rows are found by these octets: a padded serial number would be a revoked one that nobody finds.
    tlv.check_integer(data, serial_start, serial_stop)
    if serial_stop - serial_start > MAX_SERIAL_OCTETS:
        raise MalformedError("a serial number that is too long")
    tag, time = data[serial_stop], bytes(data[serial_stop + 2 : time_stop])
    moment(tag, time)
    extensions = read_entry_extensions(bytes(data[time_stop:after]))
    return (bytes(data[serial_start:serial_stop]), extensions.head + bytes((tag,)) + time), extensions, after


def _usual(data: tlv.Buffer, position: int, stop: int) -> tuple[int, int, int, int] | None:
    """Where the parts of an entry are, if it is one of the usual form: short lengths and a UTCTime.

    This takes half the time of `_any`, which decides about all others.
    """
    if position + _USUAL_OCTETS > stop or data[position] != tlv.SEQUENCE or data[position + 2] != tlv.INTEGER:
        return None
    length, serial_length = data[position + 1], data[position + 3]
    serial_stop = position + 4 + serial_length
    after, time_stop = position + 2 + length, serial_stop + 2 + UTC_TIME_OCTETS
    if length >= 0x80 or time_stop > after or after > stop:  # noqa: PLR2004 - the short form (X.690 §8.1.3.4)
        return None
    if data[serial_stop] != tlv.UTC_TIME or data[serial_stop + 1] != UTC_TIME_OCTETS:
        return None
    return position + 4, serial_stop, time_stop, after


def _any(data: tlv.Buffer, position: int, stop: int) -> tuple[int, int, int, int]:
    """Where the parts of an entry are: serial number, the end of that and of the date, the end of the entry."""
    entry, after = tlv.expect(data, position, stop, tlv.SEQUENCE)
    serial_start, serial_stop = tlv.expect(data, entry, after, tlv.INTEGER)
    tag, time_start, time_stop = tlv.read(data, serial_stop, after)
    if not is_time(tag) or time_start != serial_stop + 2:  # no time is so long that its length needs more octets
        raise MalformedError("an entry without a revocation date")
    return serial_start, serial_stop, time_stop, after


def read_entry_extensions(der: bytes) -> EntryExtensions:
    """What the extensions of one entry say.

    Args:
        der: The encoding; nothing at all where there are none.

    Raises:
        MalformedError: it does not decode.
    """
    if not der:
        return _NONE
    return _cached_entry_extensions(der) if len(der) <= MAX_CACHED_OCTETS else _read_entry_extensions(der)


def _read_entry_extensions(der: bytes) -> EntryExtensions:
    found = read_extensions(der, *tlv.whole(der, tlv.SEQUENCE))
    unsupported = unknown_critical(found, KNOWN)
    issuer = optional(der, found, CERTIFICATE_ISSUER, _certificate_issuer)
    if issuer is not None and len(issuer) != 1:  # RFC 5280 §5.3.3: the issuer's name out of its certificate
        unsupported = (*unsupported, "a certificateIssuer that is not one directory name")
    return EntryExtensions(optional(der, found, REASON_CODE, _reason), issuer or (), unsupported)


_cached_entry_extensions = lru_cache(maxsize=MAX_CACHED)(_read_entry_extensions)


def _certificate_issuer(data: tlv.Buffer, start: int, stop: int) -> tuple[Name, ...]:
    names = read_general_names(data, *only(data, start, stop, tlv.SEQUENCE))
    return tuple(read_name(name.value) for name in names if name.kind is GeneralNameKind.DIRECTORY_NAME)


def _reason(data: tlv.Buffer, start: int, stop: int) -> Reason:
    return read_reason(tlv.integer(data, *only(data, start, stop, tlv.ENUMERATED)))


def read_reason(code: int) -> Reason:
    """A CRLReason from its number.

    Raises:
        MalformedError: RFC 5280 §5.3.1 does not know it.
    """
    try:
        return Reason(code)
    except ValueError:
        raise MalformedError("a reason code that RFC 5280 §5.3.1 does not know") from None


def unpack(record: bytes) -> CrlEntry:
    """The entry that a row's record holds.

    Raises:
        MalformedError: the row is damaged.
    """
    if len(record) < 2:  # noqa: PLR2004 - reason and tag
        raise MalformedError("a damaged row of a CRL")
    reason = None if record[0] == NO_REASON else read_reason(record[0])
    return CrlEntry(moment(record[1], record[2:]), reason)
