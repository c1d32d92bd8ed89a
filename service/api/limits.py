"""What callers are held to before anybody looks at what they ask: how often, and how many at once.

Rules it keeps: who asks is known by the token that counts, otherwise by the address of the connection's other end; no
header says where a request comes from. Where there are tokens, the token is looked at first: of an address from which
too many wrong ones came, the next wrong one waits, and nobody who has a right one. Probes, metrics and documentation
are never limited.

What it does not do: cost anything where nothing is limited, since handlers are used as they are then.
"""

from types import TracebackType
from typing import Final

from starlette.types import Receive, Scope

from service.api.address import address_of
from service.api.authentication import TokenPlace, Who
from service.api.endpoint import Handler
from service.api.limit_problems import limited
from service.api.problems import ProblemError
from service.api.reply import Reply
from service.api.rules import ApiRules
from service.application.caller_limits import Caller, CallerLimits, LimitedError

LIMITED_PATHS: Final = "/v1/"
"""What paths begin with that are limited."""

CALLER: Final = "revet.caller"
"""Where a scope says who asks, while a request that is limited is worked on."""


class Visit:
    """A caller between coming in and leaving; `with` it. Who is nobody comes in as well, to be told so.

    Raises:
        ProblemError: on entering, he has asked enough (429, 503).
    """

    def __init__(self, limits: CallerLimits, rules: ApiRules, scope: Scope, place: TokenPlace) -> None:
        """Take what is counted, who may, the request, and where it has its token."""
        self._limits = limits
        self._access = rules.access
        self._scope = scope
        self._place = place
        self._caller: Caller | None = None

    def __enter__(self) -> None:
        """Let him in."""
        address = address_of(self._scope)
        try:
            caller = self._find(address)
            if caller is None:
                self._limits.attempt(address)
            else:
                self._limits.enter(caller)
        except LimitedError as error:
            raise ProblemError(limited(error)) from None
        self._caller = self._scope[CALLER] = caller

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """He leaves."""
        if self._caller is not None:
            self._limits.leave(self._caller)

    def _find(self, address: str) -> Caller | None:
        """Who it is; None where nobody is known by what he sends."""
        asking = self._access.identify(self._scope, self._place)
        return Caller(address, asking.token) if isinstance(asking, Who) else None


class LimitedHandler:
    """A handler whose callers are held to their limits."""

    def __init__(self, handler: Handler, limits: CallerLimits, rules: ApiRules) -> None:
        """Take the handler, what is counted, and who may."""
        self._handler = handler
        self._limits = limits
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Have it answer one request, or refuse it."""
        with Visit(self._limits, self._rules, scope, TokenPlace.AUTHORIZATION):
            return await self._handler(scope, receive)


def count_items(limits: CallerLimits | None, scope: Scope, items: int) -> None:
    """Count a batch as its items, of which one was counted when it came.

    Args:
        limits: None where nothing is limited.
        scope: The request.
        items: How many there are.

    Raises:
        ProblemError: the caller has asked enough, and none of them is counted (429).
    """
    if limits is None or items <= 1:
        return
    try:
        limits.count(scope[CALLER], items - 1, counted=1)
    except LimitedError as error:
        raise ProblemError(limited(error)) from None
