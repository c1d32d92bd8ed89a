"""CRLs that replicas share through the fleet's cache: one asks the origin, and the others take what he came to hold.

What is there of a URL is an envelope that says which version its origin has and when it was asked, and the pieces of
that version where somebody had to read it. Whoever has to ask looks there first, then asks for the URL's lease; who
does not get it looks again until there is something newer, the lease is free, or a lease's time has passed.

Rules it keeps: what was fetched by the time that is known here is nothing new; pieces are those of the digest, or
nothing; only what this host holds, or has waiting, is written; whatever goes wrong with the cache leaves this host
where it would be without one, and has it ask the origin.

What it does not do: verify a CRL, or decide which URLs are everybody's (`crl_sharing.SharedWhere`).
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from service.application.crl_delivery import AnswerFrom
from service.application.crl_sharing import (
    CrlTurn,
    FetchedCrl,
    NoTurn,
    SharedCrl,
    SharedCrlError,
    SharingQuestion,
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
from service.application.fleet.envelope import EnvelopeError, EnvelopeKind, Refusal, Times
from service.application.fleet.events import CrlEvent, encode_event
from service.application.fleet.lease import leased
from service.application.fleet.parts import FleetParts
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

MAX_REMEMBERED: Final = 16_384
"""URLs of which it is remembered when they were last asked for: more than there are sources."""

MAX_URL_OCTETS: Final = 6000
"""Of a URL in JSON: longer ones are shared with nobody, since their envelopes would be too long to be read. Those of
certificates have 4,096 characters at most."""


class SharedCrls:
    """Shares CRLs. Implements `CrlSharing`; for one event loop."""

    def __init__(self, parts: FleetParts) -> None:
        """Take the cache; nothing is known yet."""
        self._parts = parts
        self._checked: OrderedDict[str, datetime] = OrderedDict()

    @asynccontextmanager
    async def turn(self, question: SharingQuestion) -> AsyncIterator[CrlTurn]:
        """A turn at a URL; the lease that it took has ended when it has."""
        if len(json.dumps(question.request.url)) > MAX_URL_OCTETS:
            yield NoTurn()
            return
        async with AsyncExitStack() as stack:
            yield _Turn(self._parts, question, self, stack)

    def checked(self, url: str) -> datetime | None:
        """When the origin was last asked for what this process has of a URL; None where that is not remembered."""
        return self._checked.get(url)

    def note(self, url: str, at: datetime) -> None:
        """Remember that this process has what an origin gave somebody at a moment, which is none of the future."""
        at = min(at, self._parts.clock.now())
        self._checked[url] = max(at, self._checked.get(url, at))
        self._checked.move_to_end(url)
        if len(self._checked) > MAX_REMEMBERED:
            self._checked.popitem(last=False)


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
        self._seen: bytes | None = None
        self._is_holder = False
        self._has_missed = False
        self._is_doubtful = False
        self._until: float | None = None

    async def newer(self) -> SharedCrl | None:
        """What another replica has fetched after what is known; None where the origin is to be asked."""
        try:
            match self._question.answer_from:
                case AnswerFrom.FLEET_FIRST:
                    return await self._look_or_wait()
                case AnswerFrom.FLEET_ALONE:
                    return await self._look()
                case AnswerFrom.ORIGIN:  # the others may wait for what comes of it
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
        try:
            if await self._written(fetched):
                self._told(FleetEvent.WRITTEN)
        except FleetUnavailableError:
            self._told(FleetEvent.UNAVAILABLE)

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
                self._until = now + LEASE_S
                self._told(FleetEvent.WAITED)
            elif now >= self._until:
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
        envelope = self._parts.open_fetched(octets, EnvelopeKind.CRL, self._url)
        if envelope is None or self._is_known(envelope.at):
            return None
        try:
            version = read_version(envelope.content)
        except VersionError:
            self._refuse(Refusal.MALFORMED)
            return None
        body = version.body
        if body is not None and body.octets > self._question.request.max_bytes:
            self._refuse(Refusal.REFUSED)
            return None
        digest, size = (None, None) if body is None else (body.digest, body.octets)
        is_vouched_for = self._parts.rules.keys.authenticate
        return SharedCrl(envelope.at, digest, version.said, size, is_vouched_for, self._pieces(body))

    def _is_known(self, at: datetime) -> bool:
        return any(known is not None and at <= known for known in (self._question.after, self._crls.checked(self._url)))

    async def _pieces(self, body: Body | None) -> AsyncGenerator[bytes, None]:
        """The octets of a version.

        Raises:
            SharedCrlError: they are not there, or not those of its digest.
        """
        if body is None:
            raise SharedCrlError
        whole = sha256()
        for number, octets in enumerate(body.pieces):
            try:
                piece = await self._cache.get_piece(self._parts.names.piece(self._url, body.digest, number))
            except FleetUnavailableError:
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
        await self._cache.put(self._name, self._parts.seal(EnvelopeKind.CRL, self._url, content, fetched.at), ttl_s)
        event = encode_event(CrlEvent(self._url))
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
        rules = self._parts.rules
        try:
            times = Times(self._clock.now(), None, rules.skew)
            envelope = rules.keys.open(octets, EnvelopeKind.CRL, self._url, times)
            return _There(envelope.at, read_version(envelope.content))
        except (EnvelopeError, VersionError):
            return None

    def _refuse(self, refusal: Refusal) -> None:
        self._is_doubtful = True
        self._parts.observer.refused(RefusedDetails(EnvelopeKind.CRL, refusal, self._url))

    def _told(self, event: FleetEvent) -> None:
        self._parts.observer.fleet(EnvelopeKind.CRL, event)
