"""Every exception becomes one of the problems."""

import asyncio
import socket
import ssl

import anyio
import httpcore
import httpx
import pytest

from service.adapters.http.errors import as_origin_errors
from service.application.origin import OriginError
from service.core.model.attempt import Problem


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OriginError(Problem.TOO_LARGE, "as it was"), Problem.TOO_LARGE),
        (TimeoutError(), Problem.TIMED_OUT),
        (httpx.ReadTimeout("x"), Problem.TIMED_OUT),
        (httpcore.ConnectTimeout("x"), Problem.TIMED_OUT),
        (httpcore.PoolTimeout("x"), Problem.TIMED_OUT),
        (httpcore.ConnectError("x"), Problem.UNREACHABLE),
        (httpcore.ReadError("x"), Problem.UNREACHABLE),
        (httpcore.ProxyError("x"), Problem.UNREACHABLE),
        (httpx.ConnectError("x"), Problem.UNREACHABLE),
        (httpx.ProxyError("x"), Problem.UNREACHABLE),
        (httpcore.RemoteProtocolError("peer closed connection without"), Problem.UNREACHABLE),
        (httpcore.RemoteProtocolError("Server disconnected without"), Problem.UNREACHABLE),
        (httpcore.RemoteProtocolError("illegal status line"), Problem.MALFORMED),
        (httpx.RemoteProtocolError("Invalid URL in location header"), Problem.MALFORMED),
        (httpcore.LocalProtocolError("Illegal header value"), Problem.MALFORMED),
        (httpcore.UnsupportedProtocol("x"), Problem.INTERNAL),
        (httpx.InvalidURL("x"), Problem.MALFORMED),
        (UnicodeError("label too long"), Problem.MALFORMED),
        (socket.gaierror(-2, "Name or service not known"), Problem.UNREACHABLE),
        (ConnectionResetError(104, "reset"), Problem.UNREACHABLE),
        (ssl.SSLCertVerificationError("no"), Problem.UNREACHABLE),
        (anyio.BrokenResourceError(), Problem.UNREACHABLE),
        (anyio.ClosedResourceError(), Problem.UNREACHABLE),
        (anyio.EndOfStream(), Problem.UNREACHABLE),
        (RuntimeError("closed"), Problem.INTERNAL),
        (KeyError("x"), Problem.INTERNAL),
    ],
)
def test_exceptions_become_problems(error: Exception, expected: Problem) -> None:
    """Each exception has its problem, and the cause is kept."""
    with pytest.raises(OriginError) as caught, as_origin_errors("ca.example:80"):
        raise error
    assert expected == caught.value.problem


def test_the_detail_names_host_and_cause() -> None:
    """The detail says who was asked and what the innermost error says."""
    refused = ConnectionRefusedError(111, "Connection refused")
    with pytest.raises(OriginError) as caught, as_origin_errors("ca.example:80"):
        raise httpcore.ConnectError("All connection attempts failed") from refused
    assert "ca.example:80: Connection refused" == caught.value.detail


def test_the_detail_is_short_and_printable() -> None:
    """What a peer sends cannot fill a log or draw in it."""
    with pytest.raises(OriginError) as caught, as_origin_errors("ca.example:80"):
        raise httpcore.RemoteProtocolError("illegal header line: \x1b[2J\r\n" + "\u00e9" * 5000)
    assert caught.value.detail.isascii()
    assert caught.value.detail.isprintable()
    assert 300 > len(caught.value.detail)


def test_cancellation_passes() -> None:
    """Cancellation is nobody's failure."""
    with pytest.raises(asyncio.CancelledError), as_origin_errors("ca.example:80"):
        raise asyncio.CancelledError
