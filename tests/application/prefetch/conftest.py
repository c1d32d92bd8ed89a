"""One prefetcher of each test's own, with nothing configured."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application.prefetch.world import World, world


@pytest.fixture
def service(store_directory: Path) -> Iterator[World]:
    """A service that learns."""
    with world(store_directory) as made:
        yield made
