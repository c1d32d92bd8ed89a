"""Whoever has an authority below an anchor may name anybody's URLs, and before anybody else: that keeps nobody out.

What is kept fresh is kept fresh for all who name it, whatever keys and places a stranger names for it.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import pytest

from service.application.crl_fetcher import CrlOrder
from service.application.origin import OriginError
from service.application.prefetch.reporting import UsedReporter
from service.application.prefetch.source_record import MAX_RECORD_SIGNERS
from service.core.model.attempt import Problem
from service.core.model.certificate import Certificate
from tests.application.chain import CRL_URL, ROOT, SUB, leaf, order, read
from tests.application.prefetch.world import DAY, HOUR, MINUTE, MIRROR, World, crl, signer
from tests.application.world import ALLOWED, REVOKED, UNAVAILABLE, request, summary
from tests.pki import Authority, DistributionPoint

pytestmark = pytest.mark.anyio

STRANGE: Final = ROOT.subordinate("Strange")
"""A neighbour of Sub's, under the same root."""
STRANGE_URL: Final = "http://strange.example/old.crl"
DOWN: Final = OriginError(Problem.UNREACHABLE, "nobody there")
WEEK: Final = 7 * DAY


async def ask(service: World, certificate: Certificate, *brought: Authority) -> tuple[str, str, str]:
    """What is decided where these come along."""
    asked = replace(request(certificate), intermediates=tuple(map(read, brought)))
    return summary(await service.validator.validate(asked))


async def name(service: World, *strangers: Authority, urls: Iterable[str] = (CRL_URL,)) -> None:
    """Have strangers' certificates name these, in one distribution point; nothing there is signed by them."""
    for stranger in strangers:
        about = read(stranger.issue("x", crl_urls=[DistributionPoint(names=list(urls))]))
        brought = (stranger,) if stranger is STRANGE else (stranger, STRANGE)
        assert UNAVAILABLE == await ask(service, about, *brought)
        service.clock.advance(2)


def strangers(count: int) -> list[Authority]:
    """So many keys of theirs."""
    return [STRANGE.subordinate(f"Strange {number}") for number in range(count)]


def several_places(*urls: str) -> Certificate:
    """A certificate of Sub's whose CRL is at several places."""
    return leaf(crl_urls=[DistributionPoint(names=list(urls))])


async def test_as_many_keys_as_are_remembered(service: World) -> None:
    """Whose CRL is there is remembered before those whose it is not."""
    about = leaf(crl_urls=[CRL_URL])
    service.origin.answers = {CRL_URL: crl(1, life=WEEK)}
    await name(service, *strangers(MAX_RECORD_SIGNERS))
    assert ALLOWED == await service.ask(about)
    assert signer(SUB) == service.record(CRL_URL).signers[1]
    service.origin.answers = {CRL_URL: crl(2, age=60, life=WEEK, revoked=[about.serial_number])}
    await service.go(HOUR)
    assert REVOKED == await service.ask(about)


async def test_certificates_that_leave_no_room(service: World) -> None:
    """The longest that are kept at all: there is room for the key of whoever comes next."""
    about = leaf(crl_urls=[CRL_URL])
    names = [f"DNS:{'a' * 60}.{number:05d}.example" for number in range(200)]
    service.origin.answers = {CRL_URL: crl(1, life=WEEK)}
    await name(service, STRANGE.subordinate("Strange with many names", san=names))
    assert ALLOWED == await service.ask(about)
    service.origin.answers = {CRL_URL: crl(2, age=60, life=WEEK, revoked=[about.serial_number])}
    await service.go(HOUR)
    assert REVOKED == await service.ask(about)


async def test_keys_for_a_source_that_was_forgotten(service: World) -> None:
    """Its CRL is held: whatever it verified under is tried, although nobody orders it any more."""
    about = leaf(crl_urls=[CRL_URL])
    service.origin.answers = {CRL_URL: crl(1, life=WEEK)}
    assert ALLOWED == await service.ask(about)
    await service.inventory.forget([CRL_URL])
    await service.go(MINUTE)
    await name(service, *strangers(MAX_RECORD_SIGNERS))
    service.origin.answers = {CRL_URL: crl(2, age=60, life=WEEK, revoked=[about.serial_number])}
    await service.live(HOUR)
    assert REVOKED == await service.ask(about)
    assert signer(SUB) == service.record(CRL_URL).signers[1]


@pytest.mark.parametrize("is_first", [False, True], ids=["afterwards", "before"])
async def test_places_of_a_stranger(service: World, is_first: bool) -> None:
    """They are not tried in place of others, nor before them: what they serve, be it genuine and old, hides nothing."""
    about = several_places(CRL_URL, MIRROR)
    old = crl(1, life=WEEK)
    service.origin.answers = {CRL_URL: DOWN, MIRROR: old, STRANGE_URL: old}
    if is_first:
        await name(service, STRANGE, urls=(CRL_URL, STRANGE_URL))
    assert ALLOWED == await service.ask(about)
    if not is_first:
        service.clock.advance(2)
        await name(service, STRANGE, urls=(CRL_URL, STRANGE_URL))
    service.origin.answers[MIRROR] = crl(2, age=60, life=WEEK, revoked=[about.serial_number])
    await service.live(HOUR)
    assert REVOKED == await service.ask(about)
    assert {CRL_URL: (CRL_URL,), MIRROR: (MIRROR,), STRANGE_URL: (STRANGE_URL,)} == {
        one.source.key: one.source.places for one in service.store.sources()
    }


async def test_what_came_of_an_order_is_noted_of_each_source(service: World) -> None:
    """Of two that have its places the one fails, the other serves, and neither is asked again at once."""
    service.origin.answers = {MIRROR: crl(1)}
    for urls in ((CRL_URL,), (CRL_URL, MIRROR)):
        await service.prefetcher.fetch(order(*urls))
    assert [1, 0] == [service.record(url).state.failures for url in (CRL_URL, MIRROR)]
    assert (MIRROR, (1,)) == (
        service.record(MIRROR).served_by,
        tuple(one.crl_number for one in service.record(MIRROR).given),
    )
    service.origin.requests.clear()
    await service.go()
    assert [] == service.origin.urls


async def test_all_places_in_use_are_reported(service: World) -> None:
    """Whichever of them was forgotten is learned again, although the first is known."""
    service.origin.answers = dict.fromkeys((CRL_URL, MIRROR), crl(1))
    for urls in ((CRL_URL,), (CRL_URL, MIRROR)):
        await service.prefetcher.fetch(order(*urls))
    await service.inventory.forget([MIRROR])
    assert ALLOWED == await service.ask(several_places(CRL_URL, MIRROR))
    reporter = UsedReporter(service.used, service.desk, service.clock)
    await reporter.report()
    assert {CRL_URL, MIRROR} == {one.source.key for one in service.store.sources()}


async def test_whoever_uses_a_url_first_is_not_reported_alone(service: World) -> None:
    """Another list of places that begins alike is noted beside, and so is another issuer."""
    service.origin.answers = dict.fromkeys((CRL_URL, MIRROR), crl(1))
    one, other = (several_places(CRL_URL, *rest) for rest in ((), (MIRROR,)))
    for about in (one, other):
        assert ALLOWED == await service.ask(about)
    assert [(CRL_URL,), (CRL_URL, MIRROR)] == [noted.urls for noted in service.used.take()]


async def test_a_key_that_is_not_known_is_no_hindrance(service: World) -> None:
    """Whoever is learned for a source that is known joins those that are remembered."""
    service.origin.answers = {CRL_URL: crl(1)}
    await service.prefetcher.fetch(order(CRL_URL))
    await service.desk.learn((CrlOrder((CRL_URL,), order(CRL_URL, signers=(STRANGE,)).signers),))
    assert (signer(SUB), signer(STRANGE)) == service.record(CRL_URL).signers
