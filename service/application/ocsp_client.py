"""Asking OCSP responders: the healthiest first, the next one when it is silent, GET where the request is short enough.

Rules it keeps: responders are asked in turn (`ocsp_responders`), and nobody waits for one that is silent: the next is
asked after a share of the time there is, so that the last one still has time to answer; the first answer that serves
ends the asking, and nobody waits for those that have not answered by then, while whatever has come by then is kept.
What is usable is kept for the host (`ocsp_keeping`), what is used is asked for again before it ends (`ocsp_refresh`),
and what was read once is not read again (`ocsp_memory`). Where there are other replicas, what one of them was told is
taken instead of asking (`ocsp_sharing`), and what we are told is shared.

Nonces, where the operator wants them: each request to each responder has its own and goes by POST, since nothing on
the way may answer it. Who asks about a certificate while it is asked about waits for that answer: it was made after the
question was put, and so is at most as old as asking all responders may take.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Protocol

from service.application.blocks import BlocksInForce
from service.application.breaker import BreakerRules, Breakers
from service.application.clock import Clock
from service.application.evidence_store import HeldOcsp, OcspStore, StoreError
from service.application.flights import Flights
from service.application.nonces import Nonces
from service.application.observer import FetchDetails, Observer, OcspEvent
from service.application.ocsp_keeping import NothingBlocked, OcspKeeper, RevokedSeen, nobody
from service.application.ocsp_memory import OcspMemory
from service.application.ocsp_refresh import OcspRefresher, RefreshReport, RefreshRules, Used
from service.application.ocsp_responders import OcspResponders, Reached, ResponderReport, reached
from service.application.ocsp_sharing import Haste, NotShared, OcspSharing, SharedQuestion
from service.application.ocsp_taking import is_shared_and_older, take_shared, worth_sharing
from service.application.ocsp_tally import FALLBACKS, OcspOutcome, Tally, Tried
from service.application.origin import Origin, OriginAnswer, OriginError, OriginRequest, UrlTrust
from service.core.decision.issuer_policy import policy_for, responders_of
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.evidence_tier import Tier
from service.core.model.malformed import MalformedError
from service.core.model.ocsp import OcspFinding
from service.core.model.policy import OcspNonce, Policy
from service.core.ocsp.cert_id import store_key
from service.core.ocsp.request import encode_request, get_url

MAX_RESPONSE_BYTES = 64 * 1024
"""A response with a delegate's chain of RSA-4096 or ML-DSA certificates stays below; the usual one has 2 KiB."""

MAX_RESPONDERS = 4
"""Responders that one certificate may make us ask; certificates name one, seldom two."""

TURNS_SHARE = 0.5
"""Of the time there is, in which everybody has had his turn to begin: the other half is for the last one to answer."""

LONGEST_TURN_S = 0.2
"""Seconds after which the next responder is asked at the latest: several times what one far away takes to answer."""

WAITING_SHARE = 0.5
"""Of the time there is, in which it is waited for another replica that asks: the other half is for asking ourselves."""

REQUEST_TYPE = "application/ocsp-request"
RESPONSE_TYPE = "application/ocsp-response"

_BEHIND_PATH = frozenset("?#")
"""Where one of these stands in a URL, nothing can be added to its path. Nothing else is read in it: the guard does."""

_HELD_TIERS = {Tier.MEMORY: OcspEvent.MEMORY, Tier.HOST: OcspEvent.HOST}


class Purges(Protocol):
    """Knows what was purged, in whichever worker of the host (`operating.purging.PurgeWatch`)."""

    def look(self, memories: "OcspClient") -> None:
        """Have forgotten what was purged since the last look; must not raise."""


class NothingPurged:
    """Where nobody purges. Implements `Purges`."""

    def look(self, memories: "OcspClient") -> None:
        """Forget nothing."""


@dataclass(frozen=True, slots=True)
class OcspRules:
    """What the operator has decided about asking.

    Attributes:
        policy: The operator's; what a request overrides does not change what is worth keeping.
        timeout_s: Seconds for one responder.
        refresh: When hot answers are asked for again.
        breaker: When hosts that fail are left alone.
        revoked_seen: Ends the verdicts that are kept; called where a revocation comes to be held and none that
            counts was.
        blocks: What is blocked: the answers of a blocked signer are not kept, and the next responder is asked.
        purges: What was purged; looked at before anybody is asked, so that no refusal outlives its purge.
        sharing: What other replicas were told, and are told by this one.
        memory: What was read once; for one client alone.
    """

    policy: Policy
    timeout_s: float
    refresh: RefreshRules = field(default_factory=RefreshRules)
    breaker: BreakerRules = field(default_factory=BreakerRules)
    revoked_seen: RevokedSeen = nobody
    blocks: BlocksInForce = field(default_factory=NothingBlocked)
    purges: Purges = field(default_factory=NothingPurged)
    sharing: OcspSharing = field(default_factory=NotShared)
    memory: OcspMemory = field(default_factory=OcspMemory)


@dataclass(frozen=True, slots=True)
class OcspReport:
    """What one worker knows of responders, and how often it needed none.

    Attributes:
        responders: Every host that was asked, or is left alone.
        events: How often each of these happened since the start, refreshes apart.
        refreshes: What became of refreshes.
        remembered: Questions that are not asked now, since a responder refused to answer them a moment ago.
        in_memory: Responses that were read once and are held.
        memory_octets: Of those.
    """

    responders: tuple[ResponderReport, ...]
    events: Mapping[OcspEvent, int]
    refreshes: RefreshReport
    remembered: int
    in_memory: int
    memory_octets: int = 0


class OcspClient:
    """Asks the responders that a certificate declares, one flight for each certificate."""

    def __init__(
        self, origin: Origin, store: OcspStore, clock: Clock, observer: Observer, rules: OcspRules, nonces: Nonces
    ) -> None:
        """Take the collaborators.

        Args:
            origin: The way out.
            store: Where usable answers are kept for the host.
            clock: Time.
            observer: Is told of each fetch.
            rules: The operator's.
            nonces: Makes them, where the policy wants any.
        """
        self._origin = origin
        self._clock = clock
        self._observer = observer
        self._policy = rules.policy
        self._timeout_s = rules.timeout_s
        self._nonces = nonces
        self._flights: Flights[bytes, OcspOutcome] = Flights()
        self._tallies: dict[bytes, Tally] = {}
        self._questions: dict[bytes, SharedQuestion] = {}
        self._overtaken: set[asyncio.Task[Tried]] = set()
        self._events: Counter[OcspEvent] = Counter()
        self._memory = rules.memory
        self._purges = rules.purges
        self._sharing = rules.sharing
        self._store = store
        self._pardons = 0
        self._keeper = OcspKeeper(store, clock, rules.policy, rules.blocks, rules.revoked_seen)
        self._responders = OcspResponders(Breakers(clock, rules.breaker), clock)
        self._refresher = OcspRefresher(self.ask, store, clock, observer, rules.policy, rules.refresh)

    async def ask(
        self,
        certificate: Certificate,
        issuer: Certificate,
        deadline: float | None = None,
        longest_age: timedelta | None = None,
    ) -> OcspOutcome:
        """Ask until one responder gives an answer that is signed by somebody who may, whatever it says.

        Args:
            certificate: The certificate in question; it chains to an anchor.
            issuer: Its issuer in that chain.
            deadline: Moment of `Clock.monotonic` until which an answer is of use; responders have their share of the
                time until then before the next one is asked. None where no request waits: for as long as one of them
                may take.
            longest_age: Of an answer that another replica was given, before responders are asked all the same; None
                for as long as it lasts.
        """
        self.follow()
        key = store_key(certificate, issuer)
        end = self._clock.monotonic() + self._timeout_s if deadline is None else deadline
        haste = Haste.AHEAD if deadline is None else Haste.WAITED_FOR
        outcome = await self._fly(key, Tally(certificate, issuer), end, haste)
        if longest_age is None or not is_shared_and_older(outcome, longest_age, self._clock.now()):
            return outcome
        return await self._fly(key, Tally(certificate, issuer), end, haste)  # it is held by now, and so it is no news

    def answers_serve_others(self, issuer: Certificate) -> bool:
        """Whether an answer about a certificate of this issuer serves others than those who asked: it has no nonce."""
        return policy_for(issuer, self._policy).ocsp_nonce is OcspNonce.OFF

    def so_far(self, certificate: Certificate, issuer: Certificate) -> OcspOutcome | None:
        """What has come of asking that is still under way; None where nothing is."""
        tally = self._tallies.get(store_key(certificate, issuer))
        return None if tally is None else tally.outcome()

    def recall(self, key: bytes, held: HeldOcsp) -> OcspFinding:
        """What a row of the host's store says (`ocsp_memory`).

        Raises:
            MalformedError: it cannot be read.
            ResponderError: it is an error that a responder reported.
        """
        finding = self._memory.recall(key, held)
        self._count(_HELD_TIERS[finding.tier])
        return finding

    def used(self, used: Used) -> None:
        """Have an answer that was just used asked for again in time; returns at once (`ocsp_refresh`)."""
        self._refresher.used(used)

    def follow(self) -> None:
        """Forget what was purged since the last time, in whichever worker of the host: one read of the store."""
        self._purges.look(self)

    def forget(self) -> None:
        """Ask everybody everything anew that their breakers allow, and read everything anew; held answers stay."""
        self._memory.forget()
        self._responders.forget()
        self._refresher.forget()

    def forget_answers(self) -> None:
        """Read everything anew; held answers stay."""
        self._memory.forget()

    def forget_failures(self) -> None:
        """Ask everybody everything, those included that were left alone."""
        self._pardons += 1
        self._responders.forget()
        self._responders.close_breakers()
        self._refresher.forget()

    def report(self) -> OcspReport:
        """What this worker knows."""
        return OcspReport(
            responders=self._responders.report(),
            events=MappingProxyType(dict(self._events)),
            refreshes=self._refresher.report(),
            remembered=self._responders.remembered(),
            in_memory=len(self._memory),
            memory_octets=self._memory.octets,
        )

    async def aclose(self) -> None:
        """End what is under way."""
        await self._refresher.aclose()
        await self._flights.aclose()
        await self._sharing.aclose()
        await asyncio.gather(*self._overtaken, return_exceptions=True)

    async def _fly(self, key: bytes, tally: Tally, end: float, haste: Haste) -> OcspOutcome:
        held, now = self._held(key), self._clock.monotonic()
        until = now + (end - now) * WAITING_SHARE
        if haste is Haste.WAITED_FOR and (under_way := self._questions.get(key)) is not None:
            under_way.hurry(until)
        question = SharedQuestion(key, None if held is None else held.fetched_at, until, haste)
        return await self._flights.join(key, lambda: self._ask(question, tally, end))

    async def _ask(self, question: SharedQuestion, tally: Tally, end: float) -> OcspOutcome:
        key, issuer = question.key, tally.issuer
        urls = responders_of(tally.certificate, policy_for(issuer, self._policy))[:MAX_RESPONDERS]
        self._tallies[key], self._questions[key] = tally, question
        try:
            if urls and self.answers_serve_others(issuer):
                await self._ask_others(question, urls, tally, end)
            else:
                await self._ask_responders(key, urls, tally, end)
            return tally.outcome()
        finally:
            del self._tallies[key], self._questions[key]

    async def _ask_others(self, question: SharedQuestion, urls: tuple[str, ...], tally: Tally, end: float) -> None:
        """Take what another replica was told, or ask responders and have it told what they said."""
        key = question.key
        if all(self._responders.leaves_alone(url, key) for url in urls):
            question.until = None
        async with self._sharing.turn(question) as turn:
            if await take_shared(turn, urls, self._keeper, tally):
                self._count(OcspEvent.REDIS)
                return
            await self._ask_responders(key, urls, tally, end)
            held = self._held(key)
            shared = None if held is None else worth_sharing(held, tally, self._policy.clock_skew)
            if shared is not None:
                turn.give(shared)

    async def _ask_responders(self, key: bytes, urls: tuple[str, ...], tally: Tally, end: float) -> None:
        waiting = list(self._responders.ordered(dict.fromkeys(urls)))
        left_s = max(0.0, end - self._clock.monotonic())
        turn_s = min(left_s * TURNS_SHARE / max(1, len(waiting)), LONGEST_TURN_S)
        running: dict[asyncio.Task[Tried], str] = {}
        try:
            while waiting or running:
                if waiting and not self._begin(waiting.pop(0), key, tally, running):
                    continue
                await self._next(running, tally, turn_s if waiting else None)
                if tally.answer is not None:
                    break
            while tally.keeping:
                await self._next(running, tally, None)
        finally:
            self._overtake(running, tally)

    def _held(self, key: bytes) -> HeldOcsp | None:
        try:
            return self._store.find_ocsp(key)
        except StoreError:
            return None

    def _begin(self, url: str, key: bytes, tally: Tally, running: dict[asyncio.Task[Tried], str]) -> bool:
        """Ask a responder, unless it is not to be asked now; whether anybody is to be waited for."""
        refusal = self._responders.refusal(url, key)
        if refusal is None:
            tally.under_way[url] = None
            running[asyncio.create_task(self._ask_one(url, key, tally))] = url
            return True
        self._count(OcspEvent.NOT_TRIED if refusal.problem is Problem.NOT_TRIED else OcspEvent.REMEMBERED)
        tally.add(Tried(attempt=refusal))
        return False

    async def _next(self, running: dict[asyncio.Task[Tried], str], tally: Tally, turn_s: float | None) -> None:
        """Wait until somebody has answered, or until it is the next one's turn."""
        done, _ = await asyncio.wait(running, timeout=turn_s, return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in running if task in done]:
            url = running.pop(task)
            del tally.under_way[url]
            tally.keeping.discard(url)
            tally.add(task.result())

    def _overtake(self, running: Iterable[asyncio.Task[Tried]], tally: Tally) -> None:
        """End what is still under way, without waiting for that."""
        if tally.answer is not None:
            for url in tally.under_way:
                self._responders.overtaken(url)
        for task in running:
            task.cancel()
            self._overtaken.add(task)
            task.add_done_callback(self._overtaken.discard)

    async def _ask_one(self, url: str, key: bytes, tally: Tally) -> Tried:
        started, pardons = self._clock.monotonic(), self._pardons
        tried, host = await self._try_one(url, tally)
        seconds = self._clock.monotonic() - started
        problem, detail = (None, "") if tried.attempt is None else (tried.attempt.problem, tried.attempt.detail)
        self._observer.fetched(FetchDetails("ocsp", url, problem, detail, seconds))
        if tried.attempt is None:
            self._responders.answered(url, key, seconds)
        else:
            self._responders.refused(key, tried.attempt, host)
            if pardons != self._pardons:  # it was asked before the purge: whatever was repaired, it may not have been
                self._responders.pardoned(url, key)
        return tried

    async def _try_one(self, url: str, tally: Tally) -> tuple[Tried, Reached]:
        certificate, issuer = tally.certificate, tally.issuer
        policy = policy_for(issuer, self._policy)
        trust = UrlTrust.OPERATOR if url in policy.ocsp_urls.urls else UrlTrust.CERTIFICATE
        nonce = None if policy.ocsp_nonce is OcspNonce.OFF else self._nonces.new()
        request = encode_request(certificate, issuer, nonce)
        try:
            answer = await self._fetch(url, trust, request, get_url(url, request) if nonce is None else None)
            finding = OcspFinding(read_ocsp_response(answer.body), url, Tier.ORIGIN, nonce)
        except OriginError as error:
            return Tried(attempt=Attempt(url, error.problem, error.detail)), reached(error)
        except ResponderError as error:
            return Tried(attempt=Attempt(url, Problem.RESPONDER_ERROR, str(error))), Reached.ANSWERED
        except MalformedError as error:
            return Tried(attempt=Attempt(url, Problem.MALFORMED, error.reason)), Reached.ANSWERED
        tally.keeping.add(url)
        refused = await self._keeper.keep(finding, answer.body, certificate, issuer)
        if refused is None:
            return Tried(finding), Reached.ANSWERED
        return Tried(finding if refused.problem in FALLBACKS else None, refused), Reached.ANSWERED

    async def _fetch(self, url: str, trust: UrlTrust, request: bytes, short: str | None) -> OriginAnswer:
        accept = ("accept", RESPONSE_TYPE)
        if short is not None and not _BEHIND_PATH.intersection(url):
            return await self._origin.fetch(
                OriginRequest(short, trust, MAX_RESPONSE_BYTES, self._timeout_s, headers=(accept,))
            )
        headers = (accept, ("content-type", REQUEST_TYPE))
        return await self._origin.fetch(
            OriginRequest(url, trust, MAX_RESPONSE_BYTES, self._timeout_s, request, headers)
        )

    def _count(self, event: OcspEvent) -> None:
        self._events[event] += 1
        self._observer.ocsp(event)
