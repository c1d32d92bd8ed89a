"""What a child inherits from its supervisor, and under which names.

Descriptors keep their numbers across the exec; environment variables tell the numbers. All of them begin with
`_REVET_`, which no setting does (`REVET_`), so neither can be taken for the other.

This file is the agreement between both sides and does nothing to the process: tying a child to its supervisor is
`lifeline`'s task, starting it is `child`'s.
"""

import fcntl
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

PREFIX: Final = "_REVET_"
LIFELINE_FD: Final = f"{PREFIX}LIFELINE_FD"
HEARTBEAT_FD: Final = f"{PREFIX}HEARTBEAT_FD"
HEARTBEAT_EVERY_S: Final = f"{PREFIX}HEARTBEAT_EVERY_S"
SUPERVISOR_PID: Final = f"{PREFIX}SUPERVISOR_PID"

GATE: Final = "gate"
"""Name of the descriptor at whose end a child begins, where it has one."""

SUCCEEDS: Final = f"{PREFIX}SUCCEEDS"
"""Environment variable of a child that takes the place of one, in a service that was ready; its value means nothing."""

BEAT: Final = b"."
"""A heartbeat: the child is at work."""

SERVED_BEAT: Final = b"+"
"""A heartbeat of a child that was ready to serve at least once: it may have been alive for long without."""

WAITING_BEAT: Final = b","
"""A heartbeat of a child that waits at its gate."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class NotInheritedError(LookupError):
    """The process was not given what it asks for: it was not started by a supervisor, or not with that socket.

    Attributes:
        variable: The environment variable that is missing or says nothing usable.
    """

    def __init__(self, variable: str) -> None:
        super().__init__(f"{variable} is not set as a supervisor sets it: this process was not started by one")
        self.variable = variable


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What every child is given.

    Attributes:
        lifeline_fd: Read end of a pipe that nobody writes to; it ends when the supervisor does.
        heartbeat_fd: Write end of the child's own heartbeat pipe.
        heartbeat_every_s: Seconds between two heartbeats.
        supervisor_pid: Process id of the supervisor, which is the child's parent.
    """

    lifeline_fd: int
    heartbeat_fd: int
    heartbeat_every_s: float
    supervisor_pid: int

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read it from the environment of a child.

        Raises:
            NotInheritedError: a variable is missing or not a number.
        """
        return cls(
            lifeline_fd=_integer(environ, LIFELINE_FD),
            heartbeat_fd=_integer(environ, HEARTBEAT_FD),
            heartbeat_every_s=_number(environ, HEARTBEAT_EVERY_S),
            supervisor_pid=_integer(environ, SUPERVISOR_PID),
        )

    def variables(self) -> dict[str, str]:
        """Write it for the environment of a child."""
        return {
            LIFELINE_FD: str(self.lifeline_fd),
            HEARTBEAT_FD: str(self.heartbeat_fd),
            HEARTBEAT_EVERY_S: repr(self.heartbeat_every_s),
            SUPERVISOR_PID: str(self.supervisor_pid),
        }


def descriptor_variable(name: str) -> str:
    """Give the environment variable that carries the descriptor called `name`.

    Raises:
        ValueError: the name is not made of lower-case letters, digits and underscores.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} cannot name a descriptor: lower-case letters, digits and underscores only")
    return f"{PREFIX}FD_{name.upper()}"


def inherited_socket(name: str, environ: Mapping[str, str] = os.environ) -> socket.socket:
    """Give the socket that the supervisor passed on under `name`. To be called once for each name.

    The socket owns the descriptor from here on and is not inherited by processes that this one starts, or a
    grandchild could keep the port.

    Raises:
        NotInheritedError: the supervisor passed nothing under that name.
        ValueError: the name is not made of lower-case letters, digits and underscores.
    """
    variable = descriptor_variable(name)
    fd = _integer(environ, variable)
    try:
        close_on_exec(fd)
        return socket.socket(fileno=fd)
    except OSError as error:
        raise NotInheritedError(variable) from error


def inherited_descriptor(name: str, environ: Mapping[str, str] = os.environ) -> int | None:
    """Give the descriptor that the supervisor passed on under `name`; None where it passed none.

    It is not inherited by processes that this one starts.

    Raises:
        NotInheritedError: what the supervisor says of it is not so.
        ValueError: the name is not made of lower-case letters, digits and underscores.
    """
    variable = descriptor_variable(name)
    if variable not in environ:
        return None
    fd = _integer(environ, variable)
    try:
        close_on_exec(fd)
    except OSError as error:
        raise NotInheritedError(variable) from error
    return fd


def close_on_exec(fd: int) -> None:
    """Keep a descriptor that was inherited from being inherited further.

    Raises:
        OSError: it is not open.
    """
    fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)


def _integer(environ: Mapping[str, str], variable: str) -> int:
    try:
        return int(environ[variable])
    except (KeyError, ValueError) as error:
        raise NotInheritedError(variable) from error


def _number(environ: Mapping[str, str], variable: str) -> float:
    try:
        return float(environ[variable])
    except (KeyError, ValueError) as error:
        raise NotInheritedError(variable) from error
