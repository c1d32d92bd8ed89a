"""Sockets to listen at."""

import os
import socket
import stat
from pathlib import Path

import pytest

from service.processes.exit_code import EXIT_LISTEN
from service.processes.listen import MAX_UNIX_PATH, AddressInUseError, ListenError, bind_tcp, bind_unix


def _ipv6_here() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_listens_at_an_ipv4_address() -> None:
    """Somebody can connect, and no other process inherits the socket by accident."""
    with bind_tcp("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname(), 5):
        assert not listening.get_inheritable()


def test_listens_at_an_ipv6_address() -> None:
    """Somebody can connect; on a host without IPv6 the error says what could not be had."""
    if not _ipv6_here():
        with pytest.raises(ListenError, match=r"\[::1\]:0"):
            bind_tcp("::1", 0)
        return
    with bind_tcp("::1", 0) as listening, socket.create_connection(listening.getsockname()[:2], 5) as connection:
        assert socket.AF_INET6 == connection.family


def test_an_address_in_use_is_named() -> None:
    """The message carries host and port, and the exit code is that of a wrong call."""
    with bind_tcp("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(AddressInUseError) as caught:
            bind_tcp("127.0.0.1", port)
    assert f"127.0.0.1:{port} is in use: another process listens there" == str(caught.value)
    assert EXIT_LISTEN == caught.value.exit_code


def test_a_port_with_lingering_connections_can_be_had_again() -> None:
    """A connection that the server closed first stays in TIME_WAIT and does not keep the port."""
    with bind_tcp("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            listening.accept()[0].close()
            assert connection.recv(1) == b""
    with bind_tcp("127.0.0.1", port) as again:
        assert port == again.getsockname()[1]


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("a host", 0), ("x" * 300, 0), ("127.0.0.1", 70_000)])
def test_an_impossible_address_is_named(host: str, port: int) -> None:
    """An address of another machine, names that are none, a port that is none: the message says where."""
    with pytest.raises(ListenError, match=f"cannot listen at {host}:{port}: ."):
        bind_tcp(host, port)


def test_a_unix_socket_is_for_its_owner_only(tmp_path: Path) -> None:
    """It lies in a fresh directory with mode 0700; both are gone afterwards."""
    with bind_unix(tmp_path) as listening:
        path = Path(listening.getsockname())
        assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(os.fspath(path))
    assert [] == list(tmp_path.iterdir())


def test_a_unix_socket_is_removed_after_an_error(tmp_path: Path) -> None:
    """The directory does not stay when the service ends with an exception."""
    with pytest.raises(KeyError), bind_unix(tmp_path):
        raise KeyError
    assert [] == list(tmp_path.iterdir())


def test_a_unix_socket_has_a_path_that_fits(tmp_path: Path) -> None:
    """A deep directory for temporary files is no reason not to start."""
    deep = tmp_path / ("d" * MAX_UNIX_PATH)
    deep.mkdir()
    with bind_unix(deep) as listening:
        assert len(listening.getsockname()) <= MAX_UNIX_PATH


def test_a_unix_socket_needs_a_directory(tmp_path: Path) -> None:
    """A missing directory is named."""
    with pytest.raises(ListenError, match="missing"), bind_unix(tmp_path / "missing"):
        pass
