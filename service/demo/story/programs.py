"""The programs of others that the story needs: where they are, or how to get them."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from service.demo.errors import UsageError

_SYSTEM: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where nginx is, and not on everybody's PATH."""

_USE: Final = {
    "curl": "is the client",
    "nginx": "stands in for the load balancer, and is the sidecar",
    "openssl": "answers OCSP requests",
}


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths of programs.

    Attributes:
        curl: The client.
        nginx: The load balancer and the sidecars.
        search_path: `PATH` with which all of them are found.
    """

    curl: str
    nginx: str
    search_path: str


def find_programs(environment: Mapping[str, str]) -> Programs:
    """Find all of them.

    Raises:
        UsageError: at least one is missing; all that are missing are named, and how to install them.
    """
    search_path = os.pathsep.join((environment.get("PATH", os.defpath), *_SYSTEM))
    found = {name: shutil.which(name, path=search_path) for name in _USE}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        lines = (f"  {name:<7}  {_USE[name]}" for name in missing)
        raise UsageError(
            "\n".join(
                (
                    "not installed, and needed for the story:",
                    *lines,
                    f"On Debian and Ubuntu, as root: apt-get install {' '.join(missing)}",
                )
            )
        )
    return Programs(str(found["curl"]), str(found["nginx"]), search_path)
