"""The text of `REVET_REDIS_URL` as the address of a Redis, a cluster of them, or a socket.

Rules it keeps: no message repeats any part of the text, since any part of it may be a password that was not escaped; a
text that could be meant in two ways is refused; nothing in it turns the verification of certificates off.

What it does not do: look whether anybody is there.
"""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

DEFAULT_PORT: Final = 6379
"""Of Redis."""

MAX_TEXT: Final = 8192
"""Characters: a cluster's nodes by name, and a token of some thousand characters as password."""

MAX_SEEDS: Final = 64
"""Hosts of one text: two of them are enough to find a cluster, whatever its size."""

MAX_DATABASE: Final = 999_999
"""Redis has 16 databases unless told otherwise (`databases` in redis.conf); nobody has a million."""

_SCHEMES: Final = {
    "redis": (False, False),
    "rediss": (True, False),
    "redis+cluster": (False, True),
    "rediss+cluster": (True, True),
}
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^@/?#]*)@)?([^@/?#]*)(?:/([^@?#]*))?")
_UNIX: Final = re.compile(r"unix://(?:([^@/?#]*)@)?(/[^@?#]+)(?:\?db=([^?#&]*))?", re.IGNORECASE)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.%A-Za-z0-9]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})?)(?::([0-9]{1,5}))?")
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNSEEN: Final = re.compile(r"[\x00-\x20\x7f]")
_NUMBER: Final = re.compile(r"[0-9]{1,6}")

_FORMS: Final = (
    "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss://..., redis+cluster://...HOST[:PORT][,HOST[:PORT]], "
    "rediss+cluster://... or unix://[USER:PASSWORD@]/PATH[?db=DATABASE] is needed, with what is neither letter nor "
    "digit in USER and PASSWORD percent-encoded"
)


class RedisAddressError(ValueError):
    """A text is no address of a Redis.

    Attributes:
        reason: What is wrong, for a person; never a part of the text.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where a Redis is.

    Attributes:
        hosts: Names or addresses, with ports; several of a cluster alone, none of a socket.
        tls: Whether it speaks TLS.
        cluster: Whether it is a cluster.
        path: Of a socket; None of a host.
        user: Of the ACL; None for the default user.
        password: None where nobody is asked for one.
        database: Its number; 0 of a cluster.
    """

    hosts: tuple[tuple[str, int], ...]
    tls: bool = False
    cluster: bool = False
    path: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0


def parse_redis_address(text: str) -> RedisAddress:
    """Read the text of a setting.

    Raises:
        RedisAddressError: it is no such address.
    """
    if len(text) > MAX_TEXT:
        raise RedisAddressError(f"it has more than {MAX_TEXT} characters")
    if _UNSEEN.search(text) is not None:
        raise RedisAddressError("there is a blank or a control character in it")
    if text.lower().startswith("unix:"):
        return _socket(text)
    found = _URL.fullmatch(text)
    if found is None or found[1].lower() not in _SCHEMES:
        raise RedisAddressError(_FORMS)
    tls, cluster = _SCHEMES[found[1].lower()]
    hosts = tuple(_host(one) for one in found[3].split(","))
    if len(hosts) > 1 and not cluster:
        raise RedisAddressError("several hosts are for redis+cluster:// and rediss+cluster:// alone")
    if len(hosts) > MAX_SEEDS:
        raise RedisAddressError(
            f"it has more than {MAX_SEEDS} hosts: some of a cluster's are enough to find the others"
        )
    database = _database(found[4])
    if cluster and database:
        raise RedisAddressError("a cluster has no database but 0")
    user, password = _credentials(found[2])
    return RedisAddress(hosts, tls, cluster, None, user, password, database)


def _socket(text: str) -> RedisAddress:
    found = _UNIX.fullmatch(text)
    if found is None:
        raise RedisAddressError(_FORMS)
    user, password = _credentials(found[1])
    return RedisAddress((), path=_decoded(found[2]), user=user, password=password, database=_database(found[3]))


def _host(text: str) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if found is None:
        raise RedisAddressError(_FORMS)
    host, port = found[1], int(found[2] or DEFAULT_PORT)
    if not 0 < port < 2**16:
        raise RedisAddressError("a port is a number from 1 to 65535")
    if host.startswith("["):
        host = host[1:-1]
        try:
            ip_address(host)
        except ValueError:
            raise RedisAddressError("what is in brackets is no IPv6 address") from None
    return host, port


def _database(text: str | None) -> int:
    if not text:
        return 0
    if _NUMBER.fullmatch(text) is None:
        raise RedisAddressError(f"a database is a number from 0 to {MAX_DATABASE}, and nothing may follow it")
    return int(text)


def _credentials(text: str | None) -> tuple[str | None, str | None]:
    """User and password, of which there are none or both, or a password alone after a colon."""
    if text is None:
        return None, None
    user, colon, password = text.partition(":")
    if not colon or not password:
        # redis://secret@host is a user of that name for some clients, and a password for whoever wrote it.
        raise RedisAddressError("before the @ there is no password: write USER:PASSWORD@, or :PASSWORD@")
    if ":" in password:
        raise RedisAddressError("before the @ there is more than one colon: write %3A for one of the password")
    return _decoded(user) or None, _decoded(password)


def _decoded(text: str) -> str:
    if _ESCAPE.search(text) is not None:
        raise RedisAddressError("there is a % that two hexadecimal digits do not follow: write %25 for it")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise RedisAddressError("what is percent-encoded in it is not UTF-8") from None
