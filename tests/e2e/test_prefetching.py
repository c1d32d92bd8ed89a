"""CRLs are there before anybody asks: real processes, real sockets, real files."""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest

from service.adapters.ipc.client import PrefetcherClient
from service.application.prefetch.desk import Waiting
from tests.e2e.published import Published, publishing
from tests.e2e.running import Service, running_service, until
from tests.pki import Authority, Issued, bundle
from tests.pki.clock import now, validity_of_now

REFRESH_S: Final = 1.0
"""The refresh interval of these tests."""

QUICK: Final = {
    "REVET_CRL_REFRESH_MIN_S": "0.5",
    "REVET_CRL_REFRESH_MAX_S": str(REFRESH_S),
    "REVET_CRL_RETRY_S": "0.2",
    "REVET_CRL_RETRY_MAX_S": "1",
    "REVET_CRL_FIRST_DELAY_S": "0",
    "REVET_BREAKER_OPEN_S": "0.2",
    "REVET_BREAKER_OPEN_MAX_S": "1",
    "REVET_REVOCATION_SCOPE": "leaf",
}

SLOW: Final = {**QUICK, "REVET_CRL_REFRESH_MIN_S": "3600", "REVET_CRL_REFRESH_MAX_S": "7200"}
"""Nothing is refreshed by itself during a test."""


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Who issues."""
    return Authority.root("Root", **validity_of_now())


@pytest.fixture
def published() -> Iterator[Published]:
    """Where CRLs are published."""
    with publishing() as place:
        yield place


@pytest.fixture
def trust_store(tmp_path: Path, authority: Authority) -> Path:
    """A trust store with the authority."""
    file = tmp_path / "trust.pem"
    file.write_text(bundle([authority]))
    return file


def crl(authority: Authority, number: int, *revoked: Issued) -> bytes:
    """A CRL of today."""
    listed = [one.serial for one in revoked]
    this_update = now() - timedelta(hours=1) + timedelta(minutes=number)
    return authority.crl(number=number, revoked=listed, this_update=this_update, next_update=now() + timedelta(days=1))


def client(authority: Authority, published: Published) -> Issued:
    """A certificate whose CRL is published there."""
    overrides = validity_of_now()
    overrides["crl_urls"] = [f"{published.url}/root.crl"]
    return authority.issue("leaf", **overrides)


def code(service: Service, certificate: Issued, **request: object) -> str:
    """What is decided about it."""
    return str(service.validate(certificate.pem, **request)["code"])


def settings(more: Mapping[str, str], **named: str) -> dict[str, str]:
    """Settings of a service; its verdicts are not kept."""
    return {
        **more,
        "REVET_ALLOW_REQUEST_OVERRIDES": "true",
        **{f"REVET_{name}": value for name, value in named.items()},
    }


OFFLINE: Final = {"options": {"online": False}}
"""A request fetches nothing: what is held counts."""


def test_a_directory(tmp_path: Path, trust_store: Path, authority: Authority) -> None:
    """Ready means held; a file that is replaced is in force, and one that is removed stays held."""
    directory = tmp_path / "crls"
    directory.mkdir()
    file = directory / "root.crl"
    file.write_bytes(crl(authority, 1))
    leaf = authority.issue("leaf", **validity_of_now())
    with running_service(tmp_path, trust_store, settings(QUICK, CRL_SOURCES=str(directory))) as service:
        assert "ok" == code(service, leaf, **OFFLINE)
        (directory / ".next").write_bytes(crl(authority, 2, leaf))
        (directory / ".next").rename(file)
        until(lambda: code(service, leaf, **OFFLINE) == "revoked", "the newer file is in force")
        file.unlink()
        assert "revoked" == code(service, leaf, **OFFLINE)


def test_a_place_without_a_crl_is_not_ready(tmp_path: Path, trust_store: Path, authority: Authority) -> None:
    """It says what is missing, and is ready as soon as that is held."""
    directory = tmp_path / "crls"
    directory.mkdir()
    (directory / "root.crl").write_bytes(b"<html>")
    named = settings(QUICK, CRL_SOURCES=str(directory))
    with running_service(tmp_path, trust_store, named, awaiting="answers") as service:
        url = f"{service.url}/readyz"
        until(lambda: "malformed" in httpx.get(url).text, "the check names the file")
        assert httpx.codes.SERVICE_UNAVAILABLE == httpx.get(url).status_code
        (directory / ".next").write_bytes(crl(authority, 1))
        (directory / ".next").rename(directory / "root.crl")
        until(service.is_ready, "ready")


def test_what_is_learned_is_refreshed(
    tmp_path: Path, trust_store: Path, authority: Authority, published: Published
) -> None:
    """A certificate that is revoked after it was asked about is denied within two refreshes, and nobody waits for it.

    In between, what has not changed is not sent again.
    """
    leaf = client(authority, published)
    published.bodies["/root.crl"] = crl(authority, 1)
    with running_service(tmp_path, trust_store, settings(QUICK)) as service:
        assert "ok" == code(service, leaf)
        until(lambda: published.unmodified["/root.crl"] > 1, "refreshed without a change")
        published.bodies["/root.crl"] = crl(authority, 2, leaf)
        before = published.asked["/root.crl"]
        until(lambda: code(service, leaf, **OFFLINE) == "revoked", "revoked")
        assert published.asked["/root.crl"] - before <= 3


def test_a_refresh_is_in_force_when_it_is_done(
    tmp_path: Path, trust_store: Path, authority: Authority, published: Published
) -> None:
    """Somebody asks the prefetcher for it: the answer comes when the certificate is denied."""
    leaf = client(authority, published)
    published.bodies["/root.crl"] = crl(authority, 1)
    with running_service(tmp_path, trust_store, settings(SLOW)) as service:
        assert "ok" == code(service, leaf)
        published.bodies["/root.crl"] = crl(authority, 2, leaf)
        report = asyncio.run(PrefetcherClient(prefetcher_socket(service)).refresh(None, Waiting.DONE))
        assert [(f"{published.url}/root.crl", None)] == [(one.source, one.problem) for one in report.outcomes]
        assert "revoked" == code(service, leaf, **OFFLINE)


def test_a_killed_prefetcher_goes_on(
    tmp_path: Path, trust_store: Path, authority: Authority, published: Published
) -> None:
    """It dies while it fetches; the next one takes up the inventory, and what was held is held all the while."""
    leaf = client(authority, published)
    published.bodies["/root.crl"] = crl(authority, 1)
    with running_service(tmp_path, trust_store, settings(QUICK)) as service:
        assert "ok" == code(service, leaf)
        (before,) = service.children("prefetcher")
        asked = published.asked["/root.crl"]
        published.gate.clear()
        until(lambda: published.asked["/root.crl"] > asked, "a fetch is under way")
        os.kill(before, signal.SIGKILL)
        assert "ok" == code(service, leaf, **OFFLINE)
        published.bodies["/root.crl"] = crl(authority, 2, leaf)
        published.gate.set()
        until(lambda: code(service, leaf, **OFFLINE) == "revoked", "its successor has fetched it")
        assert [before] != service.children("prefetcher")


def test_it_gives_way_to_workers(tmp_path: Path, trust_store: Path) -> None:
    """The prefetcher runs at a lower priority than those who answer."""
    with running_service(tmp_path, trust_store, settings(QUICK)) as service:
        priorities = {
            kind: {os.getpriority(os.PRIO_PROCESS, pid) for pid in service.children(kind)}
            for kind in ("worker", "prefetcher")
        }
        assert max(priorities["worker"]) < min(priorities["prefetcher"])


def prefetcher_socket(service: Service) -> Path:
    """Where workers ask the prefetcher, as they were told by the supervisor."""
    (worker, *_) = service.children("worker")
    variables = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
    (path,) = (one.partition(b"=")[2] for one in variables if one.startswith(b"_REVET_PREFETCHER_PATH="))
    return Path(os.fsdecode(path))
