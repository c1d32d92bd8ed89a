"""A trust store that is elsewhere changes: whoever finds it tells the others, and each of them looks for himself."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.evidence_store import StoreError
from service.application.fleet.envelope import EnvelopeKind
from service.application.fleet.events import FleetEventMessage, TrustStoreEvent, decode_event
from service.application.fleet.parts import FleetParts
from service.application.fleet.trust_store_news import WANT_EVERY_S, TrustStoreNews
from tests.application.fleet.following_parts import Refusals, fleet_parts, until
from tests.application.manual_clock import ManualClock
from tests.redis_servers import RedisServer, redis_server

pytestmark = pytest.mark.anyio

DEFAULT: Final = "default"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of one test."""
    with redis_server(tmp_path / "redis") as running:
        yield running


@dataclass(slots=True)
class Looks:
    """Counts. Implements `LooksWanted`."""

    count: int = 0
    broken: bool = False

    def looks_wanted(self) -> int:
        """So many."""
        return self.count

    async def want_look(self) -> None:
        """One more, unless it is broken."""
        if self.broken:
            raise StoreError("the disk is full")
        self.count += 1


@dataclass(slots=True)
class One:
    """A replica with a store that is elsewhere."""

    cache: RedisCache
    versions: dict[str, bytes | None] = field(default_factory=lambda: {DEFAULT: b"1"})
    looks: Looks = field(default_factory=Looks)
    clock: ManualClock = field(default_factory=ManualClock)
    parts: FleetParts = field(init=False)
    news: TrustStoreNews = field(init=False)

    def __post_init__(self) -> None:
        parts = fleet_parts(self.cache, "revet", Refusals())
        self.parts = FleetParts(parts.cache, parts.names, parts.rules, self.clock, parts.observer)
        self.news = TrustStoreNews(self.parts, self.looks, lambda: dict(self.versions))

    async def told(self) -> list[FleetEventMessage]:
        """Everything that the fleet was told."""
        events = await self.cache.follow(self.parts.names.events, "0-0", 0.001)
        opened = (self.parts.open_lasting(event.envelope, EnvelopeKind.EVENT, "one") for event in events)
        return [decode_event(one.content) for one in opened if one is not None]


@pytest.fixture
async def one(server: RedisServer) -> AsyncIterator[One]:
    """A replica."""
    async with open_cache(RedisPlace(server.url)) as cache:
        yield One(cache)


async def test_another_version_is_told_once(one: One) -> None:
    """Not what was there at the start; each version after it once."""
    await one.news.look()
    assert [] == await one.told()
    for version in (b"2", b"2", b"3"):
        one.versions[DEFAULT] = version
        await one.news.look()
        await one.news.look()
    assert [TrustStoreEvent(DEFAULT)] * 2 == await one.told()


async def test_the_first_version_is_no_news(one: One) -> None:
    """A replica that had none does not have all others look."""
    one.versions[DEFAULT] = None
    news = TrustStoreNews(one.parts, one.looks, lambda: dict(one.versions))
    await news.look()
    one.versions[DEFAULT] = b"1"
    await news.look()
    assert [] == await one.told()
    one.versions[DEFAULT] = b"2"
    await news.look()
    assert [TrustStoreEvent(DEFAULT)] == await one.told()


async def test_what_could_not_be_told_is_told_later(one: One, server: RedisServer) -> None:
    """Redis is away when it changes: the others hear of it when it is back."""
    server.kill()
    one.versions[DEFAULT] = b"2"
    await one.news.look()
    server.start()
    await until(lambda: one.cache.unreachable is None, "Redis is asked again")
    await one.news.look()
    await one.news.look()
    assert [TrustStoreEvent(DEFAULT)] == await one.told()


async def test_whoever_is_told_looks(one: One) -> None:
    """Once for all that was said at one time, and for nothing else than a store that is elsewhere."""
    await one.news.look()
    assert 0 == one.looks.count
    one.news.heard("a store in a file")
    await one.news.look()
    assert 0 == one.looks.count
    one.news.heard(DEFAULT)
    one.news.heard(DEFAULT)
    await one.news.look()
    await one.news.look()
    assert 1 == one.looks.count


async def test_a_thousand_times_a_second(one: One) -> None:
    """Whoever owns Redis repeats what was said: a look every few seconds comes of it, and the last is not lost."""
    for _ in range(1000):
        one.news.heard(DEFAULT)
        await one.news.look()
        one.clock.advance(0.001)
    assert 1 == one.looks.count
    one.clock.advance(WANT_EVERY_S)
    await one.news.look()
    await one.news.look()
    assert 2 == one.looks.count


async def test_a_disk_without_room(one: One) -> None:
    """Then it looks when it is time; nothing is raised."""
    one.looks.broken = True
    one.news.heard(DEFAULT)
    await one.news.look()
    assert 0 == one.looks.count
