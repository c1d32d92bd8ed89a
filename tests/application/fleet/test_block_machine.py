"""Whatever happens to three replicas and the Redis between them, in any order: no block is lost, none comes back."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, ClassVar, Final, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from service.application.fleet.block_envelopes import seal_member
from service.application.fleet.envelope import FleetKeys
from service.application.fleet.events import BlockEvent
from service.application.fleet.names import FleetNames
from service.core.model.block import Tombstone
from tests.application.conftest import MEMORY
from tests.application.fleet.block_replicas import KEYLESS, OTHER_KEY, Fleet, Replica
from tests.pki.moments import NOW
from tests.redis_servers import RedisServer

T = TypeVar("T")

REPLICAS: Final = 3
ROUNDS: Final = 2
PATIENCE_S: Final = 20.0
_NUMBERS: Final = count()

WHO: Final = st.integers(0, REPLICAS - 1)
WHICH: Final = st.integers(0, 1000)


class Machine(RuleBasedStateMachine):
    """A fleet, and what an operator knows of it."""

    server: ClassVar[RedisServer]

    def __init__(self) -> None:
        """Replicas that have read an empty list."""
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever)
        self.thread.start()
        self.directory = TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.stack = AsyncExitStack()
        self.names = FleetNames(f"machine-{next(_NUMBERS)}")
        self.fleet = Fleet(Path(self.directory.name), self.server.url, self.names, self.stack)
        self.run(self.fleet.open())
        self.replicas: list[Replica] = self.run(self.fleet.joined(REPLICAS))
        self.made: list[str] = []
        self.removed: set[str] = set()
        self.seen: list[set[str]] = [set() for _ in self.replicas]
        self.recorded: dict[tuple[str, bytes], None] = {}

    @rule(who=WHO)
    def block(self, who: int) -> None:
        """An operator blocks something; whether the fleet hears of it or not, it is blocked."""
        self.fleet.clock.advance(1.0)  # ids sort by time: the same order in every run
        self.made.append(self.run(self.replicas[who].add(len(self.made))).id)

    @rule(who=WHO, which=WHICH)
    def unblock(self, who: int, which: int) -> None:
        """An operator removes a block that this replica has."""
        if held := sorted(self.replicas[who].ids):
            self.removed.add(held[which % len(held)])
            self.run(self.replicas[who].remove(held[which % len(held)]))

    @rule(who=WHO)
    def cut(self, who: int) -> None:
        """Its line to Redis is cut, or mended."""
        self.replicas[who].line.is_cut = not self.replicas[who].line.is_cut

    @rule(who=WHO)
    def reconcile(self, who: int) -> None:
        """It brings everything together, if it can."""
        if not self.replicas[who].line.is_cut:
            self.run(self.replicas[who].reconcile())

    @rule(who=WHO)
    def follow(self, who: int) -> None:
        """It hears of what has happened, if it can."""
        if not self.replicas[who].line.is_cut:
            self.run(self.replicas[who].follow())

    @rule(who=WHO)
    def restart(self, who: int) -> None:
        """Nothing is left of it but its store."""
        self.replicas[who].restart()

    @rule()
    def flush(self) -> None:
        """Redis is emptied."""
        self.server.ask("DEL", self.names.blocks, self.names.events, self.names.epoch)

    @rule(which=WHICH, other=WHICH, who=WHO)
    def replay(self, which: int, other: int, who: int) -> None:
        """Whoever owns Redis writes something that he has kept, where it was or elsewhere, and tells of it."""
        if kept := list(self.recorded):
            (name, envelope), (elsewhere, _) = kept[which % len(kept)], kept[other % len(kept)]
            self._plant(who, name if which % 2 else elsewhere, envelope)

    @rule(which=WHICH, who=WHO, keys=st.sampled_from([KEYLESS, FleetKeys((OTHER_KEY,))]))
    def forge(self, which: int, who: int, keys: FleetKeys) -> None:
        """He writes tombstones without a key of the fleet."""
        if self.made:
            parts = self.replicas[who].parts
            forger = replace(parts, rules=replace(parts.rules, keys=keys))
            self._plant(who, *seal_member(forger, Tombstone(self.made[which % len(self.made)], NOW, "forger")))

    @rule(which=WHICH)
    def take_away(self, which: int) -> None:
        """He removes a field."""
        if self.made:
            self.server.ask("HDEL", self.names.blocks, self.made[which % len(self.made)])

    @invariant()
    def nothing_is_lost(self) -> None:
        """What a replica has ever denied it denies, unless an operator has removed it; nobody made anything up."""
        for seen, replica in zip(self.seen, self.replicas, strict=True):
            assert seen - self.removed <= replica.ids <= set(self.made)
            assert not replica.ids & replica.store.blocks.tombstone_ids()
            seen.update(replica.ids)

    @invariant()
    def everything_is_kept(self) -> None:
        """By whoever owns Redis, who writes it again some day."""
        self.recorded |= dict.fromkeys(self.run(self.fleet.line.members(self.names.blocks)).items())

    def teardown(self) -> None:
        """When all can speak with Redis again, all have what was made and not removed; so has who comes then."""
        try:
            for replica in self.replicas:
                replica.line.is_cut = False
            for _ in range(ROUNDS):
                for replica in self.replicas:
                    self.run(replica.reconcile())
            (late,) = self.run(self.fleet.joined(1))
            expected = set(self.made) - self.removed
            assert [expected] * (REPLICAS + 1) == [replica.ids for replica in (*self.replicas, late)]
        finally:
            self.run(self.stack.aclose())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()
            self.directory.cleanup()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done in the loop that all connections belong to, which never stands still."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_S)

    def _plant(self, who: int, name: str, envelope: bytes) -> None:
        self.run(self.fleet.line.put_members(self.names.blocks, {name: envelope}))
        if not self.replicas[who].line.is_cut:
            self.run(self.replicas[who].list.apply(BlockEvent(name, envelope)))


def test_no_block_is_lost_and_none_comes_back(server: RedisServer) -> None:
    """Blocking, removing, partitions, restarts, floods, forgeries and replays on three replicas, in any order."""
    rules = settings(max_examples=40, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck))
    Machine.server = server
    run_state_machine_as_test(Machine, settings=rules)
