"""CRLs that wait are tried under keys that somebody brings: those of new authorities, and those that workers claim.

Rules it keeps: nothing is fetched; a claim tries each CRL under each key once, and under no more keys than there are
issuers of a name in earnest, so that whoever can have keys claimed wears nobody out; those of certificates' own issuers
have room of their own.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from service.application.claims import MAX_CLAIMED, ClaimOutcome, CrlClaim
from service.application.crl_delivery import CrlDownload, Delivery, OrderedSigners, SignerBook
from service.application.crl_fetcher import CrlSigner, name_digest
from service.application.crl_parts import without_armour
from service.application.origin import UrlTrust
from service.application.pem import PemError
from service.application.prefetch.conclusions import taken_up
from service.application.prefetch.parts import PrefetchParts
from service.application.prefetch.source_record import SourceRecord, bounded_signers
from service.core.der.crl_issuer import read_crl_issuer
from service.core.model.attempt import Problem
from service.core.model.malformed import MalformedError

UNCLAIMED = "pending"
"""What a CRL is said to come from that waited longer than its source was remembered."""

MAX_KEYS = 64
"""Keys under which one CRL is tried in `KEYS_FORGOTTEN_S`, half of them at most others than those of certificates'
issuers: an authority that renewed its key each year for a decade has ten."""

KEYS_FORGOTTEN_S = 3600.0
"""Seconds after which a CRL may be tried under the same keys, and under others, again."""

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
    await asyncio.to_thread(parts.pending.remove, digest)
    record = None if source is None else parts.inventory.get(source.source.key)
    if record is not None:
        await parts.inventory.put(_knowing(taken_up(record, digest, delivery, parts.clock.now()), delivery))
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
            data = await asyncio.to_thread(self._parts.pending.read, digest)
            if data is None:  # held by now, or it found no room
                self._tried.pop(digest, None)
                return True
            name = name_digest(read_crl_issuer(without_armour(data)))
        except (OSError, PemError):
            return False
        except MalformedError:
            return True
        tried = self._fresh(digest)
        untried = tuple(one for one in signers if one.name == name and _key(one) not in tried.keys)
        admitted = tuple(one for one in untried if tried.admit(_key(one), is_issuers=one == signers[0]))
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

    def _fresh(self, digest: bytes) -> "_Tried":
        """What is remembered of a CRL; of those that have waited long enough, nothing."""
        now = self._parts.clock.monotonic()
        self._tried = {key: one for key, one in self._tried.items() if now - one.since < KEYS_FORGOTTEN_S}
        return self._tried.setdefault(digest, _Tried(now))


class _Tried:
    """Under which keys one CRL was tried in vain."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.keys: set[bytes] = set()
        self._others = 0

    def admit(self, key: bytes, *, is_issuers: bool) -> bool:
        """Count a key, if there is room for it."""
        if len(self.keys) >= MAX_KEYS or not (is_issuers or self._others < MAX_KEYS // 2):
            return False
        self._others += not is_issuers
        self.keys.add(key)
        return True

    def forget(self, keys: Iterable[bytes]) -> None:
        """Let keys be tried again: it was not their fault."""
        self.keys.difference_update(keys)


def _key(signer: CrlSigner) -> bytes:
    return sha256(signer.name + signer.spki).digest()
