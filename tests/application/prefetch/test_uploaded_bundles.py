"""Uploads of several CRLs in one file, of which some may be held: what is said of them is what became of them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from service.adapters.upload_files import UploadFiles
from service.application.operating.uploads import Upload, UploadOutcome, UploadRefusedError, Uploads
from service.core.model.attempt import Problem
from tests.application.prefetch.world import World, begun, crl, world
from tests.operators import Asked
from tests.pki import pem

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("sub_known")]

NAME: Final = "sub.crl"


def number(crl_number: int) -> bytes:
    """A CRL, the later the higher."""
    return crl(crl_number, age=crl_number - 10)


def bundle(*numbers: int) -> bytes:
    """A file of several."""
    return "".join(pem(number(one), "X509 CRL") for one in numbers).encode()


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[tuple[World, Uploads]]:
    """A prefetcher that looks every second, and somebody to upload to; the fifth CRL is held."""

    async def look(service: World) -> None:
        while True:
            await service.go(1.0)

    with world(directory) as service:
        await begun(service)
        shelf = UploadFiles(service.uploads, service.clock)
        uploads = Uploads(shelf, service.desk, service.store, service.clock, Asked())
        looking = asyncio.create_task(look(service))
        try:
            await put(uploads, number(5))
            yield service, uploads
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking


async def put(uploads: Uploads, content: bytes, name: str = NAME) -> Upload:
    """Upload something."""

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    return await uploads.add(name, pieces(), "somebody")


def outcomes(uploads: Iterable[Upload]) -> list[tuple[UploadOutcome, Problem | None, list[int | None]]]:
    """What is said of each."""
    return [(one.outcome, one.problem, [crl.crl_number for crl in one.given]) for one in uploads]


@pytest.mark.parametrize("name", [NAME, "another.crl"])
@pytest.mark.parametrize("numbers", [(6, 4), (4, 6)])
async def test_one_is_newer_and_one_is_older(store_directory: Path, name: str, numbers: tuple[int, int]) -> None:
    """The newer one is in force, and so it is said; the other is named, and the file stays."""
    async with running(store_directory) as (service, uploads):
        upload = await put(uploads, bundle(*numbers), name)
        expected = (UploadOutcome.HELD, Problem.ROLLED_BACK, [6])
        assert [expected] == outcomes([upload])
        assert {6} == service.numbers
        assert bundle(*numbers) == (service.uploads / name).read_bytes()
        assert expected in outcomes(await uploads.list())


async def test_all_of_it_is_older(store_directory: Path) -> None:
    """What the file gave before stays remembered, and is not what the new one gave."""
    async with running(store_directory) as (service, uploads):
        with pytest.raises(UploadRefusedError) as caught:
            await put(uploads, bundle(3, 4))
        assert Problem.ROLLED_BACK is caught.value.problem
        assert ({5}, number(5)) == (service.numbers, (service.uploads / NAME).read_bytes())
        assert [(UploadOutcome.HELD, None, [5])] == outcomes(await uploads.list())
