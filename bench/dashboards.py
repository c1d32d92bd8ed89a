"""Verdicts while operators look on: one worker, with ten dashboards open and with none, in turns.

What is measured by `wrk` with 32 connections is the warm verdict of `bench.serving`. A dashboard here does what the
page in a browser does: it listens to `GET /v1/events`, and fetches the lists when it is told that they have changed,
and every fifteen seconds in any case, though not all at once. All ten are at the one worker there is, and the service
has a CRL and a trust store to tell of.

What counts is the worker's time of the processor for one answer, all that it does for dashboards besides included: a
worker that is asked without a pause answers as many in a second as that has room for, and what else the machine does
disturbs it little.

Everything talks to loopback, takes a minute, and is ended here.
"""

import contextlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

import httpx

from bench.measuring import Timing
from bench.serving import TURN_S, UnusableError, questions, rate, script, served
from tests.e2e.running import until

ALONE: Final = "Revet, nobody looks"
WATCHED: Final = "Revet, ten dashboards"

DASHBOARDS: Final = 10
ROUNDS: Final = 9
"""Turns of each, the first included, which warms up and does not count."""
LISTS_S: Final = 15.0
"""As often as the page asks for its lists without being told to."""
LISTS: Final = (
    "/v1/crls?limit=50",
    "/v1/blocks",
    "/v1/decisions?limit=50",
    "/v1/trust-stores",
)
PATIENCE_S: Final = 10.0


class Dashboard:
    """What an open page does, in a thread of its own."""

    def __init__(self, url: str, asked_at: float) -> None:
        """Begin.

        Args:
            url: Whom to ask.
            asked_at: When it has asked for its lists last, besides now that it begins; monotonic seconds.
        """
        self.heard = 0
        self._asked_at = asked_at
        self._url = url
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ask nothing more."""
        self._closed.set()
        self._thread.join(PATIENCE_S)

    def _run(self) -> None:
        client = httpx.Client(base_url=self._url, timeout=PATIENCE_S)
        with client, client.stream("GET", "/v1/events") as answer:
            self._listen(client, answer.iter_lines())

    def _listen(self, client: httpx.Client, lines: Iterator[str]) -> None:
        event = ""
        for line in lines:
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "data":
                json.loads(value)
                self.heard += event == "stats"
                if event == "changed" or monotonic() - self._asked_at >= LISTS_S:
                    self._ask_for_lists(client)
            if self._closed.is_set():
                return

    def _ask_for_lists(self, client: httpx.Client) -> None:
        if self.heard:
            self._asked_at = monotonic()
        for path in LISTS:
            client.get(path)


@contextlib.contextmanager
def looking(url: str, count: int) -> Iterator[None]:
    """So many dashboards are open, and show figures, for as long as the block lasts."""
    opened = [Dashboard(url, monotonic() - LISTS_S * number / count) for number in range(count)]
    try:
        until(lambda: all(one.heard for one in opened), "every dashboard shows figures")
        yield
    finally:
        for one in opened:
            one.close()


def timings() -> list[Timing]:
    """Seconds of the worker for one answer, turn by turn; who goes first changes with each round.

    Raises:
        UnusableError: there is no `wrk`, or the service does not answer.
    """
    if shutil.which("wrk") is None:
        raise UnusableError("wrk is missing: apt install wrk")
    seconds: dict[str, list[float]] = {ALONE: [], WATCHED: []}
    with TemporaryDirectory() as directory:
        place = Path(directory)
        asked = questions(place)
        with served(place / "service", asked, {}) as service:
            asking, (worker,) = script(place, asked.one), service.children("worker")
            for turn in range(ROUNDS):
                lanes = [(ALONE, 0), (WATCHED, DASHBOARDS)]
                for name, count in lanes if turn % 2 else reversed(lanes):
                    with looking(service.url, count):
                        before = _computed_s(worker)
                        answers = rate(service.url, asking) * TURN_S
                        computed_s = _computed_s(worker) - before
                    if turn:
                        seconds[name].append(computed_s / answers)
    return [Timing(name, each) for name, each in seconds.items()]


def _computed_s(pid: int) -> float:
    """Seconds of the processor that a process has had, all of its threads together."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
