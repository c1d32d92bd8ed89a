"""How the last fetch of a URL ended, for those who come just after it: nobody can make us ask an authority more often.

It keeps no keys and no downloads, and says nothing of what is held: whoever relies on it looks into the store.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from service.application.clock import Clock
from service.application.crl_delivery import DeliveredCrl, Delivery
from service.application.crl_fetcher import CrlSigner
from service.application.origin_headers import Validators
from service.core.model.attempt import Attempt, Problem

SETTLED_S = 1.0
"""Seconds for which the outcome of a fetch answers those who come after it: nobody can make us ask a CA more often."""

MAX_SETTLED = 4096
"""Outcomes that are remembered."""

MAX_DOWNLOADS = 4
"""Downloads of one URL in a row, each within `SETTLED_S` of the last, for orders that have keys under which nobody has
tried what is there: requests bring certificates of any number of keys along."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How the last fetch of a URL ended.

    Attributes:
        at: `Clock.monotonic` of its end.
        attempt: Why nothing was stored; None where something was.
        delivery: All that came of it.
        signer: Under whose key what is there verifies; None where under nobody's that was tried.
        tried: Digests of the signers under none of whose keys it verifies; None where that is not what is wrong.
        downloads: How many there have been in a row.
        stored: What was stored from there, by the digest of each CRL as it came, so that the same is not read and
            written again.
        validators: Of the version that `stored` is the whole of.
    """

    at: float
    attempt: Attempt | None
    delivery: Delivery
    signer: CrlSigner | None = None
    tried: frozenset[bytes] | None = None
    downloads: int = 1
    stored: Mapping[bytes, DeliveredCrl] = field(default_factory=dict, repr=False)
    validators: Validators = field(default_factory=Validators)

    def answers(self, signers: frozenset[CrlSigner]) -> bool:
        """Whether it says all there is to say to an order that has these signers."""
        return self.tried is None or self.downloads >= MAX_DOWNLOADS or digests_of(signers) <= self.tried

    def attempt_for(self, url: str, signers: frozenset[CrlSigner]) -> Attempt | None:
        """What an order that has these signers is told."""
        if self.signer is None or self.signer in signers:
            return self.attempt
        is_named = any(signer.name == self.signer.name for signer in signers)
        return Attempt(url, Problem.BAD_SIGNATURE if is_named else Problem.WRONG_ISSUER)


class SettledFetches:
    """How the last fetch of each URL ended; the oldest are forgotten first."""

    def __init__(self, clock: Clock) -> None:
        """Nothing was fetched."""
        self._clock = clock
        self._settled: OrderedDict[str, Settled] = OrderedDict()

    def get(self, url: str) -> Settled | None:
        """How the last one ended, however long ago; None where that is not remembered."""
        return self._settled.get(url)

    def recent(self, url: str) -> Settled | None:
        """The same; None where it was too long ago to answer anybody."""
        settled = self._settled.get(url)
        return None if settled is None or self._clock.monotonic() - settled.at >= SETTLED_S else settled

    def remember(self, settled: Settled, recent: Settled | None) -> Settled:
        """Remember how one ended.

        Args:
            settled: How it did.
            recent: What answered when it began; None where nothing did.

        Returns:
            The same, with what was tried just before.
        """
        url = settled.delivery.url
        if recent is not None:
            tried = None if settled.tried is None else settled.tried | (recent.tried or frozenset())
            settled = replace(settled, tried=tried, downloads=recent.downloads + 1)
        self._settled[url] = settled
        self._settled.move_to_end(url)
        if len(self._settled) > MAX_SETTLED:
            self._settled.popitem(last=False)
        return settled


def digests_of(signers: Iterable[CrlSigner]) -> frozenset[bytes]:
    """What is remembered of signers: 32 octets in place of a key."""
    return frozenset(sha256(signer.name + signer.spki).digest() for signer in signers)
