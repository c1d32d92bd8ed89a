"""Requests for verdicts as traces: begun when the request comes, ended when its answer was sent.

What it does not do: look at anything else, such as probes, which would be most of what there is; or cost anything where
nobody wants traces, since the application is served as it is then.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.authorize_path import AUTHORIZE
from service.api.reply import values_of
from service.application.tracing import RequestTracer

ROUTES: Final = frozenset({"/v1/validate", "/v1/validate/batch"})
"""Paths that are traced under their own name."""

AUTHORIZE_ROUTE: Final = "/v1/authorize/{front}"
"""What every path of proxies is traced under: the rest of it is their clients'."""

TRACEPARENT: Final = b"traceparent"
"""The header with which callers say of what trace a request is a part (W3C Trace Context §3.2)."""


class TracedApp:
    """An application whose questions are traced."""

    def __init__(self, app: ASGIApp, tracer: RequestTracer) -> None:
        """Take the application, and who times."""
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have it answer one request."""
        route = route_of(scope)
        if route is None:
            await self._app(scope, receive, send)
            return
        named = values_of(scope["headers"], TRACEPARENT)
        # Two of them are none (W3C Trace Context §3.2.1): nobody can say which is meant.
        parent = named[0].decode("latin-1") if len(named) == 1 else None
        with self._tracer.request(scope["method"], route, parent) as answered:

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    answered(message["status"])
                await send(message)

            await self._app(scope, receive, told)


def route_of(scope: Scope) -> str | None:
    """What a request is traced under; None where it is not."""
    if scope["type"] != "http":
        return None
    path: str = scope["path"]
    if path in ROUTES:
        return path
    raw_path: bytes = scope["raw_path"]
    return AUTHORIZE_ROUTE if raw_path.startswith(AUTHORIZE) else None
