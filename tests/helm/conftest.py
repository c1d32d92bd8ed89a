"""One engine for all tests of a process, since it takes a second to begin."""

from collections.abc import Iterator

import pytest

from tests.helm.engine import Engine, running_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Helm's own."""
    with running_engine() as running:
        yield running
