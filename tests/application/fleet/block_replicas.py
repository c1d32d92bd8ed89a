"""Replicas of one fleet in one process: a real store each, a real Redis between them, and a line that can be cut."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, cast

from service.adapters.ids import RandomDecisionIds
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.blocks import BlockIsLocalError, Blocks, RemovalIsLocalError
from service.application.fleet.block_envelopes import seal_member
from service.application.fleet.block_list import FleetBlockList, Reconciled
from service.application.fleet.block_sharing import FleetBlockSharing
from service.application.fleet.cache import FleetUnavailableError, SharedCache
from service.application.fleet.envelope import EnvelopeKind, FleetKeys
from service.application.fleet.events import BlockEvent, decode_event
from service.application.fleet.names import FleetNames
from service.application.fleet.parts import FleetParts, FleetRules
from service.application.fleet.telling import NullFleetObserver, RefusedDetails
from service.application.observer import BlockDetails, NullObserver
from service.core.model.block import Block, FingerprintMatch, Tombstone
from tests.application.manual_clock import ManualClock
from tests.redis_servers import RedisServer

KEY: Final = b"k" * 32
OTHER_KEY: Final = b"o" * 32
KEYED: Final = FleetKeys((KEY,))
KEYLESS: Final = FleetKeys()

_PATIENCE_S: Final = 10.0


class CutLine:
    """A cache behind a line that a test cuts; counts what was asked over it.

    A command has 50 ms, which on a busy machine is not always enough: what failed for no reason of the test's is asked
    again.
    """

    def __init__(self, cache: SharedCache) -> None:
        """The line is whole."""
        self._cache = cache
        self.is_cut = False
        self.patience_s = _PATIENCE_S
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        """A command."""

        async def command(*arguments: Any) -> Any:  # noqa: ANN401 - whatever a command takes and gives
            self.asked.append(name)
            if self.is_cut:
                raise FleetUnavailableError("cut")
            until = asyncio.get_running_loop().time() + self.patience_s
            while True:
                try:
                    return await getattr(self._cache, name)(*arguments)
                except FleetUnavailableError:
                    if asyncio.get_running_loop().time() > until:
                        raise
                    await asyncio.sleep(0.01)

        return command


class Listener(NullFleetObserver):
    """Keeps what it is told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.refusals: list[RefusedDetails] = []
        self.meetings: list[tuple[int, int, str]] = []

    def refused(self, details: RefusedDetails) -> None:
        """Keep it."""
        self.refusals.append(details)

    def reconciled(self, taken: int, given: int, reason: str) -> None:
        """Keep it."""
        self.meetings.append((taken, given, reason))


def match(number: int) -> FingerprintMatch:
    """One of many certificates."""
    return FingerprintMatch(sha256(number.to_bytes(4)).digest())


@dataclass(slots=True)
class Replica:
    """One host: what its worker and its prefetcher do about blocks."""

    directory: Path
    line: CutLine
    names: FleetNames
    clock: ManualClock
    keys: FleetKeys = KEYED
    name: str = "replica"
    told: list[BlockDetails] = field(default_factory=list)
    heard: Listener = field(default_factory=Listener)
    at: str = "0-0"
    store: Store = field(init=False)
    parts: FleetParts = field(init=False)
    sharing: FleetBlockSharing = field(init=False)
    list: FleetBlockList = field(init=False)
    blocks: Blocks = field(init=False)

    def start(self) -> None:
        """Open its store, with nothing in memory."""
        self.store = Store.open(self.directory, Role.INGESTER)
        rules = FleetRules(self.name, self.keys, timedelta(hours=1), timedelta(seconds=60))
        self.parts = FleetParts(cast("SharedCache", self.line), self.names, rules, self.clock, self.heard)
        self.sharing = FleetBlockSharing(self.parts, self.store.blocks)
        self.list = FleetBlockList(self.parts, self.store.blocks, self.told.append)
        ids = RandomDecisionIds(self.clock)
        self.blocks = Blocks(self.store.blocks, self.clock, ids, NullObserver(), sharing=self.sharing)

    def stop(self) -> None:
        """End it; its store stays."""
        self.store.close()

    def restart(self, keys: FleetKeys | None = None) -> None:
        """End it and start it, with other keys or the same."""
        self.stop()
        self.keys = keys or self.keys
        self.start()

    async def add(self, number: int) -> Block:
        """Block one of many certificates here, and wherever it gets."""
        try:
            return await self.blocks.add(match(number), "stolen", None, "admin")
        except BlockIsLocalError as error:
            return error.block

    async def remove(self, block_id: str) -> bool:
        """Remove a block; whether the fleet knows of it."""
        try:
            await self.blocks.remove(block_id, "admin")
        except RemovalIsLocalError:
            return False
        return True

    async def reconcile(self) -> Reconciled:
        """Bring its list and the fleet's together."""
        return await self.list.reconcile("test")

    async def follow(self) -> int:
        """Apply what was told since it last looked; how many events that were."""
        if (await self.parts.cache.ends(self.names.events)).last in {self.at, "0-0"}:
            return 0  # Redis ends a question that nothing answers ten times a second, however short it is
        told = await self.parts.cache.follow(self.names.events, self.at, 0.001)
        for one in told:
            self.at = one.id
            envelope = self.parts.open_lasting(one.envelope, EnvelopeKind.EVENT, None)
            assert envelope is not None
            event = decode_event(envelope.content)
            assert isinstance(event, BlockEvent)
            await self.list.apply(event)
        return len(told)

    @property
    def ids(self) -> set[str]:
        """Of the blocks that its store has."""
        return set(self.store.blocks.block_ids())

    async def members(self) -> dict[str, bytes]:
        """What the hash has."""
        return dict(await self.parts.cache.members(self.names.blocks))


@dataclass(slots=True)
class Fleet:
    """Replicas with one Redis."""

    directory: Path
    url: str
    names: FleetNames
    stack: AsyncExitStack
    clock: ManualClock = field(default_factory=ManualClock)
    replicas: list[Replica] = field(default_factory=list)
    cache: RedisCache = field(init=False)
    line: SharedCache = field(init=False)

    async def open(self) -> None:
        """Connect."""
        self.cache = await self.stack.enter_async_context(open_cache(RedisPlace(self.url)))
        self.line = cast("SharedCache", CutLine(self.cache))

    def join(self, keys: FleetKeys = KEYED) -> Replica:
        """A replica that has nothing, and has read nothing."""
        number = len(self.replicas)
        replica = Replica(
            self.directory / f"{number}", CutLine(self.cache), self.names, self.clock, keys, f"replica-{number}"
        )
        replica.start()
        self.stack.callback(replica.stop)
        self.replicas.append(replica)
        return replica

    async def joined(self, count: int, keys: FleetKeys = KEYED) -> list[Replica]:
        """Replicas that have read the list a while ago."""
        found = [self.join(keys) for _ in range(count)]
        for replica in found:
            replica.at = (await self.line.ends(self.names.events)).last
            await replica.reconcile()
        for replica in found:
            await replica.reconcile()  # from now on they say that they have it
        for replica in found:
            await replica.follow()
        return found


def agree(replicas: list[Replica], ids: set[str]) -> None:
    """All have these blocks, and no other."""
    assert [replica.ids for replica in replicas] == [ids] * len(replicas)


def sealed_by(replica: Replica, keys: FleetKeys, member: Block | Tombstone) -> tuple[str, bytes]:
    """What somebody with these keys writes."""
    return seal_member(replace(replica.parts, rules=replace(replica.parts.rules, keys=keys)), member)


@asynccontextmanager
async def fleet_on(server: RedisServer, directory: Path) -> AsyncIterator[Fleet]:
    """A fleet without replicas, whose names in the cache nobody else has.

    Args:
        server: Its Redis.
        directory: For the stores; the names are its own.
    """
    async with AsyncExitStack() as stack:
        found = Fleet(directory, server.url, FleetNames(f"test-{directory.name}"), stack)
        await found.open()
        yield found
