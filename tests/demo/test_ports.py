"""The demonstration's ports: on loopback, taken for good, and refused where somebody else has them."""

import socket

import pytest

from service.demo.errors import PortTakenError, UsageError
from service.demo.ports import Listeners, free_port


def test_loopback_only() -> None:
    """Nobody on the network can reach them."""
    with Listeners.anywhere() as listeners:
        assert {"127.0.0.1"} == {one.getsockname()[0] for one in (listeners.crl, listeners.ocsp)}


def test_ports_are_kept() -> None:
    """A listener can be had again at the same ports, also when connections to it linger."""
    with Listeners.anywhere() as listeners:
        ports = listeners.ports
        client = socket.create_connection(("127.0.0.1", ports.crl))
        accepted, _ = listeners.crl.accept()
        accepted.close()
        client.close()

    with Listeners.at(ports) as again:
        assert ports == again.ports


def test_taken() -> None:
    """Two cannot have the same port, and nothing stays open after the failure."""
    with Listeners.anywhere() as listeners:
        ports = listeners.ports
        with pytest.raises(PortTakenError, match=str(ports.crl)):
            Listeners.at(ports)
        listeners.crl.close()
        with pytest.raises(PortTakenError, match=str(ports.ocsp)):
            Listeners.at(ports)


def test_free_port_is_the_one_wanted() -> None:
    """What is free is given; 0 is any."""
    port = free_port(0)

    assert 0 < port
    assert port == free_port(port)


def test_free_port_is_taken() -> None:
    """The user is told how to take another one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be had.*make run PORT="):
            free_port(port)
