"""The ingesting process's side: takes orders and reports what came of them."""

import asyncio
import contextlib
import socket
from typing import Final

from service.adapters.ipc.message import MAX_LINE_BYTES, decode_order, encode_report
from service.application.crl_fetcher import CrlFetcher

ORDERS_WAITING: Final = 4096
"""Connections that may wait to be taken: eight workers full of first requests. asyncio's default of 100 would replace
what the supervisor asked for, and an order that finds no place is evidence that cannot be had. The kernel caps it
(somaxconn)."""


class IngesterServer:
    """Serves a `CrlFetcher` on a listening Unix socket."""

    def __init__(self, fetcher: CrlFetcher) -> None:
        """Take what carries orders out."""
        self._fetcher = fetcher

    async def serve(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Take orders until `stop` is set; those under way are dropped then.

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
        with contextlib.suppress(OSError, ValueError):  # the worker is gone, or what came is no order
            order = decode_order(await reader.readline())
            writer.write(encode_report(await self._fetcher.fetch(order)))
            await writer.drain()
        writer.close()
