"""Changes that a page of somebody else's has a browser ask for: refused, whoever the browser could be taken for.

A browser sends some requests for any page without asking first, and shows a client certificate with them, or reaches
loopback, where nobody is asked for anything. It says where they come from, in headers that pages cannot set
(`Sec-Fetch-Site`; older ones `Origin`). Programs send neither, and are not looked at.

What it does not do: keep a page from reading answers. Browsers do, since no answer lets another origin in.
"""

from http import HTTPStatus
from typing import Final

from starlette.types import Receive, Scope

from service.api.endpoint import GET, Handler
from service.api.problems import Problem, ProblemError
from service.api.reply import Headers, Reply, values_of

OWN_SITES: Final = frozenset({b"same-origin", b"none"})
"""What a browser says of a page of ours, and of what its user has typed (Fetch Metadata §2.3)."""


class OwnOriginHandler:
    """A handler that changes something, for whoever is no page of somebody else's."""

    def __init__(self, handler: Handler) -> None:
        """Take the handler."""
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Have it answer one request, or refuse it."""
        if scope["method"] not in GET and is_from_elsewhere(scope["headers"]):
            raise ProblemError(cross_origin())
        return await self._handler(scope, receive)


def is_from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that a page of another origin asks."""
    sites = values_of(headers, b"sec-fetch-site")
    if sites:
        return any(site not in OWN_SITES for site in sites)
    hosts = values_of(headers, b"host")
    return any(origin.partition(b"://")[2] not in hosts for origin in values_of(headers, b"origin"))


def cross_origin() -> Problem:
    """A page of another origin that wants something changed."""
    return Problem(
        HTTPStatus.FORBIDDEN,
        "cross-origin",
        "A page of another origin may change nothing",
        "Sec-Fetch-Site or Origin says that a browser sends this for another site.",
    )
