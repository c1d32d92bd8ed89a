"""Hot answers are asked for again before they end, so that nobody waits for a responder.

Rules it keeps: only an answer that a verdict was just based on is refreshed, so that the certificate chains to an
anchor and is in use; one flight each, a bounded number of them, and nobody waits for them. What another worker has
fetched meanwhile is not fetched again. A refresh that brought nothing newer is not tried again for seconds, for twice
as long each time; the held answer serves until its end, whatever becomes of the refresh.

With nonces nothing is refreshed: what is held is not known to be new, each request asks for itself, and a refresh would
only put a question more.

What it does not do: fetch (`OcspClient.ask`), or decide what is kept.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from service.application.clock import Clock
from service.application.evidence_store import HeldOcsp, OcspStore, StoreError
from service.application.observer import Observer, OcspEvent
from service.core.decision.issuer_policy import policy_for, responders_of
from service.core.freshness.window import DEFAULT_OCSP_AGE, later
from service.core.model.certificate import Certificate
from service.core.model.policy import OcspNonce, Policy
from service.core.ocsp.cert_id import store_key

FRACTION: Final = 0.5
"""Of an answer's life, after which it is asked for again: half of it is left for responders that are down. RFC 5019
§6.1 has clients fetch nothing twice before its end; those that wait until then make requests wait."""

JITTER: Final = 0.2
"""By how much of that fraction it may be earlier: answers that began together are not asked for together."""

MOST_AT_ONCE: Final = 8
"""Refreshes under way in one worker: as many exchanges as one host gets anyway (`adapters.http.slots`)."""

MOST_WAITING: Final = 256
"""Refreshes that wait for a place. Whoever finds none is used again soon, and then asks again."""

REST_S: Final = 5.0
"""Seconds for which an answer is left alone after a refresh that brought nothing newer."""

LONGEST_REST_S: Final = 60.0
"""Seconds at which doubling ends: within a minute of its return a responder is asked again."""

MOST_RESTING: Final = 4096
"""Answers that are left alone; who is pushed out is merely asked for once more."""

_HASHED: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class RefreshRules:
    """When hot answers are asked for again.

    Attributes:
        fraction: Of an answer's life, after which that is done.
        at_once: Refreshes under way.
        waiting: Refreshes that wait for a place, besides.
    """

    fraction: float = FRACTION
    at_once: int = MOST_AT_ONCE
    waiting: int = MOST_WAITING


@dataclass(frozen=True, slots=True)
class Used:
    """An answer that a verdict was based on.

    Attributes:
        certificate: What it is about; it chains to an anchor.
        issuer: Its issuer in that chain.
    """

    certificate: Certificate
    issuer: Certificate
    this_update: datetime
    next_update: datetime | None


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What became of refreshes since the start.

    Attributes:
        renewed: Another answer came.
        unchanged: The same came again: some responders sign ahead.
        failed: None came.
        dropped: There was no place to wait in.
        under_way: Now, those that wait included.
    """

    renewed: int
    unchanged: int
    failed: int
    dropped: int
    under_way: int


@dataclass(frozen=True, slots=True)
class _Rest:
    """An answer that is left alone until a moment of `Clock.monotonic`, for so many seconds."""

    until: float
    seconds: float


class OcspRefresher:
    """Asks for hot answers again. For one event loop."""

    def __init__(
        self,
        ask: Callable[[Certificate, Certificate], Awaitable[object]],
        store: OcspStore,
        clock: Clock,
        observer: Observer,
        policy: Policy,
        rules: RefreshRules,
    ) -> None:
        """Take the collaborators.

        Args:
            ask: Asks the responders of a certificate, and has what is usable held.
            store: Where answers are held.
            clock: Time.
            observer: Is told what became of each refresh.
            policy: The operator's.
            rules: When and how many.
        """
        self._ask = ask
        self._store = store
        self._clock = clock
        self._observer = observer
        self._policy = policy
        self._rules = rules
        self._places = asyncio.Semaphore(rules.at_once)
        self._tasks: dict[bytes, asyncio.Task[None]] = {}
        self._resting: OrderedDict[bytes, _Rest] = OrderedDict()
        self._counts: Counter[OcspEvent] = Counter()

    def used(self, used: Used) -> None:
        """Have an answer refreshed where its time has come; returns at once, and raises nothing.

        Whoever used it has its answer: a store that cannot be read is no reason to disturb them.
        """
        policy = policy_for(used.issuer, self._policy)
        if policy.ocsp_nonce is not OcspNonce.OFF or not responders_of(used.certificate, policy):
            return
        if self._clock.now() < self._point(used, self._rules.fraction * (1 - JITTER)):
            return
        key = store_key(used.certificate, used.issuer)
        if key in self._tasks or self._rests(key) or self._due(key, used) is None:
            return
        if len(self._tasks) >= self._rules.at_once + self._rules.waiting:
            self._count(OcspEvent.REFRESH_DROPPED)
            return
        task = asyncio.create_task(self._refresh(key, used))
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    def forget(self) -> None:
        """Leave nothing alone."""
        self._resting.clear()

    def report(self) -> RefreshReport:
        """What became of refreshes."""
        counts = self._counts
        return RefreshReport(
            renewed=counts[OcspEvent.REFRESHED],
            unchanged=counts[OcspEvent.REFRESH_UNCHANGED],
            failed=counts[OcspEvent.REFRESH_FAILED],
            dropped=counts[OcspEvent.REFRESH_DROPPED],
            under_way=len(self._tasks),
        )

    async def aclose(self) -> None:
        """End what is under way."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _refresh(self, key: bytes, used: Used) -> None:
        async with self._places:
            before = self._due(key, used)
            if before is None:
                return  # another worker was quicker
            await self._ask(used.certificate, used.issuer)
            outcome = self._outcome(key, before)
            self._count(outcome)
            if outcome is OcspEvent.REFRESHED:
                self._resting.pop(key, None)
            else:
                self._rest(key)

    def _count(self, event: OcspEvent) -> None:
        self._counts[event] += 1
        self._observer.ocsp(event)

    def _due(self, key: bytes, used: Used) -> HeldOcsp | None:
        """The held answer, where its time to be asked for again has come."""
        try:
            held = self._store.find_ocsp(key)
        except StoreError:
            return None
        if held is None:
            return None
        share = int.from_bytes(key[:4], "big") / _HASHED
        fraction = self._rules.fraction * (1 - JITTER * share)
        due = self._point(used, fraction)
        if held.fetched_at >= due:
            # This is what the responder had by then: half of what is left is waited for, and so on.
            due = held.fetched_at + max((self._end(used) - held.fetched_at) * fraction, timedelta(seconds=REST_S))
        return held if self._clock.now() >= due else None

    def _outcome(self, key: bytes, before: HeldOcsp) -> OcspEvent:
        try:
            held = self._store.find_ocsp(key)
        except StoreError:
            return OcspEvent.REFRESH_FAILED
        if held is None or held == before:
            return OcspEvent.REFRESH_FAILED
        return OcspEvent.REFRESHED if held.response != before.response else OcspEvent.REFRESH_UNCHANGED

    def _point(self, used: Used, fraction: float) -> datetime:
        """When that fraction of an answer's life has passed."""
        return used.this_update + max(self._end(used) - used.this_update, timedelta()) * fraction

    def _end(self, used: Used) -> datetime:
        """When an answer ends, tolerances apart (`core.freshness.window`)."""
        ends = [] if used.next_update is None else [used.next_update]
        age = self._policy.max_evidence_age
        if age is None and used.next_update is None:
            age = DEFAULT_OCSP_AGE
        if age is not None:
            ends.append(later(used.this_update, age))
        return min(ends)

    def _rests(self, key: bytes) -> bool:
        rest = self._resting.get(key)
        return rest is not None and self._clock.monotonic() < rest.until

    def _rest(self, key: bytes) -> None:
        before = self._resting.pop(key, None)
        seconds = REST_S if before is None else min(2 * before.seconds, LONGEST_REST_S)
        self._resting[key] = _Rest(self._clock.monotonic() + seconds, seconds)
        if len(self._resting) > MOST_RESTING:
            self._resting.popitem(last=False)
