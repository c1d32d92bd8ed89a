"""Replicas follow their fleet: real processes, a real Redis, real restarts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from service.application.fleet.names import FleetNames
from service.processes.exit_code import EXIT_CONFIGURATION
from tests.e2e.published import Published, publishing
from tests.e2e.running import PATIENCE_S, ROOT, Service, running_service, until
from tests.pki import Authority, Issued, bundle
from tests.pki.clock import now, validity_of_now
from tests.redis_servers import RedisServer, redis_server

KEY: Final = "a-key-of-the-tests-0123456789-abcdefghij"
ADMIN: Final = "an-administrators-token"
HEADERS: Final = {"authorization": f"Bearer {ADMIN}"}

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Who issues."""
    return Authority.root("Root", **validity_of_now())


@pytest.fixture
def trust_store(tmp_path: Path, authority: Authority) -> Path:
    """A trust store with the authority."""
    file = tmp_path / "trust.pem"
    file.write_text(bundle([authority]))
    return file


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis."""
    with redis_server(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def published() -> Iterator[Published]:
    """Where CRLs are published."""
    with publishing() as place:
        yield place


def settings(server: RedisServer, name: str, **more: str) -> dict[str, str]:
    """Settings of a replica."""
    return {
        "REVET_REDIS_URL": server.url,
        "REVET_FLEET_KEY": KEY,
        "REVET_REPLICA_NAME": name,
        "REVET_ADMIN_TOKENS": ADMIN,
        "REVET_WORKERS": "1",
        "REVET_VERDICT_CACHE_ENTRIES": "0",
        **{f"REVET_{setting}": value for setting, value in more.items()},
    }


def place(tmp_path: Path, name: str) -> Path:
    """Where a replica has its data and its log."""
    made = tmp_path / name
    made.mkdir(exist_ok=True)
    return made


def code(service: Service, leaf: Issued) -> str:
    """What is decided; `unavailable` where nothing is."""
    answer = httpx.post(f"{service.url}/v1/validate", json={"certificate": leaf.pem}, headers=HEADERS, timeout=10)
    return "unavailable" if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else str(answer.json()["code"])


def readiness(service: Service) -> tuple[int, str, dict[str, Any]]:
    """Status, word and checks."""
    answer = httpx.get(f"{service.url}/readyz", timeout=5)
    document = answer.json()
    return answer.status_code, str(document["status"]), dict(document["checks"])


def block(service: Service, leaf: Issued) -> int:
    """Block a certificate; the status of the answer."""
    body = {"fingerprint_sha256": sha256(leaf.der).hexdigest(), "reason": "stolen"}
    return httpx.post(f"{service.url}/v1/blocks", json=body, headers=HEADERS, timeout=10).status_code


@contextmanager
def _fetcher(tmp_path: Path, trust_store: Path, more: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`revet prefetch`, until the block is left."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("REVET_")}
    environment = {
        **foreign,
        "REVET_DATA_DIR": str(tmp_path / "fetcher"),
        "REVET_TRUST_STORE": str(trust_store),
        **more,
    }
    with (tmp_path / "fetcher.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "prefetch"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_a_block_on_one_denies_on_the_other(
    tmp_path: Path, trust_store: Path, server: RedisServer, authority: Authority
) -> None:
    """Also where Redis was away when it was asked for: then it says so, and comes when Redis is back."""
    first, second = authority.issue("first", **validity_of_now()), authority.issue("second", **validity_of_now())
    with (
        running_service(place(tmp_path, "a"), trust_store, settings(server, "a")) as one,
        running_service(place(tmp_path, "b"), trust_store, settings(server, "b")) as other,
    ):
        assert ["ok"] * 2 == [code(other, leaf) for leaf in (first, second)]
        assert httpx.codes.CREATED == block(one, first)
        until(lambda: code(other, first) == "blocked", "the block is in force there")
        server.kill()
        assert httpx.codes.SERVICE_UNAVAILABLE == block(one, second)
        assert ["blocked", "ok"] == [code(each, second) for each in (one, other)]
        server.start()
        until(lambda: code(other, second) == "blocked", "the other block is in force there")
        until(lambda: readiness(other)[2]["fleet"]["ok"], "it is current again")


def test_readiness(tmp_path: Path, trust_store: Path, server: RedisServer, authority: Authority) -> None:
    """A host that has never read the list waits for Redis; one that has serves without it, and says so."""
    leaf = authority.issue("leaf", **validity_of_now())
    server.kill()
    here = place(tmp_path, "a")
    with running_service(here, trust_store, settings(server, "a"), awaiting="answers") as one:
        until(lambda: bool(readiness(one)[2]["fleet"]["detail"]), "it is known that Redis is away")
        status, word, checks = readiness(one)
        assert (httpx.codes.SERVICE_UNAVAILABLE, "not_ready") == (status, word)
        assert "was not read yet" in checks["blocks"]["detail"]
        assert "unavailable" == code(one, leaf)
        server.start()
        until(one.is_ready, "it is ready")
        until(lambda: readiness(one)[1] == "ready", "and current")
        assert "ok" == code(one, leaf)
        server.freeze()
        until(lambda: readiness(one)[1] == "degraded", "it is told that Redis is away")
        assert httpx.codes.OK == readiness(one)[0]
        server.thaw()
        until(lambda: readiness(one)[1] == "ready", "it is current again")
    server.kill()
    with running_service(here, trust_store, settings(server, "a")) as one:
        status, word, checks = readiness(one)
        assert (httpx.codes.OK, "degraded") == (status, word)
        assert [False, True] == [checks[name]["ok"] for name in ("fleet", "blocks")]
        assert "ok" == code(one, leaf)


def test_a_killed_prefetcher_is_not_current(tmp_path: Path, trust_store: Path, server: RedisServer) -> None:
    """What follows the fleet is killed and cannot be replaced for a while: nobody says that it is current."""
    with running_service(place(tmp_path, "a"), trust_store, settings(server, "a")) as one:
        (prefetcher,) = one.children("prefetcher")
        os.kill(prefetcher, signal.SIGSTOP)
        try:
            until(lambda: not readiness(one)[2]["fleet"]["ok"], "it is not current")
            assert httpx.codes.OK == readiness(one)[0]
        finally:
            os.kill(prefetcher, signal.SIGKILL)
        until(lambda: readiness(one)[1] == "ready", "its successor is current")


def test_a_fetcher_for_the_fleet(
    tmp_path: Path, trust_store: Path, server: RedisServer, authority: Authority, published: Published
) -> None:
    """`revet prefetch` asks the authority, and a replica that is started later takes what it wrote; SIGTERM ends it."""
    overrides = validity_of_now()
    overrides["crl_urls"] = [f"{published.url}/root.crl"]
    good, revoked = authority.issue("good", **overrides), authority.issue("revoked", **overrides)
    published.bodies["/root.crl"] = authority.crl(
        revoked=[revoked.serial], this_update=now() - timedelta(hours=1), next_update=now() + timedelta(days=1)
    )
    configured = {"CRL_SOURCES": f"{published.url}/root.crl", "EGRESS_ALLOW": "127.0.0.1"}
    with _fetcher(tmp_path, trust_store, settings(server, "fetcher", **configured)) as fetcher:
        until(lambda: published.asked["/root.crl"] == 1, "it has asked")
        until(lambda: server.ask("EXISTS", FleetNames().crl(f"{published.url}/root.crl")) == b":1", "it has written")
        with running_service(place(tmp_path, "a"), trust_store, settings(server, "a", **configured)) as one:
            assert ["ok", "revoked"] == [code(one, leaf) for leaf in (good, revoked)]
            until(lambda: server.ask("HLEN", "revet:{fleet}:replicas") == b":2", "both are heard of")
        assert 1 == published.asked["/root.crl"]
        fetcher.send_signal(signal.SIGTERM)
        assert 0 == fetcher.wait(PATIENCE_S)


def test_a_fetcher_keeps_what_trust_stores_name(
    tmp_path: Path, server: RedisServer, authority: Authority, published: Published
) -> None:
    """Nothing is configured: it fetches what an intermediate of its trust store names, for all."""
    overrides = validity_of_now()
    overrides["crl_urls"] = [f"{published.url}/root.crl"]
    sub = authority.subordinate("Sub", **overrides)
    trust_store = tmp_path / "trust.pem"
    trust_store.write_text(bundle([authority, sub]))
    published.bodies["/root.crl"] = authority.crl(
        this_update=now() - timedelta(hours=1), next_update=now() + timedelta(days=1)
    )
    alone = settings(server, "fetcher", EGRESS_ALLOW="127.0.0.1")
    with _fetcher(tmp_path, trust_store, alone):
        until(lambda: server.ask("EXISTS", FleetNames().crl(f"{published.url}/root.crl")) == b":1", "it has written")


def test_a_fetcher_of_nobody(tmp_path: Path, trust_store: Path) -> None:
    """Without Redis it does not start: exit code 78, and what is missing."""
    with _fetcher(tmp_path, trust_store, {}) as fetcher:
        assert EXIT_CONFIGURATION == fetcher.wait(PATIENCE_S)
    assert "REVET_REDIS_URL is needed" in (tmp_path / "fetcher.log").read_text()
