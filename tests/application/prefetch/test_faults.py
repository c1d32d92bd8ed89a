"""What goes wrong in a way that nobody has thought of is the matter of one source, and of no other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.application.origin import OriginRequest, OriginStream
from service.application.prefetch.desk import Waiting
from service.core.model.attempt import Problem
from tests.application.chain import CRL_URL, order
from tests.application.prefetch.world import VersionedOrigin, World, crl, world

pytestmark = pytest.mark.anyio

BROKEN = "http://broken.example/"


class BrokenOrigin(VersionedOrigin):
    """Fails with what no origin should fail with, for some URLs."""

    def __init__(self, error: Exception) -> None:
        """Take it."""
        super().__init__({CRL_URL: crl(1)})
        self._error = error

    @asynccontextmanager
    async def stream(self, request: OriginRequest) -> AsyncIterator[OriginStream]:
        """The answer."""
        if request.url.startswith(BROKEN):
            raise self._error
        async with super().stream(request) as answer:
            yield answer


def outcomes(service: World, *, many: int) -> dict[str, Problem | None]:
    """What others read of every source."""
    found = {one.source.key: one.problem for one in service.store.sources()}
    assert many == len(found)
    return found


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), TimeoutError("no"), OSError("no"), RuntimeError("no"), KeyError("no")],
    ids=lambda error: type(error).__name__,
)
async def test_a_refresh_of_many_with_one_that_breaks(store_directory: Path, error: Exception) -> None:
    """All of them are answered for: the one by its problem, with what it was, and the others as ever."""
    many = 50
    with world(store_directory, origin=BrokenOrigin(error)) as service:
        await service.prefetcher.fetch(order(CRL_URL))
        keys = [f"{BROKEN if one == many // 2 else 'http://dead.example/'}{one}" for one in range(many)]
        await service.prefetcher.learn(tuple(order(key) for key in keys))
        report = await service.desk.refresh(None, Waiting.DONE)
        told = {one.source: (one.problem, one.detail) for one in report.outcomes}
        assert many + 1 == len(told)
        assert None is told[CRL_URL][0]
        broken = f"{BROKEN}{many // 2}"
        assert Problem.INTERNAL is told[broken][0]
        assert "no" in told[broken][1]
        assert {Problem.UNREACHABLE} == {told[key][0] for key in keys if key != broken}
        assert {key: problem for key, (problem, _) in told.items()} == outcomes(service, many=many + 1)


async def test_it_is_tried_again_later_and_later(store_directory: Path) -> None:
    """It has failed like any other source, so that it is not tried all the time."""
    with world(store_directory, origin=BrokenOrigin(RuntimeError("no"))) as service:
        await service.prefetcher.learn((order(BROKEN),))
        await service.go()
        assert 1 == service.record(BROKEN).state.failures
        await service.go(1)
        assert 1 == service.record(BROKEN).state.failures
        await service.go(5)
        assert 2 == service.record(BROKEN).state.failures


async def test_cancelling_is_no_fault(store_directory: Path) -> None:
    """Who ends it means it."""
    origin = VersionedOrigin({CRL_URL: crl(1)})
    origin.gate.clear()
    with world(store_directory, origin=origin) as service:
        await service.prefetcher.learn((order(CRL_URL),))
        refreshing = asyncio.create_task(service.desk.refresh(None, Waiting.DONE))
        await origin.asked.wait()
        await service.prefetcher.aclose()
        with pytest.raises(asyncio.CancelledError):
            await refreshing
        assert 0 == service.record(CRL_URL).state.failures
        await service.ingester.aclose()
