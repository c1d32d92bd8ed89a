"""The service with the 2,000 partitions of one large AWS Private CA, of 1 MB each.

    python -m bench.partitions                     out of a directory: some minutes, and 5 GB of disk
    python -m bench.partitions --way http          learned from certificates, out of a server with ETags
    python -m bench.partitions --partitions 100    fewer

Measured are: how long it takes to hold all of them, one round of refreshing them without a change and with a change of
some, whether each is refreshed within the interval, how long a service that was killed takes until it is ready again
with what it held, and what its processes take. Certificates of some partitions are asked about before and after:
figures of a service that answers wrongly are worth nothing. The directory is removed in the end.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import httpx

from bench.partitioned import BUCKET_URL, FOLDER, Partition, Partitioned, published
from bench.processes import MEGABYTE, Highest, descriptors, kill, memory, wait_until
from bench.serving import UnusableError
from tests.e2e.running import Service, running_service
from tests.pki import Issued

PARTITIONS: Final = 2_000
OCTETS: Final = 1_000_000
INTERVAL_S: Final = 60.0
"""Between two refreshes of one partition, at most."""
SAMPLED: Final = 50
"""Partitions of which certificates are asked about."""
CHANGED: Final = 100
"""Partitions that change."""
STARTS: Final = 3
BATCH: Final = 100
"""Certificates of one request."""
TOLERANCE_S: Final = 1.0
"""Beyond the interval: a refresh that is due begins when there is room for it, and takes a moment."""
WARM_START_S: Final = 5.0
"""What is wanted of a warm start, in seconds."""
PATIENCE_S: Final = 1800.0
"""In which anything has happened, or something is wrong."""

Verdicts = Mapping[str, str]
"""Codes by certificate."""


class Way(StrEnum):
    """Where the CRLs come from."""

    DIRECTORY = "directory"
    """They are in a directory of REVET_CRL_SOURCES; what the certificates name is mapped to it."""
    HTTP = "http"
    """They are where the certificates say, and learned from these."""


class Measuring:
    """One run."""

    def __init__(self, place: Path, bucket: Partitioned, way: Way, interval_s: float) -> None:
        """Take what is published, and how.

        Args:
            place: For the service's data.
            bucket: What is published.
            way: How the service comes to it.
            interval_s: Between two refreshes of one partition.
        """
        self._place = place
        self._bucket = bucket
        self._way = way
        self._interval_s = interval_s
        self._trust_store = place / "trust.pem"
        self._trust_store.write_text(bucket.authority.pem)
        self._sample = bucket.sample(SAMPLED)
        self._client = httpx.Client(timeout=120)

    def run(self) -> Iterator[str]:
        """Everything, one figure after the other.

        Raises:
            UnusableError: something does not do what it should.
        """
        with self._served(awaiting="answers") as service:
            yield from self._from_cold(service)
            yield from self._listed(service)
            yield from self._refreshed(service)
            yield from self._changed(service)
            yield from self._kept_fresh(service)
            yield from self._taken(service)
            kill(service)
        yield from self._from_warm()

    def _from_cold(self, service: Service) -> Iterator[str]:
        started = time.monotonic()
        (prefetcher,) = service.children("prefetcher")
        with Highest(prefetcher) as highest:
            if self._way is Way.HTTP:
                self._ask_for_all(service)
            else:
                wait_until(service.is_ready, "all are held", PATIENCE_S, every_s=1.0)
        took, octets = time.monotonic() - started, len(self._bucket.partitions) * self._bucket.octets
        yield f"held from cold: {took:.1f} s, {octets / took / MEGABYTE:.1f} MB/s; {_right(self._wrong(service))}"
        yield f"  memory of the prefetcher meanwhile: {highest.octets / MEGABYTE:.0f} MB at most (RssAnon)"

    def _ask_for_all(self, service: Service) -> None:
        """Show a certificate of each partition until each is held."""
        left = {one.pem: "ok" for one in map(self._good, self._bucket.partitions)}

        def is_held() -> bool:
            found = self._verdicts(service, left, online=True)
            for pem in [pem for pem, code in found.items() if code == "ok"]:
                del left[pem]
            return not left

        wait_until(is_held, "all are held", PATIENCE_S)

    def _listed(self, service: Service) -> Iterator[str]:
        first, again = (_seconds(lambda: self._lines(service)) for _ in range(2))
        lines, _ = self._lines(service)
        yield f"GET /v1/crls: {len(lines):,} lines in {first:.2f} s; again: {again:.2f} s"

    def _refreshed(self, service: Service) -> Iterator[str]:
        took = _seconds(lambda: self._refresh_all(service))
        yield f"a round without a change: {took:.1f} s, {len(self._bucket.partitions) / took:.0f} sources a second"

    def _changed(self, service: Service) -> Iterator[str]:
        changed = self._bucket.sample(CHANGED)
        for one in changed:
            self._bucket.publish(one, 2, [self._bucket.revoked_serial(one), self._bucket.good_serial(one)])
        pems = [self._good(one).pem for one in changed]
        started = time.monotonic()
        if self._way is Way.HTTP:
            self._refresh_all(service)
        wait_until(
            lambda: set(self._verdicts(service, pems).values()) == {"revoked"}, "changes are in force", PATIENCE_S, 0.1
        )
        yield f"{len(changed)} of them changed: all in force after {time.monotonic() - started:.1f} s"
        for one in changed:
            self._bucket.publish(one, 3, [self._bucket.revoked_serial(one)])
        if self._way is Way.HTTP:
            self._refresh_all(service)
        wait_until(lambda: set(self._verdicts(service, pems).values()) == {"ok"}, "changed again", PATIENCE_S, 0.5)

    def _kept_fresh(self, service: Service) -> Iterator[str]:
        """Watch for two intervals by how much the oldest success is ever too old."""
        (prefetcher,) = service.children("prefetcher")
        until, ages, spent = time.monotonic() + 2 * self._interval_s, [0.0], _cpu_s(prefetcher)
        while time.monotonic() < until:
            lines, at = self._lines(service)
            ages += ((at - _moment(one["last_success"])).total_seconds() for one in lines)
            time.sleep(self._interval_s / 20)
        share, oldest = (_cpu_s(prefetcher) - spent) / (2 * self._interval_s), max(ages)
        judged = _judged(is_met=oldest < self._interval_s + TOLERANCE_S)
        yield f"refreshed every {self._interval_s:g} s: the oldest was {oldest:.1f} s old; {judged}"
        yield f"  the prefetcher took {share:.0%} of a core"

    def _taken(self, service: Service) -> Iterator[str]:
        for kind in ("worker", "prefetcher"):
            (pid,) = service.children(kind)
            own, highest = (memory(pid, field) / MEGABYTE for field in ("RssAnon", "VmHWM"))
            yield f"{kind}: {own:.0f} MB of its own, {highest:.0f} MB resident at most, {descriptors(pid)} descriptors"
        store = self._place / "data" / "store"
        sizes = [one.stat().st_blocks * 512 for one in store.rglob("*") if one.is_file()]
        yield f"store: {len(sizes):,} files, {sum(sizes) / MEGABYTE:,.0f} MB on the disk"

    def _from_warm(self) -> Iterator[str]:
        seconds, wrong, gone = [], 0, 0
        for _ in range(STARTS):
            started = time.monotonic()
            with self._served(awaiting="is_ready") as service:
                seconds.append(time.monotonic() - started)
                wrong += self._wrong(service)
                gone += len(self._bucket.partitions) - len({one["slot"] for one in self._lines(service)[0]})
                kill(service)
        all_of_them = ", ".join(f"{one:.2f}" for one in seconds)
        yield f"ready again after a kill: {median(seconds):.2f} s ({all_of_them}); {WARM_START_S:g} wanted: " + _judged(
            is_met=max(seconds) < WARM_START_S
        )
        yield f"  {_right(wrong)}; not held any more: {gone}"

    @contextmanager
    def _served(self, awaiting: Literal["is_ready", "answers"]) -> Iterator[Service]:
        settings = {
            "REVET_WORKERS": "1",
            "REVET_REVOCATION_MODE": "require",
            "REVET_ALLOW_REQUEST_OVERRIDES": "true",
            "REVET_LOG_LEVEL": "error",
            "REVET_CRL_REFRESH_MIN_S": "1",
            "REVET_CRL_REFRESH_MAX_S": str(self._interval_s),
            **self._sources(),
        }
        with running_service(self._place, self._trust_store, settings, awaiting=awaiting) as service:
            yield service

    def _sources(self) -> Mapping[str, str]:
        match self._way:
            case Way.DIRECTORY:
                directory = self._bucket.directory
                mapping = f"{BUCKET_URL}/={directory.parent}/"
                return {"REVET_CRL_SOURCES": str(directory), "REVET_CRL_MAP": mapping}
            case Way.HTTP:
                return {}

    def _good(self, partition: Partition) -> Issued:
        return self._bucket.certificate(partition, self._bucket.good_serial(partition))

    def _wrong(self, service: Service) -> int:
        """How many certificates of some partitions are judged wrongly by what is held."""
        bucket = self._bucket
        expected = {self._good(one).pem: "ok" for one in self._sample}
        revoked = (bucket.certificate(one, bucket.revoked_serial(one)).pem for one in self._sample)
        expected |= dict.fromkeys(revoked, "revoked")
        found = self._verdicts(service, expected)
        return sum(found[pem] != code for pem, code in expected.items())

    def _verdicts(self, service: Service, pems: Iterable[str], *, online: bool = False) -> Verdicts:
        asked = list(pems)
        found: dict[str, str] = {}
        for begin in range(0, len(asked), BATCH):
            part = asked[begin : begin + BATCH]
            items = [{"certificate": pem, "options": {"online": online}} for pem in part]
            answer = self._client.post(f"{service.url}/v1/validate/batch", json={"items": items}).raise_for_status()
            found |= {pem: one["code"] for pem, one in zip(part, answer.json()["results"], strict=True)}
        return found

    def _lines(self, service: Service) -> tuple[list[dict[str, Any]], datetime]:
        """The CRLs that are held, and the moment."""
        found = self._client.get(f"{service.url}/v1/crls", params={"limit": "10000"}).raise_for_status().json()
        return [one for one in found["crls"] if one["slot"] is not None], _moment(found["at"])

    def _refresh_all(self, service: Service) -> None:
        """Have all refreshed, and wait for the last."""
        answer = self._client.post(f"{service.url}/v1/refresh", params={"wait": "true"}, json={})
        if answer.is_error:
            raise UnusableError(f"no refresh: {answer.text}")
        asked_at = _moment(answer.json()["asked_at"])
        if not answer.json()["running"]:
            return

        def is_done() -> bool:
            return all(_moment(one["last_attempt"]) >= asked_at for one in self._lines(service)[0])

        wait_until(is_done, "all are refreshed", PATIENCE_S)


def _seconds(do: Callable[[], object]) -> float:
    started = time.monotonic()
    do()
    return time.monotonic() - started


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _right(wrong: int) -> str:
    return "every verdict asked for is right" if not wrong else f"{wrong} verdicts are WRONG"


def _judged(*, is_met: bool) -> str:
    return "pass" if is_met else "FAIL"


def main(arguments: Sequence[str]) -> None:
    """Read the command line, publish, and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.partitions")
    parser.add_argument("--partitions", type=int, default=PARTITIONS)
    parser.add_argument("--octets", type=int, default=OCTETS)
    parser.add_argument("--interval", type=float, default=INTERVAL_S)
    parser.add_argument("--way", type=Way, default=Way.DIRECTORY)
    given = parser.parse_args(arguments)
    with TemporaryDirectory() as name:
        directory = Path(name) / "bucket" / FOLDER
        directory.mkdir(parents=True)
        with published(directory) if given.way is Way.HTTP else nullcontext(BUCKET_URL) as url:
            bucket = Partitioned(directory, given.partitions, given.octets, url)
            print(f"{given.partitions:,} partitions of {bucket.octets:,} octets, {given.way}; ", end="")
            print(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores", flush=True)
            for line in Measuring(Path(name), bucket, given.way, given.interval).run():
                print(line, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UnusableError as error:
        sys.exit(f"unusable: {error}")
