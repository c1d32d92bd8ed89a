"""One deadline for the whole call: whatever takes its time, and however little of it at a time.

What would take minutes is compared with a limit that is far above the deadline and far below that.
"""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.authorizer.conftest import Making
from tests.authorizer.events import rest
from tests.authorizer.servers import ALLOW, Behaviour, answer, drip, hang, octets, raw, serving

DEADLINE_MS: Final = "200"
LIMIT_S: Final = 5.0
"""Twenty-five deadlines: what has no deadline takes longer than this, on a machine with nothing else to do."""

BODY: Final = b'{"decision": "allow", "code": "ok"}'
SLOW: Final[dict[str, Behaviour]] = {
    "says nothing": hang,
    "drips": drip(octets(BODY + b" " * 3_000), 0.01),
    "drips a head": drip(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 500, 0.01),
    "drips a status": drip(b"HTTP/1.1 200 " + b"O" * 3_000, 0.01),
    "drips chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 500, 0.01),
    "has us wait": drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.01),
    "stops in the middle": lambda connection: raw(octets(BODY, length=99))(connection) and hang(connection),
}


def late(_: socket.socket) -> bool:
    """Close the connection, but not at once."""
    time.sleep(0.1)
    return False


def timed(made: Any) -> tuple[dict[str, str], float]:  # noqa: ANN401 - an authorizer
    """Context, and seconds until it was there."""
    began = time.monotonic()
    return made.authorize(rest())["context"], time.monotonic() - began


@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW.keys())
@pytest.mark.parametrize("mode", ["closed", "open"])
def test_a_service_that_takes_its_time(making: Making, slow: Behaviour, mode: str) -> None:
    """The fail mode's answer, by then."""
    with serving(slow) as server:
        context, took = timed(making(server.url, TIMEOUT_MS=DEADLINE_MS, FAIL_MODE=mode))
    assert ("unavailable", mode) == (context["code"], context["fail_mode"])
    assert took < LIMIT_S


def test_the_answer_is_out_in_time(making: Making) -> None:
    """Nobody waits until the very end: some of the time is for the answer itself."""
    assert 0.95 == pytest.approx(making("http://127.0.0.1:9", TIMEOUT_MS="1000").revet.timeout_s)


def test_on_a_kept_connection(making: Making) -> None:
    """No second try: its time is over."""
    with serving(answer(ALLOW), hang) as server:
        made = making(server.url)
        assert "ok" == timed(made)[0]["code"]
        made.revet.timeout_s = 0.2
        context, took = timed(made)
        assert ("unavailable", 2) == (context["code"], len(server.requests))
    assert took < LIMIT_S


def test_the_second_try_has_no_deadline_of_its_own(making: Making) -> None:
    """The retry is inside the one that there is."""
    with serving(answer(ALLOW), late, hang) as server:
        made = making(server.url)
        timed(made)
        made.revet.timeout_s = 0.5
        context, took = timed(made)
        assert ("unavailable", 3) == (context["code"], len(server.requests))
    assert took < LIMIT_S


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who takes connections, and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_handshake_that_does_not_end(making: Making, silent: int) -> None:
    """TLS is in it."""
    context, took = timed(making(f"https://127.0.0.1:{silent}", TIMEOUT_MS=DEADLINE_MS))
    assert "unavailable" == context["code"]
    assert took < LIMIT_S


def test_a_connection_that_is_not_made(making: Making) -> None:
    """A listener whose queue is full answers nobody."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        context, took = timed(making(f"http://127.0.0.1:{listening.getsockname()[1]}", TIMEOUT_MS=DEADLINE_MS))
    assert "unavailable" == context["code"]
    assert took < LIMIT_S


def test_a_name_that_is_looked_up_for_ever(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    """`getaddrinfo` knows no timeout."""
    over = threading.Event()

    def look_up(*_: object, **__: object) -> list[Any]:
        over.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    context, took = timed(making("http://revet.internal", TIMEOUT_MS=DEADLINE_MS))
    over.set()
    assert "unavailable" == context["code"]
    assert took < LIMIT_S


def test_whoever_is_left_behind_ends(making: Making) -> None:
    """The thread that still waits does not wait for ever: its connection is ended for it."""
    before = set(threading.enumerate())
    with serving(drip(octets(BODY + b" " * 100_000), 0.01)) as server:
        made = making(server.url, TIMEOUT_MS=DEADLINE_MS)
        timed(made)
        for thread in set(threading.enumerate()) - before:
            if thread.daemon:
                thread.join(LIMIT_S)
                assert not thread.is_alive()
        assert 1 == server.connections
