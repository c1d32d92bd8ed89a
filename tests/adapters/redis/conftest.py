"""Servers that several tests share, and what is of one test alone: a prefix, a cache."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest

from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.fleet.cache import FleetUnavailableError
from tests.redis_clusters import redis_cluster
from tests.redis_servers import RedisServer, RedisTls, redis_server, redis_tls

USER = "revet"
PASSWORD = "p@ss:w/rd %"
IN_A_URL = "revet:p%40ss%3Aw%2Frd%20%25"
PATIENCE_S = 20.0

COMMAND_S = 0.3
"""Seconds for a command in these tests: six times those of the service, for a machine that has much else to do."""

ADMIN = ("tester", "tester-password")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A Redis of some kind.

    Attributes:
        place: Where it is.
    """

    place: RedisPlace


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands have the time of the tests."""
    monkeypatch.setattr("service.adapters.redis.cache.COMMAND_S", COMMAND_S)
    monkeypatch.setattr("service.adapters.redis.nodes.COMMAND_S", COMMAND_S)
    monkeypatch.setattr("service.adapters.redis.links.LEAST_S", COMMAND_S / 2)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> RedisTls:
    """Files for TLS."""
    return redis_tls(tmp_path_factory.mktemp("redis-tls"))


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server whom nothing happens to."""
    with redis_server(tmp_path_factory.mktemp("redis") / "alone") as server:
        yield server


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, tls: RedisTls) -> Iterator[RedisServer]:
    """A server that speaks TLS with who has a certificate and a password, and lets him do no more than he must."""
    acl = tmp_path_factory.mktemp("redis-acl") / "users.acl"
    acl.write_text(
        "user default off\n"
        f"user {ADMIN[0]} on >{ADMIN[1]} ~* &* +@all\n"
        f"user {USER} on #{_digest(PASSWORD)} ~fleet:* resetchannels -@all +ping +select +exists +get +set +pexpire"
        " +eval +del +type +hscan +hset +hdel +xadd +xread +xinfo|stream\n"
    )
    directory = tmp_path_factory.mktemp("redis") / "guarded"
    with redis_server(directory, "--aclfile", str(acl), tls=tls, login=ADMIN) as server:
        yield server


def _digest(password: str) -> str:
    return sha256(password.encode()).hexdigest()


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster whom nothing happens to."""
    with redis_cluster(tmp_path_factory.mktemp("redis") / "cluster") as cluster:
        yield cluster.url


@pytest.fixture(params=["alone", "socket", "guarded", "cluster"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    """Each kind of Redis in turn."""
    match request.param:
        case "alone":
            yield Deployment(RedisPlace(request.getfixturevalue("alone").url))
        case "socket":
            path = tmp_path / "redis.sock"
            with redis_server(tmp_path / "redis", "--unixsocket", str(path)):
                yield Deployment(RedisPlace(f"unix://{path}?db=3"))
        case "guarded":
            files: RedisTls = request.getfixturevalue("tls")
            server: RedisServer = request.getfixturevalue("guarded")
            url = f"rediss://{IN_A_URL}@localhost:{server.port}/0"
            yield Deployment(RedisPlace(url, files.ca, *files.client))
        case _:
            yield Deployment(RedisPlace(request.getfixturevalue("cluster_url")))


@pytest.fixture
async def cache(deployment: Deployment) -> AsyncIterator[RedisCache]:
    """A cache there."""
    async with open_cache(deployment.place) as opened:
        await comes_to_answer(opened)
        yield opened


async def comes_to_answer(cache: RedisCache) -> None:
    """Wait for the first connection: on a machine that is busy it may take longer than a command may."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(FleetUnavailableError):
                await cache.get("fleet:name")
                return
            await asyncio.sleep(0.01)


@pytest.fixture
def prefix() -> str:
    """What the names of one test begin with; all in one slot."""
    return f"fleet:{{{uuid4().hex}}}"
