"""Bringing CRLs into the host's store: fetch, read, verify, hold. Runs in a process of its own, never in a worker.

What came is held, waits or is refused (`crl_holding`), and it makes no difference whether it came from the origin or
from another replica, which has asked the origin already (`crl_sharing`): neither is believed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

from service.application.clock import Clock
from service.application.crl_arrival import Arrival, Arrived, Taken, signers_for, worst_of
from service.application.crl_delivery import (
    AnswerFrom,
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
from service.application.crl_holding import CrlHolding
from service.application.crl_parts import counted, is_armoured, parts_of
from service.application.crl_sharing import (
    CrlSharing,
    CrlTurn,
    FetchedCrl,
    SharedCrl,
    SharedCrlError,
    SharingQuestion,
    Unshared,
    Word,
)
from service.application.crl_shelving import note_name, shelve
from service.application.crl_signer_search import Refused
from service.application.evidence_store import CrlWriter, StoreError
from service.application.flights import Flights
from service.application.observer import FetchDetails, IngestDetails, Ingested, Observer
from service.application.ocsp_sharing import Haste
from service.application.origin import Origin, OriginError, OriginRequest, UrlTrust
from service.application.origin_headers import OriginHeaders, Validators
from service.application.pem import PemError
from service.application.settled import SETTLED_S, Settled, SettledFetches, digests_of
from service.application.spool import Spool
from service.core.decision.issuer_policy import named_crl_urls
from service.core.freshness.window import EvidenceKind, window
from service.core.model.attempt import Attempt, Problem
from service.core.model.malformed import MalformedError
from service.core.model.policy import Policy


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

    def __init__(  # noqa: PLR0913, PLR0917 - collaborators, each another port
        self,
        origin: Origin,
        writer: CrlWriter,
        spool: Spool,
        clock: Clock,
        observer: Observer,
        rules: IngestRules,
        sharing: CrlSharing | None = None,
    ) -> None:
        """Take the collaborators; nothing is shared where nobody is given to share with."""
        self._origin = origin
        self._holding = CrlHolding(writer, clock, rules.policy)
        self._spool = spool
        self._clock = clock
        self._observer = observer
        self._rules = rules
        self._sharing = Unshared() if sharing is None else sharing
        self._named = named_crl_urls(rules.policy)
        self._flights: Flights[str, Settled | None] = Flights()
        self._settled = SettledFetches(clock)
        self._writing = asyncio.Lock()
        self._waited_for: Counter[str] = Counter()

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
        """Have what a URL has from now on, verify and store it.

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

    async def adopt(self, download: CrlDownload) -> Delivery | None:
        """Verify and store what another replica has fetched from a URL; the origin is not asked, whatever it is.

        Returns:
            What came of it; None where nothing is new, or of any use. A flight that is under way is waited for: it may
            have looked before there was anything.
        """
        own: list[Settled | None] = []
        download = replace(download, answer_from=AnswerFrom.FLEET_ALONE)

        async def start() -> Settled | None:
            own.append(await self._ingest_shared(download))
            return own[0]

        while not own:
            await self._flights.join(download.url, start)
        return None if own[0] is None else own[0].delivery

    async def take(self, data: memoryview, download: CrlDownload) -> Delivery:
        """Verify and store what came earlier from a URL, and was kept."""
        return (await self._take(data, download, OriginHeaders())).delivery

    async def keep(self, signers: Iterable[CrlSigner]) -> None:
        """Keep the paths of signers beside those of their CRLs that are held: nothing is fetched.

        Raises:
            StoreError: the store could not be read or written.
        """
        for one in self._holding.unkept(signers):
            async with self._writing:
                await asyncio.to_thread(self._holding.keep_path, one)

    async def aclose(self) -> None:
        """End what is under way."""
        await self._flights.aclose()

    async def _fetch_one(self, download: CrlDownload, signers: tuple[CrlSigner, ...]) -> Delivery:
        url, asked = download.url, frozenset(signers)
        settled = self._settled.recent(url)
        # Whoever joins a flight of others may have keys that they had not: at most a few flights later all are tried.
        self._waited_for[url] += 1
        try:
            while settled is None or not settled.answers(asked):
                settled = await self._flights.join(url, partial(self._ingest, download))
        finally:
            self._waited_for[url] -= 1
            if not self._waited_for[url]:
                del self._waited_for[url]
        return replace(settled.delivery, attempt=settled.attempt_for(url, asked))

    async def _ingest(self, download: CrlDownload) -> Settled:
        recent = self._settled.recent(download.url)
        async with self._sharing.turn(self._question(download)) as turn:
            settled = await self._offered(turn, download) or await self._asked(turn, download)
        return self._settled.remember(settled, recent)

    async def _ingest_shared(self, download: CrlDownload) -> Settled | None:
        recent = self._settled.recent(download.url)
        async with self._sharing.turn(self._question(download)) as turn:
            settled = await self._offered(turn, download)
        return None if settled is None else self._settled.remember(settled, recent)

    async def _offered(self, turn: CrlTurn, download: CrlDownload) -> Settled | None:
        """What came of what another replica has fetched; None where the origin is to be asked."""
        is_last = download.answer_from is AnswerFrom.FLEET_ALONE
        before = frozenset() if download.pending is None else download.pending.named
        while (shared := await turn.newer()) is not None:
            settled = await self._adopted(turn, download, shared)
            if settled is not None and (is_last or self._serves(settled, shared)):
                return settled
            if download.pending is not None:  # what a copy says that is of no use is not what the place has
                download.pending.go_back(before)
        return None

    async def _adopted(self, turn: CrlTurn, download: CrlDownload, shared: SharedCrl) -> Settled | None:
        """What another replica has fetched, taken as if the origin had sent it; None where it is not what it should be.

        Where nobody vouches for that, no request to the origin rests on it.
        """
        known = await self._known(download)
        said = shared.said if shared.is_vouched_for else OriginHeaders()
        if known is not None and shared.is_version(known):
            settled = self._unchanged(download, known, said)
        else:
            try:
                data = await self._spool.collect(counted(shared.chunks, download.arriving, shared.octets))
                settled = await self._take(data, download, said)
            except (SharedCrlError, OSError):
                return None
        if settled.delivery.lost:
            if settled.delivery.lost != {Problem.INTERNAL}:
                turn.refused(shared)
            return None
        turn.took(shared)
        delivery = replace(settled.delivery, checked_at=shared.at, is_vouched_for=shared.is_vouched_for)
        return replace(settled, delivery=delivery)

    def _serves(self, settled: Settled, shared: SharedCrl) -> bool:
        """Whether the origin need not be asked: what has ended is its last word for as long as an answer settles it."""
        if settled.delivery.attempt is None or settled.delivery.waits:
            return True
        return 0 <= (self._clock.now() - shared.at).total_seconds() < SETTLED_S

    async def _asked(self, turn: CrlTurn, download: CrlDownload) -> Settled:
        """What the origin has; the others have it from now on, where this host holds it."""
        url, at = download.url, self._clock.now()
        known = await self._known(download)
        arrival = await self._download(download, known)
        if isinstance(arrival, Attempt):
            return Settled(self._clock.monotonic(), arrival, Delivery(url, self._clock.now(), arrival))
        if arrival.data is None and known is not None:
            settled = self._unchanged(download, known, arrival.said)
        else:
            known, settled = None, await self._take(arrival.data or memoryview(b""), download, arrival.said)
        delivery = settled.delivery
        if delivery.gave and not delivery.lost:
            await turn.tell(FetchedCrl(at, arrival.data, known, delivery.said))
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
            return all(self._holding.vouch_if_kept(one, signers(one.signer.name)) for one in version.crls)

        try:
            return known if await asyncio.to_thread(is_whole) else None
        except StoreError:
            return None

    def _question(self, download: CrlDownload) -> SharingQuestion:
        def haste() -> Haste:
            return Haste.WAITED_FOR if download.url in self._waited_for else Haste.AHEAD

        # Which CRLs a place of the operator's has makes answers needed, whoever signed them.
        word = Word.VOUCHED_FOR if download.pending is not None else Word.ANYBODYS
        return SharingQuestion(self._request(download), download.answer_from, download.checked_at, word, haste)

    def _request(self, download: CrlDownload) -> OriginRequest:
        trust = UrlTrust.OPERATOR if download.url in self._named else download.trust
        return OriginRequest(download.url, trust, self._rules.max_bytes, self._rules.timeout_s)

    async def _download(self, download: CrlDownload, known: KnownVersion | None) -> Arrival | Attempt:
        url, request = download.url, self._request(download)
        if known is not None:
            request = replace(request, validators=known.validators)
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
                outcome = await asyncio.to_thread(self._holding.hold_unless_held, crl, signers, stored.get(digest))
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
