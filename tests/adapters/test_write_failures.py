"""Writes that fail are told, and how much room there is; what succeeds in the end has not failed."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.lmdb.store_parts import StoreLimits
from service.adapters.pending_files import PendingFiles
from service.adapters.spool import WRITTEN_AT_ONCE, FileSpool
from service.adapters.write_failures import RoomCollector
from service.application.evidence_store import StoreError
from service.core.model.block import Block, FingerprintMatch
from tests.adapters.lmdb.values import AT, held, ocsp, row, watermark

pytestmark = pytest.mark.anyio


class Told:
    """Whom writes that fail are told."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        """Count one."""
        self.times += 1


@pytest.fixture
def told() -> Told:
    """Nothing has failed yet."""
    return Told()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a store."""
    return tmp_path / "store"


async def _until_full(store: Store) -> None:
    for number in range(1000):
        await store.blocks.add_block(_block(number), 1000)


def _block(number: int) -> Block:
    return Block(f"b{number:06}", FingerprintMatch(number.to_bytes(32)), "x" * 5000, AT, "admin")


async def test_what_the_store_has_no_room_for(path: Path, told: Told) -> None:
    """Once for each write; what gives way to others without a failure is not told."""
    with Store.open(path, Role.WORKER, StoreLimits(hot_map_octets=1 << 20), not_written=told) as store:
        for number in range(200):
            await store.put_ocsp(number.to_bytes(32), ocsp(timedelta(hours=1), response=bytes(5000)))
        assert 0 == told.times
        with pytest.raises(StoreError):
            await _until_full(store)
        assert 1 == told.times


async def test_what_was_refused(path: Path, told: Told) -> None:
    """Nothing was to be written."""
    with Store.open(path, Role.WORKER, not_written=told) as store:
        with pytest.raises(StoreError, match="is not held"):
            await store.put_ocsp(bytes(32), ocsp(timedelta(hours=1), response=bytes(1 << 20)))
        with pytest.raises(StoreError, match="as a worker"):
            store.publish(held(1), [row(1)], watermark(1))
    assert 0 == told.times


def test_a_crl_that_cannot_be_written(path: Path, told: Told) -> None:
    """Its file is written before its row, in another thread."""
    with Store.open(path, Role.INGESTER, not_written=told) as store:
        shutil.rmtree(path / "building")
        with pytest.raises(StoreError, match="cannot write a CRL"):
            store.publish(held(1), [row(1)], watermark(1))
    assert 1 == told.times


async def _chunks(octets: int) -> AsyncIterator[bytes]:
    yield bytes(octets)


async def _broken() -> AsyncIterator[bytes]:
    yield b"x"
    raise ConnectionError("reset by peer")


async def test_a_download_that_finds_no_room(tmp_path: Path, told: Told) -> None:
    """Where nothing can be made."""
    with pytest.raises(FileNotFoundError):
        await FileSpool(tmp_path / "gone", told).collect(_chunks(1))
    assert 1 == told.times


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every download is written to a device that takes nothing."""
    with Path("/dev/full").open("wb", buffering=0) as device:
        fd = device.fileno()
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: os.fdopen(os.dup(fd), "wb", 0))
        yield


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("octets", [1, WRITTEN_AT_ONCE])
async def test_a_download_that_does_not_fit(octets: int, tmp_path: Path, told: Told) -> None:
    """A piece of it, or its end: told once."""
    with pytest.raises(OSError, match="No space left"):
        await FileSpool(tmp_path, told).collect(_chunks(octets))
    assert 1 == told.times


async def test_a_download_that_breaks_off(tmp_path: Path, told: Told) -> None:
    """It is the network's fault."""
    with pytest.raises(ConnectionError):
        await FileSpool(tmp_path, told).collect(_broken())
    assert 0 == told.times


def test_a_crl_that_waits(tmp_path: Path, told: Told) -> None:
    """It cannot be kept."""
    waiting = PendingFiles(tmp_path / "gone", 1000, lambda _: None, not_written=told)
    with pytest.raises(FileNotFoundError):
        waiting.keep(bytes(32), b"crl")
    assert 1 == told.times


def _room(directory: Path) -> float | None:
    registry = CollectorRegistry()
    registry.register(RoomCollector(directory))
    return registry.get_sample_value("revet_data_free_bytes")


def test_room(tmp_path: Path) -> None:
    """What the file system says; nothing of what is not there."""
    assert os.statvfs(tmp_path).f_bavail > 0
    assert (_room(tmp_path) or 0) > 0
    assert _room(tmp_path / "gone") is None
