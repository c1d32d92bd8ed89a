"""What the user reads when everything runs: commands to paste, each of them one line, and addresses."""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.demo.clients import CLIENTS, GOOD, REVOKED
from service.demo.layout import Layout
from service.demo.ports import LOOPBACK

DEFAULT_PORT: Final = 8080
"""Where the command line asks when nobody tells it otherwise."""

_PROXIES: Final = ("http_proxy", "all_proxy", "ALL_PROXY")
"""What curl heeds for http addresses, loopback's included."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the user is.

    Attributes:
        cwd: The directory in which the commands will be pasted.
        revet: The command line's program, if there is one.
        has_proxy: Whether curl would ask a proxy for the service's address.
    """

    cwd: Path
    revet: Path | None
    has_proxy: bool

    @classmethod
    def here(cls, environment: Mapping[str, str]) -> "Place":
        """Where this process is."""
        revet = Path(sys.executable).with_name("revet")
        return cls(
            cwd=Path.cwd(),
            revet=revet if os.access(revet, os.X_OK) else None,
            has_proxy=any(environment.get(name) for name in _PROXIES),
        )

    def path(self, path: Path) -> str:
        """A path as one would type it here."""
        absolute = path.absolute()
        return shlex.quote(str(absolute.relative_to(self.cwd) if absolute.is_relative_to(self.cwd) else absolute))


def instructions(layout: Layout, port: int, place: Place) -> str:
    """What to try now.

    Args:
        layout: Where the demonstration's files are.
        port: Where the service answers.
        place: Where the user is.
    """
    url = f"http://{LOOPBACK}:{port}"
    files = {client: place.path(layout.certificate(client.name)) for client in CLIENTS}
    width = max(map(len, files.values()))
    others = "\n".join(f"  {file:<{width}}  {client.description}" for client, file in files.items())
    return f"""
Is this client certificate still good? To be pasted here, in another terminal. Allowed:

{_curl(layout, GOOD.name, url, place)}

Denied, because it is revoked:

{_curl(layout, REVOKED.name, url, place)}

The same for people, and with all the evidence:

{_revet("check", layout, port, place)}
{_revet("explain", layout, port, place)}

Certificates to try:
{others}

API            {url}
Dashboard      {url}/dashboard
Documentation  {url}/docs

Ctrl-C stops everything.
"""


def _curl(layout: Layout, client: str, url: str, place: Place) -> str:
    proxy = f"--noproxy {LOOPBACK} " if place.has_proxy else ""
    request = place.path(layout.request(client))
    return f"curl -s {proxy}{url}/v1/validate -H 'content-type: application/json' -d @{request}"


def _revet(command: str, layout: Layout, port: int, place: Place) -> str:
    program = f"{shlex.quote(sys.executable)} -m service" if place.revet is None else place.path(place.revet)
    url = "" if port == DEFAULT_PORT else f" --url http://{LOOPBACK}:{port}"
    return f"{program} {command}{url} {place.path(layout.certificate(REVOKED.name))}"
