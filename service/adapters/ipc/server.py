"""The prefetcher's side: takes requests and answers each."""

import asyncio
import contextlib
import socket
from typing import Final, assert_never

from service.adapters.ipc.message import MAX_LINE_BYTES, encode_report
from service.adapters.ipc.requests import (
    LearnRequest,
    Ping,
    RefreshRequest,
    ResetRequest,
    UsedRequest,
    decode_request,
    encode_claim_outcome,
    encode_done,
    encode_failed,
    encode_refresh_report,
    encode_unknown,
)
from service.application.claims import CrlClaim
from service.application.crl_fetcher import CrlOrder
from service.application.evidence_store import StoreError
from service.application.prefetch.desk import PrefetchPort

ORDERS_WAITING: Final = 4096
"""Connections that may wait to be taken: eight workers full of first requests. asyncio's default of 100 would replace
what the supervisor asked for, and an order that finds no place is evidence that cannot be had. The kernel caps it
(somaxconn)."""


class PrefetcherServer:
    """Serves a `PrefetchPort` on a listening Unix socket."""

    def __init__(self, prefetcher: PrefetchPort) -> None:
        """Take what carries requests out."""
        self._prefetcher = prefetcher

    async def serve(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Take requests until `stop` is set; those under way are dropped then.

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

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError):  # the worker is gone, or what came is no request
            writer.write(await self._carried_out(await reader.readline()))
            await writer.drain()
        writer.close()

    async def _carried_out(self, line: bytes) -> bytes:
        request = decode_request(line)
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
            case _:
                assert_never(request)
