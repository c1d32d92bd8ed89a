"""CRLs that replicas share through the fleet's cache: one asks the origin, and the others take what he came to hold.

What is there of a URL is an envelope that says which version its origin has and when it was asked, and the pieces of
that version where somebody had to read it. Whoever has to ask looks there first, then asks for the URL's lease; who
does not get it looks again until there is something newer, the lease is free, or a lease's time has passed.

Rules it keeps: what was fetched by the time that is known here is nothing new; pieces are those of the digest, or
nothing; only what this host holds, or has waiting, is written; whatever goes wrong with the cache leaves this host
where it would be without one, and has it ask the origin, in no more time than the origin itself would have. Without a
key nobody's word is taken for what an origin has for longer than the fleet allows: then this host asks it itself. What
is written says what a place is called (`names`), and not where it is: a URL may have credentials in it.

What it does not do: verify a CRL, or decide which URLs are everybody's (`crl_sharing.SharedWhere`).
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Final, TypeVar

from service.application.crl_delivery import AnswerFrom
from service.application.crl_sharing import (
    CrlTurn,
    FetchedCrl,
    SharedCrl,
    SharedCrlError,
    SharingQuestion,
    Word,
    is_version,
)
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.crl_versions import (
    PIECE_OCTETS,
    Body,
    SharedVersion,
    VersionError,
    read_version,
    write_version,
)
from service.application.fleet.envelope import Envelope, EnvelopeError, EnvelopeKind, Refusal, Times
from service.application.fleet.events import CrlEvent, encode_event
from service.application.fleet.lease import leased
from service.application.fleet.parts import FleetParts
from service.application.fleet.patience import Absence, Patience
from service.application.fleet.telling import FleetEvent, RefusedDetails
from service.application.origin_headers import OriginHeaders

LEASE_S: Final = 10.0
"""Seconds for which a URL is one replica's to ask for, unless it renews that; and for which the others wait at most: a
CRL of some megabytes over a slow line, and no more than half a minute's outage of one that died."""

LOOK_EVERY_S: Final = 0.05
"""Seconds between two looks of whoever waits: two small commands, a tenth of a request's default deadline."""

LINGER_S: Final = 60.0
"""Seconds for which the pieces of a version that was replaced stay, for those who are reading them, and for which
pieces outlive the envelope that names them."""

OVERDUE_S: Final = 1.0
"""Seconds for which the others wait at most while somebody lets leases go by: whoever waits has one of a few places for
attempts, and thousands of sources may be due."""

SUSPECT_S: Final = 60.0
"""Seconds after a lease's time has passed for which that is so."""

MOST_OFFERS: Final = 3
"""Of what is there in one turn, before the origin is asked: what others write meanwhile is of use, or comes from
somebody who writes one useless thing after the other."""

MAX_REMEMBERED: Final = 16_384
"""URLs of which it is remembered when they were last asked for: more than there are sources."""

Moment = TypeVar("Moment", datetime, float)


class SharedCrls:
    """Shares CRLs. Implements `CrlSharing`; for one event loop."""

    def __init__(self, parts: FleetParts) -> None:
        """Take the cache; nothing is known yet."""
        self._parts = parts
        self._began = parts.clock.monotonic()
        self._checked: OrderedDict[str, datetime] = OrderedDict()
        self._asked: OrderedDict[str, float] = OrderedDict()
        self._overdue_at: float | None = None
        self.absence = Absence()

    @asynccontextmanager
    async def turn(self, question: SharingQuestion) -> AsyncIterator[CrlTurn]:
        """A turn at a URL; the lease that it took has ended when it has."""
        async with AsyncExitStack() as stack:
            yield _Turn(self._parts, question, self, stack)

    def checked(self, url: str) -> datetime | None:
        """When the origin was last asked for what this process has of a URL; None where that is not remembered."""
        return self._checked.get(url)

    def note(self, url: str, at: datetime) -> None:
        """Remember that this process has what an origin gave somebody at a moment, which is none of the future."""
        now = self._parts.clock.now()
        known, at = self._checked.get(url), min(at, now)
        if known is not None and known <= now:  # else the clock was set back
            at = max(at, known)
        _remember(self._checked, url, at)

    def note_answered(self, url: str) -> None:
        """Remember that this process has asked the origin itself, and has what it gave."""
        _remember(self._asked, url, self._parts.clock.monotonic())

    def note_overdue(self) -> None:
        """Remember that nobody wrote anything in a lease's time."""
        self._overdue_at = self._parts.clock.monotonic()

    def longest_wait_s(self) -> float:
        """Seconds for which it is worth waiting for whoever has a lease."""
        now = self._parts.clock.monotonic()
        return LEASE_S if self._overdue_at is None or now - self._overdue_at >= SUSPECT_S else OVERDUE_S

    def is_own_turn(self, url: str) -> bool:
        """Whether this process has to ask the origin itself where nobody vouches for what the others say.

        Whoever can write to the cache could say for ever that nothing is new. A process that has just begun may start
        with what the others have.
        """
        since = self._parts.clock.monotonic() - self._asked.get(url, self._began)
        return since >= self._parts.rules.max_shared_age.total_seconds()


def _remember(moments: OrderedDict[str, Moment], url: str, moment: Moment) -> None:
    moments[url] = moment
    moments.move_to_end(url)
    if len(moments) > MAX_REMEMBERED:
        moments.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _There:
    """What somebody has written."""

    at: datetime
    version: SharedVersion


class _Turn:
    """One turn at one URL. Implements `CrlTurn`."""

    def __init__(self, parts: FleetParts, question: SharingQuestion, crls: SharedCrls, stack: AsyncExitStack) -> None:
        self._parts = parts
        self._cache = parts.cache
        self._clock = parts.clock
        self._question = question
        self._url = question.request.url
        self._name = parts.names.crl(self._url)
        self._crls = crls
        self._stack = stack
        self._patience = Patience(parts.clock, crls.absence, question.haste)
        self._offers = 0
        self._seen: bytes | None = None
        self._is_holder = False
        self._has_missed = False
        self._is_doubtful = False
        self._until: float | None = None

    async def newer(self) -> SharedCrl | None:
        """What another replica has fetched after what is known; None where the origin is to be asked."""
        try:
            match self._question.answer_from:
                case _ if self._offers >= MOST_OFFERS:
                    return None
                case AnswerFrom.FLEET_ALONE:
                    return None if self._is_for_itself() else await self._patience.ask(self._look)
                case AnswerFrom.FLEET_FIRST if not self._is_for_itself():
                    return await self._patience.ask(self._look_or_wait)
                case AnswerFrom.FLEET_FIRST | AnswerFrom.ORIGIN:  # the others may wait for what comes of it
                    await self._is_ours()
                    return None
        except FleetUnavailableError:
            self._told(FleetEvent.UNAVAILABLE)
            return None

    def took(self, shared: SharedCrl) -> None:
        """It is held, or is what is held."""
        self._crls.note(self._url, shared.at)
        self._told(FleetEvent.HIT)

    def refused(self, shared: SharedCrl) -> None:
        """Something of it is not what it was said to be."""
        del shared
        self._refuse(Refusal.REFUSED)

    async def tell(self, fetched: FetchedCrl) -> None:
        """Let the others have what came of asking the origin; nothing that goes wrong is raised."""
        self._crls.note(self._url, fetched.at)
        self._crls.note_answered(self._url)
        try:
            async with asyncio.timeout(self._question.request.timeout_s):
                if await self._patience.ask(partial(self._written, fetched)):
                    self._told(FleetEvent.WRITTEN)
        except (FleetUnavailableError, TimeoutError):
            self._told(FleetEvent.UNAVAILABLE)

    def _is_for_itself(self) -> bool:
        """Whether only the origin's word counts: without a key anybody may have written what is there."""
        if self._parts.rules.keys.authenticate:
            return False
        return self._question.word is Word.VOUCHED_FOR or self._crls.is_own_turn(self._url)

    async def _look_or_wait(self) -> SharedCrl | None:
        while True:
            found = await self._look()
            if found is not None or self._is_holder:  # who has taken the lease has looked once more
                return found
            if not self._has_missed:
                self._has_missed = True
                self._told(FleetEvent.MISS)
            if await self._is_ours():
                continue
            now = self._clock.monotonic()
            if self._until is None:
                self._until = now + self._crls.longest_wait_s()
                self._told(FleetEvent.WAITED)
            elif now >= self._until:
                self._crls.note_overdue()
                self._told(FleetEvent.OVERDUE)
                return None
            await self._clock.sleep(LOOK_EVERY_S)

    async def _is_ours(self) -> bool:
        """Whether this turn has the lease, which it keeps until it ends."""
        if not self._is_holder:
            async with AsyncExitStack() as asking:
                lease = leased(self._cache, self._parts.names.crl_lease(self._url), LEASE_S)
                self._is_holder = await asking.enter_async_context(lease)
                if self._is_holder:
                    self._stack.push_async_exit(asking.pop_all())
                    self._told(FleetEvent.LEASED)
        return self._is_holder

    async def _look(self) -> SharedCrl | None:
        """What is there, where it is newer than what is known, and nobody has looked at it in this turn."""
        octets = await self._cache.get(self._name)
        if octets is None or octets == self._seen:
            return None
        self._seen = octets
        try:
            envelope = self._opened(octets, self._parts.rules.max_shared_age)
            if self._is_known(envelope.at):
                return None
            version = read_version(envelope.content)
        except EnvelopeError as error:
            self._refuse(error.refusal)
            return None
        except VersionError:
            self._refuse(Refusal.MALFORMED)
            return None
        body = version.body
        if body is not None and body.octets > self._question.request.max_bytes:
            self._refuse(Refusal.REFUSED)
            return None
        self._offers += 1
        digest, size = (None, None) if body is None else (body.digest, body.octets)
        is_vouched_for = self._parts.rules.keys.authenticate
        return SharedCrl(envelope.at, digest, version.said, size, is_vouched_for, self._pieces(body))

    def _is_known(self, at: datetime) -> bool:
        """Whether nothing is new that was fetched at a moment.

        What this process remembers comes first: that is when the origin was asked, and a record says when it had
        answered. What lies in the future is of a clock that was set back, and says nothing.
        """
        latest = self._clock.now() + self._parts.rules.skew
        known = (one for one in (self._crls.checked(self._url), self._question.after) if one is not None)
        moment = next((one for one in known if one <= latest), None)
        return moment is not None and at <= moment

    async def _pieces(self, body: Body | None) -> AsyncGenerator[bytes, None]:
        """The octets of a version.

        Raises:
            SharedCrlError: they are not there, or not those of its digest.
        """
        if body is None:
            raise SharedCrlError
        whole, until = sha256(), asyncio.get_running_loop().time() + self._question.request.timeout_s
        for octets, name in zip(body.pieces, self._names_of(body), strict=True):
            try:
                async with asyncio.timeout_at(until):
                    piece = await self._patience.ask(partial(self._cache.get_piece, name))
            except (FleetUnavailableError, TimeoutError):
                self._told(FleetEvent.UNAVAILABLE)
                raise SharedCrlError from None
            if piece is None or len(piece) != octets:
                self._refuse(Refusal.INCOMPLETE)
                raise SharedCrlError
            whole.update(piece)
            yield piece
        if whole.digest() != body.digest:
            self._refuse(Refusal.INCOMPLETE)
            raise SharedCrlError

    async def _written(self, fetched: FetchedCrl) -> bool:
        """Write what was fetched, unless there is something newer; whether it was written."""
        there = await self._there()
        if there is not None and there.at > fetched.at:
            return False
        before = SharedVersion(OriginHeaders()) if there is None else there.version
        ttl_s = self._parts.rules.max_shared_age.total_seconds()
        body = await self._body_of(fetched, before, ttl_s + LINGER_S)
        content = write_version(SharedVersion(fetched.said, body))
        await self._cache.put(self._name, self._parts.seal(EnvelopeKind.CRL, self._name, content, fetched.at), ttl_s)
        event = encode_event(CrlEvent(self._name))
        sealed = self._parts.seal(EnvelopeKind.EVENT, self._parts.rules.replica, event)
        await self._cache.tell(self._parts.names.events, sealed)
        if before.body is not None and before.body != body:
            await self._cache.keep_pieces(self._names_of(before.body), LINGER_S)
        return True

    async def _body_of(self, fetched: FetchedCrl, before: SharedVersion, ttl_s: float) -> Body | None:
        """The octets of what was fetched, now in the cache; None where they did not come, and are not there."""
        data, old = fetched.data, before.body
        if data is None:
            if old is None or fetched.known is None:
                return None
            is_same = is_version(fetched.known, old.digest, before.said.validators)
            return old if is_same and await self._kept(old, ttl_s) else None
        body = Body(await asyncio.to_thread(lambda: sha256(data).digest()), len(data))
        if body == old and await self._kept(body, ttl_s):
            return body
        for number, name in enumerate(self._names_of(body)):
            start = number * PIECE_OCTETS
            await self._cache.put_piece(name, bytes(data[start : start + PIECE_OCTETS]), ttl_s)
        return body

    async def _kept(self, body: Body, ttl_s: float) -> bool:
        """Whether the pieces of a version are there, for so long from now on."""
        return await self._cache.keep_pieces(self._names_of(body), ttl_s)

    def _names_of(self, body: Body) -> tuple[str, ...]:
        return tuple(self._parts.names.piece(self._url, body.digest, number) for number in range(len(body.pieces)))

    async def _there(self) -> _There | None:
        """What somebody has written, however old; None where that is not to be relied on, of which has been told."""
        octets = await self._cache.get(self._name)
        if octets is None or (self._is_doubtful and octets == self._seen):
            return None
        try:
            envelope = self._opened(octets, None)
            return _There(envelope.at, read_version(envelope.content))
        except (EnvelopeError, VersionError):
            return None

    def _opened(self, octets: bytes, longest: timedelta | None) -> Envelope:
        """What is in an envelope about this very place.

        Raises:
            EnvelopeError: it is not used.
        """
        rules = self._parts.rules
        return rules.keys.open(octets, EnvelopeKind.CRL, self._name, Times(self._clock.now(), longest, rules.skew))

    def _refuse(self, refusal: Refusal) -> None:
        self._is_doubtful = True
        self._parts.observer.refused(RefusedDetails(EnvelopeKind.CRL, refusal, self._url))

    def _told(self, event: FleetEvent) -> None:
        self._parts.observer.fleet(EnvelopeKind.CRL, event)
