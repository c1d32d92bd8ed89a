"""Requests for a name that is not ours: refused where nobody is asked who he is.

A page whose name is made to lead to 127.0.0.1 (DNS rebinding) is no page of another origin to its browser: it may read
what it gets, and `Origin` and `Sec-Fetch-Site` are in order. What it cannot change is `Host`, which has its own name.
An address that is written as one leads nowhere else, and `localhost` belongs to nobody.

What it does not do: look where there are tokens, which a page has not, or a client CA, whose certificates browsers show
to the names of the service's own certificate alone. A request without `Host` comes from no browser.
"""

from collections.abc import Set as AbstractSet
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final

from starlette.types import Receive, Scope

from service.api.endpoint import Handler
from service.api.problems import Problem, ProblemError
from service.api.reply import Reply, values_of
from service.api.rules import ApiRules

LOCALHOST: Final = "localhost"
"""The name that leads to this host everywhere (RFC 6761 §6.3)."""


class OwnHostHandler:
    """A handler for whoever calls the service by a name of its own."""

    def __init__(self, handler: Handler, rules: ApiRules) -> None:
        """Take the handler, and what the service is called."""
        self._handler = handler
        self._names = {LOCALHOST, *(name.lower() for name in rules.hosts)}

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Have it answer one request, or refuse it."""
        if not all(is_own(host, self._names) for host in values_of(scope["headers"], b"host")):
            raise ProblemError(misdirected())
        return await self._handler(scope, receive)


def is_own(host: bytes, names: AbstractSet[str]) -> bool:
    """Whether a `Host` is an address, or one of these names, with or without a port.

    Args:
        host: The header's value.
        names: In lower case.
    """
    text = host.decode("latin-1").strip().lower()
    name, colon, port = text.rpartition(":")
    if not colon or not (port.isdigit() or not port) or text.endswith("]"):
        name = text
    if name in names:
        return True
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def misdirected() -> Problem:
    """A request for somebody else's name (RFC 9110 §15.5.20)."""
    return Problem(
        HTTPStatus.MISDIRECTED_REQUEST,
        "misdirected",
        "This name is not the service's",
        "Host: an IP address, localhost or REVET_HOST is needed where neither tokens nor a client CA are configured.",
    )
