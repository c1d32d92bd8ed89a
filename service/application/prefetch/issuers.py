"""Watching who is known: when authorities change, CRLs that waited for theirs are tried again.

Nothing is downloaded for that but what was refused for want of a key and did not find room to wait.
"""

import asyncio
from dataclasses import replace

from service.application.crl_arrival import signers_for
from service.application.crl_fetcher import CrlSigner
from service.application.pem import PemError
from service.application.prefetch.claiming import take_up
from service.application.prefetch.conclusions import FOR_WANT_OF_A_KEY
from service.application.prefetch.parts import PrefetchParts
from service.application.prefetch.source_record import SourceRecord
from service.application.trust_stores import TrustStores
from service.core.model.malformed import MalformedError
from service.core.prefetch.inventory import SourceKind


class AuthorityWatch:
    """Notices new authorities."""

    def __init__(self, parts: PrefetchParts, stores: TrustStores) -> None:
        """Take the collaborators; nobody is known yet."""
        self._stores = stores
        self._parts = parts
        self._authorities = parts.authorities
        self._inventory = parts.inventory
        self._pending = parts.pending
        self._clock = parts.clock
        self._observer = parts.observer
        self._known: tuple[tuple[bytes, ...], tuple[CrlSigner, ...]] | None = None

    async def begin(self) -> None:
        """Have workers see what waits.

        Raises:
            OSError: it cannot be read.
            StoreError: it cannot be written down.
        """
        await asyncio.to_thread(self._pending.begin)

    async def look(self) -> bool:
        """Look whether somebody is new, and try again what waited for him; whether anything is to be fetched."""
        stores = [report.store for report in self._stores.report() if report.store is not None]
        known = (tuple(store.version for store in stores), self._inventory.signers())
        if known == self._known:
            return False
        is_first = self._known is None
        self._known = known
        new = await asyncio.to_thread(self._authorities.replace, stores, known[1])
        if not new:
            return False
        await self._try_again()
        return not is_first and self._ask_again()

    async def _try_again(self) -> None:
        """Verify what waits and whose issuer is known now."""
        try:
            digests = await asyncio.to_thread(self._pending.digests)
        except OSError as error:
            self._observer.not_remembered(str(error))
            return
        for digest in sorted(digests):
            await self._try_one(digest)

    async def _try_one(self, digest: bytes) -> None:
        try:
            data = await asyncio.to_thread(self._pending.read, digest)
            if data is None or not await asyncio.to_thread(signers_for, data, self._authorities):
                return
        except (OSError, MalformedError, PemError):
            return
        await take_up(self._parts, digest, data, self._authorities)

    def _ask_again(self) -> bool:
        """Have downloaded again what was refused for want of a key and does not wait."""
        now = self._clock.now()
        refused = [record for record in self._inventory.records() if _lacks_a_key(record)]
        self._inventory.remember(*(replace(one, state=replace(one.state, asked_at=now)) for one in refused))
        return bool(refused)


def _lacks_a_key(record: SourceRecord) -> bool:
    is_refused = record.problem in FOR_WANT_OF_A_KEY and (record.is_partial or not record.pending)
    return is_refused and record.source.kind is SourceKind.CONFIGURED
