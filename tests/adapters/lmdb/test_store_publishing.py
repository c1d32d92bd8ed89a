"""Publishing a CRL: the order of its steps, and what is left of it where one of them fails."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.adapters.lmdb.crl_rows import CrlRows
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.lmdb.store_parts import StoreLimits
from service.application.evidence_store import StoreError
from service.core.model.crl import CrlRow
from tests.adapters.lmdb.files import generations
from tests.adapters.lmdb.values import ISSUER, NOWHERE, SIGNERS, entry, held, octets, row, slot, watermark


def test_worker_does_not_publish(path: Path) -> None:
    """Only the ingester publishes."""
    with Store.open(path, Role.WORKER) as store, pytest.raises(StoreError, match="worker"):
        store.publish(held(1), [], watermark(1))


def test_order_of_steps(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is on the disk before it has its name, the name before the switch; the old file goes last."""
    store.publish(held(1), [row(1)], watermark(1))
    (old,) = generations(path)
    steps: list[str] = []

    def record(owner: object, name: str, step: str) -> None:
        really = getattr(owner, name)

        def recorded(*arguments: object, **options: object) -> object:
            if step != "unlink" or arguments[0] == old:
                steps.append(step)
            return really(*arguments, **options)

        monkeypatch.setattr(owner, name, recorded)

    record(os, "fsync", "sync")
    record(os, "replace", "rename")
    record(os, "unlink", "unlink")
    record(CrlRows, "switch", "switch")

    store.publish(held(2), [row(1)], watermark(2))

    assert ["sync", "rename", "sync", "switch", "unlink"] == steps


def test_error_of_the_rows(store: Store, path: Path) -> None:
    """Rows that end in an error leave what was held, and the error is theirs."""
    store.publish(held(1), [row(1)], watermark(1))

    def rows() -> Iterator[CrlRow]:
        yield row(2)
        raise ValueError("theirs")

    with pytest.raises(ValueError, match="theirs"):
        store.publish(held(2), rows(), watermark(2))

    (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
    assert (1, entry(), watermark(1)) == (found.meta.crl_number, found.entry, store.watermark(slot()))
    assert 1 == len(generations(path))


def test_hot_environment_is_full(path: Path) -> None:
    """A slot that cannot be switched for lack of room is an error, and what was held still is."""
    with Store.open(path, Role.INGESTER, StoreLimits(hot_map_octets=1 << 17)) as store:
        store.publish(held(1), [row(1)], watermark(1))
        large = replace(held(2), source="x" * (1 << 17))

        with pytest.raises(StoreError, match="MAP_FULL"):
            store.publish(large, [row(2)], watermark(2))

        (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
        assert (1, entry(), watermark(1)) == (found.meta.crl_number, found.entry, store.watermark(slot()))
        assert 1 == len(generations(path))


def test_error_after_the_switch(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A switch that reports an error and came through all the same keeps its file."""
    really = CrlRows.switch

    def switch(*arguments: object) -> bytes | None:
        really(*arguments)  # type: ignore[arg-type] # handed on as they came
        raise StoreError("reported")

    monkeypatch.setattr(CrlRows, "switch", switch)

    with pytest.raises(StoreError, match="reported"):
        store.publish(held(1), [row(1)], watermark(1))

    (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
    assert entry() == found.entry
    assert 1 == len(generations(path))
