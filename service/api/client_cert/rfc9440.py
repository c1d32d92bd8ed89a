"""Client-Cert and Client-Cert-Chain (RFC 9440): structured fields (RFC 8941) with DER in them.

| what comes | |
| --- | --- |
| Client-Cert: `:base64:`, one byte sequence | read |
| Client-Cert-Chain: byte sequences with commas between them, without the leaf | read |
| parameters after a byte sequence | ignored, where they are well-formed |
| base64 without its padding | read (RFC 8941 §4.2.7) |
| a chain without a certificate | refused (RFC 9440 §2.3) |
| `::`, which HAProxy writes where no condition keeps it from it | refused |
| anything else that is a structured field (a list in Client-Cert, a token, a string, an inner list) | refused |
| a comma at the end of the list, blanks within base64, anything behind | refused |
| either header twice | refused, though RFC 9440 §2.3 lets a list be split: nobody splits it |

Rules: the grammar and nothing beside it. What the base64 says is not looked at here.
"""

import re
from typing import Final

from service.api.client_cert.encodings import der_of
from service.api.client_cert.header import MAX_CERTIFICATES
from service.api.client_cert.presented import HeaderError, Presented

_BYTES: Final = rb":[A-Za-z0-9+/=]*+:"
_STRING: Final = rb'"(?:[ !#-\[\]-~]|\\["\\])*+"'
_NUMBER: Final = rb"-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15})(?![0-9.])"
_TOKEN: Final = rb"[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*+"
_BOOLEAN: Final = rb"\?[01]"
_BARE_ITEM: Final = rb"(?:" + rb"|".join((_BYTES, _STRING, _NUMBER, _TOKEN, _BOOLEAN)) + rb")"
_PARAMETERS: Final = rb"(?:; *+[a-z*][a-z0-9_.*-]*+(?:=" + _BARE_ITEM + rb")?+)*+"
_ITEM: Final = re.compile(rb":([A-Za-z0-9+/=]*+):" + _PARAMETERS)
"""A byte sequence with its parameters (RFC 8941 §3.3, §3.3.5). Possessive: nothing is tried twice."""
_NEXT: Final = re.compile(rb"[ \t]*+,[ \t]*+")
_QUANTUM: Final = 4  # characters of base64 that belong together


def read_certificate(value: bytes) -> Presented:
    """Read Client-Cert.

    Args:
        value: The header's value, not empty.

    Raises:
        HeaderError: it is not one byte sequence of base64.
    """
    found = _byte_sequences(value)
    if len(found) > 1:
        raise HeaderError("more than one certificate")
    return Presented(found[0])


def read_chain(value: bytes) -> tuple[str, ...]:
    """Read Client-Cert-Chain: the base64 of the intermediates.

    Args:
        value: The header's value, not empty.

    Raises:
        HeaderError: it is not a list of byte sequences of base64.
    """
    return _byte_sequences(value)


def _byte_sequences(value: bytes) -> tuple[str, ...]:
    """The base64 of the members of a list (RFC 8941 §4.2.1), one at least."""
    found: list[str] = []
    at = 0
    while True:
        item = _ITEM.match(value, at)
        if item is None or len(found) == MAX_CERTIFICATES:
            raise HeaderError(f"not a list of {MAX_CERTIFICATES} byte sequences at most, each base64 between colons")
        text = item[1] + b"=" * (-len(item[1]) % _QUANTUM)
        der_of(text, len(found) + 1)
        found.append(text.decode("ascii"))
        if item.end() == len(value):
            return tuple(found)
        comma = _NEXT.match(value, item.end())
        if comma is None:
            raise HeaderError("something follows a byte sequence that is neither a comma nor a parameter")
        at = comma.end()
