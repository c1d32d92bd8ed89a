"""URLs that the operator has configured: fetched with his word, and tried again."""

from pathlib import Path

import pytest

from service.application.crl_fetcher import CrlOrder, CrlSigner
from service.application.origin import OriginError, UrlTrust
from service.core.model.attempt import Problem
from service.core.prefetch.inventory import SourceKind
from tests.application.chain import CRL_URL, SUB, order, read
from tests.application.prefetch.world import HOUR, Setup, VersionedOrigin, begun, crl, place, world

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("sub_known")]


async def test_an_url_of_the_operators(store_directory: Path) -> None:
    """It is fetched with the operator's word, and refreshed."""
    url = "https://ca.internal/sub.crl"
    origin = VersionedOrigin({url: crl(1)})
    with world(store_directory, Setup((url,)), origin) as service:
        await begun(service)
        await service.go(HOUR)
        assert ({1}, 1) == (service.numbers, origin.not_modified)
        assert {UrlTrust.OPERATOR} == {one.trust for one in origin.requests}
        assert {url} == {one.source.key for one in service.store.sources()}


async def test_what_is_learned_and_configured_is_the_operators(store_directory: Path) -> None:
    """An order for the operator's own URL is carried out with his word; any other is not."""
    origin = VersionedOrigin({CRL_URL: crl(1), "http://other.example/": crl(1)})
    with world(store_directory, Setup((CRL_URL,)), origin) as service:
        await service.loops.begin()
        await service.prefetcher.fetch(order(CRL_URL))
        await service.prefetcher.fetch(order("http://other.example/sub.crl"))
        assert [UrlTrust.OPERATOR, UrlTrust.CERTIFICATE] == [one.trust for one in origin.requests]
        await service.go()
        assert SourceKind.CONFIGURED is service.record(CRL_URL).source.kind


async def test_a_failing_place_is_tried_again(store_directory: Path) -> None:
    """And is fine as soon as it answers."""
    url = "https://ca.internal/sub.crl"
    origin = VersionedOrigin({url: OriginError(Problem.HTTP_STATUS, "503")})
    with world(store_directory, Setup((url,)), origin) as service:
        await begun(service)
        assert (Problem.HTTP_STATUS, 1) == (service.record(url).problem, service.record(url).state.failures)
        origin.answers = {url: crl(1)}
        await service.go(5)
        assert (None, 0, {1}) == (service.record(url).problem, service.record(url).state.failures, service.numbers)


async def test_only_the_operator_names_files(store_directory: Path, crls: Path) -> None:
    """A certificate that names a file gets nothing."""
    file = place(crls, "sub.crl", crl(1))
    with world(store_directory) as service:
        (attempt,) = await service.prefetcher.fetch(order(file.as_uri()))
        assert (file.as_uri(), set()) == (attempt.source, service.numbers)


@pytest.mark.parametrize("is_order", [False, True])
async def test_whoever_answers_a_refresh_or_an_order_is_asked_for_the_others(
    store_directory: Path, is_order: bool
) -> None:
    """As after any attempt; where he does not answer, the others wait for their turn."""
    urls = ("https://h.example/1.crl", "https://h.example/2.crl")
    origin = VersionedOrigin()
    with world(store_directory, Setup(urls), origin) as service:
        await begun(service)
        origin.answers = {url: OriginError(Problem.UNREACHABLE, "down") for url in urls}
        await service.live(HOUR)

        async def ask() -> None:
            if is_order:
                await service.prefetcher.fetch(CrlOrder(urls[:1], (CrlSigner.of(read(SUB)),)))
            else:
                await service.prefetcher.refresh(urls[:1])

        seen = []
        for answer in (OriginError(Problem.UNREACHABLE, "down"), crl(1)):
            await service.live(HOUR)
            service.clock.advance(HOUR)  # the breaker lets an order through
            origin.answers = {**origin.answers, urls[0]: answer}
            await ask()
            asked_at = service.inventory[urls[1]].state.asked_at
            seen.append(asked_at == service.clock.now())
        assert [False, True] == seen
