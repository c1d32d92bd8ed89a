"""Streams of events from a service that runs: they hold up nothing, and end when they have to."""

import contextlib
import json
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.adapters.tls.materials import write
from tests.e2e.life_cycle.scene import GOOD, ROOT
from tests.e2e.running import PATIENCE_S, Service, logged, running_service, until, until_all_say

pytestmark = pytest.mark.slow

FIRST: Final = "first-0123456789abcdef"
SECOND: Final = "second-0123456789abcdef"
CALLERS_FILE: Final = "REVET_API_TOKENS_FILE"
LONG_S: Final = "600"
ROOM: Final = {"REVET_MAX_EVENT_STREAMS": "1000"}
"""For as many as it takes until somebody has connected to each worker."""


@dataclass(slots=True)
class Listener:
    """Somebody who listens in a thread of his own until the stream ends.

    Attributes:
        statistics: What he has heard.
        ended: How it has ended: with nothing, or an error.
    """

    url: str
    token: str | None = None
    statistics: list[dict[str, Any]] = field(default_factory=list)
    ended: list[Exception | None] = field(default_factory=list)

    def pid(self) -> int | None:
        """The worker whom he hears; None before he has heard anything."""
        return int(self.statistics[0]["worker"]["pid"]) if self.statistics else None

    def listen(self) -> None:
        """Do it."""
        headers = {} if self.token is None else {"authorization": f"Bearer {self.token}"}
        name = ""
        try:
            with httpx.stream("GET", f"{self.url}/v1/events", headers=headers, timeout=PATIENCE_S) as answer:
                assert 200 == answer.status_code
                for line in answer.iter_lines():
                    field_name, _, value = line.partition(": ")
                    if field_name == "event":
                        name = value
                    elif field_name == "data" and name == "stats":
                        self.statistics.append(json.loads(value))
        except (httpx.HTTPError, AssertionError) as error:
            self.ended.append(error)
        else:
            self.ended.append(None)


@contextlib.contextmanager
def listening(url: str, count: int, token: str | None = None) -> Iterator[list[Listener]]:
    """So many listen, and each has heard something when the block begins; it has ended them when the block is left."""
    listeners = [Listener(url, token) for _ in range(count)]
    threads = [threading.Thread(target=one.listen, daemon=True) for one in listeners]
    for thread in threads:
        thread.start()
    until(lambda: all(one.statistics or one.ended for one in listeners), "all have heard something")
    yield listeners
    for thread in threads:
        thread.join(PATIENCE_S)
    assert [None] * count == [error for one in listeners for error in one.ended]


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    """A trust store."""
    path = tmp_path / "trusted.pem"
    path.write_text(ROOT.pem)
    return path


def of_both(url: str, service: Service, token: str | None = None) -> contextlib.AbstractContextManager[list[Listener]]:
    """Enough listeners that each worker has some: the kernel spreads connections as it likes."""

    @contextlib.contextmanager
    def listen() -> Iterator[list[Listener]]:
        with contextlib.ExitStack() as stack:
            heard: list[Listener] = []

            def more() -> bool:
                heard.extend(stack.enter_context(listening(url, 4, token)))
                return {one.pid() for one in heard} >= set(service.children("worker"))

            until(more, "somebody listens to each worker")
            yield heard

    return listen()


def test_both_workers_say_the_same(tmp_path: Path, trusted: Path) -> None:
    """What all of them have decided, whichever of them is heard."""
    with running_service(tmp_path, trusted, {**ROOM, "REVET_REVOCATION_MODE": "off"}) as service:
        with of_both(service.url, service) as heard:
            for _ in range(20):
                service.validate(GOOD.pem)

            def have_heard() -> bool:
                return all(20 == sum(each["count"] for each in one.statistics[-1]["decisions"]) for one in heard)

            until(have_heard, "each has heard of twenty decisions")
            service.process.send_signal(signal.SIGTERM)
        assert 0 == service.process.wait(PATIENCE_S)


def test_a_drain_ends_them_at_once(tmp_path: Path, trusted: Path) -> None:
    """When it begins, and not when it is over: nobody is held up by who only listens; no more are let in."""
    with running_service(tmp_path, trusted, {**ROOM, "REVET_DRAIN_S": LONG_S}) as service:
        with of_both(service.url, service):
            service.process.send_signal(signal.SIGTERM)
        assert service.process.poll() is None
        refused = httpx.get(f"{service.url}/v1/events", timeout=PATIENCE_S)
        assert (503, "urn:revet:problem:ending") == (refused.status_code, refused.json()["type"])
        assert 200 == httpx.get(f"{service.url}/v1/stats", timeout=PATIENCE_S).status_code
        until(lambda: len(logged(tmp_path, "stopping")) == 1, "it says that it ends")
        service.process.send_signal(signal.SIGINT)
        assert 0 == service.process.wait(PATIENCE_S)
    assert "cut off" not in (tmp_path / "service.log").read_text()


def test_the_end_is_not_held_up(tmp_path: Path, trusted: Path) -> None:
    """Without a drain, and with a grace that is longer than anybody waits."""
    with running_service(tmp_path, trusted, {**ROOM, "REVET_SHUTDOWN_GRACE_S": LONG_S}) as service:
        with of_both(service.url, service):
            service.process.send_signal(signal.SIGTERM)
        assert 0 == service.process.wait(PATIENCE_S)
    assert "cut off" not in (tmp_path / "service.log").read_text()


def test_a_reload_moves_them(tmp_path: Path, trusted: Path) -> None:
    """Streams of the workers before end, and those workers with them; the ones after them serve new streams."""
    with running_service(tmp_path, trusted, ROOM) as service:
        before = set(service.children("worker"))
        with of_both(service.url, service):
            service.process.send_signal(signal.SIGHUP)
        until(lambda: not before & set(service.children("worker")), "the workers before have ended")
        until(lambda: len(service.children("worker")) == 2, "there are two again")
        with of_both(service.url, service) as heard:
            assert not before & {one.pid() for one in heard}
            service.process.send_signal(signal.SIGTERM)
        assert 0 == service.process.wait(PATIENCE_S)
    assert "cut off" not in (tmp_path / "service.log").read_text()


def test_a_token_that_is_taken_away_ends_them(tmp_path: Path, trusted: Path) -> None:
    """In both workers, while whoever has another token goes on to listen."""
    write(tmp_path / "callers", f"{FIRST}\n{SECOND}\n".encode())
    settings = {**ROOM, CALLERS_FILE: str(tmp_path / "callers")}
    with running_service(tmp_path, trusted, settings) as service, of_both(service.url, service, SECOND) as kept:
        with of_both(service.url, service, FIRST):
            write(tmp_path / "callers", SECOND.encode())
            until_all_say(tmp_path, "file_taken", CALLERS_FILE)
        count = [len(one.statistics) for one in kept]
        until(lambda: all(len(one.statistics) > old for one, old in zip(kept, count, strict=True)), "they go on")
        assert [] == [error for one in kept for error in one.ended]
        service.process.send_signal(signal.SIGTERM)


def test_there_are_only_so_many(tmp_path: Path, trusted: Path) -> None:
    """Of each worker; whoever comes then is refused, and asks for the statistics as before."""
    settings = {"REVET_MAX_EVENT_STREAMS": "2", "REVET_WORKERS": "1"}
    with running_service(tmp_path, trusted, settings) as service:
        with listening(service.url, 2):
            refused = httpx.get(f"{service.url}/v1/events", timeout=PATIENCE_S)
            assert (503, "10") == (refused.status_code, refused.headers["retry-after"])
            assert 200 == httpx.get(f"{service.url}/v1/stats", timeout=PATIENCE_S).status_code
            service.process.send_signal(signal.SIGTERM)
        assert 0 == service.process.wait(PATIENCE_S)


def test_they_leave_room_for_verdicts(tmp_path: Path, trusted: Path) -> None:
    """Where there may be fewer connections than streams: half of them are for who asks."""
    settings = {"REVET_MAX_CONNECTIONS": "16", "REVET_WORKERS": "1", "REVET_REVOCATION_MODE": "off"}
    with running_service(tmp_path, trusted, settings) as service:
        with listening(service.url, 8):
            refused = httpx.get(f"{service.url}/v1/events", timeout=PATIENCE_S)
            assert (503, "urn:revet:problem:too-many-event-streams") == (refused.status_code, refused.json()["type"])
            assert "allow" == service.validate(GOOD.pem)["decision"]
            service.process.send_signal(signal.SIGTERM)
        assert 0 == service.process.wait(PATIENCE_S)
