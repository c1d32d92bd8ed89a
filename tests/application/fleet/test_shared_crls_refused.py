"""What whoever owns the cache can make of it: the origin is asked, the refusal counted, and nothing else happens."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import pytest

from service.application.crl_delivery import AnswerFrom
from service.application.evidence_store import StoreError
from service.application.fleet.crl_versions import SharedVersion
from service.application.fleet.envelope import Refusal
from service.application.fleet.telling import FleetEvent
from service.application.origin_headers import OriginHeaders, Validators
from service.core.model.attempt import Problem
from tests.application.chain import CRL_URL, NAMESAKE
from tests.application.fleet.crl_replicas import (
    DOWNLOAD,
    KEY,
    LONGEST,
    RULES,
    SKEW,
    Fleet,
    crl,
    fleet_on,
    with_keys,
)
from tests.application.fleet.poisons import (
    INSTANT,
    OTHER_KEY,
    PIECE,
    POISONS,
    Poison,
    from_the_future,
    of_another_authority,
    swapped_pieces,
    there,
)
from tests.pki import NOW
from tests.redis_servers import RedisServer

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces, so that there are several; and nobody takes a busy machine for a Redis that is gone."""
    for module in ("crl_versions", "shared_crls"):
        monkeypatch.setattr(f"service.application.fleet.{module}.PIECE_OCTETS", PIECE)
    monkeypatch.setattr("service.adapters.redis.cache.COMMAND_S", 10.0)


@pytest.fixture
async def fleet(server: RedisServer, store_directory: Path) -> AsyncIterator[Fleet]:
    """Two replicas, of which the first has fetched number 1 and the second has nothing; by now there is number 2."""
    async with fleet_on(server, token_hex(8), store_directory, 2) as made:
        await made.replicas[0].order()
        made.origin.answers[CRL_URL] = crl(2)
        made.pass_time(minutes=1)
        yield made


async def test_what_nobody_has_touched_is_taken(fleet: Fleet) -> None:
    """As it is, what is there serves: what the others here change about it is what is wrong with it."""
    assert () == await fleet.replicas[1].order()
    assert (1, {1}, []) == (fleet.asked, fleet.replicas[1].numbers, fleet.replicas[1].told.reasons)


@pytest.mark.parametrize(("poison", "refusal"), POISONS, ids=[getattr(poison, "__name__", "") for poison, _ in POISONS])
async def test_poison(fleet: Fleet, poison: Poison, refusal: Refusal) -> None:
    """It is refused by name, the origin is asked in the same call, and what it has is there for the next one."""
    await poison(fleet)
    one, third = fleet.replicas[1], await fleet.replica()
    assert () == await one.order()
    assert ({2}, [refusal], 1) == (one.numbers, one.told.reasons, one.asked)
    assert FleetEvent.HIT not in one.told.events
    assert () == await third.order()
    assert ({2}, [], 0) == (third.numbers, third.told.reasons, third.asked)


@pytest.mark.parametrize("poison", [of_another_authority, swapped_pieces, from_the_future])
async def test_poison_of_a_fleet(fleet: Fleet, poison: Poison) -> None:
    """However many find it, the origin is asked once."""
    await poison(fleet)
    replicas = [fleet.replicas[1], *await fleet.several(4)]
    assert [()] * 5 == await asyncio.gather(*(one.order() for one in replicas))
    assert [{2}] * 5 == [one.numbers for one in replicas]
    assert 1 == sum(one.asked for one in replicas)


WRONG: Final[dict[str, dict[str, Any]]] = {
    "negative": {"octets": -1},
    "none": {"octets": 0},
    "a fraction": {"octets": 0.5},
    "a text": {"octets": "1"},
    "true": {"octets": True},
    "no size": {"octets": None},
    "no digest": {"digest": None},
    "short digest": {"digest": "00"},
    "no hexadecimal digest": {"digest": "x" * 64},
    "a number for a digest": {"digest": 1},
    "an age": {"max_age_s": -1},
    "a great age": {"max_age_s": 2**31 + 1},
    "an age in words": {"max_age_s": "old"},
    "two headers": {"etag": '"a"\r\nX: y'},
    "any version": {"etag": "*"},
    "a list for a version": {"etag": ["a"]},
    "a number for a date": {"last_modified": 1},
    "a header for a date": {"last_modified": "Mon, 01 Jan 2024 00:00:00 GMT\r\nX: y"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_nonsense_about_a_version(fleet: Fleet, wrong: dict[str, Any]) -> None:
    """Whoever has the key has not to be right: what is of another shape is refused, and goes nowhere."""
    right = {"digest": "00" * 32, "octets": 1, "etag": None, "last_modified": None, "max_age_s": None}
    await fleet.put(fleet.sealed(json.dumps(right | wrong).encode()))
    assert () == await fleet.replicas[1].order()
    assert [Refusal.MALFORMED] == fleet.replicas[1].told.reasons
    assert None is fleet.origin.requests[-1].validators


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b"{" * 3000, b" " * 5000, b'"digest"', b"\xff"])
async def test_no_version(fleet: Fleet, content: bytes) -> None:
    """Something else than a version is refused."""
    await fleet.put(fleet.sealed(content))
    assert () == await fleet.replicas[1].order()
    assert [Refusal.MALFORMED] == fleet.replicas[1].told.reasons


async def test_what_is_older_than_what_was_held_is_refused(fleet: Fleet) -> None:
    """An authentic envelope of late, with a CRL that the origin has replaced: the watermark is what counts."""
    one = fleet.replicas[1]
    await one.bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    fleet.pass_time(minutes=1)
    await fleet.write(crl(1), fleet.clock.now())
    fleet.pass_time(seconds=2)
    assert () == await one.order()
    assert ({2}, [Refusal.REFUSED], 2) == (one.numbers, one.told.reasons, one.asked)


async def test_what_was_replaced_is_replayed_for_as_long_as_the_fleet_allows(fleet: Fleet) -> None:
    """Whoever records what replicas write can hold newer things back until then, and no longer."""
    recorded = await there(fleet)
    one, third = fleet.replicas[1], await fleet.replica()
    await fleet.replicas[0].bring(replace(DOWNLOAD, answer_from=AnswerFrom.ORIGIN))
    await fleet.put(recorded)
    fleet.clock.advance(LONGEST - timedelta(minutes=1))
    await one.order()
    assert ({1}, []) == (one.numbers, one.told.reasons)
    fleet.clock.advance(INSTANT)
    await third.order()
    assert ({2}, [Refusal.TOO_OLD]) == (third.numbers, third.told.reasons)


async def test_an_envelope_that_is_ahead_keeps_no_other_out(fleet: Fleet) -> None:
    """Within the tolerance for clocks it may come from the future; what it has in it is bad all the same."""
    await fleet.write(crl(3, NAMESAKE), fleet.clock.now() + SKEW)
    one, third = fleet.replicas[1], await fleet.replica()
    await one.order()
    await third.order()
    assert ({2}, 1, {2}, 0) == (one.numbers, one.asked, third.numbers, third.asked)


async def test_what_has_ended_is_no_last_word_when_it_comes_from_the_future(fleet: Fleet) -> None:
    """A second has to have begun before it can pass."""
    await fleet.write(crl(1, next_update=NOW - timedelta(minutes=5)), fleet.clock.now() + timedelta(seconds=30))
    one = fleet.replicas[1]
    assert () == await one.order()
    assert ({2}, 1) == (one.numbers, one.asked)


async def test_keys_are_changed(fleet: Fleet) -> None:
    """While both are known everybody reads everybody; whoever has dropped the old one refuses it."""
    changing, changed = await fleet.replica(with_keys(OTHER_KEY, KEY)), await fleet.replica(with_keys(OTHER_KEY))
    assert () == await changing.order()
    assert (0, {1}) == (changing.asked, changing.numbers)
    assert () == await changed.order()
    assert (1, [Refusal.UNAUTHENTIC]) == (changed.asked, changed.told.reasons)
    fleet.pass_time(minutes=1)
    old, both = await fleet.replica(), await fleet.replica(replace(RULES, keys=with_keys(KEY, OTHER_KEY).keys))
    assert () == await both.order()
    assert (0, {2}) == (both.asked, both.numbers)
    assert () == await old.order()
    assert (1, [Refusal.UNAUTHENTIC]) == (old.asked, old.told.reasons)


async def test_without_keys_what_is_signed_is_shared(server: RedisServer, store_directory: Path) -> None:
    """Authorities' signatures are all there is, and they are looked at."""
    async with fleet_on(server, token_hex(8), store_directory) as made:
        one, another, third = [await made.replica(with_keys()) for _ in range(3)]
        await one.order()
        await another.order()
        assert (1, {1}) == (made.asked, another.numbers)
        await made.write(crl(3, NAMESAKE), rules=with_keys())
        await third.order()
        assert (2, {1}, [Refusal.REFUSED]) == (made.asked, third.numbers, third.told.reasons)


async def test_a_version_is_nobodys_word_about_another_url(fleet: Fleet) -> None:
    """What an origin has said about one URL goes to no other."""
    validators = Validators('"of another"')
    await fleet.put(fleet.sealed(SharedVersion(OriginHeaders(validators)), fleet.clock.now()))
    assert () == await fleet.replicas[1].order()
    assert None is fleet.origin.requests[-1].validators


async def test_a_full_disk_is_nobodys_fault(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be spooled is not refused, and the origin's cannot be spooled either."""

    async def fail(_spool: object, chunks: AsyncIterator[bytes]) -> memoryview:
        async for _ in chunks:
            pass
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("service.adapters.spool.FileSpool.collect", fail)
    (attempt,) = await fleet.replicas[1].order()
    assert (Problem.INTERNAL, []) == (attempt.problem, fleet.replicas[1].told.reasons)


async def test_a_store_that_fails_is_nobodys_fault(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be stored is not refused."""

    def fail(*_: object) -> None:
        raise StoreError("the disk is gone")

    one = fleet.replicas[1]
    monkeypatch.setattr(one.store, "publish", fail)
    (attempt,) = await one.order()
    assert (Problem.INTERNAL, [], 1) == (attempt.problem, one.told.reasons, one.asked)
