"""Who is spoken with: certificates, users, databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.adapters.redis.cache import RedisCache
from service.adapters.redis.clients import RedisPlace, open_cache
from service.application.fleet.cache import FleetUnavailableError
from tests.adapters.redis.conftest import IN_A_URL, PASSWORD, USER, comes_to_answer
from tests.ports import free_port
from tests.redis_servers import RedisServer, RedisTls, redis_server, redis_tls

pytestmark = pytest.mark.anyio


@pytest.fixture
def place(guarded: RedisServer, tls: RedisTls) -> RedisPlace:
    """A server that wants a certificate and a password, with what it wants."""
    return RedisPlace(f"rediss://{IN_A_URL}@localhost:{guarded.port}", tls.ca, *tls.client)


async def reason_of(place: RedisPlace, name: str = "fleet:name") -> tuple[str, str | None]:
    """Why nothing can be had at a place, and why it is not asked any more."""
    async with open_cache(place) as cache:
        while True:
            with pytest.raises(FleetUnavailableError) as caught:
                await cache.get(name)
            # A handshake may take longer than a command on a machine that is busy.
            if caught.value.reason != "it cannot be connected to in time":
                return caught.value.reason, cache.unreachable
            await asyncio.sleep(0.02)


async def test_a_certificate_of_somebody_else(place: RedisPlace, tmp_path: Path) -> None:
    """Only the authorities that were named count."""
    reason, _ = await reason_of(replace(place, ca_bundle=redis_tls(tmp_path / "other", authority="Other").ca))
    assert "certificate verify failed" in reason


async def test_a_certificate_that_the_system_does_not_know(place: RedisPlace) -> None:
    """Without a bundle the system's count."""
    reason, _ = await reason_of(replace(place, ca_bundle=None))
    assert "certificate verify failed" in reason


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost", "Hostname mismatch"), ("127.0.0.1", "IP address mismatch")]
)
async def test_a_certificate_of_another_name(tmp_path: Path, host: str, expected: str) -> None:
    """Whose it is matters as much as who made it."""
    files = redis_tls(tmp_path / "tls", "redis.example")
    with redis_server(tmp_path / "redis", *files.options(0)[4:]) as plain:
        port = free_port()
        assert plain.ask("CONFIG", "SET", "tls-port", str(port)) == b"+OK"
        reason, _ = await reason_of(RedisPlace(f"rediss://{host}:{port}", files.ca, *files.client))
    assert expected in reason


async def test_no_certificate_where_one_is_wanted(place: RedisPlace) -> None:
    """It is not spoken with, and why is told."""
    reason, unreachable = await reason_of(replace(place, client_cert=None, client_key=None))
    assert reason == unreachable


async def test_a_server_without_tls(alone: RedisServer) -> None:
    """Nothing is said to it in clear."""
    reason, unreachable = await reason_of(RedisPlace(f"rediss://127.0.0.1:{alone.port}"))
    assert reason
    assert unreachable


async def test_a_wrong_password(place: RedisPlace) -> None:
    """It is told in words, and without it."""
    wrong = place.url.replace(IN_A_URL, "revet:quite-wrong")
    reason, unreachable = await reason_of(replace(place, url=wrong))
    assert reason.startswith("it does not accept the user or the password of REVET_REDIS_URL: ")
    assert (False, reason) == ("quite-wrong" in reason, unreachable)


async def test_no_password_where_one_is_wanted(place: RedisPlace) -> None:
    """As a wrong one."""
    reason, unreachable = await reason_of(replace(place, url=place.url.replace(f"{IN_A_URL}@", "")))
    assert reason.startswith("it does not accept the user or the password of REVET_REDIS_URL: ")
    assert unreachable is not None


async def test_what_a_user_may_not_do(place: RedisPlace) -> None:
    """It fails alone, and what he may do goes on."""
    async with open_cache(place) as cache:
        await comes_to_answer(cache)
        with pytest.raises(FleetUnavailableError, match=r"^NOPERM ") as caught:
            await cache.get("elsewhere")
        assert (None, False) == (await cache.get("fleet:name"), PASSWORD in caught.value.reason)
        assert cache.unreachable is None


async def test_a_password_of_the_default_user(tmp_path: Path) -> None:
    """Without a name."""
    with redis_server(tmp_path / "redis") as server:
        assert server.ask("CONFIG", "SET", "requirepass", "p@ss") == b"+OK"
        async with open_cache(RedisPlace(f"redis://:p%40ss@127.0.0.1:{server.port}")) as cache:
            assert await cache.get("name") is None


@pytest.fixture
async def databases(alone: RedisServer) -> AsyncIterator[tuple[RedisCache, RedisCache]]:
    """Two of one server's."""
    places = [RedisPlace(f"redis://127.0.0.1:{alone.port}/{number}") for number in (4, 5)]
    async with open_cache(places[0]) as one, open_cache(places[1]) as other:
        yield one, other


async def test_databases(databases: tuple[RedisCache, RedisCache], prefix: str) -> None:
    """What is in one is not in another."""
    one, other = databases
    await one.put(prefix, b"value", 10.0)
    assert (b"value", None) == (await one.get(prefix), await other.get(prefix))


async def test_a_database_that_there_is_not(alone: RedisServer) -> None:
    """It is told, and nothing is kept in another one."""
    reason, unreachable = await reason_of(RedisPlace(f"redis://127.0.0.1:{alone.port}/16"))
    assert (True, reason) == ("DB index is out of range" in reason, unreachable)


async def test_a_node_of_a_cluster_taken_for_a_redis_alone(cluster_url: str) -> None:
    """What was meant is told."""
    url = cluster_url.replace("redis+cluster", "redis").partition(",")[0]
    async with open_cache(RedisPlace(url)) as cache:
        reasons = set()
        for number in range(20):
            try:
                await cache.get(f"name {number}")
            except FleetUnavailableError as error:
                reasons.add(error.reason)
    assert {"it is a node of a cluster: redis+cluster:// or rediss+cluster:// is needed"} == reasons


async def test_a_redis_alone_taken_for_a_cluster(alone: RedisServer) -> None:
    """Likewise."""
    reason, _ = await reason_of(RedisPlace(alone.url.replace("redis://", "redis+cluster://")))
    assert "cluster support disabled" in reason


def test_the_address_is_not_shown() -> None:
    """There may be a password in it."""
    assert USER not in repr(RedisPlace(f"redis://{IN_A_URL}@redis"))


def test_an_address_that_is_none() -> None:
    """It is refused before anything is opened."""
    with pytest.raises(ValueError, match="is needed"):
        open_cache(RedisPlace("http://redis"))
