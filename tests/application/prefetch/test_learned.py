"""What certificates name is kept fresh: learned once, refreshed ahead of need, through failures and restarts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.application.origin import OriginError, OriginRequest, OriginStream
from service.core.model.attempt import Problem
from service.core.prefetch.inventory import SourceKind
from tests.application.chain import CRL_URL, NAMESAKE, leaf, order
from tests.application.prefetch.world import (
    DAY,
    HOUR,
    MINUTE,
    MIRROR,
    PROMPT,
    Setup,
    VersionedOrigin,
    World,
    crl,
    world,
)
from tests.application.world import ALLOWED, REVOKED, UNAVAILABLE
from tests.pki import NEXT_UPDATE, NOW, THIS_UPDATE, hours

pytestmark = pytest.mark.anyio

LEAF: Final = leaf(crl_urls=[CRL_URL])
DOWN: Final = OriginError(Problem.UNREACHABLE, "nobody there")


async def test_an_order_makes_a_source(service: World) -> None:
    """What a worker orders is remembered with the keys of the order, and what came of it."""
    service.origin.answers = {CRL_URL: crl(7)}
    assert () == await service.prefetcher.fetch(order(CRL_URL, MIRROR))
    record = service.record(CRL_URL)
    assert (SourceKind.LEARNED, (CRL_URL, MIRROR), 0) == (
        record.source.kind,
        record.source.places,
        record.state.failures,
    )
    assert [7] == [one.crl_number for one in record.given]
    assert order(CRL_URL).signers == record.signers


async def test_it_is_refreshed_before_anybody_asks(service: World) -> None:
    """After an hour, the longest interval, a newer CRL is held, and a certificate that it revokes is denied."""
    service.origin.answers = {CRL_URL: crl(1)}
    assert ALLOWED == await service.ask(LEAF)
    service.origin.answers = {CRL_URL: crl(2, revoked=[LEAF.serial_number])}
    await service.go(HOUR - 1)
    assert {1} == service.numbers
    await service.go(1)
    assert {2} == service.numbers
    assert REVOKED == await service.ask(LEAF)
    assert [CRL_URL] * 2 == service.origin.urls


async def test_what_was_not_modified_is_not_sent_again(service: World) -> None:
    """The version that is held is asked about; its source is fresh again."""
    service.origin.answers = {CRL_URL: crl(1)}
    await service.prefetcher.fetch(order(CRL_URL))
    await service.go(HOUR)
    assert (2, 1) == (len(service.origin.requests), service.origin.not_modified)
    state = service.record(CRL_URL).state
    assert (service.clock.now(), 0) == (state.succeeded_at, state.failures)


async def test_it_is_sent_again_where_it_is_held_no_more(store_directory: Path) -> None:
    """Validators of a CRL that the store has lost would get us nothing."""
    origin = VersionedOrigin({CRL_URL: crl(1)})
    with world(store_directory, origin=origin) as before:
        await before.prefetcher.fetch(order(CRL_URL))
        clock = before.clock
    for file in (store_directory / "store" / "generations").iterdir():
        file.unlink()
    with world(store_directory, origin=origin, clock=clock) as after:
        await after.loops.begin()
        await after.go(HOUR)
        assert (2, 0) == (len(origin.requests), origin.not_modified)
        assert ALLOWED == await after.ask(LEAF)


async def test_a_restart_forgets_nothing(store_directory: Path) -> None:
    """The inventory is taken up, with the version that is held and the keys that it verifies under."""
    origin = VersionedOrigin({CRL_URL: crl(1)})
    with world(store_directory, origin=origin) as before:
        await before.prefetcher.fetch(order(CRL_URL))
        clock = before.clock
    with world(store_directory, origin=origin, clock=clock) as after:
        await after.loops.begin()
        await after.go()
        assert [CRL_URL] == origin.urls
        await after.go(HOUR)
        assert (2, 1) == (len(origin.requests), origin.not_modified)
        origin.answers = {CRL_URL: crl(2)}
        await after.go(HOUR)
        assert {2} == after.numbers


class StuckOrigin(VersionedOrigin):
    """Says to every request for a newer version that there is none, as a broken cache does."""

    @asynccontextmanager
    async def stream(self, request: OriginRequest) -> AsyncIterator[OriginStream]:
        """The answer to whoever has none; not modified to everybody else."""
        async with super().stream(replace(request, validators=None)) as answer:
            self.not_modified += (is_stuck := bool(request.validators and request.validators.conditions))
            yield replace(answer, not_modified=is_stuck)


@pytest.mark.parametrize("is_asked_for", [True, False])
async def test_what_has_ended_is_not_taken_for_unmodified(store_directory: Path, is_asked_for: bool) -> None:
    """An origin that has never anything newer is asked for all it has at the end: by itself, or where somebody asks."""
    origin = StuckOrigin({CRL_URL: crl(1, life=12 * HOUR)})
    with world(store_directory, origin=origin) as service:
        assert ALLOWED == await service.ask(LEAF)
        origin.answers = {CRL_URL: crl(2, age=10 * HOUR, life=DAY, revoked=[LEAF.serial_number])}
        await service.live(11 * HOUR)
        assert {1} == service.numbers
        assert 0 < origin.not_modified
        if is_asked_for:
            service.clock.advance(HOUR)
            await service.prefetcher.refresh([CRL_URL])
        else:
            await service.live(HOUR + PROMPT.retry_longest.total_seconds())
        assert {2} == service.numbers
        assert REVOKED == await service.ask(LEAF)


async def test_an_authority_that_is_down_for_a_day(service: World) -> None:
    """Verdicts go on until nextUpdate and the skew, then deny; it is back, and within a retry period they allow."""
    service.origin.answers = {CRL_URL: crl(1, life=12 * HOUR)}
    assert ALLOWED == await service.ask(LEAF)
    service.origin.answers = {CRL_URL: DOWN}
    await service.live(12 * HOUR)
    assert ALLOWED == await service.ask(LEAF)
    await service.live(2 * MINUTE)
    assert UNAVAILABLE == await service.ask(LEAF)
    await service.live(10 * HOUR)
    assert UNAVAILABLE == await service.ask(LEAF)
    service.origin.answers = {CRL_URL: crl(2, age=22 * HOUR)}
    await service.live(PROMPT.retry_longest.total_seconds(), step=1.0)
    assert {2} == service.numbers
    assert ALLOWED == await service.ask(LEAF)


async def test_a_dead_host_is_asked_seldom(service: World) -> None:
    """Ten sources of one host that is down for an hour cost one request a minute, not ten."""
    for number in range(10):
        await service.prefetcher.fetch(order(f"http://crl.example/{number}.crl"))
    service.origin.requests.clear()
    await service.live(HOUR, step=5.0)
    assert len(service.origin.requests) <= HOUR / MINUTE + 10


async def test_a_host_that_is_back_is_asked_for_everything(service: World) -> None:
    """As soon as one of its sources gives a CRL, the others that failed there are tried, whenever their turn were."""
    urls = [f"http://crl.example/{number}.crl" for number in range(10)]
    for url in urls:
        await service.prefetcher.fetch(order(url))
        await service.live(17, step=1.0)
    service.origin.answers = dict.fromkeys(urls, crl(1))
    failures = [1]
    for _ in range(60):
        await service.go(1)
        failures = [service.record(url).state.failures for url in urls]
        if 0 in failures:
            break
    assert [0] * 10 == failures


async def test_places_are_tried_in_turn(service: World) -> None:
    """Where the first gives nothing, the next one does, and the source is none that fails."""
    service.origin.answers = {MIRROR: crl(1)}
    assert [Problem.UNREACHABLE] == [one.problem for one in await service.prefetcher.fetch(order(CRL_URL, MIRROR))]
    service.origin.answers = {MIRROR: crl(2)}
    await service.go(HOUR)
    assert [CRL_URL, MIRROR] * 2 == service.origin.urls
    record = service.record(CRL_URL)
    assert (0, MIRROR, {2}) == (record.state.failures, record.served_by, service.numbers)


async def test_a_version_is_asked_about_where_it_came_from(service: World) -> None:
    """What one place calls its version means nothing to another."""
    service.origin.answers = {MIRROR: crl(1)}
    await service.prefetcher.fetch(order(CRL_URL, MIRROR))
    await service.go(HOUR)
    first, second = service.origin.requests[-2:]
    assert (CRL_URL, None) == (first.url, first.validators)
    assert second.validators is not None
    assert 1 == service.origin.not_modified


async def test_a_place_that_lags_behind_another(service: World) -> None:
    """Its CRL is held no more, since another place gave a newer one: it is downloaded, and refused as older."""
    service.origin.answers = {CRL_URL: crl(1), MIRROR: crl(2, age=60)}
    service.clock.advance(60)
    for url in (CRL_URL, MIRROR):
        await service.prefetcher.fetch(order(url))
    await service.go(HOUR)
    assert (Problem.ROLLED_BACK, None) == (service.record(CRL_URL).problem, service.record(MIRROR).problem)
    assert (1, {2}) == (service.origin.not_modified, service.numbers)


async def test_a_rollback_is_told_and_what_is_held_stays(service: World) -> None:
    """It counts as a failure: the source is tried again soon."""
    service.origin.answers = {CRL_URL: crl(7)}
    await service.prefetcher.fetch(order(CRL_URL))
    service.origin.answers = {CRL_URL: crl(6, age=-HOUR)}
    await service.go(HOUR)
    record = service.record(CRL_URL)
    assert (Problem.ROLLED_BACK, 1, {7}) == (record.problem, record.state.failures, service.numbers)
    assert [CRL_URL] == [one.source for one in service.told.rollbacks]
    assert [7] == [one.crl_number for one in record.given]


async def test_a_number_that_stops_moving(service: World) -> None:
    """A newer CRL with the number of the last is held and told, once until the number moves."""
    for age, number in ((0.0, 1), (HOUR, 1), (2 * HOUR, 1), (3 * HOUR, 2), (4 * HOUR, 2)):
        service.origin.answers = {CRL_URL: crl(number, age)}
        if age:
            await service.go(HOUR)
        else:
            await service.prefetcher.fetch(order(CRL_URL))
    assert [1, 2] == [one.crl_number for one in service.told.stalls]
    assert NOW + timedelta(hours=3) == service.told.stalls[1].since


async def test_a_crl_that_is_never_replaced(service: World) -> None:
    """Neither number nor thisUpdate advances for three times its validity: somebody is told."""
    service.origin.answers = {CRL_URL: crl(1, life=HOUR)}
    await service.prefetcher.fetch(order(CRL_URL))
    await service.live(3 * HOUR, step=10 * MINUTE)
    assert [] == service.told.stalls
    await service.live(HOUR, step=10 * MINUTE)
    assert [1] == [one.crl_number for one in service.told.stalls]


async def test_max_age_delays_within_bounds(service: World) -> None:
    """An origin that says that nothing changes for a year is asked before the CRL ends."""
    service.origin.max_age_s = 365 * 24 * 3600
    service.origin.answers = {CRL_URL: crl(1, life=HOUR)}
    await service.prefetcher.fetch(order(CRL_URL))
    await service.live(HOUR)
    assert len(service.origin.requests) >= 2


async def test_an_order_with_wrong_keys_does_no_harm(service: World) -> None:
    """It fails, and the source that is held goes on as before; its keys come first."""
    service.origin.answers = {CRL_URL: crl(1)}
    await service.prefetcher.fetch(order(CRL_URL))
    service.clock.advance(10)
    assert [Problem.BAD_SIGNATURE] == [
        one.problem for one in await service.prefetcher.fetch(order(CRL_URL, signers=(NAMESAKE,)))
    ]
    assert 0 == service.record(CRL_URL).state.failures
    service.origin.answers = {CRL_URL: crl(2)}
    await service.go(HOUR)
    assert {2} == service.numbers


async def test_too_many_are_forgotten(store_directory: Path) -> None:
    """The least recently used first; what they gave stays held."""
    setup = Setup(schedule=replace(PROMPT, most_learned=2))
    urls = [f"http://crl.example/{number}.crl" for number in range(3)]
    with world(store_directory, setup) as service:
        service.origin.answers = dict.fromkeys(urls, crl(1))
        for url in urls:
            await service.prefetcher.fetch(order(url))
            service.clock.advance(10)
        await service.go()
        assert set(urls[1:]) == {one.source.key for one in service.store.sources()}
        assert (1, {1}) == (service.told.forgotten_count, service.numbers)


async def test_what_is_used_is_not_forgotten(store_directory: Path) -> None:
    """Workers tell what verdicts rested on."""
    setup = Setup(schedule=replace(PROMPT, most_learned=1, forget_after=timedelta(days=400)))
    with world(store_directory, setup) as service:
        for url in (CRL_URL, MIRROR):
            service.origin.answers[url] = crl(1)
        await service.prefetcher.fetch(order(CRL_URL))
        service.clock.advance(1)
        await service.prefetcher.fetch(order(MIRROR))
        service.clock.advance(HOUR)
        assert ("http://crl.example/unknown.crl",) == await service.prefetcher.note_used(
            [CRL_URL, "http://crl.example/unknown.crl"]
        )
        await service.go()
        assert [CRL_URL] == [one.source.key for one in service.store.sources()]


async def test_a_freshest_crl_is_a_source_too(service: World) -> None:
    """Deltas that a complete CRL names are ordered, learned and refreshed like any other."""
    delta_url = "http://crl.example/delta.crl"
    deltas = leaf(crl_urls=[CRL_URL], freshest_crl_urls=[delta_url])
    service.origin.answers = {CRL_URL: crl(1), delta_url: crl(2, age=60, delta_base=1)}
    service.clock.advance(120)
    assert ALLOWED == await service.ask(deltas)
    assert {CRL_URL, delta_url} == {one.source.key for one in service.store.sources()}
    service.origin.answers[delta_url] = crl(3, age=120, delta_base=1, revoked=[deltas.serial_number])
    await service.go(HOUR)
    assert REVOKED == await service.ask(deltas)


def test_times_of_the_builders() -> None:
    """What these tests assume of them."""
    assert THIS_UPDATE < NOW < NEXT_UPDATE
    assert hours(24) == timedelta(seconds=DAY)
