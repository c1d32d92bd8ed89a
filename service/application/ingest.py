"""Bringing CRLs into the host's store: fetch, read, verify, hold. Runs in a process of its own, never in a worker.

What is stored is a fact: this CRL verifies under that key. A CRL that does not verify under the key that the order
names is not stored; whether the key may speak for a certificate is decided by the core, each time.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import assert_never

from service.application.clock import Clock
from service.application.crl_fetcher import CrlOrder
from service.application.evidence_store import CrlWriter, HeldCrl, StoreError
from service.application.flights import Flights
from service.application.observer import FetchDetails, IngestDetails, Ingested, Observer
from service.application.origin import Origin, OriginError, OriginRequest, UrlTrust
from service.application.pem import MARK, PemError, read_pem
from service.application.spool import Spool
from service.core.crl.slot import advance, slot_of
from service.core.der.crl import read_crl
from service.core.der.key import read_public_key
from service.core.der.signature import SignatureResult, verify
from service.core.freshness.window import EvidenceKind, window
from service.core.model.attempt import Attempt, Problem
from service.core.model.crl import CrlMeta, Watermark
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
        stored: What was stored from there, and its digest, so that the same CRL is not read and written again.
    """

    at: float
    attempt: Attempt | None
    stored: tuple[bytes, CrlMeta] | None


@dataclass(frozen=True, slots=True)
class _Held:
    """A download that is held."""

    result: Ingested
    meta: CrlMeta


@dataclass(frozen=True, slots=True)
class _Refused:
    """A download that is not.

    Attributes:
        entries: How many certificates it revokes; 0 where it was not read.
    """

    result: Problem
    detail: str = ""
    entries: int = 0


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
        data = await self._download(url)
        if isinstance(data, Attempt):
            settled = _Settled(self._clock.monotonic(), data, None)
        else:
            settled = await self._store(data, url, signer_spki, before)
        self._settled[key] = settled
        self._settled.move_to_end(key)
        if len(self._settled) > MAX_SETTLED:
            self._settled.popitem(last=False)
        return settled.attempt

    async def _download(self, url: str) -> memoryview | Attempt:
        request = OriginRequest(url, UrlTrust.CERTIFICATE, self._rules.max_bytes, self._rules.timeout_s)
        started = self._clock.monotonic()
        outcome: memoryview | Attempt
        try:
            async with self._origin.stream(request) as chunks:
                outcome = await self._spool.collect(chunks)
        except OriginError as error:
            outcome = Attempt(url, error.problem, error.detail)
        except OSError as error:  # no room to spool it
            outcome = Attempt(url, Problem.INTERNAL, str(error))
        problem, detail = (outcome.problem, outcome.detail) if isinstance(outcome, Attempt) else (None, "")
        self._observer.fetched(FetchDetails("crl", url, problem, detail, self._clock.monotonic() - started))
        return outcome

    async def _store(self, data: memoryview, url: str, signer_spki: bytes, before: _Settled | None) -> _Settled:
        """Store a download; `before` says what was stored from there last."""
        async with self._writing:  # one CRL at a time: reading one holds its size in memory
            started = self._clock.monotonic()
            digest = await asyncio.to_thread(lambda: sha256(data).digest())
            outcome: _Held | _Refused
            try:
                outcome = await asyncio.to_thread(self._hold_unless_unchanged, data, url, signer_spki, digest, before)
            except StoreError as error:
                outcome = _Refused(Problem.INTERNAL, str(error))
            ended = self._clock.monotonic()
        entries = outcome.entries if isinstance(outcome, _Refused) else outcome.meta.entries
        self._observer.ingested(IngestDetails(url, outcome.result, entries, len(data), ended - started))
        if isinstance(outcome, _Refused):
            return _Settled(ended, Attempt(url, outcome.result, outcome.detail), None)
        meta = outcome.meta
        # Authentic and out of date: it is held, and the next URL may have a newer one.
        until = window(EvidenceKind.CRL, meta.this_update, meta.next_update, self._rules.policy, self._clock.now())
        return _Settled(ended, Attempt(url, until) if isinstance(until, Problem) else None, (digest, meta))

    def _hold_unless_unchanged(
        self, data: memoryview, url: str, signer_spki: bytes, digest: bytes, before: _Settled | None
    ) -> _Held | _Refused:
        """What is held already, where the download is the same again; otherwise what becomes of it."""
        if before is not None and before.stored is not None and before.stored[0] == digest:
            return _Held(Ingested.UNCHANGED, before.stored[1])
        return self._hold(data, url, signer_spki)

    def _hold(self, data: memoryview, url: str, signer_spki: bytes) -> _Held | _Refused:
        """Read, verify and store one CRL.

        Raises:
            StoreError: it could not be written.
        """
        try:
            document = read_crl(_without_armour(data))
            signer = read_public_key(signer_spki)
        except (MalformedError, PemError) as error:
            return _Refused(Problem.MALFORMED, error.reason)
        meta = document.meta
        match verify(document.signature, signer):
            case SignatureResult.INVALID:
                return _Refused(Problem.BAD_SIGNATURE, "", meta.entries)
            case SignatureResult.UNSUPPORTED:
                return _Refused(Problem.UNSUPPORTED, "signature algorithm", meta.entries)
            case SignatureResult.VALID:
                pass
            case unknown:
                assert_never(unknown)
        slot = slot_of(meta, signer_spki)
        now, before = self._clock.now(), self._writer.watermark(slot)
        watermark = advance(meta, before, self._rules.policy, now)
        if isinstance(watermark, Problem):
            return _Refused(watermark, "", meta.entries)
        self._writer.publish(HeldCrl(slot, meta, signer_spki, url, now), document.rows(), watermark)
        return _Held(Ingested.SAME_NUMBER if _repeats_number(meta, before) else Ingested.STORED, meta)


def _repeats_number(meta: CrlMeta, before: Watermark | None) -> bool:
    """Whether a CRL is newer than what was seen and bears its number: accepted, and worth telling the issuer."""
    if before is None or meta.crl_number is None:
        return False
    return meta.crl_number == before.crl_number and meta.this_update > before.this_update


def _without_armour(data: memoryview) -> bytes | memoryview:
    """The DER of a CRL that came as PEM, as some publish it; what comes as DER is returned as it is."""
    if bytes(data[: len(MARK)]) != MARK:
        return data
    return read_pem(bytes(data))[0].der
