"""Distinguished names and general names (RFC 5280 §4.1.2.4, §4.2.1.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from service.core.der import tlv
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralName, GeneralNameKind, Name

MAX_NAME_OCTETS = 16_384
"""What reading and comparing a name costs grows with its length, and certificates, CRLs and OCSP responses all bear
names. Load balancers pass on no more than this in one header, the certificate with its name included; names in use stay
below 1,024 octets, and RFC 5280 §A.1 allows the usual values 64 characters each."""

MAX_ATTRIBUTES = 256
"""Of one name; ten times what anybody uses, and each is prepared for comparing by itself."""

MAX_GENERAL_NAMES = 10_000
"""In one list: ten times what public CAs put into a certificate, and each becomes an object of 200 octets and more."""

MAX_USUAL_OCTETS = 4096
"""Longer names, and their forms for comparison, are kept apart: fewer of them, since each takes more."""

MAX_CACHED_NAMES = 1024
"""Every name that can be read is kept, so that a long one costs once. One of 4,096 octets takes 52 KiB at most, since
its text can be three times as long and have four octets a character: 52 MiB in all."""

MAX_CACHED_LONG_NAMES = 256
"""Of names above `MAX_USUAL_OCTETS`. One of the longest takes 208 KiB at most: 52 MiB in all. A request of 1 MiB has no
room for more than 200."""

MAX_READ_AGAIN = 64
"""Names whose parts are kept for a moment: what is read for people is compared next."""

_STRINGS: Mapping[int, str] = {
    0x0C: "utf-8",  # UTF8String
    0x12: "ascii",  # NumericString
    0x13: "latin-1",  # PrintableString: wider than its alphabet in the wild
    0x14: "latin-1",  # TeletexString, which everybody fills with Latin-1
    0x16: "latin-1",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}

KEYWORDS: Mapping[str, str] = {  # RFC 4514 §3
    "2.5.4.3": "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}

_CONSTRUCTED = {
    GeneralNameKind.OTHER_NAME,
    GeneralNameKind.X400_ADDRESS,
    GeneralNameKind.DIRECTORY_NAME,
    GeneralNameKind.EDI_PARTY_NAME,
}
_GENERAL_NAMES = {tlv.context(kind.value, constructed=kind in _CONSTRUCTED): kind for kind in GeneralNameKind}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One AttributeTypeAndValue.

    Attributes:
        text: The value where it is a string, None where it is something else.
        der: The value's encoding.
    """

    type: str
    text: str | None
    der: bytes


Rdn = tuple[Attribute, ...]
"""A RelativeDistinguishedName, in the order of its encoding."""


def read_name(der: bytes) -> Name:
    """A Name from its encoding.

    Raises:
        MalformedError: it is none, or too long.
    """
    return _cached_name(der) if len(der) <= MAX_USUAL_OCTETS else _cached_long_name(der)


def _read_name(der: bytes) -> Name:
    return Name(der, _text(read_rdns(der)))


_cached_name = lru_cache(maxsize=MAX_CACHED_NAMES)(_read_name)
_cached_long_name = lru_cache(maxsize=MAX_CACHED_LONG_NAMES)(_read_name)


@lru_cache(maxsize=MAX_READ_AGAIN)
def read_rdns(der: bytes) -> tuple[Rdn, ...]:
    """The RDNSequence of a Name.

    Raises:
        MalformedError: it is none, or too long.
    """
    if len(der) > MAX_NAME_OCTETS:
        raise MalformedError(f"a name of more than {MAX_NAME_OCTETS} octets")
    start, stop = tlv.whole(der, tlv.SEQUENCE)
    rdns = tuple(_rdn(der, tag, content, after) for tag, _, content, after in tlv.children(der, start, stop))
    if sum(map(len, rdns)) > MAX_ATTRIBUTES:
        raise MalformedError(f"a name of more than {MAX_ATTRIBUTES} attributes")
    return rdns


def _rdn(der: bytes, tag: int, start: int, stop: int) -> Rdn:
    attributes = tuple(
        _attribute(der, child, content, after) for child, _, content, after in tlv.children(der, start, stop)
    )
    if tag != tlv.SET or not attributes:
        raise MalformedError("a relative distinguished name that is not a SET of at least one attribute")
    return attributes


def _attribute(der: bytes, tag: int, start: int, stop: int) -> Attribute:
    if tag != tlv.SEQUENCE:
        raise MalformedError("an attribute of a name that is not a SEQUENCE")
    type_start, type_stop = tlv.expect(der, start, stop, tlv.OBJECT_IDENTIFIER)
    value_tag, value_start, value_stop = tlv.read(der, type_stop, stop)
    if value_stop != stop:
        raise MalformedError("an attribute of a name with more than one value")
    text = _string(value_tag, der[value_start:value_stop])
    return Attribute(tlv.object_identifier(der, type_start, type_stop), text, der[type_stop:value_stop])


def read_attribute_value(attribute_type: str, der: bytes) -> Attribute:
    """An attribute from its type, dotted, and the encoding of its value alone.

    Raises:
        MalformedError: it is none, or has octets after it.
    """
    tag, start, stop = tlv.read(der, 0, len(der))
    if stop != len(der):
        raise MalformedError("an attribute of a name with more than one value")
    return Attribute(attribute_type, _string(tag, der[start:stop]), der)


def _string(tag: int, content: bytes) -> str | None:
    """A string out of its encoding; None for what is no string."""
    encoding = _STRINGS.get(tag)
    try:
        return content.decode(encoding) if encoding else None
    except UnicodeDecodeError:
        raise MalformedError("a string in a name that is not in its encoding") from None


def _text(rdns: tuple[Rdn, ...]) -> str:
    """RFC 4514 §2: the last relative distinguished name first."""
    return ",".join("+".join(_attribute_text(attribute) for attribute in rdn) for rdn in reversed(rdns))


def _attribute_text(attribute: Attribute) -> str:
    keyword = KEYWORDS.get(attribute.type, attribute.type)
    value = f"#{attribute.der.hex()}" if attribute.text is None else _escape(attribute.text)
    return f"{keyword}={value}"


def _escape(text: str) -> str:
    """RFC 4514 §2.4."""
    escaped = "".join(f"\\{character}" if character in '\\"+,;<>' else character for character in text)
    escaped = escaped.replace("\0", "\\00")
    if escaped.startswith(("#", " ")):
        escaped = f"\\{escaped}"
    if text.endswith(" ") and len(text) > 1:
        escaped = f"{escaped[:-1]}\\ "
    return escaped


def read_general_names(data: tlv.Buffer, start: int, stop: int) -> tuple[GeneralName, ...]:
    """The GeneralNames between two offsets.

    Raises:
        MalformedError: one is none, or there are too many.
    """
    names: list[GeneralName] = []
    for tag, _, content, after in tlv.children(data, start, stop):
        if len(names) == MAX_GENERAL_NAMES:
            raise MalformedError(f"more than {MAX_GENERAL_NAMES} general names in a list")
        names.append(_general_name(data, tag, content, after))
    return tuple(names)


def _general_name(data: tlv.Buffer, tag: int, start: int, stop: int) -> GeneralName:
    kind = _GENERAL_NAMES.get(tag)
    if kind is None:
        raise MalformedError("a general name of no known form")
    content = bytes(data[start:stop])
    if kind is GeneralNameKind.DIRECTORY_NAME:
        read_name(content)
    return GeneralName(kind, content)
