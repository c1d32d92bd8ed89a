"""The worker's side: asks the prefetcher."""

import asyncio
import contextlib
from pathlib import Path

from service.adapters.ipc.message import MAX_LINE_BYTES, MessageError, decode_report, encode_order
from service.adapters.ipc.requests import (
    LearnRequest,
    Ping,
    Question,
    RefreshRequest,
    ResetRequest,
    UsedRequest,
    batches,
    check_done,
    decode_claim_outcome,
    decode_refresh_report,
    decode_unknown,
    encode_request,
    octets_of_order,
    octets_of_text,
)
from service.application.claims import ClaimOutcome, CrlClaim
from service.application.crl_fetcher import CrlOrder
from service.application.prefetch.desk import PrefetcherUnavailableError, RefreshReport, Waiting
from service.core.model.attempt import Attempt, Problem


class PrefetcherClient:
    """Implements `PrefetchPort` over the socket.

    While the prefetcher is being replaced, connections queue at the socket, which the supervisor owns; one that dies
    with an order in hand is an attempt that failed, and the next request orders again.
    """

    def __init__(self, path: Path) -> None:
        """Take the socket's path."""
        self._path = path

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Have a CRL fetched; what failed, URL by URL."""
        try:
            return decode_report(await self._exchange(encode_order(order)))
        except (OSError, ValueError) as error:  # no socket, no process, no report, or an order that is too large
            detail = f"the prefetcher did not answer ({type(error).__name__})"
            return tuple(Attempt(url, Problem.INTERNAL, detail) for url in order.urls)

    async def note_used(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Tell what verdicts rested on; which of it is not known.

        Raises:
            PrefetcherUnavailableError: it did not answer.
        """
        unknown: list[str] = []
        for batch in batches(keys, octets_of_text):
            unknown += decode_unknown(await self._ask(UsedRequest(batch)))
        return tuple(unknown)

    async def learn(self, orders: tuple[CrlOrder, ...]) -> None:
        """Have these kept fresh.

        Raises:
            PrefetcherUnavailableError: it did not answer.
        """
        for batch in batches(orders, octets_of_order):
            check_done(await self._ask(LearnRequest(batch)))

    async def claim(self, claim: CrlClaim) -> ClaimOutcome:
        """Have CRLs tried that wait."""
        try:
            return decode_claim_outcome(await self._ask(claim))
        except (PrefetcherUnavailableError, MessageError):
            return ClaimOutcome.UNANSWERED

    async def refresh(self, source: str | None, waiting: Waiting) -> RefreshReport:
        """Have sources tried now.

        Raises:
            PrefetcherUnavailableError: it did not answer.
        """
        return decode_refresh_report(await self._ask(RefreshRequest(source, waiting)))

    async def reset(self, slots: tuple[bytes, ...]) -> None:
        """Have lower CRL numbers accepted in these slots.

        Raises:
            PrefetcherUnavailableError: it did not answer.
            StoreError: it could not write; nothing, or a part of it, is done.
        """
        for batch in batches(slots, lambda slot: 2 * len(slot) + 3):
            try:
                check_done(await self._ask(ResetRequest(batch)))
            except MessageError as error:
                raise PrefetcherUnavailableError("the prefetcher did not understand") from error

    async def answers(self) -> bool:
        """Whether the prefetcher answers."""
        try:
            check_done(await self._ask(Ping()))
        except (PrefetcherUnavailableError, MessageError):
            return False
        return True

    async def _ask(self, request: Question) -> bytes:
        try:
            answer = await self._exchange(encode_request(request))
        except (OSError, ValueError) as error:
            raise PrefetcherUnavailableError(f"the prefetcher did not answer ({type(error).__name__})") from error
        if not answer:
            raise PrefetcherUnavailableError("the prefetcher hung up")
        return answer

    async def _exchange(self, line: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=MAX_LINE_BYTES)
        try:
            writer.write(line)
            await writer.drain()
            return await reader.readline()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


IngesterClient = PrefetcherClient
"""What it was called while all it did was to carry orders out."""
