"""Bringing CRLs into the host's store: fetch, read, verify, hold. Runs in a process of its own, never in a worker.

What is stored is a fact: this CRL, which bears that name as its issuer's, verifies under that key. One that verifies
under none of the keys that the order has for its issuer's name is not stored; whether a key may speak for a certificate
is decided by the core, each time. The signer's certificate is kept beside it, with those above, so that the core can
decide that when a request leaves it out.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

from service.application.clock import Clock
from service.application.crl_arrival import Arrival, Arrived, Taken, signers_for, worst_of
from service.application.crl_delivery import (
    CrlDownload,
    DeliveredCrl,
    Delivery,
    Indexed,
    KnownVersion,
    OrderedSigners,
    index_unseen,
    tell_nobody,
)
from service.application.crl_fetcher import CrlOrder, CrlSigner
from service.application.crl_parts import counted, is_armoured, parts_of
from service.application.crl_shelving import note_name, shelve
from service.application.crl_signer_search import Refused, signer_of
from service.application.evidence_store import CrlWriter, HeldCrl, StoreError
from service.application.flights import Flights
from service.application.observer import FetchDetails, IngestDetails, Ingested, Observer
from service.application.origin import Origin, OriginError, OriginRequest, UrlTrust
from service.application.origin_headers import OriginHeaders, Validators
from service.application.pem import PemError
from service.application.settled import Settled, digests_of
from service.application.signer_paths import joined
from service.application.spool import Spool
from service.core.crl.slot import advance, repeats_number, slot_of, ties, twin
from service.core.decision.issuer_policy import named_crl_urls
from service.core.freshness.window import EvidenceKind, window
from service.core.model.attempt import Attempt, Problem
from service.core.model.malformed import MalformedError
from service.core.model.policy import Policy

SETTLED_S = 1.0
"""Seconds for which the outcome of a fetch answers those who come after it: nobody can make us ask a CA more often."""

MAX_SETTLED = 4096
"""Outcomes that are remembered."""

MAX_KEPT = 1024
"""Signers whose paths are known to be kept beside everything of theirs, until something else is held."""


@dataclass(frozen=True, slots=True)
class IngestRules:
    """What one CRL may cost, and when it is from the future.

    Attributes:
        max_bytes: Its size, before and after decompression.
        timeout_s: Seconds for its download.
        policy: The operator's, for the clock skew, and for the URLs that its rules for issuers give.
    """

    max_bytes: int
    timeout_s: float
    policy: Policy


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
        self._named = named_crl_urls(rules.policy)
        self._flights: Flights[str, Settled] = Flights()
        self._settled: OrderedDict[str, Settled] = OrderedDict()
        self._kept: set[tuple[CrlSigner, tuple[bytes, ...], frozenset[bytes]]] = set()
        self._writing = asyncio.Lock()

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Fetch, verify and store what a distribution point offers; one flight for each URL.

        Returns:
            What failed, URL by URL, until one gave a CRL that is now in the store.
        """
        deliveries = await self.deliver(order)
        return tuple(delivery.attempt for delivery in deliveries if delivery.attempt is not None)

    async def deliver(
        self,
        order: CrlOrder,
        arriving: Callable[[int, int | None], None] = tell_nobody,
        indexing: Callable[[Indexed], None] = index_unseen,
    ) -> tuple[Delivery, ...]:
        """The same, with all that came of it.

        Args:
            order: What is wanted.
            arriving: As in `CrlDownload`, where this order is the first for a URL.
            indexing: Likewise.

        Returns:
            A delivery for each URL that was tried; the last one has no attempt where a CRL is now in the store.
        """
        deliveries: list[Delivery] = []
        for url in order.urls:
            signers = OrderedSigners(order.signers)
            download = CrlDownload(url, UrlTrust.CERTIFICATE, signers, arriving=arriving, indexing=indexing)
            deliveries.append(await self._fetch_one(download, order.signers))
            if deliveries[-1].attempt is None:
                break
        return tuple(deliveries)

    async def bring(self, download: CrlDownload) -> Delivery:
        """Download what a URL has from now on, verify and store it.

        A flight that is under way is waited for and not joined: what it brings may be older than the question.
        """
        own: list[Delivery] = []

        async def start() -> Settled:
            settled = await self._ingest(download)
            own.append(settled.delivery)
            return settled

        while not own:
            await self._flights.join(download.url, start)
        return own[0]

    async def take(self, data: memoryview, download: CrlDownload) -> Delivery:
        """Verify and store what came earlier from a URL, and was kept."""
        return (await self._take(data, download, OriginHeaders())).delivery

    async def keep(self, signers: Iterable[CrlSigner]) -> None:
        """Keep the paths of signers beside those of their CRLs that are held: nothing is fetched.

        Raises:
            StoreError: the store could not be read or written.
        """
        new = {(one, one.path, one.authorities): one for one in signers}
        for key in [key for key in new if key not in self._kept]:
            async with self._writing:
                await asyncio.to_thread(self._writer.keep_path, new[key], self._clock.now())
                if len(self._kept) >= MAX_KEPT:
                    self._kept.clear()
                self._kept.add(key)

    async def aclose(self) -> None:
        """End what is under way."""
        await self._flights.aclose()

    async def _fetch_one(self, download: CrlDownload, signers: tuple[CrlSigner, ...]) -> Delivery:
        url, asked = download.url, frozenset(signers)
        settled = self._recent(url)
        # Whoever joins a flight of others may have keys that they had not: at most a few flights later all are tried.
        while settled is None or not settled.answers(asked):
            settled = await self._flights.join(url, partial(self._ingest, download))
        return replace(settled.delivery, attempt=settled.attempt_for(url, asked))

    def _recent(self, url: str) -> Settled | None:
        settled = self._settled.get(url)
        return None if settled is None or self._clock.monotonic() - settled.at >= SETTLED_S else settled

    async def _ingest(self, download: CrlDownload) -> Settled:
        url = download.url
        recent = self._recent(url)
        known = await self._known(download)
        arrival = await self._download(download, known)
        if isinstance(arrival, Attempt):
            settled = Settled(self._clock.monotonic(), arrival, Delivery(url, self._clock.now(), arrival))
        elif arrival.data is None and known is not None:
            settled = self._unchanged(download, known, arrival.said)
        else:
            settled = await self._take(arrival.data or memoryview(b""), download, arrival.said)
        if recent is not None:
            tried = None if settled.tried is None else settled.tried | (recent.tried or frozenset())
            settled = replace(settled, tried=tried, downloads=recent.downloads + 1)
        self._settled[url] = settled
        self._settled.move_to_end(url)
        if len(self._settled) > MAX_SETTLED:
            self._settled.popitem(last=False)
        return settled

    async def _known(self, download: CrlDownload) -> KnownVersion | None:
        """What need not be sent again: it is held, under a key that is asked for, with all that is kept beside it.

        Nothing that has ended: an origin, or a cache before it, that calls it unmodified for ever is asked for all.
        """
        before = self._settled.get(download.url)
        known = download.known
        # Of what orders brought nobody has written down in whose name the operator has it.
        if known is None and download.pending is None and before is not None and before.stored:
            known = KnownVersion(tuple(before.stored.values()), before.validators)
        if known is None or not (known.crls or known.pending) or not known.validators.conditions:
            return None
        if any(one.meta.next_update is not None and one.meta.next_update <= self._clock.now() for one in known.crls):
            return None
        version, signers = known, download.signers.for_name

        def is_whole() -> bool:
            return all(self._vouch_if_kept(one, signers(one.signer.name)) for one in version.crls)

        try:
            return known if await asyncio.to_thread(is_whole) else None
        except StoreError:
            return None

    async def _download(self, download: CrlDownload, known: KnownVersion | None) -> Arrival | Attempt:
        validators = None if known is None else known.validators
        rules, url = self._rules, download.url
        trust = UrlTrust.OPERATOR if url in self._named else download.trust
        request = OriginRequest(url, trust, rules.max_bytes, rules.timeout_s, validators=validators)
        started = self._clock.monotonic()
        outcome: Arrival | Attempt
        try:
            async with self._origin.stream(request) as answer:
                if answer.not_modified and known is not None:
                    outcome = Arrival(None, answer.headers)
                else:
                    chunks = counted(answer.chunks, download.arriving, answer.octets)
                    outcome = Arrival(await self._spool.collect(chunks), answer.headers)
        except OriginError as error:
            outcome = Attempt(url, error.problem, error.detail)
        except OSError as error:  # no room to spool it
            outcome = Attempt(url, Problem.INTERNAL, str(error))
        problem, detail = (outcome.problem, outcome.detail) if isinstance(outcome, Attempt) else (None, "")
        self._observer.fetched(FetchDetails("crl", url, problem, detail, self._clock.monotonic() - started))
        return outcome

    def _unchanged(self, download: CrlDownload, known: KnownVersion, said: OriginHeaders) -> Settled:
        """The origin says that what is held, or waits, is what it has."""
        url, crls = download.url, tuple(replace(one, result=Ingested.UNCHANGED) for one in known.crls)
        for one in crls:
            self._observer.ingested(IngestDetails(url, one.result, one.meta.entries, one.meta.size, 0.0))
        attempt = next((ended for one in crls if (ended := self._ended(url, one)) is not None), None)
        if known.pending:
            attempt = Attempt(url, Problem.WRONG_ISSUER)
        # An origin may leave out of "not modified" what it has said before (RFC 9110 §15.4.5).
        validators = said.validators if said.validators.conditions else known.validators
        before = self._settled.get(url)
        return Settled(
            self._clock.monotonic(),
            attempt,
            Delivery(url, self._clock.now(), attempt, crls, known.pending, replace(said, validators=validators)),
            signer=crls[0].signer if crls else None,
            stored={} if before is None else before.stored,
            validators=validators,
        )

    async def _take(self, data: memoryview, download: CrlDownload, said: OriginHeaders) -> Settled:
        """Store a download: of a file with several CRLs, each; the first that is usable answers orders."""
        url, before = download.url, self._settled.get(download.url)
        known = {} if before is None else before.stored
        parts = [data] if not is_armoured(data) else await asyncio.to_thread(parts_of, data)
        taken = [await self._store(part, download, known) for part in parts]
        best = min(taken, key=lambda one: (one.attempt is not None, one.signer is None))
        stored = {one.digest: one.crl for one in taken if one.crl is not None}
        pending = tuple(one.digest for one in taken if one.is_pending)
        lost = frozenset(one.attempt.problem for one in taken if one.attempt is not None and one.is_lost)
        return Settled(
            self._clock.monotonic(),
            best.attempt,
            Delivery(url, self._clock.now(), worst_of(taken), tuple(stored.values()), pending, said, lost),
            signer=best.signer,
            tried=None if best.tried is None else digests_of(best.tried),
            stored=stored,
            validators=said.validators if len(stored) == len(taken) else Validators(),
        )

    async def _store(self, data: memoryview, download: CrlDownload, stored: Mapping[bytes, DeliveredCrl]) -> Taken:
        """Store one CRL."""
        url = download.url
        async with self._writing:  # one CRL at a time: reading one holds its size in memory
            started = self._clock.monotonic()
            download.indexing(Indexed(0, len(data)))
            digest = await asyncio.to_thread(lambda: sha256(data).digest())
            outcome: DeliveredCrl | Refused
            is_pending = False
            try:
                signers = await asyncio.to_thread(signers_for, data, download.signers)
                crl = Arrived(data, digest, download)
                outcome = await asyncio.to_thread(self._hold_unless_held, crl, signers, stored.get(digest))
                if download.pending is not None:
                    is_pending = await asyncio.to_thread(shelve, download.pending, crl, outcome)
            except (MalformedError, PemError) as error:
                outcome = Refused(Problem.MALFORMED, error.reason)
            except (StoreError, OSError) as error:
                outcome = Refused(Problem.INTERNAL, str(error))
                if download.pending is not None:
                    await asyncio.to_thread(note_name, download.pending, digest, data)
            ended = self._clock.monotonic()
        entries = outcome.entries if isinstance(outcome, Refused) else outcome.meta.entries
        self._observer.ingested(IngestDetails(url, outcome.result, entries, len(data), ended - started))
        if isinstance(outcome, Refused):
            attempt = Attempt(url, outcome.result, outcome.detail)
            return Taken(digest, attempt, outcome.signer, tried=outcome.tried, is_pending=is_pending)
        return Taken(digest, self._ended(url, outcome), outcome.signer, outcome)

    def _ended(self, url: str, crl: DeliveredCrl) -> Attempt | None:
        """What is said of a CRL that is authentic and out of date: it is held, and the next URL may have a newer."""
        meta = crl.meta
        until = window(EvidenceKind.CRL, meta.this_update, meta.next_update, self._rules.policy, self._clock.now())
        return Attempt(url, until) if isinstance(until, Problem) else None

    def _vouch_if_kept(self, known: DeliveredCrl, signers: tuple[CrlSigner, ...]) -> bool:
        """Have a CRL that is held found by whoever certified its signer; whether nothing else would change.

        If it were stored again, that is: what is kept beside it is all that there is to keep.

        Raises:
            StoreError: the store could not be read or written.
        """
        if known.signer not in signers or not self._writer.holds(known.slot, known.meta.digest):
            return False
        kept = self._writer.signer_paths(known.slot)
        signer = signers[signers.index(known.signer)]
        self._writer.vouch(signer)
        return joined(kept, signer.path, self._clock.now()) == kept

    def _hold_unless_held(
        self, crl: Arrived, signers: tuple[CrlSigner, ...], known: DeliveredCrl | None
    ) -> DeliveredCrl | Refused:
        """What becomes of a download; nothing, where it is `known` and the store still holds it.

        Raises:
            StoreError: the store could not be read or written.
        """
        if known is not None and self._vouch_if_kept(known, signers):
            return replace(known, result=Ingested.UNCHANGED)
        return self._hold(crl, signers)

    def _hold(self, crl: Arrived, signers: tuple[CrlSigner, ...]) -> DeliveredCrl | Refused:
        """Verify, read and store one CRL; nobody walks over the entries of one that nobody known has signed.

        Raises:
            StoreError: the store could not be read or written.
        """
        try:
            head = crl.head()
        except (MalformedError, PemError) as error:
            return Refused(Problem.MALFORMED, error.reason)
        signer = signer_of(head, signers)
        if isinstance(signer, Refused):
            return signer
        now, slot = self._clock.now(), slot_of(head.meta, signer.spki)
        before = self._writer.watermark(slot)
        if before is not None and ties(head.meta, before):
            # Whichever was first: what the other revokes is not passed over.
            slot = twin(slot)
            before = self._writer.watermark(slot)
        watermark = advance(head.meta, before, self._rules.policy, now)
        if isinstance(watermark, Problem):
            return Refused(watermark, signer=signer)
        try:
            document = head.walk()
        except MalformedError as error:
            return Refused(Problem.MALFORMED, error.reason)
        meta, url = document.meta, crl.download.url
        paths = joined(self._writer.signer_paths(slot), signer.path, now)
        self._writer.vouch(signer)  # found by whoever certified him
        self._kept.clear()
        self._writer.publish(HeldCrl(slot, meta, signer.spki, url, now, paths), crl.rows(document), watermark)
        return DeliveredCrl(
            Ingested.SAME_NUMBER if repeats_number(meta, before) else Ingested.STORED, meta, slot, signer
        )
