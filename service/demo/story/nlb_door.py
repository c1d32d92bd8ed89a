"""The third door: a Network Load Balancer passes TCP on, so that TLS ends in the sidecar; curl talks to it directly."""

from contextlib import ExitStack
from typing import Final

from service.demo.ports import LOOPBACK
from service.demo.story.doors import (
    EXPIRED_CALLER,
    FOREIGN_CALLER,
    FORGER,
    NOBODY,
    REVOKED_CALLER,
    Door,
    Expected,
)
from service.demo.story.sidecar import start_sidecar
from service.demo.story.stage import Base, Opening

NAME: Final = "nlb"


def open_nlb(base: Base, stack: ExitStack) -> Opening:
    """Start the sidecar.

    Raises:
        UsageError: the sidecar's files are not there.
        OSError: it could not be started.
    """
    port = base.ports.take()
    settings = {
        "REVET_SIDECAR_MODE": "nlb",
        "REVET_SIDECAR_LISTEN": f"{LOOPBACK}:{port}",
        "REVET_SIDECAR_TLS_CERT": str(base.servers.certificate),
        "REVET_SIDECAR_TLS_KEY": str(base.servers.key),
    }
    sidecar = start_sidecar("sidecar-nlb", settings, base, stack)
    door = Door(
        name=NAME,
        way="NLB, TCP -> nginx sidecar, mutual TLS -> application",
        url=f"https://{LOOPBACK}:{port}/",
        refusals={
            REVOKED_CALLER: Expected.REFUSED,
            EXPIRED_CALLER: Expected.REFUSED,
            FOREIGN_CALLER: Expected.REFUSED,
            NOBODY: Expected.UNKNOWN,
            FORGER: Expected.UNKNOWN,
        },
    )
    return Opening(door, (sidecar,))
