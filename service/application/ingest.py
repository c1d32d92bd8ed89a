"""Bringing CRLs into the host's store: fetch, read, verify, hold. Runs in a process of its own, never in a worker.

What is stored is a fact: this CRL verifies under that key. A CRL that does not verify under the key that the order
names is not stored; whether the key may speak for a certificate is decided by the core, each time.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from service.application.clock import Clock
from service.application.crl_fetcher import CrlOrder
from service.application.evidence_store import CrlWriter, HeldCrl, StoreError
from service.application.flights import Flights
from service.application.observer import FetchDetails, Observer
from service.application.origin import Origin, OriginError, OriginRequest, UrlTrust
from service.application.pem import MARK, PemError, read_pem
from service.application.spool import Spool
from service.core.crl.slot import advance, slot_of
from service.core.der.crl import read_crl
from service.core.der.key import read_public_key
from service.core.der.signature import SignatureResult, verify
from service.core.model.attempt import Attempt, Problem
from service.core.model.malformed import MalformedError
from service.core.model.policy import Policy

SETTLED_S = 1.0
"""Seconds for which the outcome of a fetch answers those who come after it: nobody can make us ask a CA more often."""

MAX_SETTLED = 4096
"""Outcomes that are remembered."""


@dataclass(frozen=True, slots=True)
class IngestRules:
    """What one CRL may cost, and when it is from the future.

    Attributes:
        max_bytes: Its size, before and after decompression.
        timeout_s: Seconds for its download.
        policy: The operator's, for the clock skew.
    """

    max_bytes: int
    timeout_s: float
    policy: Policy


@dataclass(frozen=True, slots=True)
class _Settled:
    """How the last fetch of a URL ended.

    Attributes:
        at: `Clock.monotonic` of its end.
        attempt: Why nothing was stored; None where something was.
        digest: Of what was stored from there last, so that the same CRL is not read and written again.
    """

    at: float
    attempt: Attempt | None
    digest: bytes | None


class Ingester:
    """Implements `CrlFetcher` where the store is written."""

    def __init__(
        self,
        origin: Origin,
        writer: CrlWriter,
        spool: Spool,
        clock: Clock,
        observer: Observer,
        rules: IngestRules,
    ) -> None:
        """Take the collaborators."""
        self._origin = origin
        self._writer = writer
        self._spool = spool
        self._clock = clock
        self._observer = observer
        self._rules = rules
        self._flights: Flights[tuple[str, bytes], Attempt | None] = Flights()
        self._settled: OrderedDict[tuple[str, bytes], _Settled] = OrderedDict()
        self._writing = asyncio.Lock()

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Fetch, verify and store what a distribution point offers; one flight for each URL.

        Returns:
            What failed, URL by URL, until one gave a CRL that is now in the store.
        """
        attempts: list[Attempt] = []
        for url in order.urls:
            attempt = await self._fetch_one(url, order.signer_spki)
            if attempt is None:
                return tuple(attempts)
            attempts.append(attempt)
        return tuple(attempts)

    async def aclose(self) -> None:
        """End what is under way."""
        await self._flights.aclose()

    async def _fetch_one(self, url: str, signer_spki: bytes) -> Attempt | None:
        key = (url, signer_spki)
        settled = self._settled.get(key)
        if settled is not None and self._clock.monotonic() - settled.at < SETTLED_S:
            return settled.attempt
        return await self._flights.join(key, lambda: self._ingest(url, signer_spki))

    async def _ingest(self, url: str, signer_spki: bytes) -> Attempt | None:
        key = (url, signer_spki)
        before = self._settled.get(key)
        started = self._clock.monotonic()
        outcome = await self._download(url, signer_spki, None if before is None else before.digest)
        ended = self._clock.monotonic()
        if isinstance(outcome, Attempt):
            self._observer.fetched(FetchDetails("crl", url, outcome.problem, outcome.detail, ended - started))
            settled = _Settled(ended, outcome, None)
        else:
            self._observer.fetched(FetchDetails("crl", url, None, "", ended - started))
            settled = _Settled(ended, None, outcome)
        self._settled[key] = settled
        self._settled.move_to_end(key)
        if len(self._settled) > MAX_SETTLED:
            self._settled.popitem(last=False)
        return settled.attempt

    async def _download(self, url: str, signer_spki: bytes, held: bytes | None) -> Attempt | bytes:
        """The digest of what is stored now, or why nothing is; `held` is the digest of what was stored from there."""
        request = OriginRequest(url, UrlTrust.CERTIFICATE, self._rules.max_bytes, self._rules.timeout_s)
        try:
            async with self._origin.stream(request) as chunks:
                data = await self._spool.collect(chunks)
            async with self._writing:  # one CRL at a time: reading one holds its size in memory
                digest = await asyncio.to_thread(lambda: sha256(data).digest())
                failed = None if digest == held else await asyncio.to_thread(self._hold, data, url, signer_spki)
        except OriginError as error:
            return Attempt(url, error.problem, error.detail)
        except (StoreError, OSError) as error:
            return Attempt(url, Problem.INTERNAL, str(error))
        return digest if failed is None else failed

    def _hold(self, data: memoryview, url: str, signer_spki: bytes) -> Attempt | None:
        """Read, verify and store one CRL; why it was not stored, or None."""
        try:
            document = read_crl(_without_armour(data))
            signer = read_public_key(signer_spki)
        except (MalformedError, PemError) as error:
            return Attempt(url, Problem.MALFORMED, error.reason)
        match verify(document.signature, signer):
            case SignatureResult.INVALID:
                return Attempt(url, Problem.BAD_SIGNATURE)
            case SignatureResult.UNSUPPORTED:
                return Attempt(url, Problem.UNSUPPORTED, "signature algorithm")
            case SignatureResult.VALID:
                pass
        slot = slot_of(document.meta, signer_spki)
        now = self._clock.now()
        watermark = advance(document.meta, self._writer.watermark(slot), self._rules.policy, now)
        if isinstance(watermark, Problem):
            return Attempt(url, watermark)
        self._writer.publish(HeldCrl(slot, document.meta, signer_spki, url, now), document.rows(), watermark)
        return None


def _without_armour(data: memoryview) -> bytes | memoryview:
    """The DER of a CRL that came as PEM, as some publish it; what comes as DER is returned as it is."""
    if bytes(data[: len(MARK)]) != MARK:
        return data
    return read_pem(bytes(data))[0].der
