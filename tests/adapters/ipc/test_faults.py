"""Requests that go wrong: who asked is told so, and an operator why."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from service.adapters.ipc.client import PrefetcherClient
from service.adapters.ipc.message import MAX_LINE_BYTES, encode_order
from service.adapters.ipc.requests import Ping, encode_fault, encode_request, fault_of
from service.adapters.ipc.server import NullRequestObserver, PrefetcherServer
from service.application.claims import ClaimOutcome, CrlClaim
from service.application.crl_fetcher import CrlOrder
from service.application.evidence_store import StoreError
from service.application.prefetch.desk import (
    PrefetcherGoneError,
    PrefetcherUnavailableError,
    RefreshReport,
    Waiting,
)
from service.core.model.attempt import Attempt, Problem
from tests.adapters.ipc.test_ipc import ORDER, RecordingFetcher

pytestmark = pytest.mark.anyio

SLOTS = (bytes(32),)


@dataclass(slots=True)
class Told:
    """Keeps what it is told. Implements `RequestObserver`."""

    refusals: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    is_gone: asyncio.Event = field(default_factory=asyncio.Event)

    def refused(self, reason: str) -> None:
        """Keep it."""
        self.refusals.append(reason)

    def failed(self, kind: str, error: Exception) -> None:
        """Keep it."""
        self.failures.append((kind, repr(error)))

    def unheard(self, kind: str, reason: str) -> None:
        """Keep it."""
        self.gone.append(kind)
        assert reason
        self.is_gone.set()


class Failing(RecordingFetcher):
    """Everything that it is asked for goes wrong in a way that nobody has thought of."""

    def __init__(self, error: Exception) -> None:
        """Take what goes wrong."""
        super().__init__()
        self._error = error

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Fail."""
        del order
        raise self._error

    async def note_used(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Fail."""
        del keys
        raise self._error

    async def learn(self, orders: tuple[CrlOrder, ...]) -> None:
        """Fail."""
        del orders
        raise self._error

    async def refresh(self, source: str | None, waiting: Waiting) -> RefreshReport:
        """Fail."""
        del source, waiting
        raise self._error

    async def reset(self, slots: tuple[bytes, ...]) -> None:
        """Fail."""
        del slots
        raise self._error

    async def claim(self, claim: CrlClaim) -> ClaimOutcome:
        """Fail."""
        del claim
        raise self._error


@asynccontextmanager
async def serving(fetcher: RecordingFetcher, path: Path, told: Told | None) -> AsyncIterator[PrefetcherClient]:
    """Serve on a socket while the test runs."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    stop = asyncio.Event()
    task = asyncio.create_task(PrefetcherServer(fetcher, told).serve(listener, stop))
    try:
        yield PrefetcherClient(path)
    finally:
        stop.set()
        await task


ERRORS = [ValueError("no"), OSError("no"), TimeoutError("no"), RuntimeError("no"), KeyError("no")]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize(
    ("kind", "ask"),
    [
        ("refresh", lambda client: client.refresh(None, Waiting.DONE)),
        ("used", lambda client: client.note_used(("a",))),
        ("learn", lambda client: client.learn((ORDER,))),
        ("reset", lambda client: client.reset(SLOTS)),
    ],
)
async def test_a_fault(
    tmp_path: Path, kind: str, ask: Callable[[PrefetcherClient], asyncio.Future[object]], error: Exception
) -> None:
    """Is told to who asked at once, by its kind, and to an operator with all there is to say of it."""
    told = Told()
    async with serving(Failing(error), tmp_path / "s", told) as client:
        with pytest.raises(PrefetcherUnavailableError, match=f"could not do it .{type(error).__name__}.") as caught:
            await ask(client)
        assert not isinstance(caught.value, PrefetcherGoneError)
        assert [(kind, repr(error))] == told.failures
        assert await client.answers()


async def test_a_fault_in_an_order_and_a_claim(tmp_path: Path) -> None:
    """Is a failed attempt, and a claim that nobody answered."""
    told = Told()
    async with serving(Failing(RuntimeError("no")), tmp_path / "s", told) as client:
        attempts = await client.fetch(ORDER)
        assert ClaimOutcome.UNANSWERED is await client.claim(CrlClaim(SLOTS, ()))
    assert {Problem.INTERNAL} == {one.problem for one in attempts}
    assert all("RuntimeError" in one.detail for one in attempts)
    assert ["order", "claim"] == [kind for kind, _ in told.failures]


async def test_an_answer_that_is_too_long(tmp_path: Path) -> None:
    """Cannot be sent: a fault, and no silence."""
    told, fetcher = Told(), RecordingFetcher()
    fetcher.report = RefreshReport(1, ("http://" + "a" * MAX_LINE_BYTES,))
    async with serving(fetcher, tmp_path / "s", told) as client:
        with pytest.raises(PrefetcherUnavailableError, match="MessageError"):
            await client.refresh(None, Waiting.STARTED)
    assert ["refresh"] == [kind for kind, _ in told.failures]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"[1, 2\n", "not a request"),
        (b'{"kind": "dance"}\n', "a request of an unknown kind"),
        (b"x" * (MAX_LINE_BYTES + 1) + b"\n", "limit"),
        (encode_order(ORDER)[:-20] + b"\n", "not a request"),
    ],
    ids=["no JSON", "unknown", "too long", "cut off"],
)
async def test_what_is_no_request(tmp_path: Path, sent: bytes, reason: str) -> None:
    """Is not answered; an operator is told, without a word of what it said."""
    told = Told()
    async with serving(RecordingFetcher(), tmp_path / "s", told) as client:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(sent)
        assert b"" == await reader.read()
        writer.close()
        assert await client.answers()
    (refusal,) = told.refusals
    assert reason in refusal
    assert "dance" not in refusal


async def test_whoever_says_nothing(tmp_path: Path) -> None:
    """Has asked nothing: there is nothing to tell."""
    told = Told()
    async with serving(RecordingFetcher(), tmp_path / "s", told) as client:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write_eof()
        assert b"" == await reader.read()
        writer.close()
        assert await client.answers()
    assert ([], [], []) == (told.refusals, told.failures, told.gone)


class Late(RecordingFetcher):
    """Answers when the test lets it, with more than a socket takes in at once."""

    def __init__(self) -> None:
        """Nobody was let."""
        super().__init__()
        self.begun = asyncio.Event()
        self.let = asyncio.Event()
        self.report = RefreshReport(1, tuple(f"http://ca.example/{one}" for one in range(4000)))

    async def refresh(self, source: str | None, waiting: Waiting) -> RefreshReport:
        """Wait."""
        self.begun.set()
        await self.let.wait()
        return await super().refresh(source, waiting)


async def test_whoever_has_gone_before_the_answer(tmp_path: Path) -> None:
    """An operator can see it, if he wants to see everything; nobody else is any worse."""
    told, late = Told(), Late()
    async with serving(late, tmp_path / "s", told) as client:
        asking = asyncio.create_task(client.refresh(None, Waiting.DONE))
        await late.begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        late.let.set()
        await told.is_gone.wait()
        assert await client.answers()
    assert (["refresh"], [], []) == (told.gone, told.refusals, told.failures)


@pytest.mark.parametrize("answer", [b"", b'{"total": 1'], ids=["nothing", "half an answer"])
async def test_whoever_hangs_up(tmp_path: Path, answer: bytes) -> None:
    """Is gone: that is another matter than one that was never there."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    client = PrefetcherClient(tmp_path / "s")
    with pytest.raises(PrefetcherUnavailableError, match="FileNotFoundError") as caught:
        await client.refresh(None, Waiting.DONE)
    assert not isinstance(caught.value, PrefetcherGoneError)
    async with await asyncio.start_unix_server(hang_up, tmp_path / "s"):
        with pytest.raises(PrefetcherGoneError, match="hung up"):
            await client.refresh(None, Waiting.DONE)
        attempts = await client.fetch(ORDER)
    assert {Problem.INTERNAL} == {one.problem for one in attempts}


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.refresh(None, Waiting.DONE),
        lambda client: client.note_used(("a",)),
        lambda client: client.learn((ORDER,)),
        lambda client: client.reset(SLOTS),
    ],
)
async def test_an_answer_to_another_question(
    tmp_path: Path, ask: Callable[[PrefetcherClient], asyncio.Future[object]]
) -> None:
    """Is none, and ends nothing but this one question."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"claim": "tried"}\n')
        writer.close()

    async with await asyncio.start_unix_server(answer, tmp_path / "s"):
        with pytest.raises(PrefetcherUnavailableError, match="did not understand"):
            await ask(PrefetcherClient(tmp_path / "s"))


async def test_nobody_needs_to_be_told(tmp_path: Path) -> None:
    """Without an observer everything is answered as with one."""
    async with serving(Failing(RuntimeError("no")), tmp_path / "s", None) as client:
        with pytest.raises(PrefetcherUnavailableError, match="RuntimeError"):
            await client.refresh(None, Waiting.DONE)
    nobody = NullRequestObserver()
    nobody.refused("no")
    nobody.unheard("ping", "no")


def test_a_store_that_is_full_is_no_fault() -> None:
    """It has an answer of its own; so has everything else."""
    assert None is fault_of(b'{"failed": "no space left"}\n')
    assert None is fault_of(encode_request(Ping()))
    assert "StoreError" == fault_of(encode_fault(StoreError("no")))
    assert "not an answer" == fault_of(b'{"fault": ')
