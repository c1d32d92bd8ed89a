"""A CRL of ten million entries, taken in by a process of its own, and what that costs in memory.

    python -m bench.large            10,000,000 entries, some 490 MB: about two minutes, and 3 GB of disk
    python -m bench.large 1000000    fewer

The CRL is made by a process of its own as well, and served by a third: none of what they hold is counted. A process
that only looks up, as workers do, says how much memory of its own that took. The list is random, so that all of it has
to be sorted; the directory is removed in the end.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

import uvloop
from cryptography.x509 import load_der_x509_crl

from bench.crls import ingester, loopback_origin
from bench.origin import serving
from bench.pki import crl
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.core.crl.entries import entry_key
from service.core.crl.scope import point_keys
from service.core.names.comparison import canonical
from tests.application.chain import order, read
from tests.pki import Authority, key

ENTRIES: Final = 10_000_000
LIST: Final = "list.crl"
STORE: Final = "store"
_MEGABYTE: Final = 1_000_000


def _issuer() -> Authority:
    return Authority.root("Root", key=key("rsa2048"))


def _memory(field: str) -> float:
    """A figure of this process, in megabytes."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024 / _MEGABYTE


def make(directory: Path, entries: int) -> None:
    """Make the list."""
    (directory / LIST).write_bytes(crl(_issuer(), entries, seed=1))


def take_in(directory: Path, url: str) -> None:
    """Take it in over HTTP, as the prefetcher does."""

    async def fetch(store: Store) -> None:
        origin = loopback_origin()
        attempts = await ingester(store, origin, directory).fetch(order(url, signers=(_issuer(),)))
        await origin.aclose()
        assert not attempts, attempts

    with Store.open(directory / STORE, Role.INGESTER) as store:
        before, started = _memory("VmRSS"), perf_counter()
        uvloop.run(fetch(store))
        print(f"taking in: {perf_counter() - started:.1f} s; resident at most {_memory('VmHWM'):.0f} MB", end="")
        print(f" (before: {before:.0f} MB, its own memory afterwards: {_memory('RssAnon'):.0f} MB)")


def look_up(directory: Path) -> None:
    """Ask about as many serial numbers as a busy worker would, all over the list."""
    issuer = _issuer()
    keys = frozenset({read(issuer).public_key.spki})
    leaves = [read(issuer.issue("leaf", serial=(number << 116) + 1)) for number in range(1, 1000)]
    with Store.open(directory / STORE, Role.WORKER) as store:
        before, started = _memory("RssAnon"), perf_counter()
        for leaf in leaves:
            name = canonical(leaf.issuer.der)
            (finding,) = store.find(name, point_keys(leaf), keys, entry_key(name, leaf))
            assert finding.entry is None
        each = (perf_counter() - started) / len(leaves)
        print(f"looking up: {each * 1e6:.1f} us; a worker's own memory grew by {_memory('RssAnon') - before:.1f} MB")


def iterate(directory: Path) -> None:
    """Load it, verify it and go through its entries with `cryptography`."""
    encoded = (directory / LIST).read_bytes()
    started = perf_counter()
    found = load_der_x509_crl(encoded)
    assert found.is_signature_valid(_issuer().key.public_key())
    count = sum(1 for _ in found)
    print(f"cryptography, all {count:,} entries: {perf_counter() - started:.1f} s; resident at most", end="")
    print(f" {_memory('VmHWM'):.0f} MB")


def main(arguments: Sequence[str]) -> None:
    """Do one of the steps, or start all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench.large")
    parser.add_argument("entries", nargs="?", type=int, default=ENTRIES)
    parser.add_argument("--step", choices=("make", "take-in", "look-up", "iterate"), help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    match given.step:
        case "make":
            make(given.directory, given.entries)
        case "take-in":
            take_in(given.directory, given.url)
        case "look-up":
            look_up(given.directory)
        case "iterate":
            iterate(given.directory)
        case _:
            _all(given.entries)


def _all(entries: int) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        _step("make", directory, str(entries))
        print(f"{entries:,} entries, {(directory / LIST).stat().st_size / _MEGABYTE:.0f} MB", flush=True)
        with serving(directory / LIST) as url:
            _step("take-in", directory, "--url", url)
        _step("look-up", directory)
        _step("iterate", directory)


def _step(step: str, directory: Path, *more: str) -> None:
    command = [sys.executable, "-m", "bench.large", "--step", step, "--directory", str(directory), *more]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
