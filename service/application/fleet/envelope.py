"""Envelopes: what replicas write for each other; whoever owns the cache between them can neither make nor change one.

An envelope says of what kind it is, what it is about, what it has in it and when that was fetched, and HMAC-SHA-256
(RFC 2104) under the fleet's key is over all of it. What is read is refused unless it is whole, of the kind and about
the thing that was asked for, and not older than the fleet allows. Without a key there is a checksum in its place: then
nothing but signatures of authorities stands between the owner of the cache and a host.

What it does not do: verify what is in it. A CRL out of an envelope is a CRL out of the network.
"""

import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

MAGIC: Final = b"revet1\n"
"""What every envelope begins with: this form of them."""

_MAC_OCTETS: Final = 32

MAX_HEADER_OCTETS: Final = 8192
"""A URL of 4,096 characters, which is as long as certificates have any, and its fields."""

_NO_KEY: Final = b""


class EnvelopeKind(StrEnum):
    """What an envelope has in it; none passes for another."""

    CRL = "crl"
    OCSP = "ocsp"
    BLOCK = "block"
    TOMBSTONE = "tombstone"
    EVENT = "event"
    HEARTBEAT = "heartbeat"


class Refusal(StrEnum):
    """Why what came out of the cache is not used."""

    MALFORMED = "malformed"
    """It is no envelope."""
    UNAUTHENTIC = "unauthentic"
    """No key of this fleet has made it."""
    MISPLACED = "misplaced"
    """It is authentic, and of another kind or about something else."""
    TOO_OLD = "too_old"
    """It was fetched longer ago than `REVET_MAX_SHARED_AGE_S`."""
    FUTURE = "future"
    """It was fetched in the future, beyond the tolerance for clocks."""
    INCOMPLETE = "incomplete"
    """Pieces of it are missing, or are not those that it was made of."""
    REFUSED = "refused"
    """What is in it was looked at as if it had come from the network, and is of no use: its signature, its issuer, its
    number, its times."""


class EnvelopeError(Exception):
    """What came out of the cache is not used.

    Attributes:
        refusal: Why.
    """

    def __init__(self, refusal: Refusal) -> None:
        """Keep the reason."""
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Envelope:
    """What somebody wrote for the fleet.

    Attributes:
        about: The URL, the id, the name of the replica.
        at: When it was fetched or made, UTC.
        content: The octets.
    """

    kind: EnvelopeKind
    about: str
    at: datetime
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Times:
    """How old an envelope may be.

    Attributes:
        now: The moment.
        longest: Its age at most; None where it may be as old as it likes.
        skew: How far in the future it may lie.
    """

    now: datetime
    longest: timedelta | None
    skew: timedelta


@dataclass(frozen=True, slots=True)
class FleetKeys:
    """The keys of a fleet.

    Attributes:
        keys: The first one seals, every one of them opens; none where there is no key.
    """

    keys: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def authenticate(self) -> bool:
        """Whether what opens was made by somebody who has a key."""
        return bool(self.keys)

    def seal(self, envelope: Envelope) -> bytes:
        """The octets that stand for an envelope.

        Raises:
            ValueError: what it is about is too long to be read again.
        """
        header = json.dumps(
            {"kind": envelope.kind.value, "about": envelope.about, "at": envelope.at.isoformat()},
            separators=(",", ":"),
        ).encode()
        if len(header) > MAX_HEADER_OCTETS:
            raise ValueError(f"a header of {len(header)} octets; the limit is {MAX_HEADER_OCTETS}")
        body = len(header).to_bytes(2) + header + envelope.content
        return MAGIC + self._mac(self.keys[0] if self.keys else _NO_KEY, body) + body

    def open(self, octets: bytes, kind: EnvelopeKind, about: str | None, times: Times) -> Envelope:
        """Read an envelope, and refuse it unless it is what was asked for.

        Args:
            octets: As they came out of the cache.
            kind: What it must have in it.
            about: What it must be about; None where that is to be learned.
            times: How old it may be.

        Raises:
            EnvelopeError: it is not used.
        """
        mac, body = octets[len(MAGIC) : len(MAGIC) + _MAC_OCTETS], octets[len(MAGIC) + _MAC_OCTETS :]
        if not octets.startswith(MAGIC) or len(mac) < _MAC_OCTETS:
            raise EnvelopeError(Refusal.MALFORMED)
        if not any(hmac.compare_digest(mac, self._mac(key, body)) for key in self.keys or (_NO_KEY,)):
            raise EnvelopeError(Refusal.UNAUTHENTIC)
        envelope = _read(body)
        if envelope.kind is not kind or (about is not None and envelope.about != about):
            raise EnvelopeError(Refusal.MISPLACED)
        if envelope.at > times.now + times.skew:
            raise EnvelopeError(Refusal.FUTURE)
        if times.longest is not None and times.now - envelope.at > times.longest:
            raise EnvelopeError(Refusal.TOO_OLD)
        return envelope

    def _mac(self, key: bytes, body: bytes) -> bytes:
        if not key:  # no more than a checksum: whoever can write can make it
            return sha256(MAGIC + body).digest()
        return hmac.digest(key, MAGIC + body, "sha256")


def _read(body: bytes) -> Envelope:
    end = 2 + int.from_bytes(body[:2])
    try:
        header = json.loads(body[2:end])
        kind, about = EnvelopeKind(header["kind"]), header["about"]
        at = datetime.fromisoformat(header["at"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise EnvelopeError(Refusal.MALFORMED) from None
    if end > len(body) or end - 2 > MAX_HEADER_OCTETS or not isinstance(about, str) or at.tzinfo is None:
        raise EnvelopeError(Refusal.MALFORMED)
    return Envelope(kind, about, at, body[end:])
