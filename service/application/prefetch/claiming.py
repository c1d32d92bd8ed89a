"""CRLs that wait are tried under keys that somebody brings: those of new authorities, and those that workers claim.

Rules it keeps: nothing is fetched; a claim tries each CRL under each key once, and under no more keys than there are
issuers of a name in earnest, so that whoever can have keys claimed costs little; those of certificates' own issuers
have room of their own. The key that the CRL itself names by a digest is tried however many others were before: whoever
has keys of his own certified in somebody's name keeps nobody's CRL waiting. Of one key that has parameters there are
as many as there are parameters, with the same digest: few of these are tried for the sake of that.
"""

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from typing import Final, assert_never

from service.application.claims import MAX_CLAIMED, ClaimOutcome, CrlClaim
from service.application.crl_delivery import CrlDownload, Delivery, OrderedSigners, SignerBook
from service.application.crl_fetcher import CrlSigner, name_digest
from service.application.crl_parts import without_armour
from service.application.origin import UrlTrust
from service.application.pem import PemError
from service.application.prefetch.conclusions import taken_up
from service.application.prefetch.parts import PrefetchParts
from service.application.prefetch.source_record import SourceRecord, bounded_signers
from service.core.der.crl import CrlHead, read_crl_head
from service.core.der.key import read_public_key
from service.core.model.attempt import Problem
from service.core.model.key import KeyKind
from service.core.model.malformed import MalformedError

UNCLAIMED = "pending"
"""What a CRL is said to come from that waited longer than its source was remembered."""

MAX_KEYS = 64
"""Keys that a CRL does not name under which it is tried in `KEYS_FORGOTTEN_S`, half of them at most others than those
of certificates' issuers: an authority that renewed its key each year for a decade has ten."""

MAX_VARIANTS = 4
"""Keys that a CRL names, and that differ in their parameters alone, for which there is room beside `MAX_KEYS`: anybody
can have somebody else's key certified with other ones."""

KEYS_FORGOTTEN_S = 3600.0
"""Seconds after which a CRL may be tried under the same keys, and under others, again."""

_DIGESTS: Final = ("sha1", "sha256", "sha384", "sha512")
"""What key identifiers are made with: RFC 5280 §4.2.1.2 (1), RFC 7093 §2."""

_DIGEST_OCTETS: Final = 20
"""Of the shortest key identifier that nobody makes another key for. The 60 bits of RFC 5280 §4.2.1.2 (2) are none."""

_IN_VAIN = frozenset(
    {Problem.WRONG_ISSUER, Problem.BAD_SIGNATURE, Problem.UNSUPPORTED, Problem.TOO_LARGE, Problem.MALFORMED}
)
"""What comes of a CRL under a key however often it is tried."""


async def take_up(parts: PrefetchParts, digest: bytes, data: memoryview, book: SignerBook) -> Delivery:
    """Try a CRL that waits, and let it wait no longer if it is held then, or if what is held is newer.

    Args:
        parts: Who does it.
        digest: Of the CRL.
        data: All of it, as it came.
        book: Under whose keys.
    """
    source = next((one for one in parts.inventory.records() if digest in one.named), None)
    url = UNCLAIMED if source is None else source.served_by or source.source.key
    delivery = await parts.ingester.take(data, CrlDownload(url, UrlTrust.OPERATOR, book))
    if not delivery.crls and delivery.problem is not Problem.ROLLED_BACK:
        return delivery
    await asyncio.to_thread(parts.pending.take_up, digest, data, parts.inventory.named)
    now = parts.clock.now()
    having = [one for one in parts.inventory.records() if digest in one.named]
    await parts.inventory.put(*(_knowing(taken_up(one, digest, delivery, now), delivery) for one in having))
    return delivery


def _knowing(record: SourceRecord, delivery: Delivery) -> SourceRecord:
    """The record with those who signed what it gave: what its source has next is verified before anybody asks."""
    signers = dict.fromkeys((*(one.signer for one in delivery.crls), *record.signers))
    return replace(record, signers=bounded_signers(tuple(signers)))


class Claiming:
    """Carries out the claims of workers. Implements `CrlClaims`."""

    def __init__(self, parts: PrefetchParts) -> None:
        """Nothing was claimed."""
        self._parts = parts
        self._tried: dict[bytes, _Tried] = {}
        self._one_at_a_time = asyncio.Lock()

    async def claim(self, claim: CrlClaim) -> ClaimOutcome:
        """Try each CRL under the keys that it was not tried under; of two claims the second one waits."""
        outcome = ClaimOutcome.TRIED
        for digest in claim.digests[:MAX_CLAIMED]:
            async with self._one_at_a_time:
                if not await self._try(digest, claim.signers):
                    outcome = ClaimOutcome.LEFT_OUT
        return outcome

    async def _try(self, digest: bytes, signers: tuple[CrlSigner, ...]) -> bool:
        """Try one; whether there is nothing left to try."""
        try:
            read = await asyncio.to_thread(self._read, digest)
        except (OSError, PemError):
            return False
        except MalformedError:
            return True
        if read is None:  # held by now, or it found no room
            self._tried.pop(digest, None)
            return True
        data, head = read
        tried, name = self._fresh(digest), name_digest(head.meta.issuer)
        untried = tuple(one for one in signers if one.name == name and _key(one) not in tried.keys)
        named = await asyncio.to_thread(_named, untried, head.meta.authority_key_identifier)
        rooms = {one: (*named.get(one, ()), _Room.ISSUERS if one == signers[0] else _Room.OTHERS) for one in untried}
        admitted = tuple(one for one in untried if tried.admit(_key(one), rooms[one]))
        if not admitted:
            return not untried
        delivery = await take_up(self._parts, digest, data, OrderedSigners(admitted))
        if delivery.crls or delivery.problem is Problem.ROLLED_BACK:
            del self._tried[digest]
            return True
        if delivery.problem not in _IN_VAIN:
            tried.forget(map(_key, admitted))
            return False
        return admitted == untried

    def _read(self, digest: bytes) -> tuple[memoryview, CrlHead] | None:
        """A CRL that waits, as it came and as far as its entries; None where it waits no longer.

        Raises:
            OSError: it cannot be read.
            PemError: its armour cannot.
            MalformedError: it does not decode.
        """
        data = self._parts.pending.read(digest)
        return None if data is None else (data, read_crl_head(without_armour(data), digest))

    def _fresh(self, digest: bytes) -> "_Tried":
        """What is remembered of a CRL; of those that have waited long enough, nothing."""
        now = self._parts.clock.monotonic()
        self._tried = {key: one for key, one in self._tried.items() if now - one.since < KEYS_FORGOTTEN_S}
        return self._tried.setdefault(digest, _Tried(now))


class _Room(Enum):
    """Among which keys one counts."""

    NAMED = "named"
    """The CRL names it: there is no other, and it takes nobody's room."""
    VARIANTS = "variants"
    """The CRL names it, as it does the same key with other parameters."""
    ISSUERS = "issuers"
    """Of a certificate's issuer."""
    OTHERS = "others"


class _Tried:
    """Under which keys one CRL was tried in vain."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.keys: dict[bytes, _Room] = {}

    def admit(self, key: bytes, rooms: tuple[_Room, ...]) -> bool:
        """Count a key in the first of these that has room for it, if any has."""
        room = next(filter(self._has_room, rooms), None)
        if room is None:
            return False
        self.keys[key] = room
        return True

    def _has_room(self, room: _Room) -> bool:
        rooms = tuple(self.keys.values())
        match room:
            case _Room.NAMED:
                return True
            case _Room.VARIANTS:
                return rooms.count(_Room.VARIANTS) < MAX_VARIANTS
            case _Room.ISSUERS:
                return rooms.count(_Room.ISSUERS) + rooms.count(_Room.OTHERS) < MAX_KEYS
            case _Room.OTHERS:
                return rooms.count(_Room.OTHERS) < MAX_KEYS // 2 and self._has_room(_Room.ISSUERS)
            case _:
                assert_never(room)

    def forget(self, keys: Iterable[bytes]) -> None:
        """Let keys be tried again: it was not their fault."""
        for key in keys:
            del self.keys[key]


def _named(signers: tuple[CrlSigner, ...], identifier: bytes | None) -> dict[CrlSigner, tuple[_Room]]:
    """Those whose key a CRL names in its authorityKeyIdentifier, and the room of each."""
    if identifier is None or len(identifier) < _DIGEST_OCTETS:
        return {}
    rooms = ((one, _room_of(one.spki, identifier)) for one in signers)
    return {one: (room,) for one, room in rooms if room is not None}


def _room_of(spki: bytes, identifier: bytes) -> _Room | None:
    """The room of a key of which a key identifier is a digest; None where it is none.

    What certificates say of their keys (subjectKeyIdentifier) is not looked at: anybody can say it.
    """
    if _has_digest(spki, identifier):
        return _Room.NAMED
    try:
        key = read_public_key(spki)
    except MalformedError:
        return None
    if key.handle is None or not _has_digest(key.bits, identifier):
        return None
    has_parameters = key.pss is not None or key.kind is KeyKind.DSA
    return _Room.VARIANTS if has_parameters else _Room.NAMED


def _has_digest(octets: bytes, identifier: bytes) -> bool:
    """Whether a key identifier is a digest of these, or the beginning of one."""
    digests = (hashlib.new(name, octets, usedforsecurity=False).digest() for name in _DIGESTS)
    return any(digest.startswith(identifier) for digest in digests)


def _key(signer: CrlSigner) -> bytes:
    return hashlib.sha256(signer.name + signer.spki).digest()
