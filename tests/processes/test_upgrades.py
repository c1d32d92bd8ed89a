"""Requests that ask for another protocol: nothing behind one is taken for a request."""

import asyncio
from contextlib import suppress
from typing import Any, Final

import pytest

from service.processes.http_protocol import UPGRADE_WITH_BODY
from tests.processes.served import GET, PATIENT, answer, serving, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """The event loop that the service runs on: another accepts all who wait before it does anything else."""
    return "asyncio", {"use_uvloop": True}


UPGRADE: Final = b"connection: upgrade\r\nupgrade: websocket\r\n"
FRAMED: Final = (b"content-length: %d\r\n" % (2 * len(GET % b"/smuggled")), b"transfer-encoding: chunked\r\n")


@pytest.mark.parametrize("framed", FRAMED, ids=["a length", "chunked"])
async def test_a_body_behind_an_upgrade_is_no_request(framed: bytes) -> None:
    """The parser would take it for one: whoever chooses the body would choose the next client's request at a proxy."""
    async with serving(PATIENT) as served:
        reader = await served.send(b"POST /a HTTP/1.1\r\nhost: here\r\n" + UPGRADE + framed + b"\r\n")
        await asyncio.sleep(0.1)
        served.writers[0].write(GET % b"/smuggled")
        head, body = await answer(reader)
        assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert UPGRADE_WITH_BODY.encode() == body
        with suppress(ConnectionError):
            assert b"" == await reader.read()
        assert 0 == served.app.asked


@pytest.mark.parametrize("at_once", [True, False])
async def test_nothing_behind_an_upgrade_is_a_request(at_once: bool) -> None:
    """It is answered as what it is otherwise, and the connection ends: nobody knows what comes then."""
    async with serving(PATIENT) as served:
        served.app.may_answer.clear()
        begun = b"GET /a HTTP/1.1\r\nhost: here\r\n" + UPGRADE + b"\r\n"
        reader = await served.send(begun + (GET % b"/b" if at_once else b""))
        await until(lambda: served.app.asked == 1)
        served.writers[0].write(GET % b"/c")
        await asyncio.sleep(0.1)
        served.app.may_answer.set()
        head, body = await answer(reader)
        assert (True, b"/a", b"") == (b"\r\nconnection: close" in head.lower(), body, await reader.read())
        assert 1 == served.app.asked
