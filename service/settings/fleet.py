"""The types of what a replica is told about its fleet: the Redis that all share, the fleet's key, and its own name.

Messages never repeat the address or a key: any part of either may be a secret.
"""

import re
import socket
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, SecretStr

from service.application.redis_address import parse_redis_address
from service.settings.shown import Shown
from service.settings.values import items

MIN_KEY_LENGTH: Final = 16
"""Characters of a fleet key at least: 16 of base64 are 96 bits, which nobody guesses who has recorded what it made."""

MAX_KEYS: Final = 2
"""A key and the one before it, or after it: as many as a change of keys needs."""

MAX_NAME_LENGTH: Final = 128
"""Characters of a replica's name: a pod's name has 253 at most (RFC 1123), and in fact far fewer than half of that."""

_PREFIX: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY: Final = re.compile(r"[!-~]+")
_NAME: Final = re.compile(rf"[!-~](?:[ -~]{{0,{MAX_NAME_LENGTH - 2}}}[!-~])?")
_NOT_OF_A_NAME: Final = re.compile(r"[^!-~]")


def own_name() -> str:
    """The name of the host, as a replica may be called."""
    return _NOT_OF_A_NAME.sub("?", socket.gethostname())[:MAX_NAME_LENGTH] or "replica"


def _redis_url(url: SecretStr) -> SecretStr:
    parse_redis_address(url.get_secret_value())
    return url


def _keys(keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not keys:
        raise ValueError("there is no key in it")
    if len(keys) > MAX_KEYS:
        raise ValueError(f"there are {len(keys)} keys, at most {MAX_KEYS} are of use: the new one, then the old one")
    for number, key in enumerate(keys, 1):
        text = key.get_secret_value()
        if len(text) < MIN_KEY_LENGTH:
            raise ValueError(f"key {number} has {len(text)} characters, at least {MIN_KEY_LENGTH} are needed")
        if _KEY.fullmatch(text) is None:
            raise ValueError(f"key {number} has characters other than printable ASCII, or a blank")
    if len({key.get_secret_value() for key in keys}) < len(keys):
        raise ValueError("a key is given twice")
    return keys


def _prefix(value: str) -> str:
    if _PREFIX.fullmatch(value) is None:
        raise ValueError("a letter or digit is needed, then letters, digits, dots, underscores and hyphens, 64 at most")
    return value


def _name(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise ValueError(f"1 to {MAX_NAME_LENGTH} characters of printable ASCII are needed")
    return value


RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url), Shown("[address of a Redis](#addresses-of-redis)")]
"""`redis://`, `rediss://`, `redis+cluster://`, `rediss+cluster://`, `unix://`."""

FleetKeys = Annotated[tuple[SecretStr, ...], AfterValidator(_keys), BeforeValidator(items), Shown("one or two keys")]
"""One or two keys, separated by commas."""

FleetPrefix = Annotated[str, AfterValidator(_prefix), Shown("letters, digits, `.`, `_`, `-`")]
"""What names in Redis begin with; without braces, in which a cluster sees hash tags."""

ReplicaName = Annotated[str, AfterValidator(_name), Shown("printable ASCII")]
"""What a replica is called."""
