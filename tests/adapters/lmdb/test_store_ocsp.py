"""Held OCSP responses as the application sees them, beside the CRLs."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.lmdb.store_parts import StoreLimits
from service.application.evidence_store import StoreError
from tests.adapters.lmdb.values import ISSUER, KEY, NOWHERE, SIGNERS, entry, held, ocsp, octets, row, watermark

pytestmark = pytest.mark.anyio


async def test_ocsp(path: Path) -> None:
    """A response that was held is found, in this process and in the next; closing waits for what is being written."""
    with Store.open(path, Role.WORKER) as store:
        await store.put_ocsp(KEY, ocsp())
        assert ocsp() == store.find_ocsp(KEY)
        assert store.find_ocsp(bytes(31) + b"\1") is None
        waiting = asyncio.ensure_future(store.put_ocsp(KEY, ocsp(response=b"newer")))
        await asyncio.sleep(0)

    await waiting
    with Store.open(path, Role.WORKER) as store:
        assert ocsp(response=b"newer") == store.find_ocsp(KEY)


async def test_ocsp_rows_are_bounded(path: Path) -> None:
    """The limits reach the rows."""
    with Store.open(path, Role.WORKER, StoreLimits(ocsp_rows=1)) as store:
        await store.put_ocsp(KEY, ocsp())
        await store.put_ocsp(bytes(31) + b"\1", ocsp(timedelta(hours=2)))

        assert store.find_ocsp(KEY) is None


async def test_ocsp_leaves_room_for_crls(path: Path) -> None:
    """Whatever responses are written, a CRL can be switched."""
    with Store.open(path, Role.INGESTER, StoreLimits(hot_map_octets=1 << 20)) as store:
        for number in range(100):
            await store.put_ocsp(number.to_bytes(32, "big"), ocsp(response=bytes(30_000)))

        store.publish(replace(held(1), source="x" * 100_000), [row(1)], watermark(1))

        (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
        assert entry() == found.entry


async def test_too_large_a_response(store: Store) -> None:
    """An error of the writing thread reaches who waits for it."""
    with pytest.raises(StoreError, match="not held"):
        await store.put_ocsp(KEY, ocsp(response=bytes(1 << 20)))
