"""What is written for others of a CRL, and what one remembers of what others wrote."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from service.application.crl_delivery import AnswerFrom
from service.application.fleet import shared_crls
from service.application.fleet.crl_versions import read_version
from service.application.fleet.envelope import EnvelopeKind
from service.application.fleet.telling import FleetEvent
from service.application.settled import SETTLED_S
from tests.application.chain import CRL_URL, NAMESAKE
from tests.application.fleet.crl_replicas import (
    DOWNLOAD,
    Fleet,
    crl,
    digest_of,
    fleet_on,
    with_keys,
)
from tests.application.prefetch.world import VersionedOrigin
from tests.pki import NOW
from tests.redis_servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """A fleet without replicas."""
    async with fleet_on(server, token_hex(8), store_directory) as made:
        yield made


async def test_whoever_writes_late_replaces_nothing_newer(fleet: Fleet) -> None:
    """What was asked for before loses against what was asked for afterwards."""
    slow = VersionedOrigin({CRL_URL: crl(1)})
    slow.gate.clear()
    late, prompt, third = await fleet.replica(origin=slow), await fleet.replica(), await fleet.replica()
    fleet.origin.answers[CRL_URL] = crl(2)
    order = asyncio.create_task(late.order())
    await slow.asked.wait()
    fleet.pass_time(seconds=1)
    await prompt.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    slow.gate.set()
    assert () == await order
    assert FleetEvent.WRITTEN not in late.told.events
    await third.order()
    assert ({1}, {2}, 1) == (late.numbers, third.numbers, fleet.asked)


async def test_what_nobody_holds_is_written_nowhere(fleet: Fleet) -> None:
    """Nobody is given what the one who fetched it refuses."""
    (one,) = await fleet.several(1)
    for refused in (b"no CRL", crl(1, NAMESAKE), crl(1) + b"x"):
        fleet.origin.answers[CRL_URL] = refused
        assert 1 == len(await one.order())
        fleet.clock.advance(timedelta(seconds=SETTLED_S))
    assert (3, b"$-1") == (fleet.asked, fleet.server.ask("GET", fleet.name))


@pytest.mark.parametrize("piece_octets", [1, 64, 10_000])
async def test_large_ones_come_in_pieces(fleet: Fleet, piece_octets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, all of them are there; those of a version that was replaced go soon."""
    for module in ("crl_versions", "shared_crls"):
        monkeypatch.setattr(f"service.application.fleet.{module}.PIECE_OCTETS", piece_octets)
    first, second, third = await fleet.several(3)
    await first.order()
    await second.order()
    fleet.origin.answers[CRL_URL] = crl(2)
    fleet.pass_time(minutes=1)
    await second.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    await third.order()
    assert ({1}, {2}, {2}, 2) == (first.numbers, second.numbers, third.numbers, fleet.asked)
    last_piece = (len(crl(1)) - 1) // piece_octets
    old = int(fleet.server.ask("PTTL", fleet.piece(digest_of(crl(1)), last_piece))[1:])
    new = int(fleet.server.ask("PTTL", fleet.piece(digest_of(crl(2)), 0))[1:])
    assert 0 < old <= 60_000 < new
    assert b":0" == fleet.server.ask("EXISTS", fleet.piece(digest_of(crl(1)), last_piece + 1))


async def test_everything_ends_by_itself(fleet: Fleet) -> None:
    """Nothing of a URL stays for ever; the pieces outlive the envelope."""
    (one,) = await fleet.several(1)
    await one.order()
    lives = [int(fleet.server.ask("PTTL", name)[1:]) for name in (fleet.name, fleet.piece(digest_of(crl(1))))]
    assert 3_500_000 < lives[0] <= 3_600_000 < lives[1] <= 3_660_000


async def test_what_is_written_names_the_version(fleet: Fleet) -> None:
    """Its digest, its size, and what the origin says about it."""
    (one,) = await fleet.several(1)
    fleet.origin.max_age_s = 120
    await one.order()
    octets = await one.cache.get(fleet.name)
    assert octets is not None
    envelope = one.parts.open_fetched(octets, EnvelopeKind.CRL, fleet.name)
    assert envelope is not None
    version = read_version(envelope.content)
    assert version.body is not None
    assert (NOW, digest_of(crl(1)), len(crl(1))) == (envelope.at, version.body.digest, version.body.octets)
    assert (120, 1) == (version.said.max_age_s, len(version.said.validators.conditions))


async def test_what_is_there_is_not_written_twice(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a version that came again its pieces stay, for longer."""
    first, second = await fleet.several(2)
    await first.order()
    fleet.server.ask("PEXPIRE", fleet.piece(digest_of(crl(1))), "60000")
    fleet.pass_time(minutes=1)
    written: list[str] = []

    async def note(name: str, value: bytes, ttl_s: float) -> None:
        del value, ttl_s
        written.append(name)

    monkeypatch.setattr(second.cache, "put_piece", note)
    await second.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    assert (2, 0, []) == (fleet.asked, fleet.origin.not_modified, written)
    assert 3_600_000 < int(fleet.server.ask("PTTL", fleet.piece(digest_of(crl(1))))[1:])


async def test_what_has_not_changed_for_one_is_not_what_another_has_written(fleet: Fleet) -> None:
    """An origin with two answers: nobody's version goes under another one's name."""
    behind = VersionedOrigin({CRL_URL: crl(1)})
    late, prompt, third = await fleet.replica(origin=behind), await fleet.replica(), await fleet.replica()
    fleet.origin.answers[CRL_URL] = crl(2)
    anew = replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN)
    await late.bring(anew)
    for one in (prompt, late):
        fleet.pass_time(minutes=1)
        await one.bring(anew)
    assert 1 == behind.not_modified
    await third.order()
    assert ({1}, {2}, {2}, 1, []) == (late.numbers, prompt.numbers, third.numbers, third.asked, third.told.reasons)


async def test_urls_of_any_length_are_shared(fleet: Fleet) -> None:
    """What is written has their digests in it."""
    one, two = await fleet.several(2)
    url = CRL_URL + "?" + 10_000 * "a"
    fleet.origin.answers[url] = crl(1)
    for each in (one, two):
        assert None is (await each.bring(replace(DOWNLOAD, url=url))).attempt
    assert 1 == fleet.asked


async def test_what_is_remembered_is_bounded(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL that was asked for longest ago goes first."""
    monkeypatch.setattr(shared_crls, "MAX_REMEMBERED", 2)
    (one,) = await fleet.several(1)
    sharing = shared_crls.SharedCrls(one.parts)
    for number in (1, 2, 1, 3):
        sharing.note(f"http://{number}.example/", NOW)
    assert [NOW, None, NOW] == [sharing.checked(f"http://{number}.example/") for number in (1, 2, 3)]


async def test_what_is_remembered_of_the_future_is_forgotten(fleet: Fleet) -> None:
    """A clock that was set back makes nothing old."""
    (one,) = await fleet.several(1)
    sharing = shared_crls.SharedCrls(one.parts)
    sharing.note(CRL_URL, NOW)
    fleet.pass_time(hours=-1)
    sharing.note(CRL_URL, NOW - timedelta(hours=1, seconds=5))
    assert NOW - timedelta(hours=1, seconds=5) == sharing.checked(CRL_URL)


async def test_what_is_remembered_of_the_future_hides_nothing(fleet: Fleet) -> None:
    """Whoever had a wrong clock takes what the others have, and does not ask the origin."""
    one, two = await fleet.several(2)
    fleet.pass_time(days=1)
    fleet.origin.answers[CRL_URL] = crl(1, next_update=NOW + timedelta(days=30))
    await two.bring()
    fleet.server.flush()
    fleet.pass_time(days=-1)
    await one.bring()
    await two.bring()
    assert (1, 1) == (one.asked, two.asked)


async def test_no_url_stands_in_the_cache(fleet: Fleet) -> None:
    """It may have credentials in it: what is written has its digest."""
    (one,) = await fleet.several(1)
    url = CRL_URL + "?sv=2024&sig=SECRETSIGNATURE"
    fleet.origin.answers[url] = crl(1)
    await one.bring(replace(DOWNLOAD, url=url))
    found = await one.cache.get(fleet.names.crl(url))
    told = await one.cache.follow(fleet.names.events, "0", 0.1)
    written = b"".join((found or b"", *(each.envelope for each in told)))
    assert (True, False, False) == (len(told) == 1, b"SECRET" in written, b"crl.example" in written)


async def test_without_a_key_the_origin_is_asked_once_in_a_while(fleet: Fleet) -> None:
    """What others say counts for as long as the fleet allows since this process has asked, or begun."""
    keyless = with_keys()
    one, two = [await fleet.replica(rules=keyless) for _ in range(2)]
    for asked in ((1, 0), (2, 0), (3, 0), (4, 1), (5, 1), (6, 1), (7, 2)):
        await one.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
        await two.bring()
        assert asked == (one.asked, two.asked)
        fleet.pass_time(minutes=29)
    await one.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    fleet.pass_time(hours=1)
    assert None is await two.ingester.adopt(DOWNLOAD)


async def test_what_is_remembered_goes_forward_and_not_into_the_future(fleet: Fleet) -> None:
    """Neither a late word nor a clock that is ahead makes later news old."""
    (one,) = await fleet.several(1)
    sharing = shared_crls.SharedCrls(one.parts)
    sharing.note(CRL_URL, NOW + timedelta(seconds=50))
    assert NOW == sharing.checked(CRL_URL)
    sharing.note(CRL_URL, NOW - timedelta(seconds=50))
    assert NOW == sharing.checked(CRL_URL)
