"""How a replica stands with its fleet, asked over a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.adapters.ipc.client import PrefetcherClient
from service.adapters.ipc.message import MessageError
from service.adapters.ipc.server import PrefetcherServer
from service.adapters.ipc.standing import MAX_REASON, decode_standing, encode_standing
from service.application.fleet.standing import FleetStanding, Standing
from service.application.prefetch.desk import PrefetcherUnavailableError
from tests.adapters.ipc.test_ipc import RecordingFetcher
from tests.pki import NOW

pytestmark = pytest.mark.anyio

BEHIND = FleetStanding(Standing.BEHIND, NOW, "it does not answer")


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same. Implements `StandingReport`."""

    standing: FleetStanding


@asynccontextmanager
async def serving(path: Path, fleet: Fixed | None) -> AsyncIterator[PrefetcherClient]:
    """A prefetcher that follows a fleet, or none."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    stop = asyncio.Event()
    task = asyncio.create_task(PrefetcherServer(RecordingFetcher(), fleet=fleet).serve(listener, stop))
    try:
        yield PrefetcherClient(path)
    finally:
        stop.set()
        await task


async def test_it_is_told(tmp_path: Path) -> None:
    """As whoever follows says it at that moment."""
    async with serving(tmp_path / "s", Fixed(BEHIND)) as client:
        assert BEHIND == await client.fleet_standing()


async def test_without_a_fleet(tmp_path: Path) -> None:
    """There is nothing to tell."""
    async with serving(tmp_path / "s", None) as client:
        assert await client.fleet_standing() is None


async def test_a_prefetcher_that_is_gone(tmp_path: Path) -> None:
    """Nobody says anything after it."""
    async with serving(tmp_path / "s", Fixed(BEHIND)) as client:
        pass
    with pytest.raises(PrefetcherUnavailableError):
        await client.fleet_standing()


def test_a_long_reason_is_cut() -> None:
    """Redis may say as much as it likes."""
    told = decode_standing(encode_standing(FleetStanding(Standing.BEHIND, NOW, "x" * 10 * MAX_REASON)))
    assert told is not None
    assert "x" * MAX_REASON == told.reason


@pytest.mark.parametrize(
    "text",
    [b"", b"null", b"[]", b"{}", b'{"standing":"well"}', b'{"standing":"current","since":"now","reason":""}'],
)
def test_another_answer(text: bytes) -> None:
    """It is an error."""
    with pytest.raises(MessageError):
        decode_standing(text)
