"""Orders and reports over a real Unix socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.adapters.ipc.client import IngesterClient
from service.adapters.ipc.message import (
    MAX_LINE_BYTES,
    MessageError,
    decode_order,
    decode_report,
    encode_order,
    encode_report,
)
from service.adapters.ipc.server import IngesterServer
from service.application.crl_fetcher import (
    MAX_ORDER_PATH_OCTETS,
    MAX_ORDER_SIGNERS,
    MAX_SPKI_OCTETS,
    CrlOrder,
    CrlSigner,
)
from service.core.model.attempt import Attempt, Problem

pytestmark = pytest.mark.anyio

SIGNERS = (CrlSigner(bytes(32), b"\x30\x59", (b"\x30", b"\x00")), CrlSigner(bytes(31) + b"\xff", b"\x30\x5a"))
ORDER = CrlOrder(("http://ca.example/a.crl", "http://ca.example/b.crl"), SIGNERS)
ATTEMPTS = (Attempt("http://ca.example/a.crl", Problem.HTTP_STATUS, "404"),)


BURST = 200
"""Orders: twice asyncio's default for the queue, and fewer than a process may have descriptors."""


class RecordingFetcher:
    """Reports the same attempts for every order, and remembers the orders."""

    def __init__(self) -> None:
        """Nothing was ordered."""
        self.orders: list[CrlOrder] = []

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Remember the order."""
        self.orders.append(order)
        return ATTEMPTS if order.urls else ()


@asynccontextmanager
async def serving(fetcher: RecordingFetcher, path: Path) -> AsyncIterator[None]:
    """Serve on a socket while the test runs."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    stop = asyncio.Event()
    task = asyncio.create_task(IngesterServer(fetcher).serve(listener, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_an_order_is_carried_out_and_reported(tmp_path: Path) -> None:
    """What the worker orders is what the ingesting process fetches; what it reports is what the worker gets."""
    fetcher = RecordingFetcher()
    async with serving(fetcher, tmp_path / "s"):
        assert ATTEMPTS == await IngesterClient(tmp_path / "s").fetch(ORDER)
    assert [ORDER] == fetcher.orders


async def test_it_tells_that_it_answers(tmp_path: Path) -> None:
    """An empty order is answered at once; without a process there is no answer."""
    client = IngesterClient(tmp_path / "s")
    assert not await client.answers()
    async with serving(RecordingFetcher(), tmp_path / "s"):
        assert await client.answers()


async def test_a_burst_of_orders_finds_places(tmp_path: Path) -> None:
    """More orders at once than asyncio's usual queue has places for, as on a cold start: each is carried out."""
    fetcher = RecordingFetcher()
    async with serving(fetcher, tmp_path / "s"):
        client = IngesterClient(tmp_path / "s")
        reports = await asyncio.gather(*(client.fetch(ORDER) for _ in range(BURST)))
    assert [ATTEMPTS] * BURST == reports


async def test_without_a_process_every_url_failed(tmp_path: Path) -> None:
    """Nobody listens: each URL is an attempt that says so, and nothing is raised."""
    attempts = await IngesterClient(tmp_path / "nobody").fetch(ORDER)
    assert [(url, Problem.INTERNAL) for url in ORDER.urls] == [(one.source, one.problem) for one in attempts]


async def test_a_process_that_dies_with_the_order_is_a_failed_attempt(tmp_path: Path) -> None:
    """The connection ends without a report."""

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_unix_server(hang_up, tmp_path / "s")
    async with server:
        attempts = await IngesterClient(tmp_path / "s").fetch(ORDER)
    assert {Problem.INTERNAL} == {one.problem for one in attempts}


async def test_what_is_no_order_is_not_answered(tmp_path: Path) -> None:
    """Garbage closes the connection and harms nobody."""
    async with serving(RecordingFetcher(), tmp_path / "s"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"[1, 2\n")
        assert b"" == await reader.read()
        writer.close()
        assert await IngesterClient(tmp_path / "s").answers()


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
        b'{"urls": [], "signers": [["AA==", "AA==", [], []]]}',
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
        assert ATTEMPTS == await IngesterClient(tmp_path / "s").fetch(order)
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
