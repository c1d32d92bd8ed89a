"""CRLs that are switched while somebody reads: each lookup is of one CRL, the old one or the new one."""

import threading
from concurrent.futures import Future

import pytest

from service.adapters.lmdb import store as module
from service.adapters.lmdb.crl_rows import CrlRows
from service.adapters.lmdb.store import Store
from service.application.evidence_store import StoreError
from tests.adapters.lmdb.values import ISSUER, NOWHERE, SIGNERS, entry, held, octets, row, watermark


def _switching(store: Store, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Publish a newer CRL each time that a reader has read a slot and not yet opened its file."""
    really = CrlRows.covering
    left = list(range(2, 2 + times))

    def covering(rows: CrlRows, *arguments: object) -> object:
        found = really(rows, *arguments)  # type: ignore[arg-type] # handed on as they came
        if left:
            number = left.pop(0)
            store.publish(held(number), [row(1, number)], watermark(number))
        return found

    monkeypatch.setattr(CrlRows, "covering", covering)


def test_switched_while_looking(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that went after its slot was read is looked for again, under its slot's new content."""
    store.publish(held(1), [row(1)], watermark(1))
    _switching(store, monkeypatch, 1)

    (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))

    assert (2, entry(2)) == (found.meta.crl_number, found.entry)


def test_switched_again_and_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that never gets hold of a file gives up with an error."""
    store.publish(held(1), [row(1)], watermark(1))
    _switching(store, monkeypatch, 2 * module.FIND_ATTEMPTS)

    with pytest.raises(StoreError, match="missing"):
        store.find(ISSUER, NOWHERE, SIGNERS, octets(1))


def test_open_file_is_used_for_its_own_generation_only(store: Store) -> None:
    """A switch is seen by the next lookup, although the old file is still open."""
    for number in range(1, 20):
        store.publish(held(number), [row(1, number)], watermark(number))
        (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
        assert (number, entry(number)) == (found.meta.crl_number, found.entry)


def test_many_threads(store: Store) -> None:
    """Lookups from several threads, while CRLs are switched, are each of one CRL."""
    store.publish(held(1), [row(1, 1)], watermark(1))
    done = threading.Event()

    def look(result: Future[set[int]]) -> None:
        seen = set()
        try:
            while not done.is_set():
                (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
                assert entry(found.meta.crl_number or 0) == found.entry
                seen.add(found.meta.crl_number or 0)
        except BaseException as error:  # noqa: BLE001 - told to the test, whatever it is
            result.set_exception(error)
        else:
            result.set_result(seen)

    results: list[Future[set[int]]] = [Future() for _ in range(3)]
    threads = [threading.Thread(target=look, args=(result,)) for result in results]
    for thread in threads:
        thread.start()
    try:
        for number in range(2, 40):
            store.publish(held(number), [row(1, number)], watermark(number))
    finally:
        done.set()
        for thread in threads:
            thread.join()

    assert all(result.result() <= set(range(1, 40)) for result in results)
