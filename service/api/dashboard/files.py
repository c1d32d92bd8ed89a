"""The files of the dashboard, as the package holds them.

They are read once, so that what a browser asks for is never the name of a file: it is looked up among these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

INDEX: Final = "index.html"
"""The page itself."""

MEDIA_TYPES: Final[Mapping[str, bytes]] = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
"""Of the kinds of files that are served, by how their names end; any other file is not served."""

_TAG_DIGITS: Final = 32
"""Hexadecimal digits of a digest that tell one version of a file from every other."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file.

    Attributes:
        media_type: Its Content-Type.
        tag: Its ETag: another one means that its octets are others.
    """

    body: bytes = field(repr=False)
    media_type: bytes
    tag: bytes


@cache
def shipped_assets() -> Mapping[str, Asset]:
    """Every file that is served, by its name.

    Raises:
        FileNotFoundError: the package was installed without them.
    """
    return dict(_read(one) for one in _directory().iterdir() if _ending(one.name) in MEDIA_TYPES)


def _directory() -> Traversable:
    return files("service.api.dashboard") / "assets"


def _read(one: Traversable) -> tuple[str, Asset]:
    body = one.read_bytes()
    tag = b'"%b"' % sha256(body).hexdigest()[:_TAG_DIGITS].encode()
    return one.name, Asset(body, MEDIA_TYPES[_ending(one.name)], tag)


def _ending(name: str) -> str:
    return f".{name.rpartition('.')[2]}"
