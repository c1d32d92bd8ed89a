"""The Extensions field that certificates, CRLs, CRL entries and OCSP answers share (RFC 5280 §4.1.2.9, §4.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from service.core.der import tlv
from service.core.der.name import read_general_names
from service.core.model.malformed import MalformedError

Value = TypeVar("Value")

_AUTHORITY_CERT_ISSUER = tlv.context(1)
_AUTHORITY_CERT_SERIAL_NUMBER = tlv.context(2, constructed=False)

MAX_NUMBER_OCTETS = 64
"""RFC 5280 §5.2.3 allows 20; Python writes no number of more than 1,785 in decimal."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: where its value lies."""

    critical: bool
    start: int
    stop: int


def oid(dotted: str) -> bytes:
    """The content octets of an OBJECT IDENTIFIER, for tables."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    octets = bytearray()
    for arc in (40 * first + second, *rest):
        shifts = range((arc.bit_length() - 1) // 7 * 7, 0, -7)
        octets.extend(0x80 | arc >> shift & 0x7F for shift in shifts)
        octets.append(arc & 0x7F)
    return bytes(octets)


def dotted(octets: bytes) -> str:
    """The dotted form of an OBJECT IDENTIFIER's content octets."""
    return tlv.object_identifier(octets, 0, len(octets))


def read_extensions(data: tlv.Buffer, start: int, stop: int) -> dict[bytes, Extension]:
    """The extensions in the content of `SEQUENCE OF Extension`, by the content octets of their identifiers.

    An encoded `critical FALSE`, which DER forbids and the wild knows, is read as what it says.

    Raises:
        MalformedError: one does not decode, or appears twice (RFC 5280 §4.2).
    """
    found: dict[bytes, Extension] = {}
    for tag, _, content, after in tlv.children(data, start, stop):
        if tag != tlv.SEQUENCE:
            raise MalformedError("an extension that is not a SEQUENCE")
        identifier_start, identifier_stop = tlv.expect(data, content, after, tlv.OBJECT_IDENTIFIER)
        identifier = bytes(data[identifier_start:identifier_stop])
        tlv.check_object_identifier(identifier)  # another encoding of a known one would be an unknown extension
        value_tag, value_start, value_stop = tlv.read(data, identifier_stop, after)
        critical = False
        if value_tag == tlv.BOOLEAN:
            critical = tlv.boolean(data, value_start, value_stop)
            value_tag, value_start, value_stop = tlv.read(data, value_stop, after)
        if value_tag != tlv.OCTET_STRING or value_stop != after:
            raise MalformedError("an extension whose value is not one OCTET STRING")
        if identifier in found:
            raise MalformedError(f"the extension {dotted(identifier)} twice")
        found[identifier] = Extension(critical, value_start, value_stop)
    return found


def optional(
    data: tlv.Buffer,
    found: Mapping[bytes, Extension],
    identifier: bytes,
    reader: Callable[[tlv.Buffer, int, int], Value],
) -> Value | None:
    """What `reader` makes of one extension's value, or None where it is absent.

    Raises:
        MalformedError: from the reader.
    """
    extension = found.get(identifier)
    return None if extension is None else reader(data, extension.start, extension.stop)


def unknown_critical(found: Mapping[bytes, Extension], known: frozenset[bytes]) -> tuple[str, ...]:
    """The critical extensions that are not `known`, dotted."""
    return tuple(
        dotted(identifier) for identifier, extension in found.items() if extension.critical and identifier not in known
    )


def only(data: tlv.Buffer, start: int, stop: int, tag: int) -> tuple[int, int]:
    """The content of the one element that fills an extension's value.

    Raises:
        MalformedError: another tag, or octets after it.
    """
    content, after = tlv.expect(data, start, stop, tag)
    if after != stop:
        raise MalformedError("octets after the end of an extension's value")
    return content, after


def read_integer(data: tlv.Buffer, start: int, stop: int) -> int:
    """A value that is one INTEGER: cRLNumber, BaseCRLNumber.

    Raises:
        MalformedError: it is not, or it is longer than `MAX_NUMBER_OCTETS`.
    """
    content, after = only(data, start, stop, tlv.INTEGER)
    if after - content > MAX_NUMBER_OCTETS:
        raise MalformedError("a number that is too long")
    return tlv.integer(data, content, after)


def read_key_identifier(data: tlv.Buffer, start: int, stop: int) -> bytes | None:
    """The keyIdentifier of an authority key identifier (RFC 5280 §4.2.1.1); None where it names the key otherwise.

    Raises:
        MalformedError: it does not decode, or has one of issuer and serial number without the other.
    """
    identifier: bytes | None = None
    named = set()
    for tag, _, content, after in tlv.fields(data, *only(data, start, stop, tlv.SEQUENCE)):
        if tag == tlv.context(0, constructed=False):
            identifier = bytes(data[content:after])
        elif tag == _AUTHORITY_CERT_ISSUER and read_general_names(data, content, after):
            named.add(tag)
        elif tag == _AUTHORITY_CERT_SERIAL_NUMBER:
            tlv.check_integer(data, content, after)
            named.add(tag)
        else:
            raise MalformedError("an authorityKeyIdentifier with an unknown field or without a name in one")
    if len(named) == 1:
        # RFC 5280 §A.2: authorityCertIssuer and authorityCertSerialNumber MUST both be present or both be absent.
        raise MalformedError("an authorityKeyIdentifier with half of issuer and serial number")
    return identifier
