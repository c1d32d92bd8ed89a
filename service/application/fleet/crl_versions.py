"""What an envelope of a CRL has in it: which version an origin has, and which octets, where those are in the cache.

Rules it keeps: what is read back is of the shape that is written, or refused; what may go back to an origin with a
later request has the shape that origins' headers have, whoever wrote it.
"""

import json
from dataclasses import dataclass
from typing import Final

from service.application.origin_headers import MAX_AGE_S, OriginHeaders, Validators, read_headers

PIECE_OCTETS: Final = 512 << 10
"""Of each piece but the last: a tenth of a second for 40 Mbit/s, and what a slow line brings in a command's time."""

MAX_CONTENT_OCTETS: Final = 8192
"""Two validators of 1,024 characters at most, of which some are escaped twice, a digest and two numbers."""

_DIGEST_OCTETS: Final = 32
_VALIDATORS: Final = 2


class VersionError(ValueError):
    """It says nothing of a version."""


@dataclass(frozen=True, slots=True)
class Body:
    """The octets of a version.

    Attributes:
        digest: SHA-256 of all of them.
        octets: How many there are, at least one.
    """

    digest: bytes
    octets: int

    @property
    def pieces(self) -> tuple[int, ...]:
        """How many octets each of its pieces has."""
        whole, rest = divmod(self.octets, PIECE_OCTETS)
        return (PIECE_OCTETS,) * whole + ((rest,) if rest else ())


@dataclass(frozen=True, slots=True)
class SharedVersion:
    """What an origin has.

    Attributes:
        said: What it says about it.
        body: None where its pieces are not in the cache: those who have that version need no others.
    """

    said: OriginHeaders
    body: Body | None = None


def write_version(version: SharedVersion) -> bytes:
    """The content of its envelope."""
    body, validators = version.body, version.said.validators
    document = {
        "digest": None if body is None else body.digest.hex(),
        "octets": None if body is None else body.octets,
        "etag": validators.etag,
        "last_modified": validators.last_modified,
        "max_age_s": version.said.max_age_s,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def read_version(content: bytes) -> SharedVersion:
    """The version that is in an envelope.

    Raises:
        VersionError: there is none.
    """
    try:
        document = json.loads(content if len(content) <= MAX_CONTENT_OCTETS else b"")
        digest, octets = document["digest"], document["octets"]
        etag, modified, max_age_s = document["etag"], document["last_modified"], document["max_age_s"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise VersionError from None
    if not (max_age_s is None or (type(max_age_s) is int and 0 <= max_age_s <= MAX_AGE_S)):
        raise VersionError
    if not (_are_validators(etag, modified) or (modified is None and _is_version_of_place(etag))):
        raise VersionError
    validators = Validators(etag, modified)
    return SharedVersion(OriginHeaders(validators, max_age_s), _read_body(digest, octets))


def _are_validators(etag: object, modified: object) -> bool:
    """Whether these are what an origin may have sent, and nothing else can be made of them in a request."""
    headers = [(name, value) for name, value in (("etag", etag), ("last-modified", modified)) if isinstance(value, str)]
    validators = read_headers(headers).validators
    return (validators.etag, validators.last_modified) == (etag, modified)


def _is_version_of_place(text: object) -> bool:
    """Whether it is what is made of both validators of an operator's URL (`url_places`)."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return False
    return isinstance(found, list) and len(found) == _VALIDATORS and _are_validators(*found)


def _read_body(digest: object, octets: object) -> Body | None:
    if digest is None and octets is None:
        return None
    try:
        decoded = bytes.fromhex(digest) if isinstance(digest, str) else b""
    except ValueError:
        raise VersionError from None
    if len(decoded) != _DIGEST_OCTETS or type(octets) is not int or octets < 1:
        raise VersionError
    return Body(decoded, octets)
