"""The connection: kept, made again where it has died, and never used for a second answer to one question."""

import time
from typing import Any

import pytest

from lambda_function import MAX_IDLE_S, NoDecisionError
from tests.authorizer.conftest import Making
from tests.authorizer.events import rest
from tests.authorizer.servers import ALLOW, DENY, Server, answer, close, drip, octets, raw, reset, serving, then_close
from tests.e2e.running import until


def codes(made: Any, times: int) -> list[str]:  # noqa: ANN401 - an authorizer
    """What is answered to the same event, several times."""
    return [made.authorize(rest())["context"]["code"] for _ in range(times)]


def story(server: Server, made: Any) -> tuple[int, int, str]:  # noqa: ANN401 - an authorizer
    """Connections, requests, and what the last call went over."""
    return server.connections, len(server.requests), made.revet.story


def test_it_is_kept(making: Making) -> None:
    """One connection for all events."""
    with serving(answer(ALLOW)) as server:
        made = making(server.url)
        assert ["ok"] * 3 == codes(made, 3)
        assert (1, 3, "reused") == story(server, made)


def test_it_is_kept_after_a_chunked_answer(making: Making) -> None:
    """The last chunk is read too."""
    body = b'{"decision": "allow", "code": "ok"}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(raw(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))) as server:
        made = making(server.url)
        assert ["ok"] * 2 == codes(made, 2)
        assert (1, 2, "reused") == story(server, made)


@pytest.mark.parametrize("ending", [answer(ALLOW, "200 OK", "Connection: close"), then_close(answer(ALLOW))])
def test_what_the_service_has_closed_is_not_used(making: Making, ending: Any) -> None:  # noqa: ANN401 - a behaviour
    """Whether it has said so or not."""
    with serving(ending) as server:
        made = making(server.url)
        assert ["ok"] == codes(made, 1)
        connection = made.revet.connection
        until(lambda: connection.sock is None or not made.revet.is_fresh(connection.sock), "its end is seen")
        assert ["ok"] == codes(made, 1)
        assert (2, 2, "new") == story(server, made)


@pytest.mark.parametrize("dying", [close, reset])
def test_a_kept_connection_that_dies_is_tried_once_more(making: Making, dying: Any) -> None:  # noqa: ANN401 - as above
    """Nothing of an answer had come."""
    with serving(answer(ALLOW), dying, answer(ALLOW)) as server:
        made = making(server.url, FAIL_MODE="error")
        assert ["ok"] * 2 == codes(made, 2)
        assert (2, 3, "retried") == story(server, made)


@pytest.mark.parametrize("dying", [close, reset])
def test_once_more_is_not_twice_more(making: Making, dying: Any) -> None:  # noqa: ANN401 - as above
    """The second connection is a new one, and for that there is no second try."""
    with serving(answer(ALLOW), dying) as server:
        made = making(server.url, FAIL_MODE="error")
        codes(made, 1)
        with pytest.raises(NoDecisionError):
            made.authorize(rest())
        assert (2, 3) == story(server, made)[:2]


@pytest.mark.parametrize("dying", [close, reset])
def test_a_new_connection_that_dies_is_not_tried_again(making: Making, dying: Any) -> None:  # noqa: ANN401 - as above
    """A service that takes questions and does not answer is asked once."""
    with serving(dying) as server:
        made = making(server.url, FAIL_MODE="error")
        with pytest.raises(NoDecisionError):
            made.authorize(rest())
        assert (1, 1, "new") == story(server, made)


@pytest.mark.parametrize(
    "half",
    [raw(b"HTTP/1.1 200 OK\r\n", goes_on=False), raw(octets(b"{}", length=9), goes_on=False), raw(b"2", goes_on=False)],
)
def test_an_answer_that_has_begun_is_not_asked_for_again(making: Making, half: Any) -> None:  # noqa: ANN401 - as above
    """It is a failure, on a kept connection too."""
    with serving(answer(ALLOW), half) as server:
        made = making(server.url, FAIL_MODE="error")
        codes(made, 1)
        with pytest.raises(NoDecisionError):
            made.authorize(rest())
        assert (1, 2) == story(server, made)[:2]


def test_an_answer_that_nobody_has_asked_for_is_not_read(making: Making) -> None:
    """What comes after an answer is no answer to the next question."""
    twice = octets(b'{"decision": "deny", "code": "revoked"}') + octets(b'{"decision": "allow", "code": "ok"}')
    with serving(raw(twice), answer(DENY)) as server:
        made = making(server.url)
        assert ["revoked"] * 2 == codes(made, 2)


def test_an_answer_that_comes_too_late_is_not_read(making: Making) -> None:
    """The next question has a connection of its own."""
    with serving(drip(octets(b'{"decision": "allow", "code": "ok"}'), 0.005), answer(DENY)) as server:
        made = making(server.url, TIMEOUT_MS="50")
        first = codes(made, 1)
        made.revet.timeout_s = 10.0
        assert ["unavailable", "revoked"] == first + codes(made, 1)
        assert 2 == server.connections


@pytest.mark.parametrize(("idle_s", "expected"), [(MAX_IDLE_S - 5, 1), (MAX_IDLE_S + 1, 2), (-5, 2)])
def test_what_was_idle_for_long_is_not_used(making: Making, idle_s: float, expected: int) -> None:
    """Something on the way may have dropped it without a word; a clock that was set back tells nothing."""
    with serving(answer(ALLOW)) as server:
        made = making(server.url)
        codes(made, 1)
        made.revet.used_at = time.time() - idle_s
        codes(made, 1)
        assert expected == server.connections


def test_a_failure_ends_the_connection(making: Making) -> None:
    """Nobody knows what else would come over it."""
    with serving(raw(b"nonsense\r\n"), answer(ALLOW)) as server:
        made = making(server.url)
        assert ["unavailable", "ok"] == codes(made, 2)
        assert 2 == server.connections
