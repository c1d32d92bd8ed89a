"""One operation of the API as an ASGI application: whatever its handler raises is a problem, never a broken connection.

Why not FastAPI's own way of calling functions: it reads and checks the body before anybody has asked who sends it and
how long it is, and it costs as much as a verdict. The routes below are plain ASGI, and `openapi` describes them.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.types import Receive, Scope, Send

from service.api.body import CallerGoneError
from service.api.problems import internal, method_not_allowed, not_found, problem_of, problem_reply
from service.api.reply import Reply, send_reply

Handler: TypeAlias = Callable[[Scope, Receive], Awaitable[Reply]]
"""Answers one request; what it raises goes through `problem_of`."""

Faults: TypeAlias = Callable[[str, Exception], None]
"""Is told of our own faults: the path of the operation and what was raised; must not raise."""

GET = frozenset({"GET", "HEAD"})
POST = frozenset({"POST"})
PUT = frozenset({"PUT"})
DELETE = frozenset({"DELETE"})


class Endpoint:
    """One path."""

    _send = staticmethod(send_reply)

    def __init__(self, methods: frozenset[str], handler: Handler, faults: Faults) -> None:
        """Take the methods that the path has, the handler of all of them, and who is told of faults."""
        self._methods = methods
        self._handler = handler
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method: str = scope["method"]
        try:
            reply = await self._answer(method, scope, receive)
        except CallerGoneError:
            return
        except Exception as error:  # noqa: BLE001 - the boundary: what is not known to be the caller's fault is ours
            reply = self._failed(scope["path"], error)
        await self._send(reply, method, send)

    async def _answer(self, method: str, scope: Scope, receive: Receive) -> Reply:
        if method not in self._methods:
            return problem_reply(method_not_allowed(self._methods))
        return await self._handler(scope, receive)

    def _failed(self, path: str, error: Exception) -> Reply:
        problem = problem_of(error)
        if problem is None:
            self._faults(path, error)
            problem = internal()
        return problem_reply(problem)


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer for paths where nothing is; WebSockets are refused."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1000, "reason": ""})
        return
    await send_reply(problem_reply(not_found()), scope["method"], send)
