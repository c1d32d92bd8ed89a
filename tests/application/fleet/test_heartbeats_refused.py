"""What whoever owns Redis may write in place of heartbeats: it is counted, and shown to nobody."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.fleet.envelope import Envelope, EnvelopeKind, FleetKeys
from service.application.fleet.heartbeat import (
    MAX_OCTETS,
    decode_heartbeat,
    encode_heartbeat,
)
from service.application.fleet.heartbeats import (
    MOST_REPLICAS,
    Presence,
)
from service.application.fleet.telling import FleetEvent
from tests.application.fleet.beating import KEY, Fleet, sealed
from tests.pki import NOW
from tests.redis_servers import RedisServer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cache(server: RedisServer) -> AsyncIterator[RedisCache]:
    """A client of the server."""
    async with open_cache(RedisPlace(server.url)) as opened:
        yield opened


@pytest.fixture
def fleet(cache: RedisCache, tmp_path: Path) -> Fleet:
    """One of this test's own."""
    return Fleet(cache, tmp_path.name)


async def usual(fleet: Fleet) -> bytes:
    """The content of a heartbeat that is read."""
    await fleet.replica("usual").beat()
    envelope = (await fleet.cache.members(fleet.names.replicas))["usual"]
    opened = fleet.parts().open_lasting(envelope, EnvelopeKind.HEARTBEAT, "usual")
    assert opened is not None
    return opened.content


async def test_what_is_no_heartbeat_is_counted(fleet: Fleet) -> None:
    """And neither shown nor removed: it may be another version's."""
    content = await usual(fleet)
    heartbeat = decode_heartbeat("usual", NOW, content)
    strangers = {
        "garbage": b"\x00garbage",
        "empty": b"",
        "forged": FleetKeys((b"x" * 32,)).seal(Envelope(EnvelopeKind.HEARTBEAT, "forged", NOW, content)),
        "unsealed": FleetKeys().seal(Envelope(EnvelopeKind.HEARTBEAT, "unsealed", NOW, content)),
        "elsewhere": sealed("usual", NOW, content),
        "a crl": sealed("a crl", NOW, content, EnvelopeKind.CRL),
        "tomorrow": sealed("tomorrow", NOW + timedelta(days=1), content),
        "large": sealed("large", NOW, content + b" " * MAX_OCTETS),
        "liar": sealed("liar", NOW, content.replace(b'"workers":2', b'"workers":"2"')),
        "deep": sealed("deep", NOW, b"[" * 5000),
        "x" * 129: sealed("x" * 129, NOW, content),
        "a\x1b[31m": sealed("a\x1b[31m", NOW, content),
        "long": sealed("long", NOW, encode_heartbeat(replace(heartbeat, version="1" * 65))),
    }
    for name, octets in strangers.items():
        await fleet.write(name, octets)
    report = await fleet.report()
    assert [("usual", len(strangers))] == [(line.heartbeat.name, report.unreadable) for line in report.replicas]
    await fleet.replica("pod-1").beat()
    assert {*strangers, "usual", "pod-1"} == await fleet.there()
    kinds = {kind for kind, _ in fleet.told.refusals}
    assert ({EnvelopeKind.HEARTBEAT}, len(strangers)) == (kinds, len(fleet.told.refusals))


async def test_more_than_anybody_has(fleet: Fleet) -> None:
    """Some hundreds are looked into, and the rest is counted."""
    content = await usual(fleet)
    names = [f"n{number}" for number in range(MOST_REPLICAS + 49)]
    await fleet.cache.put_members(fleet.names.replicas, {name: sealed(name, NOW, content) for name in names})
    report = await fleet.report()
    assert (MOST_REPLICAS, 0, 50) == (len(report.replicas), report.unreadable, report.omitted)


async def test_more_than_anybody_can_read(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows who is there, and everybody goes on saying that he is; it is looked again when it is time."""
    monkeypatch.setattr("service.adapters.redis.cache.MAX_MEMBERS", 10)
    await fleet.cache.put_members(fleet.names.replicas, {f"n{number}": b"x" for number in range(5000)})
    replica = fleet.replica()
    for _ in range(3):
        await replica.beat()
    assert ([(0, 0)], [FleetEvent.WRITTEN] * 3) == (fleet.told.counts, [event for _, event in fleet.told.events])
    assert None is not (await fleet.report()).reason
    monkeypatch.undo()
    assert "pod-1" in await fleet.there()


async def test_what_was_recorded_is_old(fleet: Fleet) -> None:
    """Whoever plays it again shows a replica that has gone, and when."""
    await fleet.replica("pod-2").beat()
    recorded = (await fleet.cache.members(fleet.names.replicas))["pod-2"]
    fleet.clock.advance(60)
    await fleet.write("pod-2", recorded)
    (line,) = (await fleet.report()).replicas
    assert (Presence.GONE, NOW) == (line.presence, line.heartbeat.at)


async def test_another_type(fleet: Fleet, server: RedisServer) -> None:
    """Under a name that is no hash nobody is shown, and it ends nothing: it is removed, and written as ever."""
    assert b"+OK" == server.ask("SET", fleet.names.replicas, "x")
    report = await fleet.report()
    assert ((), True) == (report.replicas, "WRONGTYPE" in (report.reason or ""))
    assert b"+OK" == server.ask("SET", fleet.names.replicas, "x")
    await fleet.replica().beat()
    assert [(EnvelopeKind.HEARTBEAT, FleetEvent.WRITTEN)] == fleet.told.events
    assert ["pod-1"] == [name for name, _ in await fleet.shown()]


async def test_without_a_key(fleet: Fleet) -> None:
    """It is shown, and said that anybody may have written it; whoever has one takes none of it."""
    await fleet.replica(keys=()).beat()
    open_, closed = await fleet.report(keys=()), await fleet.report()
    assert (False, 1) == (open_.authenticated, len(open_.replicas))
    assert (True, 0, 1) == (closed.authenticated, len(closed.replicas), closed.unreadable)


async def test_a_change_of_keys(fleet: Fleet) -> None:
    """While both are known, those who write with either are seen."""
    new = b"n" * 32
    await fleet.replica("pod-1", keys=(KEY, new)).beat()
    await fleet.replica("pod-2", keys=(new, KEY)).beat()
    assert ["pod-1", "pod-2"] == [name for name, _ in await fleet.shown(keys=(new, KEY))]
    assert ["pod-1"] == [name for name, _ in await fleet.shown()]
