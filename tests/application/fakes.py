"""The ports of the application for tests of one use case: each does what the test has written down for it.

Rules: nothing here waits for a time. What is to take long takes until the test opens a gate, or forever. The host's own
store is the real one; only its failures are made up here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Flag, auto
from typing import TypeVar

from service.application.crl_fetcher import CrlOrder, CrlSigner
from service.application.evidence_store import NOTHING_WAITS, HeldCrl, HeldOcsp, StoreError, WaitingCrls
from service.application.observer import DecisionDetails, FetchDetails, IgnoredDetails, IngestDetails, NullObserver
from service.application.origin import OriginAnswer, OriginError, OriginRequest, OriginStream
from service.core.model.attempt import Attempt, Problem
from service.core.model.crl import CrlFinding, CrlRow, CrlSlot, Watermark
from service.core.ocsp.nonce import NONCE_OCTETS

Value = TypeVar("Value")


async def settle() -> None:
    """Let everybody who has something to do on this event loop do it."""
    for _ in range(20):
        await asyncio.sleep(0)


class Recorder(NullObserver):
    """Keeps what it is told of requests, fetches and CRLs."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.decisions: list[DecisionDetails] = []
        self.fetches: list[FetchDetails] = []
        self.ignorances: list[IgnoredDetails] = []
        self.ingestions: list[IngestDetails] = []

    def decided(self, details: DecisionDetails) -> None:
        """Keep it."""
        self.decisions.append(details)

    def ignored(self, details: IgnoredDetails) -> None:
        """Keep it."""
        self.ignorances.append(details)

    def ingested(self, details: IngestDetails) -> None:
        """Keep it."""
        self.ingestions.append(details)

    def fetched(self, details: FetchDetails) -> None:
        """Keep it."""
        self.fetches.append(details)


class ScriptedOrigin:
    """Answers URLs that begin like one it was given, the longest first; everything else is unreachable.

    While its gate is closed, nobody gets an answer.
    """

    def __init__(self, answers: Mapping[str, bytes | OriginError] | None = None) -> None:
        """Take what it answers, which a test may change; the gate is open."""
        self.answers = dict(answers or {})
        self.requests: list[OriginRequest] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    @property
    def urls(self) -> list[str]:
        """What was asked for, in order."""
        return [request.url for request in self.requests]

    async def fetch(self, request: OriginRequest) -> OriginAnswer:
        """Give the whole answer."""
        return OriginAnswer(request.url, await self._answer(request))

    @asynccontextmanager
    async def stream(self, request: OriginRequest) -> AsyncIterator[OriginStream]:
        """Give the answer in pieces of two octets at the least."""
        body = await self._answer(request)
        yield OriginStream(request.url, pieces(body))

    async def _answer(self, request: OriginRequest) -> bytes:
        self.requests.append(request)
        self.asked.set()
        await self.gate.wait()
        for url in sorted(self.answers, key=len, reverse=True):
            if request.url.startswith(url):
                answer = self.answers[url]
                if isinstance(answer, OriginError):
                    raise answer
                return answer
        raise OriginError(Problem.UNREACHABLE, "nobody there")


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body in four pieces or fewer."""
    step = max(2, -(-len(body) // 4))
    for position in range(0, len(body), step):
        yield body[position : position + step]


@dataclass(slots=True)
class ScriptedFetcher:
    """An ingesting process that reports the same attempts for every order."""

    attempts: tuple[Attempt, ...] = ()
    orders: list[CrlOrder] = field(default_factory=list)

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Note the order."""
        self.orders.append(order)
        return self.attempts


class NeverFetcher:
    """An ingesting process that does not come back."""

    def __init__(self) -> None:
        """Nothing was ordered."""
        self.orders: list[CrlOrder] = []

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Note the order and wait."""
        self.orders.append(order)
        await asyncio.Event().wait()
        return ()


class CountedNonces:
    """Nonces that tell which of them they are: the first is all ones, the second all twos."""

    def __init__(self) -> None:
        """None was made."""
        self.made: list[bytes] = []

    def new(self) -> bytes:
        """The next one."""
        self.made.append(bytes([len(self.made) + 1]) * NONCE_OCTETS)
        return self.made[-1]


class Meeting:
    """Everybody who comes waits until a number of them are there: whoever comes alone never gets on."""

    def __init__(self, expected: int) -> None:
        """Expect so many."""
        self._missing = expected
        self._complete = asyncio.Event()

    async def join(self) -> None:
        """Come, and wait for the others."""
        self._missing -= 1
        if not self._missing:
            self._complete.set()
        await self._complete.wait()


@dataclass(slots=True)
class MeetingFetcher:
    """An ingesting process whose orders are done when all of them are there."""

    meeting: Meeting

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Wait for the other orders."""
        del order
        await self.meeting.join()
        return ()


class MeetingOrigin(ScriptedOrigin):
    """An origin that answers when all requests are there."""

    def __init__(self, meeting: Meeting, answers: Mapping[str, bytes | OriginError]) -> None:
        """Take where they meet, and the answers."""
        super().__init__(answers)
        self._meeting = meeting

    async def fetch(self, request: OriginRequest) -> OriginAnswer:
        """Wait for the other requests."""
        await self._meeting.join()
        return await super().fetch(request)


class Failing(Flag):
    """What of a store fails."""

    CRLS = auto()
    ISSUERS = auto()
    OCSP = auto()
    PUT_OCSP = auto()
    WATERMARK = auto()
    HOLDS = auto()
    PUBLISH = auto()


class BrokenStore:
    """An empty store of which some things fail. Implements `CrlReader`, `CrlWriter` and `OcspStore`."""

    def __init__(self, failing: Failing) -> None:
        """Take what fails."""
        self._failing = failing

    def find(
        self, issuer: bytes, points: frozenset[bytes], authorities: frozenset[bytes], key: bytes
    ) -> tuple[CrlFinding, ...]:
        """No CRL."""
        del issuer, points, authorities, key
        return self._give(Failing.CRLS, ())

    def holds_issuer(self, issuer: bytes, signer_spkis: frozenset[bytes]) -> bool:
        """No."""
        del issuer, signer_spkis
        return self._give(Failing.ISSUERS, False)

    def kept_signers(self, issuer: bytes, authorities: frozenset[bytes]) -> tuple[tuple[bytes, ...], ...]:
        """None."""
        del issuer, authorities
        return self._give(Failing.ISSUERS, ())

    def waiting(self, issuer: bytes, points: frozenset[bytes]) -> WaitingCrls:
        """Nothing."""
        del issuer, points
        return self._give(Failing.CRLS, NOTHING_WAITS)

    def held(self) -> tuple[HeldCrl, ...]:
        """No CRL."""
        return ()

    def find_ocsp(self, key: bytes) -> HeldOcsp | None:
        """No answer."""
        del key
        return self._give(Failing.OCSP, None)

    def vouch(self, signer: CrlSigner) -> None:
        """It is noted nowhere."""
        del signer

    def keep_path(self, signer: CrlSigner, at: datetime) -> None:
        """Nothing is kept."""
        del signer, at

    async def put_ocsp(self, key: bytes, held: HeldOcsp, supersedes: Callable[[HeldOcsp], bool] | None = None) -> None:
        """Forget it."""
        del key, held, supersedes
        self._give(Failing.PUT_OCSP, None)

    def watermark(self, slot: CrlSlot) -> Watermark | None:
        """None."""
        del slot
        return self._give(Failing.WATERMARK, None)

    def holds(self, slot: CrlSlot, digest: bytes) -> bool:
        """No."""
        del slot, digest
        return self._give(Failing.HOLDS, False)

    def signer_paths(self, slot: CrlSlot) -> tuple[tuple[bytes, ...], ...]:
        """None."""
        del slot
        return ()

    def publish(self, held: HeldCrl, rows: Iterable[CrlRow], watermark: Watermark) -> None:
        """Forget it."""
        del held, rows, watermark
        self._give(Failing.PUBLISH, None)

    def _give(self, what: Failing, value: Value) -> Value:
        if what in self._failing:
            raise StoreError("the disk is gone")
        return value
