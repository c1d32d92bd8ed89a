"""The end of a listening socket: who has connected is served, who has not is not reset with his request."""

import socket
from contextlib import closing

import pytest

from service.processes.last_connections import let_nobody_connect
from service.processes.listen import bind_tcp

ALSO_OF_IPV6 = pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
PASSED_OVER_S = 0.3


@ALSO_OF_IPV6
def test_who_has_connected_is_still_accepted(host: str) -> None:
    """With what he has sent since, too."""
    with bind_tcp(host, 0) as listening, socket.create_connection(listening.getsockname()[:2]) as client:
        let_nobody_connect(listening)
        client.sendall(b"request")
        accepted, _ = listening.accept()
        with accepted:
            assert b"request" == accepted.recv(64)
            accepted.sendall(b"answer")
        assert b"answer" == client.recv(64)


@ALSO_OF_IPV6
def test_who_comes_later_does_not_connect(host: str) -> None:
    """He waits, wherever else the socket is held; and is refused once nobody holds it."""
    with bind_tcp(host, 0) as listening, closing(listening.dup()) as of_another:
        place = of_another.getsockname()[:2]
        let_nobody_connect(listening)
        with pytest.raises(TimeoutError):
            socket.create_connection(place, PASSED_OVER_S)
        listening.close()
        of_another.settimeout(0)
        with pytest.raises(BlockingIOError):
            of_another.accept()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place, PASSED_OVER_S)
