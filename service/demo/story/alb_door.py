"""The doors behind an Application Load Balancer, in either mode, with a sidecar that believes its header."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

from service.demo.ports import LOOPBACK
from service.demo.story.doors import (
    EXPIRED_CALLER,
    FOREIGN_CALLER,
    FORGER,
    NOBODY,
    REVOKED_CALLER,
    Caller,
    Door,
    Expected,
)
from service.demo.story.load_balancer import MutualTls, start_load_balancer
from service.demo.story.sidecar import start_sidecar
from service.demo.story.stage import Base, Opening

_NAMES: Final = {MutualTls.PASSTHROUGH: "alb", MutualTls.VERIFY: "alb-verify"}

_REFUSALS: Final[Mapping[MutualTls, Mapping[Caller, Expected]]] = {
    MutualTls.PASSTHROUGH: {
        REVOKED_CALLER: Expected.REFUSED,
        EXPIRED_CALLER: Expected.REFUSED,
        FOREIGN_CALLER: Expected.REFUSED,
        NOBODY: Expected.UNKNOWN,
        FORGER: Expected.UNKNOWN,
    },
    MutualTls.VERIFY: {
        REVOKED_CALLER: Expected.REFUSED,
        EXPIRED_CALLER: Expected.CLOSED,
        FOREIGN_CALLER: Expected.CLOSED,
        NOBODY: Expected.CLOSED,
        FORGER: Expected.CLOSED,
    },
}


def open_alb(base: Base, stack: ExitStack) -> Opening:
    """Start a load balancer in passthrough mode, and its sidecar.

    Raises:
        UsageError: the sidecar's files are not there.
        OSError: something could not be started.
    """
    return _open(MutualTls.PASSTHROUGH, base, stack)


def open_alb_verify(base: Base, stack: ExitStack) -> Opening:
    """Start a load balancer in verify mode, and its sidecar.

    Raises:
        UsageError: the sidecar's files are not there.
        OSError: something could not be started.
    """
    return _open(MutualTls.VERIFY, base, stack)


def _open(mode: MutualTls, base: Base, stack: ExitStack) -> Opening:
    listen = f"{LOOPBACK}:{base.ports.take()}"
    settings = {
        "REVET_SIDECAR_MODE": "alb",
        "REVET_SIDECAR_LISTEN": listen,
        "REVET_SIDECAR_ALB_HEADER": mode.value,
        "REVET_SIDECAR_TRUSTED_PROXIES": f"{LOOPBACK}/32",
    }
    sidecar = start_sidecar(f"sidecar-{_NAMES[mode]}", settings, base, stack)
    port, balancer = start_load_balancer(mode, listen, base, stack)
    door = Door(
        name=_NAMES[mode],
        way=f"ALB, mutual TLS, {mode.value} -> nginx sidecar -> application",
        url=f"https://{LOOPBACK}:{port}/",
        refusals=_REFUSALS[mode],
    )
    return Opening(door, (sidecar, balancer))
