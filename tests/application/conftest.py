"""The host's own store, the real one, in a directory of each test; and a real Redis, for a module at a time."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from tests.redis_servers import RedisServer, redis_server

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a fresh directory in it, open to nobody else, is made by `tempfile`


@pytest.fixture
def store_directory(tmp_path: Path) -> Iterator[Path]:
    """A directory of this test's own, in memory where Linux has some: syncing a disk takes longer than most tests."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as directory:
        yield Path(directory)


@pytest.fixture
def store(store_directory: Path) -> Iterator[Store]:
    """An empty store that may be written."""
    with Store.open(store_directory / "store", Role.INGESTER) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that nothing happens to; each test has names of its own in it."""
    with redis_server(tmp_path_factory.mktemp("redis") / "server") as running:
        yield running


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with much else to do must not make Redis look as if it were gone."""
    monkeypatch.setattr("service.adapters.redis.cache.COMMAND_S", 10.0)
