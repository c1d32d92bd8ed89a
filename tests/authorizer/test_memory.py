"""What the authorizer itself remembers: nothing, unless it is told to, and never for longer than an answer holds."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final

import pytest

import lambda_function
from tests.authorizer.conftest import Making
from tests.authorizer.events import PEM, http_2, rest
from tests.authorizer.servers import ALLOW, DENY, answer, close, serving

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
Setting = Callable[[float], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Setting:
    """Set the clock on the wall, in seconds from a moment on."""

    def put(seconds: float) -> None:
        clock = SimpleNamespace(time=lambda: NOW + seconds, monotonic=time.monotonic)
        monkeypatch.setattr(lambda_function, "time", clock)

    put(0)
    return put


def until(seconds: float, said: dict[str, Any] = ALLOW) -> dict[str, Any]:
    """An answer that holds until then."""
    return {**said, "valid_until": datetime.fromtimestamp(NOW + seconds, UTC).isoformat().replace("+00:00", "Z")}


def code(made: Any, pem: str = PEM) -> str:  # noqa: ANN401 - an authorizer
    """Of the answer about a certificate."""
    return str(made.authorize(rest(pem))["context"]["code"])


@pytest.mark.usefixtures("clock")
def test_nothing_by_default(making: Making) -> None:
    """A block, and a revocation, reach the next event."""
    with serving(answer(until(60)), answer(until(60, DENY))) as server:
        made = making(server.url)
        assert ["ok", "revoked"] == [code(made) for _ in range(2)]


@pytest.mark.parametrize(
    ("holds_s", "memory", "at", "expected"),
    [
        (60, "5", 4.9, "ok"),
        (60, "5", 5.0, "revoked"),
        (3, "5", 2.9, "ok"),
        (3, "5", 3.0, "revoked"),
        (0, "5", 0.0, "revoked"),
        (-60, "5", 0.0, "revoked"),
        (60, "5", -1.0, "revoked"),
    ],
)
def test_for_how_long(making: Making, clock: Setting, holds_s: float, memory: str, at: float, expected: str) -> None:
    """The shorter of the setting and `valid_until`; a clock that was set back ends it."""
    with serving(answer(until(holds_s)), answer(until(60, DENY))) as server:
        made = making(server.url, MEMORY_S=memory)
        code(made)
        clock(at)
        assert expected == code(made)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("moment", [None, "", "soon", 7])
def test_what_does_not_say_how_long_it_holds(making: Making, moment: object) -> None:
    """It is not remembered."""
    with serving(answer({**ALLOW, "valid_until": moment}), answer(DENY)) as server:
        made = making(server.url, MEMORY_S="60")
        assert ["ok", "revoked"] == [code(made) for _ in range(2)]


@pytest.mark.usefixtures("clock")
def test_it_answers_the_same_certificate_alone(making: Making) -> None:
    """Every octet of it counts; the format of the event does not."""
    with serving(answer(until(60)), answer(until(60, DENY)), close) as server:
        made = making(server.url, MEMORY_S="60")
        other = PEM.replace("MIIB", "MIIC")
        assert ["ok", "revoked", "ok", "revoked"] == [code(made, pem) for pem in (PEM, other, PEM, other)]
        assert True is made.authorize(http_2())["isAuthorized"]
    assert 2 == len(server.requests)


@pytest.mark.usefixtures("clock")
def test_a_failure_is_not_remembered(making: Making) -> None:
    """Nor what a fail mode has made of it."""
    unknown = until(60, {**DENY, "code": "revocation_unavailable"})
    with serving(answer(unknown), answer(until(60))) as server:
        made = making(server.url, MEMORY_S="60", FAIL_MODE="open")
        assert ["revocation_unavailable", "ok"] == [code(made) for _ in range(2)]


@pytest.mark.usefixtures("clock")
def test_there_is_an_end_to_it(making: Making) -> None:
    """However many clients there are."""
    with serving(answer(until(60))) as server:
        made = making(server.url, MEMORY_S="60")
        for number in range(3 * lambda_function.MAX_REMEMBERED):
            code(made, f"{PEM}{number}")
            assert len(made.remembered) <= lambda_function.MAX_REMEMBERED
