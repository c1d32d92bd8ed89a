"""A trust store in S3, from the settings to /readyz: changed, spoiled, and out of reach when the service starts."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from service.bootstrap.directories import hold_data_directory
from service.bootstrap.outside import check_trust_stores
from service.bootstrap.worker import open_worker_apps
from service.settings import Settings, SettingsError
from tests.adapters.s3.bucket import ENVIRONMENT, Bucket, s3_server
from tests.api.conformance import Json
from tests.api.world import Caller
from tests.application.chain import ROOT, STRANGER

pytestmark = pytest.mark.anyio

PATIENCE_S: Final = 20.0
KEY: Final = "cas.pem"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket, and an environment in which it is found; its server ends before the test."""
    with s3_server() as endpoint:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL_S3": endpoint}.items():
            monkeypatch.setenv(name, value)
        made = Bucket.create(f"test-{uuid4().hex}", endpoint)
        yield made
        made.close()


def settings(directory: Path, place: str) -> Settings:
    """Of a service that trusts what is there."""
    return Settings(data_dir=directory / "data", trust_store=place, trust_store_poll_s=1, fetch_timeout_s=5)


@asynccontextmanager
async def serving(directory: Path, place: str) -> AsyncIterator[Caller]:
    """A worker of that service."""
    of_service = settings(directory, place)
    with hold_data_directory(of_service):
        async with open_worker_apps(of_service, directory / "nobody.sock") as apps:
            yield Caller(apps.main)


async def trust_stores(caller: Caller) -> Json:
    """What /readyz says of the trust stores."""
    checks: Json = (await caller.get("/readyz")).json()["checks"]
    found: Json = checks["trust_stores"]
    return found


async def trusts(caller: Caller) -> tuple[bool, bool]:
    """Whether the two roots are trusted."""
    return (await _is_trusted(caller, ROOT.pem), await _is_trusted(caller, STRANGER.pem))


async def _is_trusted(caller: Caller, pem: str) -> bool:
    answer = await caller.validate({"certificate": pem})
    return answer.status_code == 200 and answer.json()["code"] != "untrusted"


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what is to come about, within `PATIENCE_S`.

    Raises:
        AssertionError: it did not.
    """
    for _ in range(int(PATIENCE_S / 0.05)):
        if await look():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it has not come about")


async def until(caller: Caller, expected: tuple[bool, bool]) -> None:
    """Wait for what is to come into force."""

    async def is_in_force() -> bool:
        return expected == await trusts(caller)

    await eventually(is_in_force)


async def until_good(caller: Caller, expected: bool) -> None:
    """Wait until /readyz finds the trust stores good, or not."""

    async def is_good() -> bool:
        found: bool = (await trust_stores(caller))["ok"]
        return found is expected

    await eventually(is_good)


async def test_a_change_comes_into_force(directory: Path, bucket: Bucket) -> None:
    """Without a restart; what spoils it does not."""
    bucket.put(KEY, ROOT.pem.encode())
    place = f"s3://{bucket.name}/{KEY}"
    async with serving(directory, place) as caller:
        assert {"ok": True, "detail": ""} == await trust_stores(caller)
        assert (True, False) == await trusts(caller)
        bucket.put(KEY, (ROOT.pem + STRANGER.pem).encode())
        await until(caller, (True, True))
        bucket.put(KEY, b"-----BEGIN CERTIFICATE-----")
        await until_good(caller, False)
        found = await trust_stores(caller)
        reason = "what is there: PEM block 1 does not end; the last good version stays in force"
        assert f"default: {place}: {reason}" == found["detail"]
        assert (True, True) == await trusts(caller)


async def test_a_start_while_s3_is_gone(directory: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last good version serves and says so; a service that never had one is not ready, and starts all the same."""
    bucket.put(KEY, ROOT.pem.encode())
    place = f"s3://{bucket.name}/{KEY}"
    check_trust_stores(settings(directory, place))
    async with serving(directory, place) as caller:
        assert (True, False) == await trusts(caller)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    check_trust_stores(settings(directory, place))
    async with serving(directory, place) as caller:
        assert (True, False) == await trusts(caller)
        assert "the copy that this host kept stays in force" in (await trust_stores(caller))["detail"]
    fresh = directory / "fresh"
    fresh.mkdir(mode=0o700)
    async with serving(fresh, place) as caller:
        answer = await caller.get("/readyz")
        assert 503 == answer.status_code
        assert place in answer.json()["checks"]["trust_stores"]["detail"]
        answer = await caller.validate({"certificate": ROOT.pem})
        assert 404 == answer.status_code


async def test_it_becomes_ready_when_s3_is_back(directory: Path, bucket: Bucket) -> None:
    """By itself."""
    place = f"s3://{bucket.name}/{KEY}"
    async with serving(directory, place) as caller:
        assert "S3 answered 404 NoSuchKey" in (await trust_stores(caller))["detail"]
        bucket.put(KEY, ROOT.pem.encode())
        await until(caller, (True, False))
        await until_good(caller, True)


async def test_one_version_is_asked_for_once(directory: Path, bucket: Bucket) -> None:
    """It cannot change, so that S3 may go away."""
    bucket.keep_versions()
    version = bucket.put(KEY, ROOT.pem.encode())
    bucket.put(KEY, STRANGER.pem.encode())
    async with serving(directory, f"s3://{bucket.name}/{KEY}?versionId={version}") as caller:
        assert (True, False) == await trusts(caller)
        bucket.client.delete_object(Bucket=bucket.name, Key=KEY, VersionId=version)
        await asyncio.sleep(1.5)
        assert {"ok": True, "detail": ""} == await trust_stores(caller)


def test_without_the_extra(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing stops the start, by the name of the setting."""
    place = settings(directory, "s3://bucket/cas.pem")
    check_trust_stores(place)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(SettingsError, match=r"REVET_TRUST_STORE: s3:// needs the extra `aws`"):
        check_trust_stores(place)
