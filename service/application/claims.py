"""Claiming CRLs that wait for their issuer: a worker knows from a request who that is, and another process tries it.

Nothing is fetched for a claim: what waits is on this host, in the operator's own words. That a CRL verifies under a
claimed key is a fact and no authority.

Rules it keeps: the keys are those of valid paths; what was tried under a key is not tried again for a while, here and
by the prefetcher, so that nobody can make this host verify the same again and again.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Protocol

from service.application.clock import Clock
from service.application.crl_fetcher import CrlSigner

MAX_CLAIMED = 64
"""CRLs of one claim: an authority has a few for one certificate, partitions for others left out. What is left over is
tried as soon as one of them has shown whose key it is."""

CLAIM_AGAIN_S = 60.0
"""Seconds for which a worker does not ask the same again; the prefetcher remembers it for longer."""

MAX_REMEMBERED = 1 << 14
"""Pairs of a CRL and a key that a worker remembers, some 3 MB."""


class ClaimOutcome(Enum):
    """What came of a claim."""

    TRIED = "tried"
    """Every CRL that waits was tried under every key: the same claim would come to nothing."""
    LEFT_OUT = "left out"
    """Not everything could be tried now."""
    UNANSWERED = "unanswered"
    """Nobody was there to try it."""


@dataclass(frozen=True, slots=True)
class CrlClaim:
    """CRLs that wait, and who may have signed them.

    Attributes:
        digests: SHA-256 of each, at most `MAX_CLAIMED`.
        signers: As in a `CrlOrder`, at most `MAX_ORDER_SIGNERS`: that of the certificate's issuer first.
    """

    digests: tuple[bytes, ...]
    signers: tuple[CrlSigner, ...]


class CrlClaims(Protocol):
    """Has CRLs tried that wait."""

    async def claim(self, claim: CrlClaim) -> ClaimOutcome:
        """Try each under the keys whose owner bears its issuer's name, and hold those that verify."""


class NoClaims:
    """Where nothing ever waits. Implements `CrlClaims`."""

    async def claim(self, claim: CrlClaim) -> ClaimOutcome:
        """Nobody is there."""
        del claim
        return ClaimOutcome.UNANSWERED


class Claimant:
    """Claims, and remembers what was claimed in vain."""

    def __init__(self, claims: CrlClaims, clock: Clock) -> None:
        """Take who tries them; nothing was claimed."""
        self._claims = claims
        self._clock = clock
        self._tried: OrderedDict[bytes, float] = OrderedDict()

    async def claim(self, digests: tuple[bytes, ...], signers: tuple[CrlSigner, ...]) -> ClaimOutcome:
        """Have CRLs tried, unless that was done a moment ago."""
        now = self._clock.monotonic()
        keys = [sha256(one.name + one.spki).digest() for one in signers]
        untried = tuple(one for one in digests if any(now >= self._tried.get(one + key, now) for key in keys))
        if not untried:
            return ClaimOutcome.TRIED
        outcome = await self._claims.claim(CrlClaim(untried[:MAX_CLAIMED], signers))
        if outcome is ClaimOutcome.TRIED:
            self._remember(one + key for one in untried[:MAX_CLAIMED] for key in keys)
        return outcome if len(untried) <= MAX_CLAIMED else ClaimOutcome.LEFT_OUT

    def _remember(self, pairs: Iterable[bytes]) -> None:
        until = self._clock.monotonic() + CLAIM_AGAIN_S
        for pair in pairs:
            self._tried[pair] = until
            self._tried.move_to_end(pair)
        while len(self._tried) > MAX_REMEMBERED:
            self._tried.popitem(last=False)
