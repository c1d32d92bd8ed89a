"""Bringing CRLs into the host's store: fetch, read, verify, hold. Runs in a process of its own, never in a worker.

What is stored is a fact: this CRL, which bears that name as its issuer's, verifies under that key. One that verifies
under none of the keys that the order has for its issuer's name is not stored; whether a key may speak for a certificate
is decided by the core, each time. The signer's certificate is kept beside it, with those above, so that the core can
decide that when a request leaves it out.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256

from service.application.clock import Clock
from service.application.crl_fetcher import CrlOrder, CrlSigner, name_digest
from service.application.evidence_store import CrlWriter, HeldCrl, StoreError
from service.application.flights import Flights
from service.application.observer import FetchDetails, IngestDetails, Ingested, Observer
from service.application.origin import Origin, OriginError, OriginRequest, UrlTrust
from service.application.pem import MARK, PemError, read_pem
from service.application.signer_paths import joined
from service.application.spool import Spool
from service.core.crl.entries import rows
from service.core.crl.slot import advance, slot_of
from service.core.der.crl import CrlDocument, read_crl
from service.core.der.key import read_public_key
from service.core.der.signature import SignatureResult, verify
from service.core.freshness.window import EvidenceKind, window
from service.core.model.attempt import Attempt, Problem
from service.core.model.crl import CrlMeta, CrlSlot, Watermark
from service.core.model.malformed import MalformedError
from service.core.model.policy import Policy
from service.core.path.building import is_too_long

SETTLED_S = 1.0
"""Seconds for which the outcome of a fetch answers those who come after it: nobody can make us ask a CA more often."""

MAX_SETTLED = 4096
"""Outcomes that are remembered."""

MAX_DETAIL_LENGTH = 120
"""Characters of a CRL issuer's name that are told."""

MAX_DOWNLOADS = 4
"""Downloads of one URL in a row, each within `SETTLED_S` of the last, for orders that have keys under which nobody has
tried what is there: requests bring certificates of any number of keys along."""


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
class _Held:
    """A download that is held.

    Attributes:
        signer: Under whose key it verifies.
    """

    result: Ingested
    meta: CrlMeta
    slot: CrlSlot
    signer: CrlSigner


@dataclass(frozen=True, slots=True)
class _Refused:
    """A download that is not.

    Attributes:
        entries: How many certificates it revokes; 0 where it was not read.
        signer: Under whose key it verifies; None where nobody looked, or under none that was tried.
        tried: The signers under none of whose keys it verifies; None where that is not what is wrong with it.
    """

    result: Problem
    detail: str = ""
    entries: int = 0
    signer: CrlSigner | None = None
    tried: frozenset[CrlSigner] | None = None


@dataclass(frozen=True, slots=True)
class _Settled:
    """How the last fetch of a URL ended.

    Attributes:
        at: `Clock.monotonic` of its end.
        attempt: Why nothing was stored; None where something was.
        signer: Under whose key what is there verifies; None where under nobody's that was tried.
        tried: Digests of the signers under none of whose keys it verifies; None where that is not what is wrong.
        downloads: How many there have been in a row.
        stored: What was stored from there, by the digest of the download, so that the same CRL is not read and written
            again; None where nothing was.
    """

    at: float
    attempt: Attempt | None
    signer: CrlSigner | None = None
    tried: frozenset[bytes] | None = None
    downloads: int = 1
    stored: tuple[bytes, _Held] | None = field(default=None, repr=False)

    def answers(self, signers: frozenset[CrlSigner]) -> bool:
        """Whether it says all there is to say to an order that has these signers."""
        return self.tried is None or self.downloads >= MAX_DOWNLOADS or _digests(signers) <= self.tried

    def attempt_for(self, url: str, signers: frozenset[CrlSigner]) -> Attempt | None:
        """What an order that has these signers is told."""
        if self.signer is None or self.signer in signers:
            return self.attempt
        is_named = any(signer.name == self.signer.name for signer in signers)
        return Attempt(url, Problem.BAD_SIGNATURE if is_named else Problem.WRONG_ISSUER)


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
        self._flights: Flights[str, _Settled] = Flights()
        self._settled: OrderedDict[str, _Settled] = OrderedDict()
        self._writing = asyncio.Lock()

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Fetch, verify and store what a distribution point offers; one flight for each URL.

        Returns:
            What failed, URL by URL, until one gave a CRL that is now in the store.
        """
        attempts: list[Attempt] = []
        for url in order.urls:
            attempt = await self._fetch_one(url, order.signers)
            if attempt is None:
                return tuple(attempts)
            attempts.append(attempt)
        return tuple(attempts)

    async def aclose(self) -> None:
        """End what is under way."""
        await self._flights.aclose()

    async def _fetch_one(self, url: str, signers: tuple[CrlSigner, ...]) -> Attempt | None:
        asked = frozenset(signers)
        settled = self._recent(url)
        # Whoever joins a flight of others may have keys that they had not: at most a few flights later all are tried.
        while settled is None or not settled.answers(asked):
            settled = await self._flights.join(url, lambda: self._ingest(url, signers))
        return settled.attempt_for(url, asked)

    def _recent(self, url: str) -> _Settled | None:
        settled = self._settled.get(url)
        return None if settled is None or self._clock.monotonic() - settled.at >= SETTLED_S else settled

    async def _ingest(self, url: str, signers: tuple[CrlSigner, ...]) -> _Settled:
        recent = self._recent(url)
        data = await self._download(url)
        if isinstance(data, Attempt):
            settled = _Settled(self._clock.monotonic(), data)
        else:
            settled = await self._store(data, url, signers)
        if recent is not None:
            tried = None if settled.tried is None else settled.tried | (recent.tried or frozenset())
            settled = replace(settled, tried=tried, downloads=recent.downloads + 1)
        self._settled[url] = settled
        self._settled.move_to_end(url)
        if len(self._settled) > MAX_SETTLED:
            self._settled.popitem(last=False)
        return settled

    async def _download(self, url: str) -> memoryview | Attempt:
        request = OriginRequest(url, UrlTrust.CERTIFICATE, self._rules.max_bytes, self._rules.timeout_s)
        started = self._clock.monotonic()
        outcome: memoryview | Attempt
        try:
            async with self._origin.stream(request) as answer:
                outcome = await self._spool.collect(answer.chunks)
        except OriginError as error:
            outcome = Attempt(url, error.problem, error.detail)
        except OSError as error:  # no room to spool it
            outcome = Attempt(url, Problem.INTERNAL, str(error))
        problem, detail = (outcome.problem, outcome.detail) if isinstance(outcome, Attempt) else (None, "")
        self._observer.fetched(FetchDetails("crl", url, problem, detail, self._clock.monotonic() - started))
        return outcome

    async def _store(self, data: memoryview, url: str, signers: tuple[CrlSigner, ...]) -> _Settled:
        """Store a download."""
        before = self._settled.get(url)
        async with self._writing:  # one CRL at a time: reading one holds its size in memory
            started = self._clock.monotonic()
            digest = await asyncio.to_thread(lambda: sha256(data).digest())
            known = before.stored[1] if before is not None and before.stored and before.stored[0] == digest else None
            outcome: _Held | _Refused
            try:
                outcome = await asyncio.to_thread(self._hold_unless_held, data, url, signers, known)
            except StoreError as error:
                outcome = _Refused(Problem.INTERNAL, str(error))
            ended = self._clock.monotonic()
        entries = outcome.entries if isinstance(outcome, _Refused) else outcome.meta.entries
        self._observer.ingested(IngestDetails(url, outcome.result, entries, len(data), ended - started))
        if isinstance(outcome, _Refused):
            tried = None if outcome.tried is None else _digests(outcome.tried)
            return _Settled(ended, Attempt(url, outcome.result, outcome.detail), outcome.signer, tried)
        meta = outcome.meta
        # Authentic and out of date: it is held, and the next URL may have a newer one.
        until = window(EvidenceKind.CRL, meta.this_update, meta.next_update, self._rules.policy, self._clock.now())
        attempt = Attempt(url, until) if isinstance(until, Problem) else None
        return _Settled(ended, attempt, outcome.signer, stored=(digest, outcome))

    def _hold_unless_held(
        self, data: memoryview, url: str, signers: tuple[CrlSigner, ...], known: _Held | None
    ) -> _Held | _Refused:
        """What becomes of a download; nothing, where it is `known` and the store still holds it.

        Raises:
            StoreError: the store could not be read or written.
        """
        if known is not None and known.signer in signers and self._writer.holds(known.slot, known.meta.digest):
            kept = self._writer.signer_paths(known.slot)
            signer = signers[signers.index(known.signer)]
            if joined(kept, signer.path, self._clock.now()) == kept:
                return replace(known, result=Ingested.UNCHANGED)
        return self._hold(data, url, signers)

    def _hold(self, data: memoryview, url: str, signers: tuple[CrlSigner, ...]) -> _Held | _Refused:
        """Read, verify and store one CRL.

        Raises:
            StoreError: the store could not be read or written.
        """
        try:
            document = read_crl(_without_armour(data))
        except (MalformedError, PemError) as error:
            return _Refused(Problem.MALFORMED, error.reason)
        signer = _signer_of(document, signers)
        if isinstance(signer, _Refused):
            return signer
        meta = document.meta
        slot = slot_of(meta, signer.spki)
        now, before = self._clock.now(), self._writer.watermark(slot)
        watermark = advance(meta, before, self._rules.policy, now)
        if isinstance(watermark, Problem):
            return _Refused(watermark, "", meta.entries, signer)
        paths = joined(self._writer.signer_paths(slot), signer.path, now)
        self._writer.publish(HeldCrl(slot, meta, signer.spki, url, now, paths), rows(document), watermark)
        return _Held(Ingested.SAME_NUMBER if _repeats_number(meta, before) else Ingested.STORED, meta, slot, signer)


def _signer_of(document: CrlDocument, signers: tuple[CrlSigner, ...]) -> CrlSigner | _Refused:
    """The first of the signers that bears the name of the CRL's issuer and under whose key the CRL verifies."""
    entries, tried = document.meta.entries, frozenset(signers)
    name = name_digest(document.meta.issuer)
    results = set()
    for signer in signers:
        if signer.name != name:
            continue
        result = _verify(document, signer)
        if result is SignatureResult.VALID:
            return signer
        results.add(result)
    if not results:
        # Also where a certificate names this issuer, and nobody here has one of it whose key may sign CRLs.
        return _Refused(Problem.WRONG_ISSUER, document.meta.issuer.text[:MAX_DETAIL_LENGTH], entries, tried=tried)
    if results == {SignatureResult.UNSUPPORTED}:
        return _Refused(Problem.UNSUPPORTED, "signature algorithm", entries, tried=tried)
    return _Refused(Problem.BAD_SIGNATURE, "", entries, tried=tried)


def _verify(document: CrlDocument, signer: CrlSigner) -> SignatureResult:
    try:
        key = read_public_key(signer.spki)
    except MalformedError:  # no key, so that nothing verifies under it
        return SignatureResult.UNSUPPORTED
    return SignatureResult.UNSUPPORTED if is_too_long(key) else verify(document.signature, key)


def _digests(signers: Iterable[CrlSigner]) -> frozenset[bytes]:
    """What is remembered of signers: 32 octets in place of a key."""
    return frozenset(sha256(signer.name + signer.spki).digest() for signer in signers)


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
