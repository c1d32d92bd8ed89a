"""The prefetcher's side: takes requests and answers each.

Rules it keeps: a request is answered, whatever goes wrong with it: who asked is told that it failed, and an operator
why. What is no request is not answered; an operator is told of that too. Who is being served when this one makes room
for another is told to ask that one.
"""

import asyncio
import socket
from collections.abc import Mapping
from typing import Final, Protocol, assert_never

from service.adapters.ipc.message import MAX_LINE_BYTES, encode_report
from service.adapters.ipc.requests import (
    LearnRequest,
    Ping,
    RefreshRequest,
    Request,
    ResetRequest,
    StandingQuestion,
    UsedRequest,
    decode_request,
    encode_again,
    encode_claim_outcome,
    encode_done,
    encode_failed,
    encode_fault,
    encode_refresh_report,
    encode_unknown,
)
from service.adapters.ipc.standing import encode_standing
from service.application.claims import CrlClaim
from service.application.crl_fetcher import CrlOrder
from service.application.evidence_store import StoreError
from service.application.fleet.standing import StandingReport
from service.application.prefetch.desk import PrefetchPort

ORDERS_WAITING: Final = 4096
"""Connections that may wait to be taken: eight workers full of first requests. asyncio's default of 100 would replace
what the supervisor asked for, and an order that finds no place is evidence that cannot be had. The kernel caps it
(somaxconn)."""


_KINDS: Final[Mapping[type[Request], str]] = {
    CrlOrder: "order",
    UsedRequest: "used",
    LearnRequest: "learn",
    RefreshRequest: "refresh",
    ResetRequest: "reset",
    CrlClaim: "claim",
    Ping: "ping",
    StandingQuestion: "standing",
}


class RequestObserver(Protocol):
    """Is told of requests that were not answered as they should be; must not raise and must not wait."""

    def refused(self, reason: str) -> None:
        """What came is no request; the connection was closed."""

    def failed(self, kind: str, error: Exception) -> None:
        """Carrying one out went wrong in a way that nobody has thought of; who asked was told so."""

    def unheard(self, kind: str, reason: str) -> None:
        """Who asked has gone before the answer: as a rule, he had no more time."""


class NullRequestObserver:
    """Is told, and forgets. Implements `RequestObserver`."""

    def refused(self, reason: str) -> None:
        """Forget it."""

    def failed(self, kind: str, error: Exception) -> None:
        """Forget it."""

    def unheard(self, kind: str, reason: str) -> None:
        """Forget it."""


class PrefetcherServer:
    """Serves a `PrefetchPort` on a listening Unix socket."""

    def __init__(
        self, prefetcher: PrefetchPort, observer: RequestObserver | None = None, fleet: StandingReport | None = None
    ) -> None:
        """Take what carries requests out.

        Args:
            prefetcher: Does.
            observer: Is told of those that were not.
            fleet: Says how this replica stands with its fleet; None where there is none.
        """
        self._prefetcher = prefetcher
        self._observer = NullRequestObserver() if observer is None else observer
        self._fleet = fleet
        self._under_way: set[asyncio.Task[object]] = set()

    async def serve(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Take requests until `stop` is set; those under way are for another prefetcher then.

        Args:
            listener: A listening Unix socket; closed at the end.
            stop: Ends it.
        """
        server = await asyncio.start_unix_server(
            self._answer, sock=listener, limit=MAX_LINE_BYTES, backlog=ORDERS_WAITING
        )
        try:
            await stop.wait()
        finally:
            server.close()
            left = tuple(self._under_way)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kind = "none yet"
        if (task := asyncio.current_task()) is not None:
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        try:
            line = await reader.readline()
            if not line:  # whoever that was, he has asked nothing
                return
            request = decode_request(line)
            kind = _KINDS[type(request)]
            writer.write(await self._answer_to(request, kind))
            await writer.drain()
        except ValueError as error:
            self._observer.refused(str(error))
        except OSError as error:
            self._observer.unheard(kind, type(error).__name__)
        except asyncio.CancelledError:
            writer.write(encode_again())
            raise
        finally:
            writer.close()

    async def _answer_to(self, request: Request, kind: str) -> bytes:
        try:
            return await self._carried_out(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            self._observer.failed(kind, error)
            return encode_fault(error)

    async def _carried_out(self, request: Request) -> bytes:
        match request:
            case CrlOrder():
                return encode_report(await self._prefetcher.fetch(request))
            case UsedRequest(keys):
                return encode_unknown(await self._prefetcher.note_used(keys))
            case LearnRequest(orders):
                await self._prefetcher.learn(orders)
                return encode_done()
            case RefreshRequest(source, waiting):
                return encode_refresh_report(await self._prefetcher.refresh(source, waiting))
            case ResetRequest(slots):
                try:
                    await self._prefetcher.reset(slots)
                except StoreError as error:
                    return encode_failed(str(error))
                return encode_done()
            case CrlClaim():
                return encode_claim_outcome(await self._prefetcher.claim(request))
            case Ping():
                return encode_done()
            case StandingQuestion():
                return encode_standing(None if self._fleet is None else self._fleet.standing)
            case _:
                assert_never(request)
