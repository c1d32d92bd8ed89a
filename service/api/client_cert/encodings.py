"""Percent-encoding and base64 as they stand in headers, undone strictly.

Rules: what has two readings is refused. `+` is always `+`: base64 is full of them, and whoever takes one for a blank,
as forms do, has another certificate or none. The time is linear in the length.
"""

import binascii
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from service.api.client_cert.presented import HeaderError

_OCTETS: Final = 3  # that base64 writes
_CHARACTERS: Final = 4  # with so many
_BROKEN_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def percent_decoded(value: bytes) -> bytes:
    """Undo percent-encoding (RFC 3986 §2.1); what has none stays as it is.

    Raises:
        HeaderError: a `%` has no two hexadecimal digits behind it, or more than one layer of encoding is there. Neither
            PEM nor base64 contains a `%`.
    """
    if _BROKEN_ESCAPE.search(value):
        raise HeaderError("a % is not followed by two hexadecimal digits")
    decoded = unquote_to_bytes(value)
    if b"%" in decoded:
        raise HeaderError("percent-encoded more than once")
    return decoded


def der_of(text: bytes, number: int) -> bytes:
    """Decode the base64 of one certificate.

    Args:
        text: Base64 without blanks.
        number: Which certificate of the header it is, from 1.

    Raises:
        HeaderError: it is not base64 with its padding (RFC 4648 §4), or empty.
    """
    if not text:
        raise HeaderError(f"certificate {number} is empty")
    try:
        der = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        der = b""
    if _encoded_length(der) != len(text):  # the strict mode lets padding pass where there is nothing to pad
        raise HeaderError(f"certificate {number} is not base64")
    return der


def _encoded_length(octets: bytes) -> int:
    return -(-len(octets) // _OCTETS) * _CHARACTERS
