"""The store as the application sees it, in one process."""

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.lmdb import store as module
from service.adapters.lmdb.crl_rows import CrlRows
from service.adapters.lmdb.hot import Hot
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store, StoreLimits
from service.application.evidence_store import CrlReader, CrlWriter, OcspStore, StoreError
from service.core.model.crl import CrlFinding, CrlRow
from service.core.model.evidence_tier import Tier
from service.core.model.reason import Reason
from tests.adapters.lmdb.open_files import open_below
from tests.adapters.lmdb.values import AT, ISSUER, SOURCE, entry, held, ocsp, octets, row, slot, watermark

pytestmark = pytest.mark.anyio

NOWHERE: frozenset[bytes] = frozenset()
KEY = bytes(32)
SIGNERS = frozenset({b"signer"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An open store that may do everything."""
    with Store.open(path, Role.INGESTER) as store:
        yield store


def _generations(path: Path) -> list[Path]:
    return sorted((path / "generations").iterdir())


def test_is_what_the_application_asks_for(store: Store) -> None:
    """One store serves all three ports."""
    ports: tuple[CrlReader, CrlWriter, OcspStore] = (store, store, store)

    assert {store} == set(ports)


def test_empty(store: Store) -> None:
    """A new store holds nothing."""
    assert () == store.find(ISSUER, NOWHERE, octets(1))
    assert () == store.held()
    assert not store.holds_issuer(ISSUER, SIGNERS)
    assert store.watermark(slot()) is None
    assert store.find_ocsp(KEY) is None


@pytest.mark.parametrize("serial", [0, 1, 127, 128, -1, -129, 1 << 159, (1 << 504) - 1])
def test_listed(store: Store, serial: int) -> None:
    """A listed serial number is found with its entry, and with all that is known of the CRL."""
    listed = entry(5)
    crl = held(7)
    store.publish(crl, [row(serial + 1), row(serial, 5)], watermark(7))

    found = store.find(ISSUER, NOWHERE, octets(serial))

    assert (CrlFinding(crl.meta, listed, b"signer", SOURCE, Tier.HOST),) == found


def test_not_listed(store: Store) -> None:
    """A CRL that does not list a serial number is found too, without an entry."""
    crl = held(7)
    store.publish(crl, [row(1)], watermark(7))

    assert (CrlFinding(crl.meta, None, b"signer", SOURCE, Tier.HOST),) == store.find(ISSUER, NOWHERE, octets(2))


@pytest.mark.parametrize("reason", [None, *Reason])
def test_duplicates(store: Store, reason: Reason | None) -> None:
    """Of entries under one key the last one counts, but no removal over a revocation."""
    store.publish(held(7), [row(1, 9, Reason.SUPERSEDED), row(1, 5, reason)], watermark(7))

    (found,) = store.find(ISSUER, NOWHERE, octets(1))

    assert (entry(9, Reason.SUPERSEDED) if reason is Reason.REMOVE_FROM_CRL else entry(5, reason)) == found.entry


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(set(), {1}), ({b"a"}, {1, 2, 4}), ({b"b"}, {1, 3, 4}), ({b"a", b"b"}, {1, 2, 3, 4}), ({b"c"}, {1})],
)
def test_which_crls_are_asked(store: Store, asked: set[bytes], expected: set[int]) -> None:
    """CRLs that name a point of the certificate and those that name none, each once, of this issuer alone."""
    for number, points in [(1, ()), (2, (b"a",)), (3, (b"b",)), (4, (b"a", b"b"))]:
        store.publish(held(number, slot(*points)), [], watermark(number))
    store.publish(held(5, slot(issuer=b"another")), [], watermark(5))

    found = store.find(ISSUER, frozenset(asked), octets(1))

    assert sorted(expected) == sorted(finding.meta.crl_number or 0 for finding in found)


def test_base_and_delta(store: Store) -> None:
    """Two slots of one scope are two findings."""
    store.publish(held(1), [row(1)], watermark(1))
    store.publish(held(2, slot(kind=b"delta")), [], watermark(2))

    found = store.find(ISSUER, NOWHERE, octets(1))

    assert [(1, True), (2, False)] == sorted((f.meta.crl_number or 0, f.entry is not None) for f in found)


def test_holds_issuer(store: Store) -> None:
    """An issuer is held whatever the scope of its CRL; another one is not."""
    store.publish(held(1, slot(b"a")), [], watermark(1))

    assert store.holds_issuer(ISSUER, SIGNERS)
    assert [False] * 200 == [store.holds_issuer(b"another %d" % number, SIGNERS) for number in range(200)]


def test_holds_issuer_under_one_of_the_keys(store: Store) -> None:
    """Each CRL of the issuer is looked at, and what other keys signed in its name does not count."""
    for number, points in enumerate([(), (b"a",), (b"b", b"c"), (b"d",)]):
        store.publish(replace(held(number, slot(*points)), signer_spki=b"stranger"), [], watermark(number))
    strangers = store.holds_issuer(ISSUER, SIGNERS)
    store.publish(held(9, slot(b"e")), [], watermark(9))

    assert (False, True) == (strangers, store.holds_issuer(ISSUER, frozenset({b"another", b"signer"})))
    assert not store.holds_issuer(ISSUER, frozenset())


def test_holds_issuer_sees_a_new_signer(store: Store) -> None:
    """What a slot holds now counts, not what it held when it was looked at before."""
    store.publish(replace(held(1), signer_spki=b"stranger"), [], watermark(1))
    before = store.holds_issuer(ISSUER, SIGNERS)
    store.publish(held(2), [], watermark(2))

    assert (False, True) == (before, store.holds_issuer(ISSUER, SIGNERS))


def test_inventory(store: Store) -> None:
    """Every CRL held is listed, as it was given."""
    crls = [held(1), held(2, slot(b"a")), held(3, slot(issuer=b"another"))]
    for crl in crls:
        store.publish(crl, [row(1)], watermark(1))

    assert crls == sorted(store.held(), key=lambda crl: crl.meta.crl_number or 0)


def test_replaced(store: Store, path: Path) -> None:
    """A newer CRL of a slot takes the place of the older one, whose file goes; the other slots stay."""
    store.publish(held(1), [row(1)], watermark(1))
    store.publish(held(5, slot(b"a")), [row(1)], watermark(5))
    store.find(ISSUER, frozenset({b"a"}), octets(1))

    store.publish(held(2), [row(2)], watermark(2))

    found = store.find(ISSUER, frozenset({b"a"}), octets(1))
    assert [(2, False), (5, True)] == sorted((f.meta.crl_number or 0, f.entry is not None) for f in found)
    assert 2 == len(_generations(path))


def test_watermark_of_each_slot(store: Store) -> None:
    """A slot's watermark is the one that came with its last CRL."""
    for number, where in [(1, slot()), (9, slot(b"a")), (2, slot())]:
        store.publish(held(number, where), [], watermark(number))

    assert (watermark(2), watermark(9)) == (store.watermark(slot()), store.watermark(slot(b"a")))


def test_what_a_slot_holds(store: Store, path: Path) -> None:
    """It is one CRL, by its digest, and only while its slot can be read and its entries are there."""
    crl, another = held(1), held(2)
    assert not store.holds(slot(), crl.meta.digest)

    store.publish(crl, [row(1)], watermark(1))
    assert [True, False, False] == [
        store.holds(slot(), crl.meta.digest),
        store.holds(slot(), another.meta.digest),
        store.holds(slot(b"a"), crl.meta.digest),
    ]

    (file,) = _generations(path)
    file.rename(path / "elsewhere")
    assert not store.holds(slot(), crl.meta.digest)
    (path / "elsewhere").rename(file)
    assert store.holds(slot(), crl.meta.digest)


def test_a_damaged_slot_holds_nothing(path: Path) -> None:
    """What is published next repairs it."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [row(1)], watermark(1))
    _overwrite(path, b"crl-slots", slot().key, b"?")

    with Store.open(path, Role.INGESTER) as store:
        assert not store.holds(slot(), held(1).meta.digest)


def test_everything_survives(path: Path) -> None:
    """What was published is there in the next process."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(7), [row(1)], watermark(7))

    with Store.open(path, Role.WORKER) as store:
        (found,) = store.find(ISSUER, NOWHERE, octets(1))
        assert (entry(), watermark(7), (held(7),)) == (found.entry, store.watermark(slot()), store.held())


def test_many_slots_with_few_files(path: Path) -> None:
    """More CRLs than files may be open are all asked, again and again."""
    with Store.open(path, Role.INGESTER, StoreLimits(open_generations=2)) as store:
        for number in range(5):
            store.publish(held(number, slot(b"%d" % number)), [row(number, number)], watermark(number))

        for number in [0, 1, 2, 3, 4, 4, 0, 2]:
            (found,) = store.find(ISSUER, frozenset({b"%d" % number}), octets(number))
            assert entry(number) == found.entry


# --- what goes wrong while publishing --------------------------------------------------------------------------------


def test_error_of_the_rows(store: Store, path: Path) -> None:
    """Rows that end in an error leave what was held, and the error is theirs."""
    store.publish(held(1), [row(1)], watermark(1))

    def rows() -> Iterator[CrlRow]:
        yield row(2)
        raise ValueError("theirs")

    with pytest.raises(ValueError, match="theirs"):
        store.publish(held(2), rows(), watermark(2))

    (found,) = store.find(ISSUER, NOWHERE, octets(1))
    assert (1, entry(), watermark(1)) == (found.meta.crl_number, found.entry, store.watermark(slot()))
    assert 1 == len(_generations(path))


def test_hot_environment_is_full(path: Path) -> None:
    """A slot that cannot be switched for lack of room is an error, and what was held still is."""
    with Store.open(path, Role.INGESTER, StoreLimits(hot_map_octets=1 << 17)) as store:
        store.publish(held(1), [row(1)], watermark(1))
        large = replace(held(2), source="x" * (1 << 17))

        with pytest.raises(StoreError, match="MAP_FULL"):
            store.publish(large, [row(2)], watermark(2))

        (found,) = store.find(ISSUER, NOWHERE, octets(1))
        assert (1, entry(), watermark(1)) == (found.meta.crl_number, found.entry, store.watermark(slot()))
        assert 1 == len(_generations(path))


def test_error_after_the_switch(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A switch that reports an error and came through all the same keeps its file."""
    really = CrlRows.switch

    def switch(*arguments: object) -> bytes | None:
        really(*arguments)  # type: ignore[arg-type] # handed on as they came
        raise StoreError("reported")

    monkeypatch.setattr(CrlRows, "switch", switch)

    with pytest.raises(StoreError, match="reported"):
        store.publish(held(1), [row(1)], watermark(1))

    (found,) = store.find(ISSUER, NOWHERE, octets(1))
    assert entry() == found.entry
    assert 1 == len(_generations(path))


def test_worker_does_not_publish(path: Path) -> None:
    """Only the ingester publishes."""
    with Store.open(path, Role.WORKER) as store, pytest.raises(StoreError, match="worker"):
        store.publish(held(1), [], watermark(1))


def test_order_of_steps(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is on the disk before it has its name, the name before the switch; the old file goes last."""
    store.publish(held(1), [row(1)], watermark(1))
    (old,) = _generations(path)
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


# --- what is damaged -------------------------------------------------------------------------------------------------


def test_missing_generation(store: Store, path: Path) -> None:
    """A CRL whose file is not there is an error, and not an absent entry."""
    store.publish(held(1), [], watermark(1))
    for generation in _generations(path):
        generation.unlink()

    with pytest.raises(StoreError, match="missing"):
        store.find(ISSUER, NOWHERE, octets(1))


def test_shortened_generation(store: Store, path: Path) -> None:
    """A CRL whose file was cut is an error, and no signal that kills the process."""
    store.publish(held(1), [row(number) for number in range(1000)], watermark(1))
    (generation,) = _generations(path)
    generation.chmod(0o600)
    os.truncate(generation, 4096)

    with pytest.raises(StoreError, match="4096 octets"):
        store.find(ISSUER, NOWHERE, octets(1))


def test_damaged_entry(store: Store) -> None:
    """An entry that does not decode is an error."""
    store.publish(held(1), [CrlRow(octets(1), b"?")], watermark(1))

    with pytest.raises(StoreError, match="damaged"):
        store.find(ISSUER, NOWHERE, octets(1))


def _overwrite(path: Path, database: bytes, key: bytes, value: bytes | None, *, duplicates: bool = False) -> None:
    hot = Hot(path / "hot", 1 << 20)
    opened = hot.database(database, duplicates=duplicates)
    with hot.begin_writing() as transaction:
        if value is None:
            transaction.delete(key, db=opened)
        else:
            transaction.put(key, value, db=opened)
    hot.close()


def test_damaged_slot(path: Path) -> None:
    """A slot that does not decode is an error wherever it is read, and publishing again repairs it."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [row(1)], watermark(1))
    _overwrite(path, b"crl-slots", slot().key, b"?")

    with Store.open(path, Role.INGESTER) as store:
        with pytest.raises(StoreError, match="damaged"):
            store.find(ISSUER, NOWHERE, octets(1))
        with pytest.raises(StoreError, match="damaged"):
            store.held()
        with pytest.raises(StoreError, match="damaged"):
            store.holds_issuer(ISSUER, SIGNERS)
        store.publish(held(2), [row(1)], watermark(2))
        (found,) = store.find(ISSUER, NOWHERE, octets(1))
        assert entry() == found.entry
    assert 1 == len(_generations(path))


def test_index_without_a_slot(path: Path) -> None:
    """An index that leads to nothing is an error."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [], watermark(1))
    _overwrite(path, b"crl-slots", slot().key, None)

    with Store.open(path, Role.WORKER) as store:
        with pytest.raises(StoreError, match="index"):
            store.find(ISSUER, NOWHERE, octets(1))
        with pytest.raises(StoreError, match="index"):
            store.holds_issuer(ISSUER, SIGNERS)


def test_damaged_watermark(path: Path) -> None:
    """A watermark that does not decode is an error: an older CRL must not slip in."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [], watermark(1))
    _overwrite(path, b"crl-watermarks", slot().key, b"{}")

    with Store.open(path, Role.WORKER) as store, pytest.raises(StoreError, match="damaged"):
        store.watermark(slot())


def test_other_format(path: Path) -> None:
    """A store of another format is refused, with what to do; it can be opened by nobody and is left as it is."""
    Store.open(path, Role.WORKER).close()
    _overwrite(path, b"about", b"format", b"1")

    for role in Role:
        with pytest.raises(StoreError, match=r"format 1 .* writes 2: .*remove the directory"):
            Store.open(path, role)


def test_not_lmdb(path: Path) -> None:
    """A file that is not LMDB's is an error of the store, and the store can be opened once it is gone."""
    Store.open(path, Role.WORKER).close()
    data = path / "hot" / "data.mdb"
    data.write_bytes(b"?" * 8192)

    with pytest.raises(StoreError, match="cannot open the store"):
        Store.open(path, Role.INGESTER)

    data.unlink()
    Store.open(path, Role.INGESTER).close()


def test_leftovers_are_swept(path: Path) -> None:
    """An ingester that starts removes what a crash left; a worker does not."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [row(1)], watermark(1))
    (used,) = _generations(path)
    (path / "generations" / ("0" * 32)).touch()
    (path / "building" / "left").mkdir()

    Store.open(path, Role.WORKER).close()
    assert 2 == len(_generations(path))

    with Store.open(path, Role.INGESTER) as store:
        assert [used] == _generations(path)
        assert [] == list((path / "building").iterdir())
        (found,) = store.find(ISSUER, NOWHERE, octets(1))
        assert entry() == found.entry


# --- a switch while somebody reads -----------------------------------------------------------------------------------


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

    (found,) = store.find(ISSUER, NOWHERE, octets(1))

    assert (2, entry(2)) == (found.meta.crl_number, found.entry)


def test_switched_again_and_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that never gets hold of a file gives up with an error."""
    store.publish(held(1), [row(1)], watermark(1))
    _switching(store, monkeypatch, 2 * module.FIND_ATTEMPTS)

    with pytest.raises(StoreError, match="missing"):
        store.find(ISSUER, NOWHERE, octets(1))


def test_open_file_is_used_for_its_own_generation_only(store: Store) -> None:
    """A switch is seen by the next lookup, although the old file is still open."""
    for number in range(1, 20):
        store.publish(held(number), [row(1, number)], watermark(number))
        (found,) = store.find(ISSUER, NOWHERE, octets(1))
        assert (number, entry(number)) == (found.meta.crl_number, found.entry)


def test_many_threads(store: Store) -> None:
    """Lookups from several threads, while CRLs are switched, are each of one CRL."""
    store.publish(held(1), [row(1, 1)], watermark(1))
    done = threading.Event()

    def look(result: Future[set[int]]) -> None:
        seen = set()
        try:
            while not done.is_set():
                (found,) = store.find(ISSUER, NOWHERE, octets(1))
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


# --- OCSP ------------------------------------------------------------------------------------------------------------


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

        (found,) = store.find(ISSUER, NOWHERE, octets(1))
        assert entry() == found.entry


async def test_too_large_a_response(store: Store) -> None:
    """An error of the writing thread reaches who waits for it."""
    with pytest.raises(StoreError, match="not held"):
        await store.put_ocsp(KEY, ocsp(response=bytes(1 << 20)))


# --- opening and closing ---------------------------------------------------------------------------------------------


async def test_closed(path: Path) -> None:
    """A closed store does nothing but say so, every time with the store's own error; closing it again is no error."""
    store = Store.open(path, Role.INGESTER)
    store.close()
    store.close()

    for call in (
        lambda: store.find(ISSUER, NOWHERE, octets(1)),
        lambda: store.holds_issuer(ISSUER, SIGNERS),
        store.held,
        lambda: store.watermark(slot()),
        lambda: store.find_ocsp(KEY),
        lambda: store.publish(held(1), [], watermark(1)),
    ):
        with pytest.raises(StoreError):
            call()
    with pytest.raises(StoreError):
        await store.put_ocsp(KEY, ocsp())
    assert [] == _generations(path)


def test_nothing_stays_open(path: Path) -> None:
    """A store that was closed leaves no file open, and neither does one that could not be opened."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [], watermark(1))
        store.find(ISSUER, NOWHERE, octets(1))
    assert [] == open_below(path)

    _overwrite(path, b"about", b"format", b"1")
    with pytest.raises(StoreError):
        Store.open(path, Role.INGESTER)
    assert [] == open_below(path)


def test_everything_is_for_the_owner_alone(path: Path) -> None:
    """Nothing in the store can be read by anybody else."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [row(1)], watermark(1))

    assert {0} == {file.stat().st_mode & 0o077 for file in (path, *path.rglob("*"))}


def test_fetched_at_is_kept(store: Store) -> None:
    """When a CRL was fetched is kept to the microsecond."""
    crl = replace(held(1), fetched_at=AT + timedelta(microseconds=1))
    store.publish(crl, [], watermark(1))

    assert (crl,) == store.held()
