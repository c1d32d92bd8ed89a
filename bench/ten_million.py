"""The service with one CRL of ten million entries, and what its prefetcher needs for that.

    python -m bench.ten_million                     out of a directory, some 490 MB: some minutes, and 3 GB of disk
    python -m bench.ten_million --way http          learned from a certificate, over HTTP
    python -m bench.ten_million --entries 1000000   fewer

A service runs as operators run it, with nothing set but the size that a CRL may have. It is asked about a certificate
that the CRL lists, and about one that it does not, until it knows both, once more after a CRL with a newer number has
replaced it, and again after it was killed.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.partitioned import BUCKET_URL, FOLDER, Partitioned, published
from bench.partitions import Way
from bench.processes import MEGABYTE, Highest, kill, memory, wait_until
from bench.serving import UnusableError
from tests.e2e.running import Service, running_service

ENTRIES: Final = 10_000_000
ENTRY_OCTETS: Final = 49
"""Of one: a serial number of 16 octets, a date and a reason."""
MAX_CRL_BYTES: Final = 1 << 30
MOST_MEMORY: Final = 1_000_000_000
"""Octets that the prefetcher may have resident at most."""
PATIENCE_S: Final = 900.0


def measure(place: Path, entries: int, way: Way, url: str) -> Iterator[str]:
    """Everything, one figure after the other.

    Raises:
        UnusableError: something does not do what it should.
    """
    bucket = Partitioned(place / "bucket" / FOLDER, 1, entries * ENTRY_OCTETS, url)
    (place / "trust.pem").write_text(bucket.authority.pem)
    yield f"{entries:,} entries, {bucket.octets / MEGABYTE:.0f} MB, {way}; load {os.getloadavg()[0]:.1f}"
    (one,) = bucket.partitions
    serials = [bucket.good_serial(one), bucket.revoked_serial(one)]
    good, revoked = (bucket.certificate(one, serial).pem for serial in serials)
    settings = _settings(way, bucket.directory)
    with running_service(place, place / "trust.pem", settings, awaiting="answers") as service:
        yield from _taken_in(service, {good: "ok", revoked: "revoked"}, "taken in")
        bucket.publish(one, 2, serials)
        yield from _taken_in(service, {good: "revoked", revoked: "revoked"}, "replaced")
        kill(service)
    started = time.monotonic()
    with running_service(place, place / "trust.pem", settings) as service:
        yield f"ready again after a kill: {time.monotonic() - started:.2f} s"
        _wait_for(service, {good: "revoked", revoked: "revoked"})


def _taken_in(service: Service, expected: Mapping[str, str], what: str) -> Iterator[str]:
    """How long it takes until verdicts are as expected, and what that takes."""
    (prefetcher,), (worker,) = service.children("prefetcher"), service.children("worker")
    before = memory(worker, "RssAnon")
    with Highest(prefetcher) as highest:
        took = _wait_for(service, expected)
    resident, grown = memory(prefetcher, "VmHWM"), memory(worker, "RssAnon") - before
    yield f"{what}: {took:.1f} s; both verdicts are right"
    judged = "pass" if max(resident, highest.octets) < MOST_MEMORY else "FAIL"
    yield (
        f"  the prefetcher: {highest.octets / MEGABYTE:.0f} MB of its own at most (RssAnon), "
        f"{resident / MEGABYTE:.0f} MB resident with what is mapped (VmHWM); {judged}"
    )
    yield f"  the worker: its own memory grew by {grown / MEGABYTE:.1f} MB"


def _wait_for(service: Service, expected: Mapping[str, str]) -> float:
    """Ask until all verdicts are as expected; seconds that it took."""

    def is_known() -> bool:
        return all(service.validate(pem)["code"] == code for pem, code in expected.items())

    return wait_until(is_known, f"verdicts are {sorted(expected.values())}", PATIENCE_S)


def _settings(way: Way, directory: Path) -> Mapping[str, str]:
    sources = {} if way is Way.HTTP else {"REVET_CRL_SOURCES": str(directory)}
    return {
        "REVET_WORKERS": "1",
        "REVET_REVOCATION_MODE": "require",
        "REVET_MAX_CRL_BYTES": str(MAX_CRL_BYTES),
        "REVET_CRL_REFRESH_MIN_S": "1",
        "REVET_CRL_REFRESH_MAX_S": "5",
        "REVET_LOG_LEVEL": "error",
        **sources,
    }


def main(arguments: Sequence[str]) -> None:
    """Read the command line, publish, and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.ten_million")
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--way", type=Way, default=Way.DIRECTORY)
    given = parser.parse_args(arguments)
    with TemporaryDirectory() as name:
        place = Path(name)
        directory = place / "bucket" / FOLDER
        directory.mkdir(parents=True)
        with published(directory) if given.way is Way.HTTP else nullcontext(BUCKET_URL) as url:
            for line in measure(place, given.entries, given.way, url):
                print(line, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UnusableError as error:
        sys.exit(f"unusable: {error}")
