"""A store that is damaged: an error wherever that is seen, and never an answer."""

import os
from pathlib import Path

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.evidence_store import StoreError
from tests.adapters.lmdb.files import generations, overwrite
from tests.adapters.lmdb.values import ISSUER, NOWHERE, SIGNERS, entry, held, octets, row, slot, watermark


def test_missing_generation(store: Store, path: Path) -> None:
    """A CRL whose file is not there is an error, and not an absent entry."""
    store.publish(held(1), [], watermark(1))
    for generation in generations(path):
        generation.unlink()

    with pytest.raises(StoreError, match="missing"):
        store.find(ISSUER, NOWHERE, SIGNERS, octets(1))


def test_shortened_generation(store: Store, path: Path) -> None:
    """A CRL whose file was cut is an error, and no signal that kills the process."""
    store.publish(held(1), [row(number) for number in range(1000)], watermark(1))
    (generation,) = generations(path)
    generation.chmod(0o600)
    os.truncate(generation, 4096)

    with pytest.raises(StoreError, match="4096 octets"):
        store.find(ISSUER, NOWHERE, SIGNERS, octets(1))


def test_damaged_entry(store: Store) -> None:
    """An entry that does not decode is an error."""
    store.publish(held(1), [(octets(1), b"?")], watermark(1))

    with pytest.raises(StoreError, match="damaged"):
        store.find(ISSUER, NOWHERE, SIGNERS, octets(1))


def test_damaged_slot(path: Path) -> None:
    """A slot that does not decode is an error wherever it is read, and publishing again repairs it."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [row(1)], watermark(1))
    overwrite(path, b"crl-slots", slot().key, b"?")

    with Store.open(path, Role.INGESTER) as store:
        with pytest.raises(StoreError, match="damaged"):
            store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
        with pytest.raises(StoreError, match="damaged"):
            store.held()
        with pytest.raises(StoreError, match="damaged"):
            store.holds_issuer(ISSUER, SIGNERS)
        store.publish(held(2), [row(1)], watermark(2))
        (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
        assert entry() == found.entry
    assert 1 == len(generations(path))


def test_a_damaged_slot_holds_nothing(path: Path) -> None:
    """What is published next repairs it."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [row(1)], watermark(1))
    overwrite(path, b"crl-slots", slot().key, b"?")

    with Store.open(path, Role.INGESTER) as store:
        assert not store.holds(slot(), held(1).meta.digest)


def test_index_without_a_slot(path: Path) -> None:
    """An index that leads to nothing is an error."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [], watermark(1))
    overwrite(path, b"crl-slots", slot().key, None)

    with Store.open(path, Role.WORKER) as store:
        with pytest.raises(StoreError, match="index"):
            store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
        with pytest.raises(StoreError, match="index"):
            store.holds_issuer(ISSUER, SIGNERS)


def test_damaged_watermark(path: Path) -> None:
    """A watermark that does not decode is an error: an older CRL must not slip in."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [], watermark(1))
    overwrite(path, b"crl-watermarks", slot().key, b"{}")

    with Store.open(path, Role.WORKER) as store, pytest.raises(StoreError, match="damaged"):
        store.watermark(slot())
