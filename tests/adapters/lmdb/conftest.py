"""A store of each test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An open store that may do everything."""
    with Store.open(path, Role.INGESTER) as store:
        yield store
