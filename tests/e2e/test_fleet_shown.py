"""What operators see of a fleet of real replicas, with a real Redis."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner

from service.cli.app import app
from tests.e2e.running import Service, running_service, until
from tests.pki import Authority
from tests.pki.clock import validity_of_now
from tests.redis_servers import redis_server

ROOT = Authority.root("Root", **validity_of_now())
LEAF = ROOT.issue("leaf", **validity_of_now())


def stats(service: Service) -> Any:  # noqa: ANN401 - JSON
    """What a worker says of everything."""
    return httpx.get(f"{service.url}/v1/stats", timeout=10).json()


def gauge(service: Service, name: str) -> float:
    """A metric, from whichever worker."""
    lines = httpx.get(f"{service.url}/metrics", timeout=10).text.splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith(f"{name} "))
    return float(value)


def test_two_replicas(tmp_path: Path) -> None:
    """Each shows both, with what all of their processes have counted; a frozen Redis is said at once."""
    trust_store = tmp_path / "trust.pem"
    trust_store.write_text(ROOT.pem)
    with redis_server(tmp_path / "redis") as redis, ExitStack() as stack:
        replicas = []
        for name in ("revet-0", "revet-1"):
            settings = {
                "REVET_REDIS_URL": redis.url,
                "REVET_FLEET_KEY": "a-key-of-the-tests-0123456789abcdef",
                "REVET_REPLICA_NAME": name,
                "REVET_REVOCATION_MODE": "off",
            }
            place = tmp_path / name
            place.mkdir()
            replicas.append(stack.enter_context(running_service(place, trust_store, settings)))
        for _ in range(10):
            replicas[0].validate(LEAF.pem)

        def verdicts() -> list[tuple[str, str, int]]:
            fleet = stats(replicas[1])["fleet"]
            return [(one["name"], one["standing"], sum(one["hits"]["verdicts"].values())) for one in fleet["replicas"]]

        until(lambda: [("revet-0", "current", 10), ("revet-1", "current", 0)] == verdicts(), "both are shown")
        fleet = stats(replicas[1])["fleet"]
        assert ("revet-1", True, None, True) == tuple(
            fleet[name] for name in ("replica", "reachable", "reason", "authenticated")
        )
        assert {2} == {one["workers"] for one in fleet["replicas"]}
        shown = CliRunner().invoke(app, ["stats", "--url", replicas[0].url]).output
        assert "2 replicas present" in shown
        assert 1.0 == gauge(replicas[0], "revet_redis_up")
        redis.freeze()
        try:
            assert not stats(replicas[0])["fleet"]["reachable"]
            until(lambda: gauge(replicas[0], "revet_redis_up") == 0.0, "the prefetcher notices")
        finally:
            redis.thaw()
        until(lambda: bool(stats(replicas[0])["fleet"]["reachable"]), "Redis is back")
        until(lambda: gauge(replicas[0], "revet_redis_up") == 1.0, "all processes know")
