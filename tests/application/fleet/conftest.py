"""What replicas ask and share, where a module has none of its own."""

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from tests.application.chain import OCSP_URL
from tests.application.fakes import ScriptedOrigin
from tests.application.fleet.ocsp_replicas import good
from tests.redis_servers import RedisServer, redis_server


@pytest.fixture
def origin() -> ScriptedOrigin:
    """A responder that says good."""
    return ScriptedOrigin({OCSP_URL: good()})


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of one test, since something happens to it."""
    with redis_server(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def prefix() -> str:
    """Names of one test in a Redis that it shares with others."""
    return f"t{token_hex(6)}"


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not taken for a Redis that is gone, and one that is frozen is not waited for too long."""
    monkeypatch.setattr("service.adapters.redis.cache.COMMAND_S", 1.0)
    monkeypatch.setattr("service.adapters.redis.cache.BULK_S", 1.0)
