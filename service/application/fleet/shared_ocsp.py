"""OCSP answers through the fleet's cache: one worker of all asks about a certificate, and the others take that.

Rules it keeps: what is given out was in an authentic envelope about this very question, fetched of late, and later than
what the host has; it is as small as a response may be. Whoever is to ask has the lease, and it stays his until what he
came to hold is written, so that nobody asks who could have read. Whoever has not got it looks again until there is
something, the lease is free, or the time is over that he can wait; then he asks as well. A holder that was told
nothing writes nothing: the next one tries. Where the cache is gone everybody asks at once, and nobody's
answer waits for what is written.

What it does not do: verify a response (`application.ocsp_taking`), or decide whether one is worth keeping.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Final, assert_never

from service.application.evidence_store import HeldOcsp
from service.application.fleet.cache import COMMAND_S, FleetUnavailableError
from service.application.fleet.envelope import MAGIC, MAX_HEADER_OCTETS, Envelope, EnvelopeKind, Refusal
from service.application.fleet.lease import leased
from service.application.fleet.parts import FleetParts
from service.application.fleet.patience import Absence, Patience
from service.application.fleet.telling import FleetEvent, RefusedDetails
from service.application.ocsp_client import MAX_RESPONSE_BYTES
from service.application.ocsp_sharing import OcspTurn, SharedOcsp, SharedQuestion

LEASE_S: Final = 2.0
"""Seconds that a lease lasts, unless its holder works on: as long as one responder may take (`REVET_OCSP_TIMEOUT_S`),
and so at most what a holder that died costs the others. None of them waits longer for anybody."""

POLL_S: Final = 0.02
"""Seconds between two looks at one answer: a tenth of what a responder far away takes."""

MOST_LOOKS: Final = 1000
"""Looks of one worker in a second, at all that it waits for: a fifth of what it has time for. Beyond twenty answers at
once each is looked at less often."""

AT_ONCE: Final = 6
"""Commands under way in one worker: fewer than it has connections (`adapters.redis.nodes`). Whoever has a hundred new
certificates at once waits here, where waiting is no failure."""

MAX_URL_OCTETS: Final = 4096
"""As long as certificates have any."""

_LENGTH_OCTETS: Final = 2

_MAC_OCTETS: Final = 32

MAX_OCTETS: Final = (
    len(MAGIC) + _MAC_OCTETS + 2 + MAX_HEADER_OCTETS + _LENGTH_OCTETS + MAX_URL_OCTETS + MAX_RESPONSE_BYTES
)
"""No envelope of an answer is longer: what is, is not even authenticated."""


class SharedOcspAnswers:
    """OCSP answers in the fleet's cache. For one event loop. Implements `OcspSharing`."""

    def __init__(self, parts: FleetParts) -> None:
        """Take what the room works with."""
        self._parts = parts
        self._desk = _Desk(asyncio.Semaphore(AT_ONCE))
        self._endings: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def turn(self, question: SharedQuestion) -> AsyncIterator[OcspTurn]:
        """A turn for one question; what it leaves to be written is written afterwards, and then the lease is free."""
        turn = _Turn(self._parts, self._desk, question)
        try:
            yield turn
        finally:
            if turn.has_an_end:
                ending = asyncio.create_task(turn.end())
                self._endings.add(ending)
                ending.add_done_callback(self._endings.discard)

    async def aclose(self) -> None:
        """Wait for what is being written: a command's time or two."""
        await asyncio.gather(*self._endings, return_exceptions=True)


class _Stage(Enum):
    """How far a turn has come."""

    FIRST = "first"
    """Nobody has looked."""
    SEARCHING = "searching"
    """There was nothing; somebody else may be asking."""
    LAST = "last"
    """It is looked no more."""


@dataclass(slots=True)
class _Desk:
    """What all turns of one worker share.

    Attributes:
        places: For commands.
        waiting: How many questions wait for what another worker is told.
        absence: Whether the cache answers.
    """

    places: asyncio.Semaphore
    waiting: int = 0
    absence: Absence = field(default_factory=Absence)


class _Turn:
    """One question. Implements `OcspTurn`."""

    def __init__(self, parts: FleetParts, desk: _Desk, question: SharedQuestion) -> None:
        self._parts = parts
        self._desk = desk
        self._question = question
        self._name = parts.names.ocsp(question.key)
        self._stage = _Stage.FIRST
        self._begun = parts.clock.monotonic()
        self._patience = Patience(parts.clock, desk.absence, lambda: question.haste)
        self._lease: AsyncExitStack | None = None
        self._told: set[FleetEvent] = set()
        self._seen: bytes | None = None
        self._given: HeldOcsp | None = None

    @property
    def has_an_end(self) -> bool:
        """Whether there is something to be written, or to be given back."""
        return self._given is not None or self._lease is not None

    async def look(self) -> SharedOcsp | None:
        """What others have written; see `OcspTurn`."""
        try:
            while await self._goes_on():
                found = await self._find()
                if found is not None:
                    return found
        except FleetUnavailableError:
            self._stage = _Stage.LAST
            self._tell(FleetEvent.UNAVAILABLE)
            return None
        if self._lease is not None:
            self._tell(FleetEvent.LEASED)
        return None

    def taken(self) -> None:
        """What was given serves; see `OcspTurn`."""
        self._tell(FleetEvent.HIT)

    def refused(self, why: str) -> None:
        """What was given is of no use; see `OcspTurn`."""
        about = f"{self._question.key.hex()}: {why}"
        self._parts.observer.refused(RefusedDetails(EnvelopeKind.OCSP, Refusal.REFUSED, about))

    def give(self, held: HeldOcsp) -> None:
        """Have it written; see `OcspTurn`."""
        self._given = held

    async def end(self) -> None:
        """Write what is to be written, and give the lease back."""
        try:
            if self._given is not None:
                await self._write(self._given)
        except FleetUnavailableError:
            self._tell(FleetEvent.UNAVAILABLE)
        finally:
            if self._lease is not None:
                async with self._desk.places:
                    await self._lease.aclose()

    async def _goes_on(self) -> bool:
        """Whether to look now: at once, then as often as somebody else may have written, then no more."""
        match self._stage:
            case _Stage.FIRST:
                self._stage = _Stage.SEARCHING
                return True
            case _Stage.SEARCHING:
                self._tell(FleetEvent.MISS)
                return self._question.until is not None and await self._waits()
            case _Stage.LAST:
                return False
            case _:
                assert_never(self._stage)

    async def _waits(self) -> bool:
        """Wait for whoever asks, or become the one who does; whether to look again."""
        if await self._patience.ask(self._leases):
            self._stage = _Stage.LAST  # once more: whoever had it may have written since
            return True
        self._tell(FleetEvent.WAITED)
        left = self._left()
        if left <= 0:
            self._stage = _Stage.LAST
            self._tell(FleetEvent.OVERDUE)
            return False
        self._desk.waiting += 1
        try:
            await self._parts.clock.sleep(min(max(POLL_S, self._desk.waiting / MOST_LOOKS), left))
        finally:
            self._desk.waiting -= 1
        return True

    async def _leases(self) -> bool:
        lease = leased(self._parts.cache, self._parts.names.ocsp_lease(self._question.key), LEASE_S)
        async with self._place(), AsyncExitStack() as stack:
            if not await stack.enter_async_context(lease):
                return False
            self._lease = stack.pop_all()
        return True

    async def _find(self) -> SharedOcsp | None:
        """What is there, unless it was seen before, is refused, or is no news."""
        octets = await self._patience.ask(self._get)
        if octets is None or octets == self._seen:
            return None
        self._seen = octets
        about = self._question.key.hex()
        if len(octets) > MAX_OCTETS:
            self._parts.observer.refused(RefusedDetails(EnvelopeKind.OCSP, Refusal.MALFORMED, about))
            return None
        envelope = self._parts.open_fetched(octets, EnvelopeKind.OCSP, about)
        if envelope is None or (self._question.since is not None and envelope.at <= self._question.since):
            return None
        found = _decoded(envelope)
        if found is None:
            self._parts.observer.refused(RefusedDetails(EnvelopeKind.OCSP, Refusal.MALFORMED, about))
        return found

    async def _get(self) -> bytes | None:
        async with self._place():
            return await self._parts.cache.get(self._name)

    async def _write(self, held: HeldOcsp) -> None:
        source = held.source.encode()
        if len(source) > MAX_URL_OCTETS:
            return
        content = len(source).to_bytes(_LENGTH_OCTETS) + source + held.response
        octets = self._parts.seal(EnvelopeKind.OCSP, self._question.key.hex(), content, held.fetched_at)
        left = min(held.expires_at - self._parts.clock.now(), self._parts.rules.max_shared_age)
        async with self._desk.places:
            await self._parts.cache.put(self._name, octets, left / timedelta(seconds=1))
        self._tell(FleetEvent.WRITTEN)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """A place for a command, as soon as there is one, and not when it is too late to wait.

        Raises:
            FleetUnavailableError: it is.
        """
        try:
            async with asyncio.timeout(max(self._left(), COMMAND_S)):
                await self._desk.places.acquire()
        except TimeoutError:
            raise FleetUnavailableError("too much else is asked from here") from None
        try:
            yield
        finally:
            self._desk.places.release()

    def _left(self) -> float:
        """Seconds that are left for waiting."""
        until, lease_ends = self._question.until, self._begun + LEASE_S
        return (self._begun if until is None else min(until, lease_ends)) - self._parts.clock.monotonic()

    def _tell(self, event: FleetEvent) -> None:
        """Tell what happened: each once for a question, however often it was looked."""
        if event not in self._told:
            self._told.add(event)
            self._parts.observer.fleet(EnvelopeKind.OCSP, event)


def _decoded(envelope: Envelope) -> SharedOcsp | None:
    """What an envelope has in it; None where it is no answer."""
    content = envelope.content
    begin = _LENGTH_OCTETS + int.from_bytes(content[:_LENGTH_OCTETS])
    source, response = content[_LENGTH_OCTETS:begin], content[begin:]
    if begin - _LENGTH_OCTETS > MAX_URL_OCTETS or not 0 < len(response) <= MAX_RESPONSE_BYTES:
        return None
    try:
        return SharedOcsp(response, source.decode(), envelope.at)
    except UnicodeDecodeError:
        return None
