"""Several processes and one store."""

import asyncio
import fcntl
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from service.adapters.lmdb import tenancy
from service.adapters.lmdb.hot import Hot
from service.adapters.lmdb.ocsp_rows import OcspLimits, OcspRows
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.evidence_store import StoreError
from tests.adapters.lmdb.peer import MAP_OCTETS, PUBLISHED
from tests.adapters.lmdb.values import ISSUER, KEY, SIGNERS, entry, held, ocsp, octets, row, watermark

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]

Peer: TypeAlias = "subprocess.Popen[str]"
Peers: TypeAlias = Callable[[str], Peer]


@pytest.fixture
def peers(path: Path) -> Iterator[Peers]:
    """Starts other processes on the store; ends them."""
    with ExitStack() as stack:

        def start(what: str) -> Peer:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.adapters.lmdb.peer", what, path],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            return process

        yield start


def _ready(process: Peer) -> Peer:
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    return process


def _end(process: Peer) -> None:
    process.communicate()
    assert 0 == process.returncode


def _kill(process: Peer) -> None:
    process.kill()
    process.wait()


def test_open_twice_in_a_process(path: Path) -> None:
    """A process opens a store once, whatever the name it uses; after closing it, again."""
    path.mkdir(0o700)
    (path.parent / "other").symlink_to(path.parent)

    with Store.open(path, Role.WORKER):
        for again in (path, path.parent / "other" / "store"):
            for role in Role:
                with pytest.raises(StoreError, match="is open in this process"):
                    Store.open(again, role)
        Store.open(path.parent / "another", Role.WORKER).close()

    Store.open(path, Role.INGESTER).close()


def test_one_ingester(path: Path, peers: Peers) -> None:
    """While one process publishes, another cannot; it can work, and publish once the first has gone."""
    ingester = _ready(peers("ingester"))

    with pytest.raises(StoreError, match="another process publishes"):
        Store.open(path, Role.INGESTER)
    Store.open(path, Role.WORKER).close()

    _kill(ingester)
    Store.open(path, Role.INGESTER).close()


def test_one_service(tmp_path: Path) -> None:
    """A second service is refused while the first one holds the directory, and not afterwards."""
    refused = pytest.raises(StoreError, match="another service")
    with tenancy.only_service(tmp_path), refused, tenancy.only_service(tmp_path):
        pass
    with tenancy.only_service(tmp_path):
        pass


def test_started_together(peers: Peers) -> None:
    """Processes that start at one time on an absent store all get it."""
    started = [peers("worker") for _ in range(3)] + [peers("ingester")]

    for process in started:
        _end(_ready(process))


def test_another_pid_namespace(path: Path, peers: Peers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process of another PID namespace is refused while somebody has the store; once nobody has, it is theirs."""
    namespace = tmp_path / "pid"
    namespace.symlink_to("pid:[1]")
    monkeypatch.setattr(tenancy, "NAMESPACE", namespace)
    monkeypatch.setattr(tenancy, "SETTLING_S", 0.02)
    worker = _ready(peers("worker"))

    with pytest.raises(StoreError, match=r"another PID namespace \(pid:\[\d+\], this one is pid:\[1\]\)"):
        Store.open(path, Role.WORKER)

    _end(worker)
    Store.open(path, Role.WORKER).close()
    _end(_ready(peers("worker")))


def test_a_disk_that_lets_one_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is still writing down where he is is waited for; and nobody writes what is there already."""
    monkeypatch.setattr(tenancy, "SETTLING_S", 0.01)
    Store.open(path, Role.WORKER).close()
    written = (path / tenancy.NAMESPACE_LOCK).stat().st_mtime_ns
    with (path / tenancy.NAMESPACE_LOCK).open("rb") as another, ThreadPoolExecutor(1) as pool:
        fcntl.flock(another, fcntl.LOCK_EX)
        opening = pool.submit(Store.open, path, Role.WORKER)
        with pytest.raises(TimeoutError):
            opening.result(0.2)
        fcntl.flock(another, fcntl.LOCK_UN)
        opening.result(30).close()
    assert written == (path / tenancy.NAMESPACE_LOCK).stat().st_mtime_ns


def test_nobody_waits_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For one who writes nothing."""
    monkeypatch.setattr(tenancy, "WRITING_S", 0.05)
    Store.open(path, Role.WORKER).close()
    with (path / tenancy.NAMESPACE_LOCK).open("rb") as another:
        fcntl.flock(another, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="does not write"):
            Store.open(path, Role.WORKER)


def test_without_namespaces(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there are no PID namespaces the store opens."""
    monkeypatch.setattr(tenancy, "NAMESPACE", tmp_path / "absent")

    Store.open(path, Role.WORKER).close()


def test_forked(peers: Peers) -> None:
    """A forked child gets nothing out of its parent's store and cannot open it; the parent goes on undisturbed."""
    process = peers("fork")

    output, _ = process.communicate()

    before = "opened before this process was forked"
    expected = [before, before, before, "nothing", "or was when it was forked", "True"]
    lines = output.splitlines()
    assert len(expected) == len(lines), output
    assert all(part in line for part, line in zip(expected, lines, strict=True)), output


def test_switches_are_seen(path: Path, peers: Peers) -> None:
    """A worker sees each switch at once, never a mixture, never an older one again, and never a missing file."""
    publisher = _ready(peers("publish"))
    seen = [0]
    with Store.open(path, Role.WORKER) as store:
        publisher.stdin.close()  # type: ignore[union-attr] # it is a pipe
        while seen[-1] < PUBLISHED:
            ((found,), mark) = store.find(ISSUER, frozenset(), SIGNERS, octets(1)), store.watermark(held(1).slot)
            number = found.meta.crl_number or 0
            assert entry(number) == found.entry
            assert number >= seen[-1]
            assert mark is not None
            assert number <= (mark.crl_number or 0)
            seen.append(number)
    assert 0 == publisher.wait()


def test_killed_while_writing(path: Path, peers: Peers) -> None:
    """An ingester that is killed with a transaction open leaves what was there, and its lock to the next writer."""
    with Store.open(path, Role.INGESTER) as store:
        store.publish(held(1), [row(1)], watermark(1))
        writer = _ready(peers("write"))
        _kill(writer)

        asyncio.run(store.put_ocsp(KEY, ocsp()))
        store.publish(held(2), [row(2)], watermark(2))

        assert ocsp() == store.find_ocsp(KEY)
        assert (held(2),) == store.held()


async def test_writes_wait_off_the_event_loop(path: Path, peers: Peers) -> None:
    """While another process writes, a response waits in its thread; the event loop and lookups go on."""
    with Store.open(path, Role.WORKER) as store:
        writer = _ready(peers("write"))
        waiting = asyncio.ensure_future(store.put_ocsp(KEY, ocsp()))

        for _ in range(100):
            await asyncio.sleep(0)
            assert store.find_ocsp(KEY) is None
        assert not waiting.done()

        await asyncio.to_thread(_end, writer)
        await waiting
        assert ocsp() == store.find_ocsp(KEY)


def test_dead_readers_pin_no_pages(path: Path, peers: Peers) -> None:
    """A reader that was killed in a transaction keeps no pages, once another process has opened the store."""
    Store.open(path, Role.WORKER).close()
    _ready(peers("worker"))  # LMDB forgets all readers itself only when nobody has the environment open
    _kill(_ready(peers("read")))
    hot = Hot(path / "hot", MAP_OCTETS)
    rows = OcspRows(hot, OcspLimits(10, MAP_OCTETS))

    for _ in range(200):
        rows.put(KEY, ocsp(response=bytes(20_000)))

    hot.close()
