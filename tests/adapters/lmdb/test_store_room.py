"""The room of the small rows: whatever is held of OCSP, what is blocked and what is revoked finds some."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.environment import MAP_OCTETS
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.lmdb.store_parts import OCSP_EIGHTHS, OCSP_ROWS, StoreLimits
from service.application.block_bringing import MAX_TOMBSTONES, BlockRoom
from service.application.cache_counting import EVICTIONS, own_cells
from service.application.evidence_store import StoreError
from service.application.fleet.block_rooms import ANYBODYS, AUTHENTIC
from service.core.model.block import Block, FingerprintMatch
from tests.adapters.lmdb.values import AT, held, ocsp, row, slot, watermark

pytestmark = pytest.mark.anyio

SMALL: Final = StoreLimits(hot_map_octets=2 << 20)

TOMBSTONE_OCTETS: Final = 400
"""Of one in the store: its id, who removed it and when, in pages that are half full."""

EXPIRY_OCTETS: Final = 200
"""Of the row beside a response that says when it expires, likewise."""


def block(number: int, octets: int) -> Block:
    """A block of about this length."""
    return Block(f"b{number:06}", FingerprintMatch(number.to_bytes(32)), "x" * octets, AT, "admin")


async def fill(store: Store, octets: int = 5000) -> int:
    """Hold responses until there is no room for another, but for those that are held; how many there are."""
    for number in range(1000):
        await store.put_ocsp(_key(number), ocsp(timedelta(hours=1, seconds=number), response=bytes(octets)))
    return sum(store.find_ocsp(_key(number)) is not None for number in range(1000))


def _key(number: int) -> bytes:
    return number.to_bytes(32)


def test_what_is_bounded_fits() -> None:
    """OCSP responses, blocks and tombstones, each as many as there may be, leave a quarter to everything else."""
    responses = MAP_OCTETS * OCSP_EIGHTHS // 8
    blocks = max(AUTHENTIC.octets, ANYBODYS.octets)
    others = MAX_TOMBSTONES * TOMBSTONE_OCTETS + OCSP_ROWS * EXPIRY_OCTETS
    assert responses + blocks + others <= MAP_OCTETS - MAP_OCTETS // 4
    assert 192 << 20 == responses


async def test_blocks_of_others_beside_responses(path: Path) -> None:
    """As many responses as there may be, and as many octets of blocks: all are held."""
    with Store.open(path, Role.WORKER, SMALL) as store:
        count = await fill(store)
        room = BlockRoom(1000, SMALL.hot_map_octets * AUTHENTIC.octets // MAP_OCTETS)
        brought = await store.blocks.bring(tuple(block(number, 800) for number in range(300)), (), room)
        assert (300, 0) == (len(brought.added), brought.no_room)
        assert count == sum(store.find_ocsp(_key(number)) is not None for number in range(1000))


async def test_a_response_gives_way_to_a_block(path: Path) -> None:
    """Where something else has taken the room, the first to expire go."""
    with Store.open(path, Role.WORKER, SMALL) as store:
        await fill(store)
        room = BlockRoom(10_000, SMALL.hot_map_octets)
        for first in range(0, 1200, 100):
            blocks = tuple(block(number, 800) for number in range(first, first + 100))
            assert 100 == len((await store.blocks.bring(blocks, (), room)).added)
        assert await store.blocks.add_block(block(9999, 800), 10_000)
        assert 1201 == store.blocks.block_count()


async def test_a_response_gives_way_to_a_crl(path: Path) -> None:
    """Likewise."""
    with Store.open(path, Role.INGESTER, SMALL) as store:
        await fill(store)
        cells, (before, _) = own_cells(), store.ocsp_room()
        store.count_in(cells)
        for number in range(25):
            crl = held(number, slot(b"point %d" % number))
            store.publish(replace(crl, source="x" * 50_000), [row(1)], watermark(number))
        assert 25 == len(store.held())
        assert 0 < cells[EVICTIONS] == before - store.ocsp_room()[0]


async def test_what_never_fits(path: Path) -> None:
    """It is an error, and whatever is blocked is held as before."""
    with Store.open(path, Role.WORKER, SMALL) as store:
        await store.put_ocsp(_key(0), ocsp())
        await store.blocks.add_block(block(0, 1), 10)
        with pytest.raises(StoreError, match="MAP_FULL"):
            await store.blocks.add_block(block(1, SMALL.hot_map_octets), 10)
        assert 1 == store.blocks.block_count()
        await store.put_ocsp(_key(0), ocsp())
        assert ocsp() == store.find_ocsp(_key(0))


async def test_an_error_of_another_kind(path: Path) -> None:
    """It is no reason to take responses away."""
    with Store.open(path, Role.WORKER, SMALL) as store:
        await store.put_ocsp(_key(0), ocsp())
        await store.blocks.add_block(block(0, 1), 10)
        with pytest.raises(StoreError, match="already"):
            await store.blocks.add_block(block(0, 1), 10)
        assert ocsp() == store.find_ocsp(_key(0))
