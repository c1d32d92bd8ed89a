"""Another process that uses a store: `python -m tests.adapters.lmdb.peer WHAT PATH`.

It says `ready` when it has what it holds, and lets go when its standard input ends.
"""

import asyncio
import os
import select
import sys
from collections.abc import Callable
from pathlib import Path

from service.adapters.lmdb.hot import Hot
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.evidence_store import StoreError
from service.core.model.block import Block, FingerprintMatch
from tests.adapters.lmdb.values import AT, ISSUER, SIGNERS, entry, held, ocsp, octets, row, watermark

MAP_OCTETS = 1 << 20
PUBLISHED = 150

PATIENCE_S = 20
"""A test that waits for a lock held here cannot be interrupted: it fails after this time instead of hanging."""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _wait() -> None:
    _say("ready")
    select.select([sys.stdin], [], [], PATIENCE_S)


def _open(path: Path, role: Role) -> None:
    with Store.open(path, role):
        _wait()


def _publish(path: Path) -> None:
    """Publish one CRL after the other: the entry's date tells which."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [row(1, 1)], watermark(1))
        _wait()
        for number in range(2, PUBLISHED + 1):
            store.publish(held(number), [row(1, number)], watermark(number))


def _read(path: Path) -> None:
    hot = Hot(path / "hot", MAP_OCTETS)
    with hot.begin():
        _wait()


def _write(path: Path) -> None:
    hot = Hot(path / "hot", MAP_OCTETS)
    database = hot.database(b"crl-slots")
    with hot.begin_writing() as transaction:
        transaction.put(b"half a switch", b"?", db=database)
        _wait()
        transaction.abort()


def _fork(path: Path) -> None:
    """Open a store, fork, and let the child try everything with it; one line for each error it gets."""
    store = Store.open(path, Role.INGESTER)
    child = os.fork()
    if child == 0:
        _try_all(path, store)
        os._exit(0)
    os.waitpid(child, 0)
    store.publish(held(1), [row(1)], watermark(1))
    _say(str(store.find(ISSUER, frozenset(), SIGNERS, octets(1))[0].entry == entry()))
    store.close()


def _try_all(path: Path, store: Store) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: store.find(ISSUER, frozenset(), SIGNERS, octets(1)),
        lambda: store.publish(held(1), [], watermark(1)),
        lambda: asyncio.run(store.put_ocsp(bytes(32), ocsp())),
        store.close,
        lambda: Store.open(path, Role.WORKER),
    ]
    for attempt in attempts:
        try:
            attempt()
            _say("nothing")
        except StoreError as error:
            _say(str(error))


def _block(path: Path) -> None:
    with Store.open(path, Role.WORKER) as store:
        block = Block("b1", FingerprintMatch(bytes(32)), "stolen", AT, "peer")
        asyncio.run(store.blocks.add_block(block, 10))
        _wait()


ACTIONS: dict[str, Callable[[Path], None]] = {
    "worker": lambda path: _open(path, Role.WORKER),
    "ingester": lambda path: _open(path, Role.INGESTER),
    "publish": _publish,
    "read": _read,
    "write": _write,
    "fork": _fork,
    "block": _block,
}


if __name__ == "__main__":
    ACTIONS[sys.argv[1]](Path(sys.argv[2]))
