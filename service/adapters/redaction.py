"""The last line of defence of the log: what must not be in it is taken out of every event, whoever wrote it.

Rules it keeps: by name (`token`, `authorization`, `certificate`, ...) and by looks (PEM, long base64 of DER, bearer
tokens, tokens that `revet token` has made), in values of any depth, and in the text of messages and tracebacks; numbers
pass, since a count is no secret.

What it does not do: make it right to log a secret. Nobody does; this is for the exception that quotes its input.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

REDACTED: Final = "[redacted]"

MAX_DEPTH: Final = 6
"""Levels of lists and mappings that are looked into; what lies deeper is left out, since nothing of ours does."""

_SECRET_NAMES: Final = (
    "authorization",
    "certificate",
    "certificates",
    "cookie",
    "key_pem",
    "passphrase",
    "password",
    "pem",
    "private_key",
    "proxy_authorization",
    "secret",
    "set_cookie",
    "token",
    "tokens",
)
_SECRET_NAME: Final = re.compile(rf"(?:.*_)?(?:{'|'.join(_SECRET_NAMES)})")

# To the end of the block, or of the text where the block was cut; `[^-]*` takes an encoded blank (`%20`, `+`) as well.
_PEM: Final = re.compile(r"-----BEGIN[^-]*-----.*?(?:-----END[^-]*-----|\Z)", re.DOTALL)
# DER of 128 octets and more begins with 30 8x, `MI` and one of twelve letters in base64: in lines or in one, whose ends
# may be written as escapes, and percent-encoded, as it stands in a header or a URL.
_DER: Final = re.compile(r"MI[E-P](?:[A-Za-z0-9+/_=-]|%2[BbFf]|%3[Dd]|\\[rn]|[\r\n]){60,}")
# As `application.tokens` makes them: a prefix, and 32 octets in base64 for URLs.
_TOKEN: Final = re.compile(r"revet_[A-Za-z0-9_-]{43,}")
_BEARER: Final = re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}")
_HEADER: Final = re.compile(r"(?i)\b(authorization|x-revet-token|cookie)(['\"]?\s*[:=,]\s*(?:b?['\"])?)[^'\"\r\n]+")
_URL_PASSWORD: Final = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/?#\s@]+@")


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take secrets out of an event: a structlog processor."""
    return {name: _redacted(name, value, MAX_DEPTH) for name, value in event.items()}


def redact_text(text: str) -> str:
    """Take out of a text what looks like a secret."""
    text = _PEM.sub(REDACTED, text)
    text = _DER.sub(REDACTED, text)
    text = _TOKEN.sub(REDACTED, text)
    text = _BEARER.sub(rf"\1{REDACTED}", text)
    text = _HEADER.sub(rf"\1\2{REDACTED}", text)
    return _URL_PASSWORD.sub(rf"\1{REDACTED}@", text)


def _redacted(name: str, value: Any, depth: int) -> object:  # noqa: ANN401 - a log takes anything
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_NAME.fullmatch(name.lower().replace("-", "_")) is not None:
        return REDACTED
    return _cleaned(value, depth)


def _cleaned(value: Any, depth: int) -> object:  # noqa: ANN401 - as above
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            # A StrEnum is written by its value, whatever else its class does.
            return redact_text(str.__str__(value))
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case _ if depth == 0:
            return "..."
        case Mapping():
            return {str(name): _redacted(str(name), one, depth - 1) for name, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_cleaned(one, depth - 1) for one in value]
        case _:
            return redact_text(str(value))
