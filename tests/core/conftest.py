"""The core is pure: below here nothing opens a socket, and the clock stands still at a date that means nothing."""

from collections.abc import Generator
from datetime import UTC, datetime

import pytest
import time_machine

# Far from any certificate's validity: whatever reads the clock instead of taking `at` comes to a wrong answer.
_STOPPED = datetime(1999, 1, 1, tzinfo=UTC)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Disable sockets for the test and for its fixtures."""
    item.add_marker(pytest.mark.disable_socket)


@pytest.fixture(autouse=True)
def _stopped_clock() -> Generator[None]:
    with time_machine.travel(_STOPPED, tick=False):
        yield
