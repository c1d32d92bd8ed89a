"""PEM text out of DER (RFC 7468)."""

from base64 import b64encode
from textwrap import wrap
from typing import Final

_LINE: Final = 64  # RFC 7468 section 2


def pem(der: bytes, label: str = "CERTIFICATE") -> str:
    """One PEM block, with a line end after it."""
    lines = wrap(b64encode(der).decode(), _LINE)
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))
