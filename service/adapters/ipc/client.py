"""The worker's side: asks the ingesting process for a CRL."""

import asyncio
import contextlib
from pathlib import Path

from service.adapters.ipc.message import MAX_LINE_BYTES, decode_report, encode_order
from service.application.crl_fetcher import CrlOrder
from service.core.model.attempt import Attempt, Problem


class IngesterClient:
    """Implements `CrlFetcher` over the socket.

    While the ingesting process is being replaced, connections queue at the socket, which the supervisor owns; one that
    dies with an order in hand is an attempt that failed, and the next request orders again.
    """

    def __init__(self, path: Path) -> None:
        """Take the socket's path."""
        self._path = path

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Have a CRL fetched; what failed, URL by URL."""
        try:
            return await self._exchange(order)
        except (OSError, ValueError) as error:  # no socket, no process, no report, or an order that is too large
            detail = f"the ingesting process did not answer ({type(error).__name__})"
            return tuple(Attempt(url, Problem.INTERNAL, detail) for url in order.urls)

    async def answers(self) -> bool:
        """Whether the ingesting process answers."""
        try:
            return not await self._exchange(CrlOrder((), ()))
        except (OSError, ValueError):
            return False

    async def _exchange(self, order: CrlOrder) -> tuple[Attempt, ...]:
        line = encode_order(order)
        reader, writer = await asyncio.open_unix_connection(self._path, limit=MAX_LINE_BYTES)
        try:
            writer.write(line)
            await writer.drain()
            return decode_report(await reader.readline())
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
