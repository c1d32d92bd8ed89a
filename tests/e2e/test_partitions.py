"""Many partitions of one authority, in the form of AWS Private CA: held, refreshed in time, and there after a kill.

What `python -m bench.partitions` measures with 2,000 of 1 MB, with few and small ones, and without a stop watch.
"""

import os
import signal
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import pytest

from bench.partitioned import BUCKET_URL, FOLDER, Partition, Partitioned, published
from tests.e2e.running import Service, running_service, until

pytestmark = pytest.mark.slow

PARTITIONS: Final = 60
OCTETS: Final = 20_000
INTERVAL_S: Final = 2.0

SETTINGS: Final = {
    "REVET_REVOCATION_MODE": "require",
    "REVET_ALLOW_REQUEST_OVERRIDES": "true",
    "REVET_CRL_FIRST_DELAY_S": "0",
    "REVET_CRL_REFRESH_MIN_S": "0.5",
    "REVET_CRL_REFRESH_MAX_S": str(INTERVAL_S),
}


@pytest.fixture
def bucket(tmp_path: Path) -> Partitioned:
    """What is published."""
    directory = tmp_path / "bucket" / FOLDER
    directory.mkdir(parents=True)
    return Partitioned(directory, PARTITIONS, OCTETS)


@pytest.fixture
def trust_store(tmp_path: Path, bucket: Partitioned) -> Path:
    """A trust store with the authority."""
    file = tmp_path / "trust.pem"
    file.write_text(bucket.authority.pem)
    return file


def from_directory(bucket: Partitioned) -> dict[str, str]:
    """Settings of a service that has the CRLs in a directory; nothing is where the certificates say."""
    places = {"REVET_CRL_SOURCES": str(bucket.directory), "REVET_CRL_MAP": f"{BUCKET_URL}/={bucket.directory.parent}/"}
    return {**SETTINGS, **places}


def codes(service: Service, bucket: Partitioned, asked: Iterable[tuple[Partition, int]], *, online: bool) -> list[str]:
    """What is decided about certificates of partitions."""
    options = {"options": {"online": online}}
    items = [{"certificate": bucket.certificate(one, serial).pem, **options} for one, serial in asked]
    answer = httpx.post(f"{service.url}/v1/validate/batch", json={"items": items}, timeout=30).raise_for_status()
    return [one["code"] for one in answer.json()["results"]]


def held(service: Service, bucket: Partitioned) -> list[str]:
    """What is decided about a good and a revoked certificate of each partition by what is held."""
    serials = (bucket.good_serial, bucket.revoked_serial)
    asked = [(one, serial(one)) for serial in serials for one in bucket.partitions]
    return codes(service, bucket, asked, online=False)


def right(bucket: Partitioned) -> list[str]:
    """What should be."""
    return ["ok"] * len(bucket.partitions) + ["revoked"] * len(bucket.partitions)


def attempts(service: Service) -> list[tuple[datetime, datetime]]:
    """Of each source, when it last gave what it has, and when it is asked again at the latest."""
    found = httpx.get(f"{service.url}/v1/crls", timeout=10).raise_for_status().json()["crls"]
    times = ((one["last_success"], one["next_attempt"]) for one in found if one["slot"] is not None)
    return [(datetime.fromisoformat(last), datetime.fromisoformat(following)) for last, following in times]


def are_newer(service: Service, moment: datetime) -> bool:
    """Whether all sources gave what they have after a moment."""
    return all(last > moment for last, _ in attempts(service))


def kill(service: Service) -> None:
    """Kill the supervisor, and wait for the end of all the others."""
    left = [*service.children("worker"), *service.children("prefetcher")]
    os.kill(service.process.pid, signal.SIGKILL)
    service.process.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), "nothing is left of it")


def test_ready_means_that_all_are_held(tmp_path: Path, trust_store: Path, bucket: Partitioned) -> None:
    """Each partition speaks for its own certificates from the first moment on."""
    with running_service(tmp_path, trust_store, from_directory(bucket)) as service:
        assert right(bucket) == held(service, bucket)


def test_ready_after_a_kill_without_the_origin(tmp_path: Path, trust_store: Path, bucket: Partitioned) -> None:
    """Nothing has to be read again: the files cannot be by then, and it is ready and right all the same."""
    settings = {**from_directory(bucket), "REVET_CRL_REFRESH_MIN_S": "3600", "REVET_CRL_REFRESH_MAX_S": "7200"}
    with running_service(tmp_path, trust_store, settings) as service:
        kill(service)
    for one in bucket.directory.iterdir():
        one.write_bytes(b"")
    with running_service(tmp_path, trust_store, settings) as service:
        assert right(bucket) == held(service, bucket)


def test_all_are_refreshed_within_the_interval(tmp_path: Path, trust_store: Path, bucket: Partitioned) -> None:
    """Each is due before its interval has passed, and all of them are tried again and again."""
    with running_service(tmp_path, trust_store, from_directory(bucket)) as service:
        for _ in range(3):
            before = attempts(service)
            latest = max(last for last, _ in before)
            assert PARTITIONS == len(before)
            assert all(following - last <= timedelta(seconds=INTERVAL_S) for last, following in before)
            until(partial(are_newer, service, latest), "all are refreshed")


def test_what_changes_is_in_force(tmp_path: Path, trust_store: Path, bucket: Partitioned) -> None:
    """Of many partitions some list one certificate more: these certificates are denied, and no other."""
    changed = bucket.sample(PARTITIONS // 2)
    with running_service(tmp_path, trust_store, from_directory(bucket)) as service:
        for one in changed:
            bucket.publish(one, 2, [bucket.revoked_serial(one), bucket.good_serial(one)])
        expected = ["revoked" if one in changed else "ok" for one in bucket.partitions]
        asked = [(one, bucket.good_serial(one)) for one in bucket.partitions]
        until(lambda: expected == codes(service, bucket, asked, online=False), "what changed is in force")


def test_what_is_learned_is_held_after_a_kill(tmp_path: Path) -> None:
    """Distribution points of certificates: each is fetched when it is first seen, and none is after a restart."""
    directory = tmp_path / "bucket" / FOLDER
    directory.mkdir(parents=True)
    with published(directory) as url:
        bucket = Partitioned(directory, PARTITIONS, OCTETS, url)
        (tmp_path / "trust.pem").write_text(bucket.authority.pem)
        with running_service(tmp_path, tmp_path / "trust.pem", SETTINGS) as service:
            asked = [(one, bucket.good_serial(one)) for one in bucket.partitions]
            until(lambda: {"ok"} == set(codes(service, bucket, asked, online=True)), "all are held")
            kill(service)
    with running_service(tmp_path, tmp_path / "trust.pem", SETTINGS) as service:
        assert right(bucket) == held(service, bucket)
