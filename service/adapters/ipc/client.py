"""The worker's side: asks the prefetcher."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from service.adapters.ipc.message import MAX_LINE_BYTES, MessageError, decode_report, encode_order
from service.adapters.ipc.requests import (
    LearnRequest,
    Ping,
    Question,
    RefreshRequest,
    ResetRequest,
    StandingQuestion,
    UsedRequest,
    batches,
    check_done,
    decode_claim_outcome,
    decode_refresh_report,
    decode_unknown,
    encode_request,
    fault_of,
    is_again,
    octets_of_order,
    octets_of_text,
)
from service.adapters.ipc.standing import decode_standing
from service.application.claims import ClaimOutcome, CrlClaim
from service.application.crl_fetcher import CrlOrder
from service.application.fleet.standing import FleetStanding
from service.application.prefetch.desk import (
    PrefetcherGoneError,
    PrefetcherUnavailableError,
    RefreshReport,
    Waiting,
)
from service.core.model.attempt import Attempt, Problem

MAX_PREFETCHERS: Final = 3
"""That are asked one after the other, where each makes room for the next: two at a reload that is taken back."""

T = TypeVar("T")


class PrefetcherClient:
    """Implements `PrefetchPort` over the socket.

    While the prefetcher is being replaced, connections queue at the socket, which the supervisor owns; one that makes
    room for another has what it was asked asked again, and one that dies with an order in hand is an attempt that
    failed: it may have died of that order, and the next request orders again.
    """

    def __init__(self, path: Path) -> None:
        """Take the socket's path."""
        self._path = path

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Have a CRL fetched; what failed, URL by URL."""
        try:
            return decode_report(await self._exchange(encode_order(order)))
        except PrefetcherUnavailableError as error:
            detail = str(error)
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
            unknown += _understood(decode_unknown, await self._ask(UsedRequest(batch)))
        return tuple(unknown)

    async def learn(self, orders: tuple[CrlOrder, ...]) -> None:
        """Have these kept fresh.

        Raises:
            PrefetcherUnavailableError: it did not answer.
        """
        for batch in batches(orders, octets_of_order):
            _understood(check_done, await self._ask(LearnRequest(batch)))

    async def claim(self, claim: CrlClaim) -> ClaimOutcome:
        """Have CRLs tried that wait."""
        try:
            return decode_claim_outcome(await self._ask(claim))
        except (PrefetcherUnavailableError, MessageError):
            return ClaimOutcome.UNANSWERED

    async def refresh(self, source: str | None, waiting: Waiting) -> RefreshReport:
        """Have sources tried now.

        Raises:
            PrefetcherUnavailableError: it did not answer; `PrefetcherGoneError` where it was there, and is not.
        """
        return _understood(decode_refresh_report, await self._ask(RefreshRequest(source, waiting)))

    async def reset(self, slots: tuple[bytes, ...]) -> None:
        """Have lower CRL numbers accepted in these slots.

        Raises:
            PrefetcherUnavailableError: it did not answer.
            StoreError: it could not write; nothing, or a part of it, is done.
        """
        for batch in batches(slots, lambda slot: 2 * len(slot) + 3):
            _understood(check_done, await self._ask(ResetRequest(batch)))

    async def answers(self) -> bool:
        """Whether the prefetcher answers."""
        try:
            check_done(await self._ask(Ping()))
        except (PrefetcherUnavailableError, MessageError):
            return False
        return True

    async def fleet_standing(self) -> FleetStanding | None:
        """How this replica stands with its fleet; None where there is none.

        Raises:
            PrefetcherUnavailableError: it did not answer: nobody hears of what the fleet changes.
        """
        return _understood(decode_standing, await self._ask(StandingQuestion()))

    async def _ask(self, request: Question) -> bytes:
        try:
            return await self._exchange(encode_request(request))
        except (OSError, ValueError) as error:
            raise PrefetcherUnavailableError(f"the prefetcher did not answer ({type(error).__name__})") from error

    async def _exchange(self, line: bytes) -> bytes:
        """Send a line, and wait for the answer.

        Raises:
            OSError: nobody could be asked.
            ValueError: the answer is too long.
            PrefetcherUnavailableError: it could not do it, or hung up (`PrefetcherGoneError`).
        """
        for _ in range(MAX_PREFETCHERS):
            if not is_again(answer := await self._exchange_with_one(line)):
                return answer
        raise PrefetcherGoneError("one prefetcher after another made room for the next")

    async def _exchange_with_one(self, line: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=MAX_LINE_BYTES)
        try:
            writer.write(line)
            await writer.drain()
            answer = await reader.readline()
        except OSError as error:
            raise PrefetcherGoneError(f"the prefetcher hung up ({type(error).__name__})") from error
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if not answer.endswith(b"\n"):
            raise PrefetcherGoneError("the prefetcher hung up")
        if (fault := fault_of(answer)) is not None:
            raise PrefetcherUnavailableError(f"the prefetcher could not do it ({fault}), and its log says why")
        return answer


def _understood(read: Callable[[bytes], T], answer: bytes) -> T:
    """What an answer says.

    Raises:
        PrefetcherUnavailableError: it is none to what was asked.
    """
    try:
        return read(answer)
    except MessageError as error:
        raise PrefetcherUnavailableError("the prefetcher did not understand") from error


IngesterClient = PrefetcherClient
"""What it was called while all it did was to carry orders out."""
