"""The port to the places that an operator names: files, directories, `s3://` and `https://`.

What it does: reads the text of a setting as a place, lists the objects that are there, and gives their octets where
they are not those that the caller has already.

Rules it keeps: every place is the operator's word, so that any address may be reached. A URL out of a certificate is
no place: it is fetched through `Origin` as what it is. What is written for one place reads back as that same place.

What it does not do: look into what it gives, keep it, or decide when to look again.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeAlias
from urllib.parse import quote, unquote_to_bytes, urlsplit

SUFFIXES: Final = frozenset({".crl", ".pem", ".der"})
"""Of CRLs in a directory or below a prefix, in any case: what CAs and tools call them. An object that is named itself
may be called anything."""

MAX_OBJECTS: Final = 10_000
"""At one place: five times the partitions of the largest CA that is known here."""

MAX_KEY_BYTES: Final = 1024
"""Of an S3 object's key: Amazon's own limit."""

MAX_TEXT: Final = 8192
"""Characters of a place: more than any URL that servers take."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_VERSION: Final = re.compile(r"versionId=([A-Za-z0-9._~+/=-]{1,1024})")
_PIN: Final = re.compile(r"sha256=([0-9A-Fa-f]{64})")
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNSEEN: Final = re.compile(r"[\x00-\x20\x7f]")
_LEFT_ALONE: Final = "/!$&'()*+,;=:@~"


class PlaceError(ValueError):
    """A text is no place.

    Attributes:
        reason: What is wrong, for a person.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file, or a directory of them; which of the two, the disk says.

    Attributes:
        path: Absolute.
    """

    path: Path

    def __str__(self) -> str:
        """`file:///etc/revet/crls`."""
        return self.path.as_uri()


@dataclass(frozen=True, slots=True)
class S3Place:
    """An object of a bucket, or all below a prefix.

    Attributes:
        bucket: Its name.
        key: Of the object; for a prefix it ends with a slash, or is empty for the whole bucket.
        version_id: The one version that is meant; None for the newest.
    """

    bucket: str
    key: str
    version_id: str | None = None

    @property
    def is_prefix(self) -> bool:
        """Whether it stands for all objects below it."""
        return not self.key or self.key.endswith("/")

    def __str__(self) -> str:
        """`s3://bucket/key`, with what means something else in a URL escaped."""
        version = "" if self.version_id is None else f"?versionId={self.version_id}"
        return f"s3://{self.bucket}/{quote(self.key, safe=_LEFT_ALONE)}{version}"


@dataclass(frozen=True, slots=True)
class UrlPlace:
    """What is at a URL.

    Attributes:
        url: http or https, without a fragment.
    """

    url: str

    def __str__(self) -> str:
        """The URL."""
        return self.url


Place: TypeAlias = FilePlace | S3Place | UrlPlace


@dataclass(frozen=True, slots=True)
class PinnedPlace:
    """A place, and what must be there.

    Attributes:
        place: Where.
        sha256: Digest of the octets; None where anything may be there.
    """

    place: Place
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class PlaceObject:
    """One object at a place.

    Attributes:
        place: Of this object alone.
        version: Differs whenever the octets do: a file's stamp, an object's ETag, a URL's validators. Empty where
            nothing is known of it before it is read.
    """

    place: Place
    version: str = ""

    @property
    def key(self) -> str:
        """What it is called: `file:///a/b.crl`, `s3://bucket/key`, `https://…`."""
        return str(self.place)


@dataclass(frozen=True, slots=True)
class Content:
    """An object whose octets are being read.

    Attributes:
        version: Of these octets; empty where they have none, and will have to be read again.
        chunks: The octets in pieces.
        max_age_s: Seconds for which its origin says that it stays as it is; None where it says nothing.
        octets: How many there are, as far as that is known before they come; a file may grow meanwhile.
    """

    version: str
    chunks: AsyncIterator[bytes] = field(repr=False)
    max_age_s: int | None = None
    octets: int | None = None


@dataclass(frozen=True, slots=True)
class NotModified:
    """The version that the caller has is the current one.

    Attributes:
        max_age_s: As in `Content`.
    """

    max_age_s: int | None = None


class Places(Protocol):
    """Reads places. Whatever goes wrong is an `OriginError`, as for an origin; no other exception leaves this port."""

    async def list(self, place: Place) -> tuple[PlaceObject, ...]:
        """Every object at a place, sorted by key.

        A file, a URL and an object that is named itself are listed without a look whether they are there: reading
        them tells.

        Raises:
            OriginError: the place cannot be listed, or there are too many objects.
        """

    def read(
        self, place: Place, max_bytes: int, held: str = ""
    ) -> AbstractAsyncContextManager["Content | NotModified"]:
        """Read one object.

        Args:
            place: The object's, as `list` gave it.
            max_bytes: Limit for its octets.
            held: The version that the caller has; empty reads it whatever it is.

        Raises:
            OriginError: on entering, and on taking a piece: TOO_LARGE, TIMED_OUT, UNREACHABLE, HTTP_STATUS, ….
        """


def parse_place(text: str) -> Place:
    """Read a place out of a setting.

    Args:
        text: A path, which begins at the working directory where it is not absolute; `file:///path`,
            `s3://bucket/key[?versionId=…]`, `s3://bucket/prefix/`, `https://host/path`, `http://host/path`.

    Raises:
        PlaceError: it is none of these.
    """
    if not text or len(text) > MAX_TEXT or "\0" in text:
        raise PlaceError("a path, s3://bucket/key or https://host/path is needed")
    scheme = _SCHEME.match(text)
    if scheme is None:
        return FilePlace(Path(text).absolute())
    if _UNSEEN.search(text) is not None:
        raise PlaceError("there is a blank or a control character in it: write %20 for a blank")
    rest = text[scheme.end() :]
    match scheme[1].lower():
        case "file":
            return _file(rest)
        case "s3":
            return _s3(rest)
        case "http" | "https":
            return _url(text)
        case other:
            raise PlaceError(f"{other}:// is not understood: give a path, s3:// or https://")


def parse_trust_place(text: str) -> PinnedPlace:
    """Read where a trust store is written down, and the pin that it must have.

    Args:
        text: As for `parse_place`, but neither http nor a prefix; of a remote one, `#sha256=<64 hex digits>` at its
            end is what SHA-256 makes of its octets.

    Raises:
        PlaceError: it is none of these.
    """
    if _SCHEME.match(text) is None:
        return PinnedPlace(parse_place(text))
    location, mark, fragment = text.partition("#")
    pin = _PIN.fullmatch(fragment)
    if mark and pin is None:
        raise PlaceError("after # only sha256= and 64 hexadecimal digits are understood")
    place = parse_place(location)
    match place:
        case UrlPlace(url) if urlsplit(url).scheme == "http":
            raise PlaceError("anybody on the way can change what comes over http: give https")
        case S3Place(is_prefix=True):
            raise PlaceError("s3:// needs the key of an object: a prefix is no trust store")
        case FilePlace() if pin is not None:
            raise PlaceError("#sha256= is for s3:// and https://")
    return PinnedPlace(place, None if pin is None else bytes.fromhex(pin[1]))


def is_wanted(name: str) -> bool:
    """Whether an object in a directory or below a prefix is one by its name: the suffix, and no leading dot."""
    last = name.rsplit("/", 1)[-1]
    return not last.startswith(".") and any(last.lower().endswith(suffix) for suffix in SUFFIXES)


def _file(rest: str) -> FilePlace:
    path = unquote_to_bytes(rest)
    if not rest.startswith("/") or b"\0" in path:
        raise PlaceError("file:// needs an absolute path: file:///path")
    return FilePlace(Path(path.decode("utf-8", "surrogateescape")))


def _s3(rest: str) -> S3Place:
    if "#" in rest:
        raise PlaceError("there is a # in it: write %23 where it is part of the key")
    path, mark, query = rest.partition("?")
    bucket, _, escaped = path.partition("/")
    if _BUCKET.fullmatch(bucket) is None:
        raise PlaceError("s3:// needs a bucket's name: s3://bucket/key")
    try:
        key = "" if _ESCAPE.search(escaped) else unquote_to_bytes(escaped).decode("utf-8")
    except UnicodeDecodeError:
        key = ""
    if (escaped and not key) or len(key.encode()) > MAX_KEY_BYTES:
        raise PlaceError(f"the key is no UTF-8 of at most {MAX_KEY_BYTES} octets: write %25 for a percent sign")
    version = _VERSION.fullmatch(query)
    place = S3Place(bucket, key, None if version is None else version[1])
    if mark and (version is None or place.is_prefix):
        raise PlaceError("after ? only versionId= is understood, and only of an object: write %3F for a ? in a key")
    return place


def _url(text: str) -> UrlPlace:
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise PlaceError("the URL cannot be read") from None
    if "@" in parts.netloc:
        raise PlaceError("credentials in a URL end up in logs: they are not supported")
    if "#" in text:
        raise PlaceError("after # nothing is understood here")
    if not has_host:
        raise PlaceError("the URL names no host")
    return UrlPlace(text)
