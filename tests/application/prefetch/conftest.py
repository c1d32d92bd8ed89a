"""One prefetcher of each test's own, with nothing configured; a directory for CRLs, and whom they are of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application.chain import ROOT, SUB
from tests.application.prefetch.world import World, trust, world


@pytest.fixture
def sub_known(store_directory: Path) -> None:
    """Sub is known, and not Root alone."""
    trust(store_directory, ROOT, SUB)


@pytest.fixture
def crls(store_directory: Path) -> Path:
    """An empty directory of CRLs."""
    directory = store_directory / "crls"
    directory.mkdir()
    return directory


@pytest.fixture
def service(store_directory: Path) -> Iterator[World]:
    """A service that learns."""
    with world(store_directory) as made:
        yield made
