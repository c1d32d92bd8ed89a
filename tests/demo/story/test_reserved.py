"""Ports that nobody else gets, and that a program may listen at."""

import random
import socket
from collections.abc import Sequence

import pytest

from service.demo.errors import PortTakenError
from service.demo.ports import LOOPBACK
from service.demo.story.reserved import ReservedPorts


def bind(port: int) -> None:
    """Bind as somebody does who wants the port for himself."""
    with socket.socket() as other:
        other.bind((LOOPBACK, port))


def listen(port: int) -> None:
    """Listen as nginx and the service do."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen()
        socket.create_connection((LOOPBACK, port)).close()


def test_ports_are_kept_from_others() -> None:
    """Nobody gets one who asks for it alone, until they are let go of."""
    with ReservedPorts() as ports:
        port = ports.take()
        with pytest.raises(OSError, match="in use"):
            bind(port)

    bind(port)


def test_programs_may_listen() -> None:
    """One that shares addresses can be reached there, and another one after it."""
    with ReservedPorts() as ports:
        port = ports.take()
        listen(port)
        listen(port)
        with pytest.raises(OSError, match="in use"):
            bind(port)


def test_two_stories_that_try_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second takes the next port; where there is none, it says so."""
    candidates = random.sample(range(15_000, 19_000), 2)

    def same(_population: Sequence[int], _count: int) -> list[int]:
        return candidates

    monkeypatch.setattr(random, "sample", same)
    with ReservedPorts() as one, ReservedPorts() as another:
        assert candidates == [one.take(), another.take()]
        with pytest.raises(PortTakenError, match="taken"):
            one.take()
