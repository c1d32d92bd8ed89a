"""Orders and reports over a real Unix socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import pytest

from service.adapters.ipc.client import PrefetcherClient
from service.adapters.ipc.message import (
    MAX_LINE_BYTES,
    MessageError,
    decode_order,
    decode_report,
    encode_order,
    encode_report,
)
from service.adapters.ipc.requests import decode_request
from service.adapters.ipc.server import PrefetcherServer
from service.application.claims import MAX_CLAIMED, ClaimOutcome, CrlClaim
from service.application.crl_fetcher import (
    MAX_AUTHORITIES,
    MAX_ORDER_PATH_OCTETS,
    MAX_ORDER_SIGNERS,
    MAX_SPKI_OCTETS,
    CrlOrder,
    CrlSigner,
)
from service.application.evidence_store import StoreError
from service.application.prefetch.desk import PrefetcherUnavailableError, RefreshReport, SourceOutcome, Waiting
from service.core.model.attempt import Attempt, Problem

pytestmark = pytest.mark.anyio

SIGNERS = (
    CrlSigner(bytes(32), b"\x30\x59", (b"\x30", b"\x00"), frozenset({bytes(32), b"d" * 32})),
    CrlSigner(bytes(31) + b"\xff", b"\x30\x5a"),
)
ORDER = CrlOrder(("http://ca.example/a.crl", "http://ca.example/b.crl"), SIGNERS)
ATTEMPTS = (Attempt("http://ca.example/a.crl", Problem.HTTP_STATUS, "404"),)


BURST = 200
"""Orders: twice asyncio's default for the queue, and fewer than a process may have descriptors."""


class RecordingFetcher:
    """Reports the same attempts for every order, and remembers what was asked."""

    def __init__(self) -> None:
        """Nothing was asked."""
        self.orders: list[CrlOrder] = []
        self.used: list[str] = []
        self.learned: list[CrlOrder] = []
        self.refreshes: list[tuple[str | None, Waiting]] = []
        self.report = RefreshReport(1, ("http://ca.example/a.crl",))
        self.resets: list[bytes] = []
        self.claims: list[CrlClaim] = []
        self.full = False

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Remember the order."""
        self.orders.append(order)
        return ATTEMPTS if order.urls else ()

    async def note_used(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Remember them; every second one is not known."""
        self.used += keys
        return keys[::2]

    async def claim(self, claim: CrlClaim) -> ClaimOutcome:
        """Remember it."""
        self.claims.append(claim)
        return ClaimOutcome.LEFT_OUT

    async def learn(self, orders: tuple[CrlOrder, ...]) -> None:
        """Remember them."""
        self.learned += orders

    async def refresh(self, source: str | None, waiting: Waiting) -> RefreshReport:
        """Remember it."""
        self.refreshes.append((source, waiting))
        return self.report

    async def reset(self, slots: tuple[bytes, ...]) -> None:
        """Remember them, unless the disk is full."""
        if self.full:
            raise StoreError("no space left")
        self.resets += slots


@asynccontextmanager
async def serving(fetcher: RecordingFetcher, path: Path) -> AsyncIterator[None]:
    """Serve on a socket while the test runs."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    stop = asyncio.Event()
    task = asyncio.create_task(PrefetcherServer(fetcher).serve(listener, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_an_order_is_carried_out_and_reported(tmp_path: Path) -> None:
    """What the worker orders is what the prefetcher fetches; what it reports is what the worker gets."""
    fetcher = RecordingFetcher()
    async with serving(fetcher, tmp_path / "s"):
        assert ATTEMPTS == await PrefetcherClient(tmp_path / "s").fetch(ORDER)
    assert [ORDER] == fetcher.orders


async def test_it_tells_that_it_answers(tmp_path: Path) -> None:
    """An empty order is answered at once; without a process there is no answer."""
    client = PrefetcherClient(tmp_path / "s")
    assert not await client.answers()
    async with serving(RecordingFetcher(), tmp_path / "s"):
        assert await client.answers()


async def test_a_burst_of_orders_finds_places(tmp_path: Path) -> None:
    """More orders at once than asyncio's usual queue has places for, as on a cold start: each is carried out."""
    fetcher = RecordingFetcher()
    async with serving(fetcher, tmp_path / "s"):
        client = PrefetcherClient(tmp_path / "s")
        reports = await asyncio.gather(*(client.fetch(ORDER) for _ in range(BURST)))
    assert [ATTEMPTS] * BURST == reports


async def test_without_a_process_every_url_failed(tmp_path: Path) -> None:
    """Nobody listens: each URL is an attempt that says so, and nothing is raised."""
    attempts = await PrefetcherClient(tmp_path / "nobody").fetch(ORDER)
    assert [(url, Problem.INTERNAL) for url in ORDER.urls] == [(one.source, one.problem) for one in attempts]


async def test_a_process_that_dies_with_the_order_is_a_failed_attempt(tmp_path: Path) -> None:
    """The connection ends without a report."""

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_unix_server(hang_up, tmp_path / "s")
    async with server:
        attempts = await PrefetcherClient(tmp_path / "s").fetch(ORDER)
    assert {Problem.INTERNAL} == {one.problem for one in attempts}


async def test_what_is_no_order_is_not_answered(tmp_path: Path) -> None:
    """Garbage closes the connection and harms nobody."""
    async with serving(RecordingFetcher(), tmp_path / "s"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"[1, 2\n")
        assert b"" == await reader.read()
        writer.close()
        assert await PrefetcherClient(tmp_path / "s").answers()


def test_messages_survive_the_round_trip() -> None:
    """Encoding and decoding give the same values."""
    order = decode_order(encode_order(ORDER))
    assert (ORDER, [one.path for one in SIGNERS]) == (order, [one.path for one in order.signers])
    assert ATTEMPTS == decode_report(encode_report(ATTEMPTS))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"null",
        b'{"urls": 1, "signers": []}',
        b'{"urls": []}',
        b'{"urls": [], "signers": 1}',
        b'{"urls": [], "signers": ["AA=="]}',
        b'{"urls": [], "signers": [["AA==", "?"]]}',
        b'{"urls": [], "signers": [["AA==", 1]]}',
        b'{"urls": [], "signers": [["AA==", "\xc3\xa4\xc3\xa4"]]}',
        b'{"urls": [], "signers": [["AA==", "AA=="]]}',
        b'{"urls": [], "signers": [["AA==", "AA==", []]]}',
        b'{"urls": [], "signers": [["AA==", "AA==", [], [], []]]}',
        b'{"urls": [], "signers": [["AA==", "AA==", [], ["AA=="]]]}',
        b'{"urls": [], "signers": [["AA==", "AA==", [], [1]]]}',
        b'{"urls": [], "signers": [["AA==", "AA==", [], 1]]}',
        b'{"urls": [], "signers": [["AA==", "AA==", "AA=="]]}',
        b'{"urls": [], "signers": [["AA==", "AA==", [1]]]}',
    ],
)
def test_a_line_that_is_no_order_is_refused(line: bytes) -> None:
    """Only an order is an order."""
    with pytest.raises(MessageError):
        decode_order(line)


@pytest.mark.parametrize("line", [b"", b"{}", b'{"attempts": [["u", "no such problem", ""]]}', b'{"attempts": [1]}'])
def test_a_line_that_is_no_report_is_refused(line: bytes) -> None:
    """Only a report is a report."""
    with pytest.raises(MessageError):
        decode_report(line)


def test_a_message_has_a_limit() -> None:
    """A certificate with a URL of a megabyte does not become a message."""
    with pytest.raises(MessageError, match="the limit is"):
        encode_order(CrlOrder(("http://" + "a" * MAX_LINE_BYTES,), ()))


async def test_the_largest_order(tmp_path: Path) -> None:
    """As many keys as one order may have, each of the longest kind, as many certificates, and four long URLs."""
    path = (bytes(MAX_ORDER_PATH_OCTETS // MAX_ORDER_SIGNERS),)
    signers = tuple(
        CrlSigner(bytes([number] * 32), bytes(MAX_SPKI_OCTETS), path) for number in range(MAX_ORDER_SIGNERS)
    )
    order = CrlOrder(tuple("http://ca.example/" + "a" * 8_000 for _ in range(4)), signers)
    fetcher = RecordingFetcher()
    async with serving(fetcher, tmp_path / "s"):
        assert ATTEMPTS == await PrefetcherClient(tmp_path / "s").fetch(order)
    assert [order] == fetcher.orders


def test_more_keys_than_an_order_has() -> None:
    """Nobody here sends them: it is no order."""
    signers = tuple(CrlSigner(bytes(32), bytes([number])) for number in range(MAX_ORDER_SIGNERS + 1))
    assert MAX_ORDER_SIGNERS == len(decode_order(encode_order(CrlOrder((), signers[1:]))).signers)
    with pytest.raises(MessageError, match="the limit is 21"):
        decode_order(encode_order(CrlOrder((), signers)))


def test_more_certificates_than_an_order_has() -> None:
    """Nobody here sends them either."""
    path = (bytes(1000), bytes(MAX_ORDER_PATH_OCTETS - 1000))
    assert path == decode_order(encode_order(CrlOrder((), (CrlSigner(bytes(32), b"", path),)))).signers[0].path
    with pytest.raises(MessageError, match="the limit is 65536"):
        decode_order(encode_order(CrlOrder((), (CrlSigner(bytes(32), b"", (*path, b"!")),))))


def test_more_authorities_than_a_signer_has() -> None:
    """As many as there may be come through; one more is no order."""
    digests = [bytes([number]) * 32 for number in range(MAX_AUTHORITIES + 1)]
    for count, expected in ((MAX_AUTHORITIES, nullcontext()), (MAX_AUTHORITIES + 1, pytest.raises(MessageError))):
        signer = CrlSigner(bytes(32), b"", (), frozenset(digests[:count]))
        with expected:
            assert signer.authorities == decode_order(encode_order(CrlOrder((), (signer,)))).signers[0].authorities


async def test_what_was_used_is_told_in_as_many_messages_as_it_takes(tmp_path: Path) -> None:
    """Four thousand URLs do not fit one message; what is not known comes back, and is learned with its keys."""
    fetcher = RecordingFetcher()
    keys = tuple(f"http://ca.example/{number:04}/{'a' * 150}.crl" for number in range(4000))
    async with serving(fetcher, tmp_path / "s"):
        client = PrefetcherClient(tmp_path / "s")
        unknown = await client.note_used(keys)
        await client.learn(tuple(CrlOrder((key,), SIGNERS) for key in unknown))
    assert keys == tuple(fetcher.used)
    assert 1990 < len(unknown) < 2010
    assert unknown == tuple(order.urls[0] for order in fetcher.learned)
    assert {SIGNERS} == {order.signers for order in fetcher.learned}


@pytest.mark.parametrize("source", [None, "http://ca.example/a.crl"])
@pytest.mark.parametrize("waiting", Waiting)
async def test_a_refresh(tmp_path: Path, source: str | None, waiting: Waiting) -> None:
    """What is asked for arrives, and what came of it comes back."""
    fetcher = RecordingFetcher()
    outcomes = (SourceOutcome("http://ca.example/a.crl", Problem.HTTP_STATUS, "404"), SourceOutcome("b", None))
    fetcher.report = RefreshReport(2, ("http://ca.example/a.crl", "b"), outcomes if waiting is Waiting.DONE else ())
    async with serving(fetcher, tmp_path / "s"):
        assert fetcher.report == await PrefetcherClient(tmp_path / "s").refresh(source, waiting)
    assert [(source, waiting)] == fetcher.refreshes


async def test_a_report_has_as_many_sources_as_find_room(tmp_path: Path) -> None:
    """How many there are is told all the same."""
    fetcher = RecordingFetcher()
    names = tuple(f"http://ca.example/{number}/{'a' * 150}" for number in range(100_000))
    fetcher.report = RefreshReport(len(names), names, tuple(SourceOutcome(name, None) for name in names))
    async with serving(fetcher, tmp_path / "s"):
        report = await PrefetcherClient(tmp_path / "s").refresh(None, Waiting.DONE)
    assert (len(names), names[: len(report.started)]) == (report.total, report.started)
    assert len(report.started) == len(report.outcomes) > 500


async def test_the_largest_claim(tmp_path: Path) -> None:
    """As many CRLs and keys as one may have; what came of it comes back."""
    path = (bytes(MAX_ORDER_PATH_OCTETS // MAX_ORDER_SIGNERS),)
    signers = tuple(CrlSigner(bytes([one] * 32), bytes(MAX_SPKI_OCTETS), path) for one in range(MAX_ORDER_SIGNERS))
    claim = CrlClaim(tuple(bytes([one] * 32) for one in range(MAX_CLAIMED)), signers)
    fetcher = RecordingFetcher()
    async with serving(fetcher, tmp_path / "s"):
        assert ClaimOutcome.LEFT_OUT is await PrefetcherClient(tmp_path / "s").claim(claim)
    assert ([claim], path) == (fetcher.claims, fetcher.claims[0].signers[0].path)


async def test_without_a_process_nothing_is_tried(tmp_path: Path) -> None:
    """Nothing is raised; nor where somebody answers something else."""
    claim = CrlClaim((bytes(32),), SIGNERS)
    assert ClaimOutcome.UNANSWERED is await PrefetcherClient(tmp_path / "nobody").claim(claim)

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"claim": "dance"}\n')
        writer.close()

    async with await asyncio.start_unix_server(answer, tmp_path / "s"):
        assert ClaimOutcome.UNANSWERED is await PrefetcherClient(tmp_path / "s").claim(claim)


async def test_slots_are_reset(tmp_path: Path) -> None:
    """However many they are; where nothing could be written, whoever asked is told why."""
    fetcher, client = RecordingFetcher(), PrefetcherClient(tmp_path / "s")
    slots = tuple(number.to_bytes(32) for number in range(5000))
    async with serving(fetcher, tmp_path / "s"):
        await client.reset(slots)
        fetcher.full = True
        with pytest.raises(StoreError, match="no space left"):
            await client.reset(slots[:1])
    assert list(slots) == fetcher.resets
    with pytest.raises(PrefetcherUnavailableError):
        await client.reset(slots[:1])


async def test_without_a_process_nobody_can_say(tmp_path: Path) -> None:
    """What operators ask for is an error by name."""
    client = PrefetcherClient(tmp_path / "nobody")
    with pytest.raises(PrefetcherUnavailableError):
        await client.refresh(None, Waiting.STARTED)
    with pytest.raises(PrefetcherUnavailableError):
        await client.note_used(("a",))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b'{"kind": "dance"}',
        b'{"kind": "order", "urls": []}',
        b'{"kind": "used"}',
        b'{"kind": "used", "keys": "abc"}',
        b'{"kind": "used", "keys": [1]}',
        b'{"kind": "used", "keys": [' + b",".join([b'"a"'] * 5000) + b"]}",
        b'{"kind": "learn", "orders": [1]}',
        b'{"kind": "reset", "slots": ["xy"]}',
        b'{"kind": "claim", "digests": ["xy"], "urls": [], "signers": []}',
        b'{"kind": "claim", "digests": ["00"]}',
        b'{"kind": "refresh", "source": null}',
        b'{"kind": "refresh", "source": 1, "waiting": "done"}',
        b'{"kind": "refresh", "source": null, "waiting": "forever"}',
    ],
)
def test_a_line_that_is_no_request_is_refused(line: bytes) -> None:
    """Only what is known here is a request."""
    with pytest.raises(MessageError):
        decode_request(line)
