"""Stores of older versions: what is carried over, what is dropped, and what is refused and left as it is."""

import fcntl
import json
import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.adapters.lmdb import tenancy
from service.adapters.lmdb.directory import prepare
from service.adapters.lmdb.environment import FORMAT
from service.adapters.lmdb.readying import ready_store
from service.adapters.lmdb.record import decode_watermark
from service.adapters.lmdb.role import Absent, Role
from service.adapters.lmdb.store import Store
from service.application.evidence_store import StoreError, WaitingCrl
from service.core.model.block import Block, FingerprintMatch, IssuerSerialMatch, SpkiMatch, Tombstone
from service.core.model.crl import Watermark
from service.core.names.rfc4514 import canonical_of_text
from tests.adapters.lmdb.files import generations
from tests.adapters.lmdb.older import FORMATS, claim, overwrite, put_back, rows_of, set_format, unpack
from tests.adapters.lmdb.values import AT, ISSUER, KEY, NOWHERE, SIGNERS, held, ocsp, octets, row, slot, watermark

pytestmark = pytest.mark.anyio

CARRIED = (b"blocks", b"block-tombstones", b"waiting", b"ocsp", b"ocsp-expiries", b"fleet", b"held-names")
"""Databases of which every row is carried over as it is."""


@pytest.mark.parametrize("store_format", FORMATS)
def test_a_store_of_each_older_version(path: Path, store_format: str) -> None:
    """Every row that nobody can tell again is carried over, and the process that opens it next finds no CRL."""
    before = rows_of(unpack(store_format, path))

    done = ready_store(path)

    after = rows_of(path)
    assert done is not None
    assert (store_format, {"crl-slots": 2, "crl-index": 2, "sources": 0, "places": 0}) == (done.found, done.dropped)
    assert {name: before.get(name) for name in CARRIED} == {name: after.get(name) for name in CARRIED}
    assert (3 if store_format == "3" else 0) == done.kept["blocks"]
    with Store.open(path, Role.INGESTER, absent=Absent.REFUSE) as store:
        assert ocsp() == store.find_ocsp(KEY)
        assert () == store.held()
        assert [] == generations(path)
        assert watermark(7) == store.watermark(slot())
        second = store.watermark(slot(b"point"))
    digest = b"" if store_format == "1" else watermark(9).digest
    assert Watermark(9, AT + timedelta(days=9), digest) == second
    assert ready_store(path) is None


async def test_blocks_of_an_older_version(path: Path) -> None:
    """They mean what they meant, and can be removed."""
    unpack("3", path)
    ready_store(path)
    with Store.open(path, Role.WORKER) as store:
        found = store.blocks.read_blocks({}).blocks
        assert {
            "block-0": FingerprintMatch(bytes(range(32))),
            "block-1": SpkiMatch(bytes(range(1, 33))),
            "block-2": IssuerSerialMatch("CN=Root,O=Old", canonical_of_text("CN=Root,O=Old"), 0x1234),
        } == {name: block.match for name, block in found.items()}
        assert [AT + timedelta(days=9), None, None] == [block.until for block in found.values()]
        assert store.waiting(ISSUER, frozenset({b"p"})).digests == (bytes(32),)
        assert await store.blocks.remove_block(Tombstone("block-1", AT, "somebody"))
        assert {"block-0", "block-2"} == set(store.blocks.block_ids())


@pytest.mark.parametrize("store_format", FORMATS)
async def test_what_is_put_back_is_what_they_wrote(path: Path, tmp_path: Path, store_format: str) -> None:
    """The stores that other tests put back have the databases and the fields of those that were written then."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(7), [row(5)], watermark(7))
        await store.put_ocsp(KEY, ocsp())
        await store.blocks.add_block(Block("id", FingerprintMatch(bytes(32)), "why", AT, "who"), 9)
    put_back(path, store_format)

    made, written = rows_of(path), rows_of(unpack(store_format, tmp_path / "written"))
    assert set(written) == set(made)
    for name in (b"crl-slots", b"crl-watermarks"):
        first_made, first_written = (json.loads(next(iter(rows[name].values()))[0]) for rows in (made, written))
        assert _fields(first_written) == _fields(first_made)
    assert made[b"ocsp"] == written[b"ocsp"]


def _fields(document: object) -> object:
    return {name: _fields(value) for name, value in document.items()} if isinstance(document, dict) else None


async def test_what_this_version_holds_is_left_alone(path: Path) -> None:
    """A store of today: blocks, tombstones, CRLs and all else."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(7), [row(5)], watermark(7))
        for name in ("one", "other"):
            await store.blocks.add_block(Block(name, FingerprintMatch(bytes(32)), "why", AT, "who"), 9)
        await store.blocks.remove_block(Tombstone("one", AT, "who"))
    before = rows_of(path)

    assert ready_store(path) is None
    assert before == rows_of(path)
    assert {b"other"} == set(before[b"blocks"])
    assert {b"one"} == set(before[b"block-tombstones"])


@pytest.mark.parametrize("store_format", FORMATS)
def test_the_watermark_refuses_what_it_refused(path: Path, store_format: str) -> None:
    """Nothing that is older comes in, and what was held comes in again."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(7), [row(5)], watermark(7))
    put_back(path, store_format)
    ready_store(path)
    with Store.open(path, Role.INGESTER) as store:
        assert watermark(7) == store.watermark(slot())
        assert not store.holds(slot(), held(7).meta.digest)
        assert () == store.find(ISSUER, NOWHERE, SIGNERS, octets(5))


def test_a_damaged_watermark_stays_one(path: Path) -> None:
    """It is no reason to begin without the others, and lets nothing in."""
    unpack("1", path)
    overwrite(path, b"crl-watermarks", slot().key, b'{"crl_number":')

    assert ready_store(path) is not None

    with Store.open(path, Role.INGESTER) as store:
        with pytest.raises(StoreError, match="damaged"):
            store.watermark(slot())
        assert store.watermark(slot(b"point")) is not None


def test_a_damaged_slot_gives_its_watermark_no_digest(path: Path) -> None:
    """What it holds cannot be told; the next CRL must be newer."""
    unpack("1", path)
    overwrite(path, b"crl-slots", slot().key, b"?")

    ready_store(path)

    assert b"" == decode_watermark(rows_of(path)[b"crl-watermarks"][slot().key][0]).digest


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: set_format(path, b"5"), "it has format 5, and this version reads 1 to 4"),
        (lambda path: set_format(path, b"\xff\n"), r"it has format \\ufffd\\n, and"),
        (lambda path: set_format(path, None), "it has no format of Revet's, and"),
        (lambda path: overwrite(path, None, b"a", b"row"), "it is not one of Revet's: a is no database"),
        (lambda path: (path / "hot" / "data.mdb").write_bytes(bytes(40960)), "MDB_INVALID.*remove the directory"),
        (lambda path: (path / "hot" / "data.mdb").write_bytes(b"?" * 40960), "MDB_INVALID.*blocks.* are forgotten"),
        (lambda path: (path / "hot" / "data.mdb").write_bytes(b""), "data.mdb is empty: what it held is lost"),
        (lambda path: (path / "hot" / "data.mdb").rename(path / "hot" / "data"), "data.mdb is missing: what it held"),
        (lambda path: (path / "hot").rename(path / "cold"), r"hot is missing, and there was a store \(gener"),
        (lambda path: _cut(path / "hot" / "data.mdb"), "data.mdb is damaged: it has .* octets and says that it has"),
    ],
)
def test_what_cannot_be_understood_is_left_as_it_is(path: Path, change: Callable[[Path], object], says: str) -> None:
    """A newer store, another program's, and a damaged one: with a message, and with every octet as it was."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(7), [row(number) for number in range(999)], watermark(7))
    change(path)
    before = _octets(path)

    with pytest.raises(StoreError, match=rf"the store at {path} cannot be used: .*{says}"):
        ready_store(path)

    assert before == _octets(path)


def test_a_newer_format(path: Path) -> None:
    """A service that cannot read it does not start with what it takes it for."""
    Store.open(path, Role.WORKER).close()
    set_format(path, b"5")
    with pytest.raises(StoreError, match="format 5, and this version reads 1 to 4"):
        ready_store(path)


def test_crls_without_an_environment(path: Path) -> None:
    """There was a store, and what was blocked in it is lost: that is no first start."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(7), [row(5)], watermark(7))
    shutil.rmtree(path / "hot")
    with pytest.raises(StoreError, match="hot is missing, and there was a store"):
        ready_store(path)


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("role", Role)
async def test_an_environment_that_is_lost(path: Path, role: Role, empty: bool) -> None:
    """Whoever has opened it may have blocked in it, also where no CRL was ever held."""
    with Store.open(path, role) as store:
        await store.blocks.add_block(Block("one", FingerprintMatch(bytes(32)), "why", AT, "who"), 9)
    shutil.rmtree(path / "hot")
    if empty:
        (path / "hot").mkdir()

    with pytest.raises(StoreError, match=rf"hot is {'empty' if empty else 'missing'}, and there was a store"):
        ready_store(path)

    assert [] == list((path / "hot").glob("*"))


@pytest.mark.parametrize("trace", ["generations", "building", "ingester.lock"])
def test_each_trace_of_a_store(path: Path, trace: str) -> None:
    """One of those that an open store has is enough: the others may be lost with it."""
    Store.open(path, Role.INGESTER).close()
    for file in path.iterdir():
        if file.name != trace:
            shutil.rmtree(file) if file.is_dir() else file.unlink()

    with pytest.raises(StoreError, match=rf"there was a store \({trace}\): what it held is lost"):
        ready_store(path)


def test_a_store_that_was_removed_on_purpose(path: Path) -> None:
    """With its directory goes every trace, whatever is beside it."""
    Store.open(path, Role.INGESTER).close()
    for beside in ("spool", "metrics"):
        (path.parent / beside).mkdir()
    shutil.rmtree(path)
    prepare(path)

    assert ready_store(path) is None

    with Store.open(path, Role.WORKER, absent=Absent.REFUSE) as store:
        assert () == store.held()


async def test_rows_that_are_lost(path: Path) -> None:
    """A block that cannot be found is none of those that there never were, at the start and whenever they are read."""
    with Store.open(path, Role.WORKER) as store:
        for name in ("one", "other"):
            await store.blocks.add_block(Block(name, FingerprintMatch(bytes(32)), "why", AT, "who"), 9)
    claim(path, b"blocks", 3)
    with pytest.raises(StoreError, match="blocks is damaged: 2 of 3 rows can be found"):
        ready_store(path)


def test_pages_that_are_none(path: Path) -> None:
    """Pages of nonsense are refused, whether LMDB notices, or is ended by it, or only too few rows are left."""
    with Store.open(path, Role.INGESTER) as store:
        for number in range(200):
            store.publish(held(number, slot(b"%d" % number)), [], watermark(number))
    data = path / "hot" / "data.mdb"
    whole = data.read_bytes()
    assert ready_store(path) is None
    for filling in (bytes(4096), b"\xff" * 4096, sha256(b"nonsense").digest() * 128):
        damaged = bytearray(whole)
        for page in range(2, len(whole) // 4096):
            damaged[page * 4096 : (page + 1) * 4096] = filling
        data.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"the store at .*(remove the directory|no format)"):
            ready_store(path)


def test_the_first_start(path: Path) -> None:
    """A store is made where there was none, whatever a start that was killed has left."""
    prepare(path)
    (path / "hot.new-1234").mkdir()
    (path / "hot.new-1234" / "data.mdb").touch()
    (path / "hot").mkdir()
    (path / "service.lock").touch()

    assert ready_store(path) is None

    assert {b"about": {b"format": [FORMAT]}} == rows_of(path)
    assert ["hot", "namespace.lock", "service.lock"] == sorted(file.name for file in path.iterdir())


def test_nobody_else_may_have_it_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not touched while a process uses it, such as one of a service that was killed, and can be afterwards."""
    monkeypatch.setattr(tenancy, "LEAVING_S", 0.05)
    with Store.open(path, Role.WORKER) as store:
        with pytest.raises(StoreError, match=r"have the store at .* open: give each service a directory of its own"):
            ready_store(path)
        assert () == store.held()

    assert ready_store(path) is None


@pytest.mark.slow
def test_one_who_still_looks_is_waited_for(path: Path) -> None:
    """A start that was killed has left the process that reads a slow disk: it holds the store longer than others."""
    prepare(path)
    with (path / "namespace.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        timer = threading.Timer(tenancy.WAITING_IS_SAID_S + 0.5, fcntl.flock, (file, fcntl.LOCK_UN))
        timer.start()
        with capture_logs() as logs:
            assert ready_store(path) is None
        timer.join()

    assert ["store_waited_for"] == [entry["event"] for entry in logs]


def test_garbage_in_the_table_of_locks(path: Path) -> None:
    """It says nothing that lasts: a new one is begun."""
    Store.open(path, Role.WORKER).close()
    (path / "hot" / "lock.mdb").write_bytes(b"?" * 100_000)

    assert ready_store(path) is None

    with Store.open(path, Role.INGESTER) as store:
        store.waiting_index.add(WaitingCrl(bytes(32), ISSUER, frozenset()))


def _cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def _octets(path: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and file.suffix != ".lock"
    }
