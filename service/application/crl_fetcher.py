"""The port through which a worker has a CRL fetched, verified and stored: by another process, never by itself."""

from dataclasses import dataclass, field
from typing import Protocol

from service.core.model.attempt import Attempt


@dataclass(frozen=True, slots=True)
class CrlOrder:
    """One distribution point whose CRL is wanted in the store.

    Attributes:
        urls: Where it may be had; tried in turn until one gives an authentic CRL.
        signer_spki: The key under which it must verify to be worth storing: that of the certificate's issuer.
    """

    urls: tuple[str, ...]
    signer_spki: bytes = field(repr=False)


class CrlFetcher(Protocol):
    """Brings CRLs into the host's store."""

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Fetch, verify and store what a distribution point offers; one flight for each URL.

        Returns:
            What failed, in the order of the URLs: fewer than these where the next one gave a CRL that is now in the
            store.
        """
