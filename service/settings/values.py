"""The types of single settings: how text becomes a value, and what is refused whatever the other settings say.

Messages say what is wrong and never repeat a secret; whoever reports them adds the name of the setting and the value.
"""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from service.application.fronts import Front
from service.application.tokens import read_entries
from service.settings.files import are_checked
from service.settings.shown import Shown

MAX_PORT: Final = 2**16 - 1

MAX_GRACE_S: Final = 366 * 86_400
"""A year: the longest life of a CRL, that of a root for its subordinates (CA/Browser Forum BR §4.9.7: 12 months)."""

MAX_HEADER_NAME: Final = 64
"""Characters of the name of a header at most: the longest of the usual ones has half as many."""

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110 §5.6.2: what the name of a header is made of."""

_OWN_HEADERS: Final = "x-revet-"

_TAKEN_HEADERS: Final = frozenset(
    {
        *("authorization", "proxy-authorization", "cookie", "host", "forwarded", "via", "date", "expect"),
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        *("content-length", "content-type", "content-encoding", "accept", "accept-encoding", "user-agent"),
    }
)
"""Headers that every client sends, or that belong to a connection: whoever reads a certificate out of one of these has
taken another's name."""

_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
)
_NUMBERS: Final = re.compile(r"[0-9.]+")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def _no_truth(value: object) -> object:
    """Refuse `true` where a number is meant: TOML has both, Python takes one for the other."""
    if isinstance(value, bool):
        raise ValueError("a number is needed")  # noqa: TRY004 - pydantic collects ValueErrors only
    return value


def items(value: object) -> object:
    """Split the text of a list at its commas. A list, which TOML has, stays one."""
    return tuple(item.strip() for item in value.split(",") if item.strip()) if isinstance(value, str) else value


def _local_path(value: object) -> object:
    if isinstance(value, str) and (scheme := _SCHEME.match(value)):
        raise ValueError(f"{scheme[1]}:// is not supported by this version: give a file or a directory")
    return value


def _readable_file(path: Path) -> Path:
    return _file(path, "it")


def _file(path: Path, name: str) -> Path:
    """Take a file. Its name is for messages: where it may be a secret in place of its file, they have none."""
    try:
        if not path.is_file():
            raise ValueError(f"{name} is not a file" if path.exists() else f"{name} does not exist")
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {error.strerror}") from None


def _rotating_file(path: Path) -> Path:
    return _readable_file(path) if are_checked() else path


def _readable_directory(path: Path) -> Path:
    try:
        if not path.is_dir():
            raise ValueError(f"{path} is not a directory" if path.exists() else f"{path} does not exist")
        next(path.iterdir(), None)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    return path


def readable(path: Path) -> Path:
    """Take a file or a directory.

    Raises:
        ValueError: it is not there, or cannot be read.
    """
    try:
        is_directory = path.is_dir()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    return _readable_directory(path) if is_directory else _file(path, str(path))


def _not_a_directory(path: Path) -> Path:
    """Refuse what can be no file, whoever asks; whether it can be written, the service finds out."""
    if path.is_dir():
        raise ValueError(f"{path} is a directory")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent} is not a directory")
    return path


def _host(value: str) -> str:
    if not is_host(value):
        raise ValueError("an address or a host name is needed")
    return value


def is_host(value: str) -> bool:
    """Whether a text is an IP address or could be a host's name."""
    try:
        ip_address(value)
    except ValueError:
        return _HOST_NAME.fullmatch(value) is not None and _NUMBERS.fullmatch(value) is None
    return True


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches a host. A name other than `localhost` may be anybody's."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _egress_item(item: str) -> str:
    try:
        ip_network(item)
    except ValueError as not_a_network:
        if "/" in item or not is_host(item):
            raise ValueError(f"{item!r} is neither a host name, an address nor a CIDR: {not_a_network}") from None
    return item


def _proxy(value: str) -> str:
    """Take `http://host:port`. Never repeated in a message: there may be a password in it."""
    problem = "http://host:port is needed, without credentials or a path"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(problem) from None
    plain = parts.scheme == "http" and parts.path in {"", "/"} and not (parts.query or parts.fragment)
    if not plain or "@" in parts.netloc or port == 0 or not is_host(parts.hostname or ""):
        raise ValueError(problem)
    return value


def _header_name(value: str) -> str:
    if len(value) > MAX_HEADER_NAME or _TOKEN.fullmatch(value) is None:
        raise ValueError(f"the name of a header is needed (RFC 9110 §5.6.2), of {MAX_HEADER_NAME} characters at most")
    if value.lower().startswith(_OWN_HEADERS) or value.lower() in _TAKEN_HEADERS:
        raise ValueError("no certificate comes in this header, which means something else")
    return value


def _tokens(tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    read_entries(token.get_secret_value() for token in tokens)
    return tokens


Whole = Annotated[int, BeforeValidator(_no_truth)]
"""A whole number."""

Seconds = Annotated[float, BeforeValidator(_no_truth), Field(allow_inf_nan=False)]
"""Seconds, fractions allowed."""

Number = Annotated[float, BeforeValidator(_no_truth), Field(allow_inf_nan=False)]
"""A number, fractions allowed."""

Port = Annotated[Whole, Field(ge=0, le=MAX_PORT)]
"""A port; 0 lets the kernel choose one."""

Host = Annotated[str, AfterValidator(_host), Shown("address or host name")]
"""An address to listen at, or a name that has one."""

ReadableFile = Annotated[Path, AfterValidator(_readable_file), Shown("file")]
"""A file that can be read now."""

RotatingFile = Annotated[Path, AfterValidator(_rotating_file), Shown("file")]
"""A file that can be read when the service starts, and is replaced while it runs."""

WrittenFile = Annotated[Path, AfterValidator(_not_a_directory), BeforeValidator(_local_path), Shown("file")]
"""A file that will be written, in a directory that is there now."""

ReadableDirectory = Annotated[
    Path, AfterValidator(_readable_directory), BeforeValidator(_local_path), Shown("directory")
]
"""A directory that can be read now."""

Readable = Annotated[Path, AfterValidator(readable), BeforeValidator(_local_path)]
"""A file or a directory that can be read now."""

ReadableList = Annotated[tuple[Readable, ...], BeforeValidator(items), Shown("files or directories")]
"""Several of them, separated by commas."""

EgressList = Annotated[
    tuple[Annotated[str, AfterValidator(_egress_item)], ...],
    BeforeValidator(items),
    Shown("host names, addresses, CIDRs"),
]
"""Host names, addresses and CIDRs, separated by commas."""

Proxy = Annotated[str, AfterValidator(_proxy), Shown("`http://host:port`")]
"""`http://host:port`."""

HeaderName = Annotated[str, AfterValidator(_header_name), Shown("name of a header")]
"""The name of a header that a proxy puts a certificate into."""

Fronts = Annotated[tuple[Front, ...], Field(min_length=1), BeforeValidator(items), Shown("one or more of these")]
"""Names of fronts, separated by commas."""

Tokens = Annotated[tuple[SecretStr, ...], AfterValidator(_tokens), BeforeValidator(items), Shown("tokens")]
"""Bearer tokens, separated by commas."""
