"""Limits for each caller in a service that runs: all workers count together, and no header makes another caller."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.e2e.running import Service, running_service
from tests.pki import Authority

ROOT: Final = Authority.root("Root")
TOKEN, OTHER = "first-token-0123456789", "other-token-0123456789"

SLOW: Final = {"REVET_RATE_LIMIT_PER_S": "0.01", "REVET_RATE_LIMIT_BURST": "20", "REVET_WORKERS": "2"}
"""So slow that no request comes back while a test lasts."""


@pytest.fixture
def trust_store(tmp_path: Path) -> Path:
    """One root."""
    path = tmp_path / "trusted.pem"
    path.write_text(ROOT.pem)
    return path


def statuses(service: Service, count: int, headers: dict[str, str]) -> list[int]:
    """Of requests, each over a connection of its own, so that every worker gets some."""

    def ask(number: int) -> int:
        named = {name: value.format(number) for name, value in headers.items()}
        return httpx.get(f"{service.url}/v1/blocks", headers=named, timeout=10).status_code

    with ThreadPoolExecutor(8) as threads:
        return sorted(threads.map(ask, range(count)))


def test_all_workers_count_together(tmp_path: Path, trust_store: Path) -> None:
    """A token by itself, from whichever worker; two that look at one moment may let one more through."""
    settings = {**SLOW, "REVET_API_TOKENS": f"{TOKEN},{OTHER}"}
    with running_service(tmp_path, trust_store, settings) as service:
        found = statuses(service, 60, {"authorization": f"Bearer {TOKEN}"})
        assert 20 <= found.count(200) <= 24
        assert 60 - found.count(200) == found.count(429)
        refused = httpx.get(f"{service.url}/v1/blocks", headers={"authorization": f"Bearer {TOKEN}"})
        assert 0 < int(refused.headers["retry-after"]) <= 100
        guesses = statuses(service, 60, {"authorization": "Bearer wrong-token-{}"})
        assert 20 <= guesses.count(401) <= 24
        assert 60 - guesses.count(401) == guesses.count(429)
        # Who guesses shares his address with this one, who has never asked before.
        assert [200] * 5 == statuses(service, 5, {"authorization": f"Bearer {OTHER}"})
        page = httpx.get(f"{service.url}/metrics").text
        assert f'revet_requests_refused_total{{limit="rate"}} {float(found.count(429) + 1)}' in page
    assert TOKEN not in (tmp_path / "service.log").read_text()
    assert '"event": "caller_limited"' in (tmp_path / "service.log").read_text()


def test_no_header_makes_another_caller(tmp_path: Path, trust_store: Path) -> None:
    """Neither one that proxies send, nor one that the web server would believe."""
    with running_service(tmp_path, trust_store, SLOW) as service:
        found = statuses(service, 40, {"x-forwarded-for": "198.51.100.{}", "forwarded": "for=198.51.100.{}"})
        assert 20 <= found.count(200) <= 24
        assert 40 - found.count(200) == found.count(429)
