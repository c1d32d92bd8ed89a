"""Blocks in the store, and the generation of the decisions that every change raises."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import lmdb
import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.lmdb.store_parts import StoreLimits
from service.application.evidence_store import StoreError
from service.core.model.block import Block, BlockMatch, FingerprintMatch, IssuerSerialMatch, SpkiMatch
from service.core.names.rfc4514 import canonical_of_text
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
    assert [True, False] == [await store.blocks.remove_block("b1") for _ in range(2)]
    assert (["b2"], None) == ([one.id for one in held_blocks(store)], store.blocks.find_block("b1"))


@pytest.mark.parametrize("name", ["", "x" * 600, "\N{SNOWMAN}", "b2"])
async def test_ids_that_are_none(store: Store, name: str) -> None:
    """Nobody has them; LMDB would refuse some as keys."""
    assert (None, False) == (store.blocks.find_block(name), await store.blocks.remove_block(name))
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
    await store.blocks.remove_block("b0")
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
    await store.blocks.remove_block("b1")
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
        assert await store.blocks.remove_block("b1")
        assert ["b0"] == [one.id for one in held_blocks(store)]


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
        (1, run(lambda: blocks.remove_block("b1"))),
        (0, run(lambda: blocks.remove_block("b1"))),
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
