"""Requests all the while, from several connections; every answer is looked at, and every one that does not come.

Some clients keep their connections, others make one for each request. Nobody repeats a request: one that was sent and
not answered is lost.
"""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

from tests.e2e.life_cycle.scene import EXPECTED
from tests.e2e.running import until

TIMEOUT_S: Final = 20.0

PAUSE_S: Final = 0.01
"""Between two requests of a client: replicas and clients share two cores, and the ports of a host are not endless."""


@dataclass(slots=True)
class Load:
    """What has come of the requests so far.

    Attributes:
        right: Answers that are as they should be.
        wrong: Answers that are not: another status, or another decision.
        lost: Requests that were sent and not answered, and why.
        refused: Connections that were refused: nothing was sent.
        last: Answers that said that their connection ends.
    """

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refused: int = 0
    last: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, who: str, status: int, body: bytes, *, is_last: bool) -> None:
        """Count an answer."""
        decision = json.loads(body).get("decision") if status == http.client.OK else None
        with self._lock:
            self.last += is_last
            if (http.client.OK, EXPECTED[who][1]) == (status, decision):
                self.right += 1
            else:
                self.wrong.append(f"{who}: {status} {body[:300]!r}")

    def not_answered(self, error: Exception) -> None:
        """Count a request that was lost."""
        with self._lock:
            self.lost.append(repr(error))

    def not_connected(self) -> None:
        """Count a connection that was refused."""
        with self._lock:
            self.refused += 1

    def wait_for_more(self, count: int = 50) -> None:
        """Wait until so many more answers have come."""
        enough = self.right + count
        until(lambda: self.right >= enough or bool(self.wrong or self.lost), f"{count} more answers")

    def check(self) -> None:
        """See that no request was lost and no answer wrong."""
        assert ([], []) == (self.lost, self.wrong)


@contextmanager
def load_on(port: int, *, keeping: int = 3, connecting: int = 3) -> Iterator[Load]:
    """Ask what listens at a port of this host, until the block is left.

    Args:
        port: Where.
        keeping: Clients that keep their connections.
        connecting: Clients that make one for each request.
    """
    load, stop = Load(), threading.Event()
    clients: tuple[Callable[[], None], ...] = (
        *(lambda: _keep(port, load, stop) for _ in range(keeping)),
        *(lambda: _connect_each_time(port, load, stop) for _ in range(connecting)),
    )
    threads = [threading.Thread(target=client, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        stop.set()
        for thread in threads:
            thread.join(TIMEOUT_S)


def _keep(port: int, load: Load, stop: threading.Event) -> None:
    people = cycle(EXPECTED)
    while not stop.is_set():
        if (connection := _connected(port, load, stop)) is None:
            continue
        while not stop.is_set() and _ask(connection, next(people), load):
            stop.wait(PAUSE_S)
        connection.close()


def _connect_each_time(port: int, load: Load, stop: threading.Event) -> None:
    people = cycle(EXPECTED)
    while not stop.is_set():
        if (connection := _connected(port, load, stop)) is not None:
            _ask(connection, next(people), load)
            connection.close()
            stop.wait(PAUSE_S)


def _connected(port: int, load: Load, stop: threading.Event) -> http.client.HTTPConnection | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.connect()
    except ConnectionRefusedError:
        load.not_connected()
        stop.wait(0.02)
        return None
    return connection


def _ask(connection: http.client.HTTPConnection, who: str, load: Load) -> bool:
    """Ask once; tell whether the connection goes on."""
    body = json.dumps({"certificate": EXPECTED[who][0].pem})
    try:
        connection.request("POST", "/v1/validate", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        is_last = answer.will_close
        load.answered(who, answer.status, answer.read(), is_last=is_last)
    except (OSError, http.client.HTTPException) as error:
        load.not_answered(error)
        return False
    return not is_last
