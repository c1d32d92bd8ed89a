"""The service that the demonstration shows, as a program to be started."""

import sys
from collections.abc import Mapping
from typing import Final

from service.demo.layout import Layout
from service.demo.ports import LOOPBACK

SERVE: Final = (sys.executable, "-m", "service", "serve")

NAME: Final = "the service"
"""For people."""

READY: Final = "/readyz"
"""Where it tells whether it does its work."""

_PREFIX: Final = "REVET_"
_KEPT: Final = frozenset({"REVET_WORKERS"})
_KEPT_PREFIX: Final = "REVET_LOG_"


def service_environment(inherited: Mapping[str, str], layout: Layout, port: int) -> dict[str, str]:
    """The environment of the service.

    Settings of the user's own would make another service of it than the one that is described to him: they are left
    out, but for the number of workers and what concerns the log.
    """
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(_PREFIX) or name in _KEPT or name.startswith(_KEPT_PREFIX)
    }
    return {
        "REVET_LOG_FORMAT": "console",
        "REVET_LOG_LEVEL": "warning",
        **kept,
        # Nobody balances load here, and a person waits; nor is there a caller whose patience ends before a slow disk's.
        "REVET_DRAIN_S": "0",
        "REVET_DEADLINE_MS": "5000",
        "REVET_PORT": str(port),
        "REVET_TRUST_STORE": str(layout.trust_store.absolute()),
        "REVET_DATA_DIR": str(layout.data.absolute()),
        "REVET_EGRESS_ALLOW": LOOPBACK,
    }
