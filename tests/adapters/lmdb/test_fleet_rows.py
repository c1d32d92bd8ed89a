"""What a host keeps of its fleet: how far it has read, and the looks that were asked for."""

from pathlib import Path

import pytest

from service.adapters.lmdb.environment import MAP_OCTETS
from service.adapters.lmdb.hot import Hot
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.evidence_store import StoreError
from service.application.fleet.position import EventId, Position

pytestmark = pytest.mark.anyio

POSITION = Position("epoch", EventId(1_700_000_000_000, 3))


async def test_a_position_is_kept(path: Path) -> None:
    """Nothing at first; what was kept last is there after a restart."""
    with Store.open(path, Role.WORKER) as store:
        assert store.fleet.position() is None
        await store.fleet.keep_position(Position("another", EventId(1, 1)))
        await store.fleet.keep_position(POSITION)
    with Store.open(path, Role.WORKER) as store:
        assert POSITION == store.fleet.position()


@pytest.mark.parametrize("row", [b"", b"\xff", b"[]", b"{}", b'{"epoch":1,"last":"1-1"}', b'{"epoch":"e","last":"x"}'])
async def test_a_damaged_position_is_none(path: Path, row: bytes) -> None:
    """It only says where to begin: then it is begun as if for the first time."""
    with Store.open(path, Role.WORKER) as store:
        await store.fleet.keep_position(POSITION)
    hot = Hot(path / "hot", MAP_OCTETS)
    rows = hot.database(b"fleet")
    with hot.begin_writing() as transaction:
        transaction.put(b"position", row, db=rows)
    hot.close()
    with Store.open(path, Role.WORKER) as store:
        assert store.fleet.position() is None


async def test_looks_are_counted(store: Store) -> None:
    """Each one that is asked for is another number, and ends no verdict."""
    generation = store.generation()
    assert 0 == store.fleet.looks_wanted()
    await store.fleet.want_look()
    await store.fleet.want_look()
    assert 2 == store.fleet.looks_wanted()
    assert generation == store.generation()


async def test_a_closed_store(path: Path) -> None:
    """It says that it is closed."""
    with Store.open(path, Role.WORKER) as store:
        pass
    with pytest.raises(StoreError):
        store.fleet.position()
    with pytest.raises(StoreError):
        store.fleet.looks_wanted()
    with pytest.raises(StoreError):
        await store.fleet.keep_position(POSITION)
    with pytest.raises(StoreError):
        await store.fleet.want_look()
