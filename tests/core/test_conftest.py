"""The rooms below tests/core have neither a network nor a clock."""

import socket
import time
from datetime import UTC, datetime

import pytest
from pytest_socket import SocketBlockedError


def test_no_socket() -> None:
    """A socket cannot even be made."""
    with pytest.raises(SocketBlockedError):
        socket.socket()


def test_no_name_is_resolved() -> None:
    """A name is not looked up."""
    with pytest.raises(SocketBlockedError):
        socket.getaddrinfo("localhost", 80)


def test_clock_stands_still() -> None:
    """Whoever reads the clock gets a date at which no certificate is valid."""
    assert datetime(1999, 1, 1, tzinfo=UTC) == datetime.now(UTC)
    assert datetime(1999, 1, 1, tzinfo=UTC).timestamp() == time.time()
