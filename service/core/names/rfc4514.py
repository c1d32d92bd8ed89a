"""A distinguished name out of its text (RFC 4514 §3), for comparison with those of certificates (RFC 5280 §7.1).

Rules it keeps: strict. What `der.name` writes is read back as the same name; what the grammar does not allow is
refused, spaces around separators and unknown keywords included: a name that is read as another one than was meant
matches nothing, and nobody would notice.

What it does not do: tell that a name is written in the order of its encoding, as OpenSSL prints it by default. RFC 4514
has the last relative distinguished name first.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from service.core.der.name import KEYWORDS, MAX_ATTRIBUTES, Attribute, Rdn, read_attribute_value
from service.core.model.malformed import MalformedError
from service.core.names.comparison import canonical_rdns

MAX_TEXT_CHARACTERS = 16_384
"""What operators name by text are issuers, and names of authorities stay below 1,024 octets. A name of 4,096 fits
however it is escaped, and one of `der.name.MAX_NAME_OCTETS` where nothing in it has to be. Such text is kept with
blocks and told to the fleet, where room for it has to be."""

MAX_CACHED_TEXTS = 64
"""Blocks name the same few issuers again and again, thousands of them when a store is opened."""

_TYPES: Mapping[str, str] = {
    **{keyword.lower(): dotted for dotted, keyword in KEYWORDS.items()},
    # Not in RFC 4514 §3, and what others print: descriptors that IANA has registered for LDAP (RFC 4520), and the short
    # names that OpenSSL prints with `-nameopt RFC2253` and nobody has registered.
    "sn": "2.5.4.4",
    "surname": "2.5.4.4",
    "serialnumber": "2.5.4.5",
    "title": "2.5.4.12",
    "description": "2.5.4.13",
    "businesscategory": "2.5.4.15",
    "postalcode": "2.5.4.17",
    "telephonenumber": "2.5.4.20",
    "name": "2.5.4.41",
    "givenname": "2.5.4.42",
    "gn": "2.5.4.42",
    "initials": "2.5.4.43",
    "generationqualifier": "2.5.4.44",
    "x500uniqueidentifier": "2.5.4.45",
    "dnqualifier": "2.5.4.46",
    "pseudonym": "2.5.4.65",
    "organizationidentifier": "2.5.4.97",
    "email": "1.2.840.113549.1.9.1",
    "emailaddress": "1.2.840.113549.1.9.1",
    "unstructuredname": "1.2.840.113549.1.9.2",
    "unstructuredaddress": "1.2.840.113549.1.9.8",
    "jurisdictionl": "1.3.6.1.4.1.311.60.2.1.1",
    "jurisdictionst": "1.3.6.1.4.1.311.60.2.1.2",
    "jurisdictionc": "1.3.6.1.4.1.311.60.2.1.3",
}

_DESCRIPTOR = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_DOTTED = re.compile(r"(?:[01]\.(?:\d|[1-3]\d)|2\.(?:0|[1-9]\d*))(?:\.(?:0|[1-9]\d*))*", re.ASCII)
_TYPE_END = re.compile(r"[=,+;]")
_HEXADECIMAL = re.compile(r"#((?:[0-9A-Fa-f]{2})+)")
_PLAIN = re.compile(r'[^\\",+;<>\0]+')
_PAIR = re.compile(r'\\(?:([\\",+;<> #=])|([0-9A-Fa-f]{2}))')
_SPACE = " "


@lru_cache(maxsize=MAX_CACHED_TEXTS)
def canonical_of_text(text: str) -> bytes:
    """The form that the names have in common which match a name (`comparison.canonical`), from its text.

    Args:
        text: RFC 4514; empty for the name without attributes.

    Raises:
        MalformedError: it is none, or longer than any name here.
    """
    if len(text) > MAX_TEXT_CHARACTERS:
        raise MalformedError(f"a name of more than {MAX_TEXT_CHARACTERS} characters")
    rdns: list[Rdn] = []
    attributes = 0
    position = 0
    more = bool(text)
    while more:
        rdn: list[Attribute] = []
        separator = "+"
        while separator == "+":
            attributes += 1
            if attributes > MAX_ATTRIBUTES:
                raise MalformedError(f"a name of more than {MAX_ATTRIBUTES} attributes")
            attribute, position = _attribute(text, position)
            rdn.append(attribute)
            separator = text[position : position + 1]
            position += 1
        rdns.append(tuple(rdn))
        if separator not in ("", ","):
            raise MalformedError(f"the character {separator!a} in a value must be escaped (RFC 4514 §2.4)")
        more = separator == ","
    return canonical_rdns(reversed(rdns))


def _attribute(text: str, position: int) -> tuple[Attribute, int]:
    """One `type=value`, and where it ends."""
    end = _TYPE_END.search(text, position)
    if end is None or end.group() != "=":
        raise MalformedError("a part of the name is not of the form type=value")
    attribute_type = _type(text[position : end.start()])
    position = end.end()
    if text.startswith("#", position):
        return _encoded(attribute_type, text, position)
    value, position = _string(text, position)
    return Attribute(attribute_type, value, b""), position


def _type(word: str) -> str:
    if _DOTTED.fullmatch(word):
        return word
    if not _DESCRIPTOR.fullmatch(word):
        raise MalformedError("an attribute type that is neither a keyword nor dotted; no space stands around , + and =")
    found = _TYPES.get(word.lower())
    if found is None:
        raise MalformedError(f"the attribute type {word[:32]} is not known here: write it dotted")
    return found


def _encoded(attribute_type: str, text: str, position: int) -> tuple[Attribute, int]:
    """A value that is given by its encoding (RFC 4514 §2.4)."""
    found = _HEXADECIMAL.match(text, position)
    if found is None:
        raise MalformedError("a value that begins with # and is not hexadecimal")
    return read_attribute_value(attribute_type, bytes.fromhex(found.group(1))), found.end()


def _string(text: str, position: int) -> tuple[str, int]:
    """A value that is text, without its escapes, and where it ends."""
    start = position
    octets = bytearray()
    is_space_last = False
    while True:
        plain, pair = _PLAIN.match(text, position), _PAIR.match(text, position)
        if plain is not None:
            octets += _utf8(plain.group())
            is_space_last = plain.group().endswith(_SPACE)
            position = plain.end()
        elif pair is not None:
            octets += pair.group(1).encode() if pair.group(1) else bytes.fromhex(pair.group(2))
            is_space_last = False
            position = pair.end()
        else:
            break
    if text.startswith("\\", position):
        raise MalformedError("a backslash that escapes nothing (RFC 4514 §3)")
    if text.startswith(_SPACE, start) or is_space_last:
        raise MalformedError("a value that begins or ends with a space must have it escaped (RFC 4514 §2.4)")
    try:
        return octets.decode(), position
    except UnicodeDecodeError:
        raise MalformedError("escaped octets that are not UTF-8") from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise MalformedError("an unpaired surrogate in a name") from None
