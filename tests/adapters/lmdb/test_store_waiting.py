"""CRLs that wait are found by the name they bear and by what they are about; every change is another generation."""

from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.evidence_store import NOTHING_WAITS, StoreError, WaitingCrl, WaitingCrls
from tests.adapters.lmdb.values import ISSUER, NOWHERE

ONE: Final = WaitingCrl(b"1" * 32, ISSUER)
PARTITION: Final = WaitingCrl(b"2" * 32, ISSUER, frozenset((b"here", b"http://crl.example/" + b"a" * 600)))
OTHERS: Final = WaitingCrl(b"3" * 32, b"another issuer")


def named(*digests: bytes) -> WaitingCrls:
    """What waits in a name."""
    return WaitingCrls(is_named=True, digests=digests)


def test_nothing_waits(store: Store) -> None:
    """At first."""
    assert NOTHING_WAITS == store.waiting(ISSUER, NOWHERE)
    assert frozenset() == store.waiting_index.digests()


def test_by_name_and_place(store: Store) -> None:
    """Those that name no place are about every certificate; the name is there in any case."""
    store.waiting_index.add(PARTITION)
    assert named() == store.waiting(ISSUER, NOWHERE)
    assert named(PARTITION.digest) == store.waiting(ISSUER, frozenset((b"there", b"here")))
    assert named() == store.waiting(ISSUER, frozenset((b"there",)))
    for crl in (ONE, OTHERS):
        store.waiting_index.add(crl)
    assert named(ONE.digest) == store.waiting(ISSUER, NOWHERE)
    assert named(ONE.digest, PARTITION.digest) == store.waiting(ISSUER, frozenset((b"here",)))
    assert named(OTHERS.digest) == store.waiting(OTHERS.issuer, NOWHERE)
    assert NOTHING_WAITS == store.waiting(b"somebody else", NOWHERE)
    assert {ONE.digest, PARTITION.digest, OTHERS.digest} == store.waiting_index.digests()


def test_what_waits_no_longer(store: Store) -> None:
    """The others go on."""
    for crl in (ONE, PARTITION, OTHERS):
        store.waiting_index.add(crl)
    store.waiting_index.remove(frozenset((ONE.digest, OTHERS.digest, bytes(32))))
    assert named(PARTITION.digest) == store.waiting(ISSUER, frozenset((b"here",)))
    assert NOTHING_WAITS == store.waiting(OTHERS.issuer, NOWHERE)


def test_what_is_held(store: Store) -> None:
    """Its name is there until it is forgotten, and nothing waits."""
    index = store.waiting_index
    index.add(ONE)
    for crl in (ONE, OTHERS):
        index.hold(crl)
        assert named() == store.waiting(crl.issuer, NOWHERE)
    assert NOTHING_WAITS == store.waiting(b"somebody else", NOWHERE)
    assert (set[bytes](), {ONE.digest, OTHERS.digest}) == (set(index.digests()), set(index.named()))
    index.add(PARTITION)
    assert named(PARTITION.digest) == store.waiting(ISSUER, frozenset((b"here",)))
    index.remove(frozenset((PARTITION.digest, OTHERS.digest)))
    assert (named(), NOTHING_WAITS) == (store.waiting(ISSUER, NOWHERE), store.waiting(OTHERS.issuer, NOWHERE))


def test_only_changes_are_another_generation(store: Store) -> None:
    """Adding what is there, and removing what is not, ends no verdict."""
    index, before = store.waiting_index, store.generation()
    seen = []
    for crl in (ONE, ONE, WaitingCrl(ONE.digest, ISSUER, frozenset((b"here",)))):
        index.add(crl)
        seen.append(store.generation() - before)
    for digest in (OTHERS.digest, ONE.digest):
        index.remove(frozenset((digest,)))
        seen.append(store.generation() - before)
    for crl in (ONE, ONE, OTHERS):
        index.hold(crl)
        seen.append(store.generation() - before)
    index.remove(frozenset((ONE.digest,)))
    seen.append(store.generation() - before)
    assert [1, 1, 2, 2, 3, 4, 4, 5, 6] == seen


def test_it_outlives_the_process(path: Path) -> None:
    """It is written down before anybody is told."""
    with Store.open(path, Role.INGESTER) as store:
        store.waiting_index.add(ONE)
    with Store.open(path, Role.WORKER) as store:
        assert named(ONE.digest) == store.waiting(ISSUER, NOWHERE)


def test_a_store_that_was_closed(store: Store) -> None:
    """Says so."""
    store.close()
    with pytest.raises(StoreError):
        store.waiting(ISSUER, NOWHERE)
    with pytest.raises(StoreError):
        store.waiting_index.digests()
    with pytest.raises(StoreError):
        store.waiting_index.add(ONE)
