"""Opening and closing the store: what is there afterwards, what is refused, and what stays open."""

import os
import shutil
from pathlib import Path

import pytest

from service.adapters.lmdb.environment import MAP_OCTETS, make_environment
from service.adapters.lmdb.role import Absent, Role
from service.adapters.lmdb.store import Store
from service.application.evidence_store import CrlReader, CrlWriter, OcspStore, StoreError
from tests.adapters.lmdb.files import generations, overwrite, stored
from tests.adapters.lmdb.open_files import open_below
from tests.adapters.lmdb.values import ISSUER, KEY, NOWHERE, SIGNERS, entry, held, ocsp, octets, row, slot, watermark

pytestmark = pytest.mark.anyio


def test_is_what_the_application_asks_for(store: Store) -> None:
    """One store serves all three ports."""
    ports: tuple[CrlReader, CrlWriter, OcspStore] = (store, store, store)

    assert {store} == set(ports)


def test_everything_survives(path: Path) -> None:
    """What was published is there in the next process."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(7), [row(1)], watermark(7))

    with Store.open(path, Role.WORKER) as store:
        (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
        assert (entry(), watermark(7), (held(7),)) == (found.entry, store.watermark(slot()), store.held())


def test_everything_is_for_the_owner_alone(path: Path) -> None:
    """Nothing in the store can be read by anybody else."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [row(1)], watermark(1))

    assert {0} == {file.stat().st_mode & 0o077 for file in (path, *path.rglob("*"))}


def test_leftovers_are_swept(path: Path) -> None:
    """An ingester that starts removes what a crash left; a worker does not."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [row(1)], watermark(1))
    (used,) = generations(path)
    (path / "generations" / ("0" * 32)).touch()
    (path / "building" / "left").mkdir()

    Store.open(path, Role.WORKER).close()
    assert 2 == len(generations(path))

    with Store.open(path, Role.INGESTER) as store:
        assert [used] == generations(path)
        assert [] == list((path / "building").iterdir())
        (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
        assert entry() == found.entry


def test_other_format(path: Path) -> None:
    """A store of another format is refused; it can be opened by nobody and is left as it is."""
    Store.open(path, Role.WORKER).close()
    overwrite(path, b"about", b"format", b"1")

    for role in Role:
        with pytest.raises(StoreError, match=r"format 1, .* writes 4: a service that starts brings older"):
            Store.open(path, role)


def test_not_lmdb(path: Path) -> None:
    """A file that is not LMDB's is an error of the store, and the store can be opened once the directory is gone."""
    Store.open(path, Role.WORKER).close()
    data = path / "hot" / "data.mdb"
    data.write_bytes(b"?" * 8192)

    with pytest.raises(StoreError, match="cannot open the store"):
        Store.open(path, Role.INGESTER)

    shutil.rmtree(path / "hot")
    Store.open(path, Role.INGESTER).close()


@pytest.mark.parametrize("role", Role)
def test_nothing_is_made_in_the_place_of_what_is_lost(path: Path, role: Role) -> None:
    """Whoever opens what somebody has made does not begin anew, whatever of it is missing."""
    Store.open(path, Role.WORKER).close()
    data = path / "hot" / "data.mdb"

    for lose, message in (
        (lambda: data.write_bytes(b""), "data.mdb is empty: what it held is lost"),
        (data.unlink, "data.mdb is missing: what it held is lost"),
    ):
        lose()
        for absent in Absent:
            with pytest.raises(StoreError, match=message):
                Store.open(path, role, absent=absent)
    for directory in (path / "hot", path):
        shutil.rmtree(directory)
        with pytest.raises(StoreError, match="missing: what it held is lost"):
            Store.open(path, role, absent=Absent.REFUSE)
        assert not directory.exists()


def test_cut_short(path: Path) -> None:
    """A file that is shorter than it says is an error, and no signal that ends the process."""
    Store.open(path, Role.WORKER).close()
    data = path / "hot" / "data.mdb"
    os.truncate(data, data.stat().st_size // 8192 * 4096)

    with pytest.raises(StoreError, match=r"data.mdb is damaged: it has \d+ octets and says that it has \d+"):
        Store.open(path, Role.WORKER)
    assert [] == open_below(path)


def test_two_make_it_at_once(path: Path) -> None:
    """Whoever is later takes what the other has made."""
    path.mkdir(0o700)
    make_environment(path / "hot", MAP_OCTETS)
    overwrite(path, b"blocks", b"id", b"row")

    make_environment(path / "hot", MAP_OCTETS)

    assert b"row" == stored(path, b"blocks", b"id")
    assert ["hot"] == [file.name for file in path.iterdir()]


async def test_closed(path: Path) -> None:
    """A closed store does nothing but say so, every time with the store's own error; closing it again is no error."""
    store = Store.open(path, Role.INGESTER)
    store.close()
    store.close()

    for call in (
        lambda: store.find(ISSUER, NOWHERE, SIGNERS, octets(1)),
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
    assert [] == generations(path)


def test_nothing_stays_open(path: Path) -> None:
    """A store that was closed leaves no file open, and neither does one that could not be opened."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [], watermark(1))
        store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
    assert [] == open_below(path)

    overwrite(path, b"about", b"format", b"1")
    with pytest.raises(StoreError):
        Store.open(path, Role.INGESTER)
    assert [] == open_below(path)
