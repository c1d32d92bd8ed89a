"""A follower with a real Redis and a real host's store, and somebody who writes down what it passes on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from service.adapters.clock import SystemClock
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.clock import Clock
from service.application.fleet.cache import SharedCache
from service.application.fleet.envelope import EnvelopeKind, FleetKeys
from service.application.fleet.events import BlockEvent, CrlEvent, FleetEventMessage, encode_event
from service.application.fleet.following import Follower, FollowRules
from service.application.fleet.hearing import Listeners
from service.application.fleet.names import FleetNames
from service.application.fleet.parts import FleetParts, FleetRules
from service.application.fleet.position import EventId
from service.application.fleet.standing import Standing
from service.application.fleet.telling import NullFleetObserver, RefusedDetails

PATIENCE_S: Final = 15.0
"""In which what must happen happens; far more than it takes."""

KEY: Final = b"a-key-of-the-tests-0123456789abcdef"

URL: Final = "http://crl.example/1.crl"
LATER: Final = "http://crl.example/2.crl"
LAST: Final = "http://crl.example/3.crl"

STARTED: Final = "it was started"
MISSED: Final = "there were more events than the cache keeps"

QUICK: Final = FollowRules(
    wait_s=0.05,
    look_every_s=0.05,
    breath_s=0.0,
    first_pause_s=0.02,
    longest_pause_s=0.05,
)
"""As often as a test has patience for; the usual half minute between two reconciliations."""


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until it is so.

    Raises:
        AssertionError: it never is.
    """
    give_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_at, f"waited in vain: {what}"
        await asyncio.sleep(0.01)


class Refusals(NullFleetObserver):
    """Keeps what was refused, and how it stood."""

    def __init__(self) -> None:
        self.refusals: list[RefusedDetails] = []
        self.standings: list[Standing] = []

    def refused(self, details: RefusedDetails) -> None:
        """Keep it."""
        self.refusals.append(details)

    def stands(self, standing: Standing) -> None:
        """Keep it."""
        self.standings.append(standing)


@dataclass(slots=True)
class Listener:
    """Is told, and writes it down; implements `FleetBlocks`.

    Attributes:
        failing: Raised instead of applying or reconciling; None for nothing.
        hanging: Whether reconciling never ends.
    """

    blocks: list[BlockEvent] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    crls: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)
    failing: Exception | None = None
    hanging: bool = False

    async def apply(self, event: BlockEvent) -> None:
        """Write it down."""
        self.blocks.append(event)
        if self.failing is not None:
            raise self.failing

    async def reconcile(self, reason: str) -> None:
        """Write it down."""
        self.reasons.append(reason)
        if self.failing is not None:
            raise self.failing
        if self.hanging:
            await asyncio.Event().wait()


@dataclass(slots=True)
class Following:
    """A follower at work.

    Attributes:
        told: What was refused.
        faults: What nobody has thought of.
        discarded: Names under which there was something of another type.
    """

    follower: Follower
    parts: FleetParts
    listener: Listener
    told: Refusals
    store: Store
    faults: list[str]
    discarded: list[str]

    @property
    def is_current(self) -> bool:
        """Whether it says so."""
        return self.follower.standing.standing is Standing.CURRENT

    async def say(self, event: FleetEventMessage, at: datetime | None = None) -> str:
        """Tell the fleet, as if it were some other moment; the event's id."""
        envelope = self.parts.seal(EnvelopeKind.EVENT, self.parts.rules.replica, encode_event(event), at)
        return await self.parts.cache.tell(self.parts.names.events, envelope)

    async def heard(self, url: str) -> None:
        """Wait until a CRL of this URL was heard of."""
        await until(lambda: url in self.listener.crls, f"{url} is heard of")

    async def heard_of_stores(self) -> None:
        """Wait until a trust store was heard of."""
        await until(lambda: bool(self.listener.stores), "a trust store is heard of")

    async def reconciled(self, reason: str) -> None:
        """Wait until everything was brought together for a reason."""
        await until(lambda: reason in self.listener.reasons, f"everything is brought together: {reason}")

    async def current(self) -> None:
        """Wait until it is."""
        await until(lambda: self.is_current, "it is current")

    async def again(self, url: str) -> str:
        """Have it hear of a URL, and so of everything before; the event's id."""
        identifier = await self.say(CrlEvent(url))
        await self.heard(url)
        return identifier

    @property
    def position(self) -> EventId | None:
        """How far it has read when it looked last, as it is kept over a restart."""
        kept = self.store.fleet.position()
        return None if kept is None else kept.last


def fleet_parts(cache: SharedCache, prefix: str, told: Refusals, name: str = "one", key: bytes = KEY) -> FleetParts:
    """What a replica works with."""
    rules = FleetRules(name, FleetKeys((key,)), timedelta(hours=1), timedelta(minutes=1))
    return FleetParts(cache, FleetNames(prefix), rules, SystemClock(), told)


@asynccontextmanager
async def following(
    url: str,
    place: Path,
    *,
    prefix: str = "revet",
    rules: FollowRules = QUICK,
    listener: Listener | None = None,
    key: bytes = KEY,
    through: Callable[[SharedCache], SharedCache] = lambda cache: cache,
    clock: Clock | None = None,
) -> AsyncIterator[Following]:
    """A replica that follows while the block runs.

    Args:
        url: Of Redis.
        place: Its host's store, over several runs.
        prefix: Of the names.
        rules: How often.
        listener: Is told.
        key: Of the fleet.
        through: What stands before the cache.
        clock: The system's, unless it is said.
    """
    told, faults, discarded = Refusals(), list[str](), list[str]()
    async with AsyncExitStack() as stack:
        cache = await stack.enter_async_context(open_cache(RedisPlace(url), discarded=discarded.append))
        store = stack.enter_context(Store.open(place, Role.WORKER))
        parts = fleet_parts(through(cache), prefix, told, place.name, key)
        parts = replace(parts, clock=clock or parts.clock)
        heard = listener or Listener()
        listeners = Listeners(heard, heard.crls.append, heard.stores.append)
        follower = Follower(parts, store.fleet, listeners, lambda _, error: faults.append(repr(error)), rules)
        task = asyncio.create_task(follower.run())
        try:
            yield Following(follower, parts, heard, told, store, faults, discarded)
        finally:
            assert not task.done(), task
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
