"""Blocks in the store, and the generation of the decisions that every change raises."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from mmap import PAGESIZE
from pathlib import Path
from typing import Final

import lmdb
import pytest

from service.adapters.lmdb import block_rows
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.lmdb.store_parts import StoreLimits
from service.application.block_bringing import BlockRoom, Brought
from service.application.evidence_store import StoreError
from service.core.model.block import Block, BlockMatch, FingerprintMatch, IssuerSerialMatch, SpkiMatch, Tombstone
from service.core.names.rfc4514 import canonical_of_text
from tests.adapters.lmdb.older import claim
from tests.adapters.lmdb.values import AT, KEY, held, ocsp, row, watermark

pytestmark = pytest.mark.anyio

ROOT: Final = Path(__file__).parents[3]
ISSUER: Final = "CN=Example\\, Inc.,O=#0c0145,C=DE"
MATCHES: Final[tuple[BlockMatch, ...]] = (
    FingerprintMatch(bytes(range(32))),
    SpkiMatch(b"\xff" * 32),
    IssuerSerialMatch(ISSUER, canonical_of_text(ISSUER), 0x5EED),
    IssuerSerialMatch("", canonical_of_text(""), -(1 << 2000)),
)
MOST: Final = 10


def block(name: str = "b1", match: BlockMatch = MATCHES[0], until: datetime | None = None) -> Block:
    """A block."""
    return Block(name, match, "stolen \N{SNOWMAN}\n", AT, "admin token 01234567", until)


def tombstone(name: str = "b1") -> Tombstone:
    """What is left of a block."""
    return Tombstone(name, AT, "somebody else")


def held_blocks(store: Store) -> list[Block]:
    """Every block, read anew."""
    return list(store.blocks.read_blocks({}).blocks.values())


@pytest.mark.parametrize("match", MATCHES)
@pytest.mark.parametrize("until", [None, AT + timedelta(microseconds=1)])
async def test_what_is_added_is_held(store: Store, path: Path, match: BlockMatch, until: datetime | None) -> None:
    """Field by field, alone and in the list, also after the store was opened again."""
    added = block(match=match, until=until)
    assert await store.blocks.add_block(added, MOST)
    assert ([added], added, 1) == (held_blocks(store), store.blocks.find_block("b1"), store.blocks.block_count())
    store.close()
    with Store.open(path, Role.WORKER) as again:
        assert [added] == held_blocks(again)


async def test_the_canonical_form_is_made_anew(store: Store) -> None:
    """What is stored of a name is its text: the form for comparison is this version's."""
    other = IssuerSerialMatch(ISSUER, b"another form", 1)
    await store.blocks.add_block(block(match=other), MOST)
    (found,) = held_blocks(store)
    assert replace(other, issuer_key=canonical_of_text(ISSUER)) == found.match


async def test_what_is_removed_is_gone(store: Store) -> None:
    """And a second time there is nothing to remove."""
    await store.blocks.add_block(block("b1"), MOST)
    await store.blocks.add_block(block("b2"), MOST)
    assert [True, False] == [await store.blocks.remove_block(tombstone("b1")) for _ in range(2)]
    assert (["b2"], None) == ([one.id for one in held_blocks(store)], store.blocks.find_block("b1"))


@pytest.mark.parametrize("name", ["", "x" * 600, "\N{SNOWMAN}", "b2"])
async def test_ids_that_are_none(store: Store, name: str) -> None:
    """Nobody has them; LMDB would refuse some as keys."""
    assert (None, False) == (store.blocks.find_block(name), await store.blocks.remove_block(tombstone(name)))
    if name != "b2":
        with pytest.raises(StoreError, match="usable id"):
            await store.blocks.add_block(block(name), MOST)


async def test_an_id_is_taken_once(store: Store) -> None:
    """A block never changes."""
    await store.blocks.add_block(block(), MOST)
    with pytest.raises(StoreError, match="already"):
        await store.blocks.add_block(block(match=MATCHES[1]), MOST)
    assert [block()] == held_blocks(store)


async def test_there_is_a_limit(store: Store) -> None:
    """One too many is not held, and raises nothing; where one was removed there is room again."""
    assert [True, True, False] == [await store.blocks.add_block(block(f"b{one}"), 2) for one in range(3)]
    before = store.generation(), store.blocks.blocks_version()
    assert not await store.blocks.add_block(block("b9"), 2)
    assert before == (store.generation(), store.blocks.blocks_version())
    await store.blocks.remove_block(tombstone("b0"))
    assert await store.blocks.add_block(block("b9"), 2)


async def test_a_full_store(path: Path) -> None:
    """What does not fit is an error, and what is held stays."""
    with Store.open(path, Role.WORKER, StoreLimits(hot_map_octets=1 << 20)) as store:
        await store.blocks.add_block(block("b0"), MOST)
        large = replace(block("b1"), reason="x" * (2 << 20))
        with pytest.raises(StoreError, match="MAP_FULL"):
            await store.blocks.add_block(large, MOST)
        assert ["b0"] == [one.id for one in held_blocks(store)]


async def test_known_blocks_are_not_read_again(store: Store) -> None:
    """They do not change; what was removed is not held because somebody knew it."""
    await store.blocks.add_block(block("b1"), MOST)
    await store.blocks.add_block(block("b2"), MOST)
    first = store.blocks.read_blocks({})
    await store.blocks.remove_block(tombstone("b1"))
    await store.blocks.add_block(block("b3"), MOST)
    second = store.blocks.read_blocks(first.blocks)
    assert ["b2", "b3"] == list(second.blocks)
    assert second.blocks["b2"] is first.blocks["b2"]
    assert second.version == store.blocks.blocks_version() != first.version


def damage(path: Path, row: bytes) -> None:
    """Write something else in the place of a block, as no version would."""
    with lmdb.open(str(path / "hot"), max_dbs=16) as environment:
        database = environment.open_db(b"blocks")
        with environment.begin(write=True) as transaction:
            transaction.put(b"b1", row, db=database)


FIELDS: Final = b'"reason":"r","created_at":"2026-01-01T00:00:00+00:00","created_by":"me"'


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"noise",
        b"{}",
        b'{"fingerprint":"00",' + FIELDS + b',"until":null}',
        b'{"fingerprint":"' + b"zz" * 32 + b'",' + FIELDS + b',"until":null}',
        b'{"issuer":"CN","serial":"1",' + FIELDS + b',"until":null}',
        b'{"issuer":"CN=a","serial":"g",' + FIELDS + b',"until":null}',
        b'{"spki":"' + b"00" * 32 + b'",' + FIELDS + b"}",
        b'{"spki":"' + b"00" * 32 + b'",' + FIELDS + b',"until":"soon"}',
    ],
)
async def test_a_damaged_block_is_an_error(path: Path, row: bytes) -> None:
    """It is named, never passed over, and can be removed."""
    with Store.open(path, Role.WORKER) as store:
        await store.blocks.add_block(block("b0"), MOST)
    damage(path, row)
    with Store.open(path, Role.WORKER) as store:
        for read in (lambda: held_blocks(store), lambda: store.blocks.find_block("b1")):
            with pytest.raises(StoreError, match="block b1 is damaged"):
                read()
        assert await store.blocks.remove_block(tombstone("b1"))
        assert ["b0"] == [one.id for one in held_blocks(store)]


async def test_blocks_that_cannot_be_found(path: Path) -> None:
    """There are as many as the store says, or that is an error."""
    with Store.open(path, Role.WORKER) as store:
        await store.blocks.add_block(block("b0"), MOST)
    claim(path, b"blocks", 2)
    with Store.open(path, Role.WORKER) as store, pytest.raises(StoreError, match="1 of 2 can be found"):
        held_blocks(store)


async def test_moments_are_read_in_utc(store: Store) -> None:
    """So that no comparison fails."""
    east = AT.astimezone(timezone(timedelta(hours=2)))
    await store.blocks.add_block(block(until=east), MOST)
    (found,) = held_blocks(store)
    assert (AT, UTC) == (found.until, found.until and found.until.tzinfo)


def raised(store: Store, change: Callable[[], object]) -> int:
    """By how much a change raises the generation of the decisions."""
    before = store.generation()
    change()
    return store.generation() - before


def test_what_raises_the_generation(store: Store) -> None:
    """A CRL, a block more or less, and whoever asks for it; an OCSP answer does not, nor does a change that is none."""
    blocks = store.blocks

    def run(change: Callable[[], object]) -> Callable[[], object]:
        return lambda: asyncio.run(change())  # type: ignore[arg-type]  # a coroutine, as all of these

    assert 0 == store.generation()
    for expected, change in (
        (1, lambda: store.publish(held(1), [row(1)], watermark(1))),
        (1, run(lambda: blocks.add_block(block(), MOST))),
        (0, run(lambda: blocks.add_block(block("b2"), 1))),
        (1, run(lambda: blocks.remove_block(tombstone("b1")))),
        (0, run(lambda: blocks.remove_block(tombstone("b1")))),
        (1, run(store.bump_generation)),
        (0, run(lambda: store.put_ocsp(KEY, ocsp()))),
    ):
        assert expected == raised(store, change)


def test_a_change_of_blocks_has_a_number_of_its_own(store: Store) -> None:
    """CRLs come all the time, and are no reason to read the blocks again."""
    store.publish(held(1), [row(1)], watermark(1))
    asyncio.run(store.bump_generation())
    assert 0 == store.blocks.blocks_version()


def test_the_generation_lasts(path: Path) -> None:
    """A process that starts later does not count from the beginning."""
    with Store.open(path, Role.WORKER) as store:
        asyncio.run(store.bump_generation())
    with Store.open(path, Role.WORKER) as store:
        assert 1 == store.generation()


def test_a_damaged_generation(path: Path) -> None:
    """Nobody can say which it is."""
    with Store.open(path, Role.WORKER) as store:
        asyncio.run(store.bump_generation())
    with lmdb.open(str(path / "hot"), max_dbs=16) as environment:
        about = environment.open_db(b"about")
        with environment.begin(write=True) as transaction:
            transaction.put(b"generation", b"?", db=about)
    with Store.open(path, Role.WORKER) as store, pytest.raises(StoreError, match="damaged number"):
        store.generation()


def test_another_process_sees_it(store: Store, path: Path) -> None:
    """A block that another process adds is there at once, and stays when that process is killed."""
    with ExitStack() as stack:
        command = [sys.executable, "-m", "tests.adapters.lmdb.peer", "block", str(path)]
        peer = stack.enter_context(
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(peer.kill)
        assert peer.stdout is not None
        assert "ready\n" == peer.stdout.readline()
        assert (1, ["b1"]) == (store.generation(), [one.id for one in held_blocks(store)])
        asyncio.run(store.blocks.add_block(block("b2"), MOST))
        peer.kill()
        peer.wait()
    assert (2, ["b1", "b2"]) == (store.generation(), [one.id for one in held_blocks(store)])


def test_a_closed_store(path: Path) -> None:
    """Says so to whoever reads or writes."""
    store = Store.open(path, Role.WORKER)
    store.close()
    for use in (
        store.generation,
        store.blocks.blocks_version,
        lambda: store.blocks.read_blocks({}),
        lambda: asyncio.run(store.bump_generation()),
        lambda: asyncio.run(store.blocks.add_block(block(), MOST)),
    ):
        with pytest.raises(StoreError, match="closed"):
            use()


# --- what others have ------------------------------------------------------------------------------------------------

ROOM: Final = BlockRoom(10, 1 << 30)


async def test_a_tombstone_takes_the_place_of_a_block(store: Store, path: Path) -> None:
    """Also after the store was opened again; where there was no block there is no tombstone."""
    await store.blocks.add_block(block("b1"), MOST)
    assert [True, False] == [await store.blocks.remove_block(tombstone(name)) for name in ("b1", "b2")]
    assert (tombstone("b1"), None) == tuple(store.blocks.find_tombstone(name) for name in ("b1", "b2"))
    store.close()
    with Store.open(path, Role.WORKER) as again:
        assert (frozenset({"b1"}), frozenset()) == (again.blocks.tombstone_ids(), again.blocks.block_ids())
        with pytest.raises(StoreError, match="b1 already"):
            await again.blocks.add_block(block("b1"), MOST)


async def test_what_is_brought(store: Store) -> None:
    """What is not there is added, what is there stays as it is, and what was removed does not come back."""
    await store.blocks.add_block(block("b1"), MOST)
    await store.blocks.add_block(block("b2"), MOST)
    other = block("b1", MATCHES[1])
    brought = await store.blocks.bring((other, block("b3"), block("b4")), (tombstone("b2"), tombstone("b4")), ROOM)
    assert Brought((block("b3"),), (tombstone("b2"),), 0) == brought
    assert [block("b1"), block("b3")] == held_blocks(store)
    assert {"b2", "b4"} == store.blocks.tombstone_ids()
    before = store.generation(), store.blocks.blocks_version()
    again = await store.blocks.bring((block("b2"), block("b3")), (tombstone("b4"),), ROOM)
    assert (Brought((), (), 0), before) == (again, (store.generation(), store.blocks.blocks_version()))


async def test_what_is_brought_is_known_at_once(store: Store) -> None:
    """Both ways: the blocks have another number, and no verdict is kept."""
    for blocks, tombstones in (((block("b1"),), ()), ((), (tombstone("b1"),))):
        before = store.generation(), store.blocks.blocks_version()
        await store.blocks.bring(blocks, tombstones, ROOM)
        assert (before[0] + 1, before[1] + 1) == (store.generation(), store.blocks.blocks_version())


async def test_there_is_a_limit_to_what_is_brought(store: Store) -> None:
    """In blocks and in octets; what is brought together with them comes in."""
    blocks = tuple(block(f"b{number}") for number in range(4))
    assert 2 == (await store.blocks.bring(blocks, (tombstone("c1"),), BlockRoom(2, 1 << 30))).no_room
    assert (["b0", "b1"], frozenset({"c1"})) == ([one.id for one in held_blocks(store)], store.blocks.tombstone_ids())
    assert 2 == (await store.blocks.bring(blocks, (), BlockRoom(10, 1))).no_room


async def test_nothing_is_brought_by_halves(store: Store) -> None:
    """One that cannot be held leaves everything as it was."""
    await store.blocks.add_block(block("b1"), MOST)
    with pytest.raises(StoreError, match="usable id"):
        await store.blocks.bring((block("b2"), block("x" * 600)), (tombstone("b1"),), ROOM)
    assert ([block("b1")], frozenset()) == (held_blocks(store), store.blocks.tombstone_ids())


async def test_tombstones_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first, and one that is older than all of them removes its block all the same."""
    monkeypatch.setattr(block_rows, "MAX_TOMBSTONES", 2)
    await store.blocks.bring((block("b0"),), tuple(tombstone(f"b{number}") for number in range(1, 4)), ROOM)
    await store.blocks.remove_block(tombstone("b0"))
    assert (frozenset({"b2", "b3"}), []) == (store.blocks.tombstone_ids(), held_blocks(store))


async def test_a_damaged_tombstone(path: Path) -> None:
    """Says nothing of who removed it; that it was removed stands."""
    with Store.open(path, Role.WORKER) as store:
        await store.blocks.bring((), (tombstone("b1"),), ROOM)
    with lmdb.open(str(path / "hot"), max_dbs=16) as environment:
        database = environment.open_db(b"block-tombstones")
        with environment.begin(write=True) as transaction:
            transaction.put(b"b1", b"?", db=database)
    with Store.open(path, Role.WORKER) as store:
        with pytest.raises(StoreError, match="tombstone of block b1 is damaged"):
            store.blocks.find_tombstone("b1")
        assert () == (await store.blocks.bring((block("b1"),), (), ROOM)).added


async def test_what_is_within_a_room(store: Store) -> None:
    """So many blocks, which take so many octets, and not one more."""
    for name in ("b1", "b2"):
        await store.blocks.add_block(block(name), MOST)
    rooms = (BlockRoom(2, PAGESIZE), BlockRoom(1, PAGESIZE), BlockRoom(2, PAGESIZE - 1))
    assert [True, False, False] == [store.blocks.is_within(room) for room in rooms]


async def test_whose_list_was_read(store: Store, path: Path) -> None:
    """One fleet's at a time, for good."""
    assert not store.blocks.list_was_read("one")
    await store.blocks.note_list_read("one")
    await store.blocks.note_list_read("other")
    assert [False, True] == [store.blocks.list_was_read(name) for name in ("one", "other")]
    store.close()
    with Store.open(path, Role.WORKER) as again:
        assert again.blocks.list_was_read("other")


@pytest.mark.parametrize("name", ["", "x" * 600, "\N{SNOWMAN}"])
async def test_tombstones_of_ids_that_are_none(store: Store, name: str) -> None:
    """There are none."""
    assert store.blocks.find_tombstone(name) is None


def test_a_store_of_the_version_before(path: Path) -> None:
    """It has no tombstones, and its rows are those that are written today."""
    with lmdb.open(str(_hot(path)), max_dbs=16) as environment:
        about, blocks = environment.open_db(b"about"), environment.open_db(b"blocks")
        with environment.begin(write=True) as transaction:
            transaction.put(b"format", b"4", db=about)
            row_before = b'{"spki":"' + b"ff" * 32 + b'",' + FIELDS + b',"until":null}'
            transaction.put(b"b1", row_before, db=blocks)
    with Store.open(path, Role.WORKER) as store:
        (found,) = held_blocks(store)
        assert ("b1", MATCHES[1], frozenset()) == (found.id, found.match, store.blocks.tombstone_ids())


def _hot(path: Path) -> Path:
    for directory in (path, path / "hot"):
        directory.mkdir(0o700)
    return path / "hot"
