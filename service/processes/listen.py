"""Sockets to listen at, made once by the supervisor's process and inherited by its children.

The supervisor keeps them open while a child is replaced, so that connections wait in the queue and are not refused.
None of them is inherited by a process that was not given it on purpose.

    ListenError
    +-- AddressInUseError
"""

import contextlib
import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from service.processes.exit_code import EXIT_LISTEN

BACKLOG: Final = 2048
"""Connections that may wait while a worker is replaced; uvicorn's default too. The kernel caps it (somaxconn)."""

MAX_UNIX_PATH: Final = 103
"""Bytes in the path of a Unix-domain socket: sun_path has 104 on BSD and macOS, 108 on Linux, one of them a NUL."""

_PORTS: Final = range(2**16)
_SOCKET_NAME: Final = "socket"
_SHORT_DIRECTORY: Final = Path("/tmp")  # noqa: S108 - mkdtemp makes a fresh directory of ours in it, mode 0700


class ListenError(Exception):
    """It is not possible to listen there.

    Attributes:
        exit_code: What the process should exit with.
    """

    exit_code = EXIT_LISTEN


class AddressInUseError(ListenError):
    """Another process listens there.

    Attributes:
        host: The host or address asked for.
        port: The port asked for.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{_place(host, port)} is in use: another process listens there")
        self.host = host
        self.port = port


def bind_tcp(host: str, port: int) -> socket.socket:
    """Listen at a TCP address.

    Args:
        host: An IPv4 or IPv6 address, or a name; of a name's addresses the first that can be had. `::` takes IPv4
            connections too.
        port: 0 lets the kernel choose one.

    Raises:
        AddressInUseError: another process listens there.
        ListenError: no such address here, or not allowed.
    """
    if port not in _PORTS:
        # getaddrinfo takes the lower 16 bits of any number.
        raise ListenError(f"cannot listen at {_place(host, port)}: a port is a number from 0 to {_PORTS[-1]}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ListenError(f"cannot listen at {_place(host, port)}: {error}") from error
    failures: list[OSError] = []
    for family, _, _, _, address in found:
        try:
            return _listen_tcp(family, address)
        except OSError as error:
            failures.append(error)
    first = failures[0]
    if any(failure.errno == errno.EADDRINUSE for failure in failures):
        raise AddressInUseError(host, port) from first
    raise ListenError(f"cannot listen at {_place(host, port)}: {first.strerror or first}") from first


@contextlib.contextmanager
def bind_unix(directory: Path | None = None) -> Iterator[socket.socket]:
    """Listen at a Unix-domain stream socket in a fresh directory that nobody else may enter; removed at the end.

    `getsockname()` is its path, for this process and for a child that inherits it.

    Args:
        directory: Where to make the fresh one, by default where temporary files go. If the path would
            not fit into a socket address, `/tmp` is taken instead.

    Raises:
        ListenError: the directory or the socket cannot be made.
    """
    try:
        own = _fresh_directory(Path(tempfile.gettempdir()) if directory is None else directory)
    except OSError as error:
        raise ListenError(f"cannot make a directory for a socket: {error}") from error
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            path = own / _SOCKET_NAME
            try:
                listening.bind(os.fspath(path))
                listening.listen(BACKLOG)
            except OSError as error:
                raise ListenError(f"cannot listen at {path}: {error}") from error
            yield listening
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _listen_tcp(family: int, address: tuple[object, ...]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A port whose last connections linger in TIME_WAIT can be had again; one that somebody listens at cannot.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # Said outright because the default is a setting of the machine. Means nothing but for `::`.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(address)
        # With SO_REUSEADDR on both sides it can be here, and not in bind, that the port turns out to be taken.
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def _fresh_directory(parent: Path) -> Path:
    prefix = "revet-"
    # mkdtemp adds eight characters of its own.
    longest = parent / f"{prefix}{'x' * 8}" / _SOCKET_NAME
    if len(os.fsencode(longest)) > MAX_UNIX_PATH:
        parent = _SHORT_DIRECTORY
    return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
