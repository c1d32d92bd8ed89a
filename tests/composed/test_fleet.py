"""The fleet in the composition: what it warns of, what readiness says of it, and nothing of it without Redis."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.adapters.ipc.client import PrefetcherClient
from service.adapters.metrics import PrometheusObserver
from service.api.operations import Condition
from service.application.fleet.cache import FleetUnavailableError
from service.application.fleet.standing import FleetStanding, Standing
from service.bootstrap.fleet import fleet_check, fleet_rules, open_fleet
from service.bootstrap.logs import GOOD_KEY_LENGTH, warn_of_fleet
from service.processes.exit_code import EXIT_CONFIGURATION
from service.settings import Settings, load_settings
from tests.adapters.ipc.test_standing import Fixed, serving
from tests.pki import NOW, Authority
from tests.redis_servers import redis_server

pytestmark = pytest.mark.anyio

NOWHERE = "redis://127.0.0.1:1/0"
GOOD = "k" * GOOD_KEY_LENGTH
SHORT = "s" * (GOOD_KEY_LENGTH - 1)


def settings(tmp_path: Path, **more: str) -> Settings:
    """Settings of a service."""
    return load_settings(None, {"HOME": str(tmp_path), **{f"REVET_{name}": value for name, value in more.items()}})


@pytest.mark.parametrize(
    ("given", "warned"),
    [
        ({}, []),
        ({"FLEET_KEY": SHORT}, []),
        ({"REDIS_URL": NOWHERE, "FLEET_KEY": GOOD}, []),
        ({"REDIS_URL": NOWHERE}, ["fleet_without_key"]),
        ({"REDIS_URL": NOWHERE, "FLEET_KEY": f"{GOOD},{SHORT}"}, ["fleet_key_short"]),
    ],
)
def test_who_is_warned_of(tmp_path: Path, given: dict[str, str], warned: list[str]) -> None:
    """A fleet without a key, and a key that can be tried; nobody without Redis."""
    with capture_logs() as logged:
        warn_of_fleet(settings(tmp_path, **given))
    assert warned == [event["event"] for event in logged]
    assert all("warning" == event["log_level"] for event in logged)
    assert GOOD not in str(logged)
    assert SHORT not in str(logged)


@pytest.mark.parametrize("command", ["serve", "prefetch"])
def test_it_is_told_at_the_start(tmp_path: Path, command: str) -> None:
    """In the log, before anything else; this one has no place for its data, and ends."""
    (tmp_path / "trusted.pem").write_text(Authority.root("Root").pem)
    (tmp_path / "data").write_text("no directory")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
    environment |= {
        "REVET_TRUST_STORE": str(tmp_path / "trusted.pem"),
        "REVET_DATA_DIR": str(tmp_path / "data"),
        "REVET_PORT": "0",
        "REVET_LOG_FORMAT": "json",
        "REVET_REDIS_URL": NOWHERE,
    }
    arguments = (sys.executable, "-m", "service", command)
    ended = subprocess.run(arguments, env=environment, capture_output=True, check=False, timeout=60)
    first = json.loads(ended.stderr.splitlines()[0])
    assert (EXIT_CONFIGURATION, "fleet_without_key", "warning") == (ended.returncode, first["event"], first["level"])


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (Standing.CURRENT, Condition.GOOD),
        (Standing.BEHIND, Condition.IMPAIRED),
        (Standing.CATCHING_UP, Condition.FAILED),
    ],
)
async def test_readiness(tmp_path: Path, standing: Standing, expected: Condition) -> None:
    """A replica that is behind is impaired, which keeps nobody out of service; one that has just begun has to wait."""
    async with serving(tmp_path / "s", Fixed(FleetStanding(standing, NOW, "it does not answer"))) as client:
        assert expected is (await fleet_check(client)()).condition


async def test_why_it_is_behind(tmp_path: Path) -> None:
    """With the reason, and since when."""
    async with serving(tmp_path / "s", Fixed(FleetStanding(Standing.BEHIND, NOW, "it does not answer"))) as client:
        assert f"it does not answer (since {NOW:%Y-%m-%dT%H:%M:%SZ})" == (await fleet_check(client)()).detail


async def test_a_prefetcher_that_does_not_say(tmp_path: Path) -> None:
    """One that is gone, and one that follows no fleet: nobody can say that this replica is current."""
    assert Condition.FAILED is (await fleet_check(PrefetcherClient(tmp_path / "nobody"))()).condition
    async with serving(tmp_path / "s", None) as client:
        assert Condition.FAILED is (await fleet_check(client)()).condition


async def test_without_redis_there_is_no_fleet(tmp_path: Path) -> None:
    """Nothing is opened."""
    async with AsyncExitStack() as stack:
        assert await open_fleet(settings(tmp_path), PrometheusObserver(NOW), stack) is None


async def test_a_redis_that_is_not_there_delays_nobody(tmp_path: Path) -> None:
    """It is not asked before somebody needs it."""
    async with AsyncExitStack() as stack:
        fleet = await open_fleet(settings(tmp_path, REDIS_URL=NOWHERE), PrometheusObserver(NOW), stack)
        assert fleet is not None
        assert "revet:{fleet}:blocks" == fleet.parts.names.blocks


@pytest.mark.parametrize(
    ("url", "is_the_same"),
    [
        ("rediss://other:secret@127.0.0.1:1/0", True),
        ("redis://127.0.0.1:1/1", False),
        ("redis://127.0.0.1:2/0", False),
        ("unix:///run/redis.sock", False),
    ],
)
async def test_which_fleet_it_is(tmp_path: Path, url: str, *, is_the_same: bool) -> None:
    """It is where its Redis is, whoever asks there, and however; its name has no password in it."""
    async with AsyncExitStack() as stack:
        fleets = [
            await open_fleet(settings(tmp_path, REDIS_URL=place), PrometheusObserver(NOW), stack)
            for place in (NOWHERE, url)
        ]
        first, second = (fleet.parts.names.fleet for fleet in fleets if fleet is not None)
    assert is_the_same == (first == second)
    assert "secret" not in second


async def test_what_is_of_another_type_is_counted(tmp_path: Path) -> None:
    """Where somebody has put texts in the place of all that the fleet has, he is found out, and it is used again."""
    with redis_server(tmp_path / "redis") as server:
        async with AsyncExitStack() as stack:
            counts = PrometheusObserver(NOW)
            fleet = await open_fleet(settings(tmp_path, REDIS_URL=server.url, FLEET_KEY=GOOD), counts, stack)
            assert fleet is not None
            names, cache = fleet.parts.names, fleet.parts.cache
            for name in (names.blocks, names.events, names.replicas):
                assert b"+OK" == server.ask("SET", name, "garbage")
            await _comes_to(cache.members, names.blocks)
            await _comes_to(cache.members, names.replicas)
            await _comes_to(cache.ends, names.events)
        for kind in ("block", "event", "heartbeat"):
            labels = {"kind": kind, "reason": "malformed"}
            assert 1.0 == counts.registry.get_sample_value("revet_fleet_refused_total", labels)


async def _comes_to(asked: Callable[[str], Awaitable[object]], name: str) -> None:
    """Ask until there is an answer."""
    async with asyncio.timeout(10.0):
        while True:
            with suppress(FleetUnavailableError):
                await asked(name)
                return
            await asyncio.sleep(0.01)


def test_what_the_settings_decide(tmp_path: Path) -> None:
    """Keys in their order, names and ages as they are given."""
    rules = fleet_rules(
        settings(
            tmp_path,
            FLEET_KEY=f"{GOOD},{SHORT}",
            REPLICA_NAME="one",
            MAX_SHARED_AGE_S="90",
            CLOCK_SKEW_S="7",
        )
    )
    assert ("one", (GOOD.encode(), SHORT.encode()), 90, 7) == (
        rules.replica,
        rules.keys.keys,
        rules.max_shared_age.total_seconds(),
        rules.skew.total_seconds(),
    )


def test_without_redis_its_client_is_not_loaded() -> None:
    """It takes eight megabytes in each process."""
    program = (
        "import sys, service.processes.worker, service.processes.prefetching\n"
        "sys.exit(any(name.split('.')[0] == 'redis' for name in sys.modules))"
    )
    assert 0 == subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode
