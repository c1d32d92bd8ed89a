"""The end of the service, step by step: who is told what, and when."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from service.processes.exit_code import EXIT_STOPPED
from tests.processes.plan import Behaviour, Plan
from tests.processes.running import Running, gone, until

Start = Callable[[Plan], Running]

FRONT = ("worker", Behaviour.ANSWER, 1)
BACK = ("prefetcher", Behaviour.BACK, 1)
LONG_S = 600.0


@contextlib.contextmanager
def under_way(service: Running, word: bytes) -> Iterator[Callable[[], int]]:
    """A request that has begun; gives what waits for its answer."""
    with service.connect() as connection, connection.makefile("rwb") as stream:
        stream.write(word + b"\n")
        stream.flush()
        assert b"begun\n" == stream.readline()
        yield lambda: int(stream.readline())


def test_a_drain_goes_on_answering(start: Start) -> None:
    """After SIGTERM the children are told, and new connections are answered, until the time is up."""
    service = start(Plan((FRONT,), drain_s=0.5))
    child = service.pids("child_ready")[0]
    service.signal(signal.SIGTERM)
    assert [child] == service.pids("told_to_drain")
    assert child == service.ask()
    assert [] == service.events("finishing")
    assert EXIT_STOPPED == service.exit_code()
    begun, refused = service.events("stopping")[0], service.events("finishing")[0]
    assert 0.5 == begun["drain_s"]
    assert _at(refused) - _at(begun) >= 0.45


def _at(event: object) -> float:
    assert isinstance(event, dict)
    assert isinstance(event["at"], float)
    return event["at"]


def test_an_interrupt_drains_nothing(start: Start) -> None:
    """A person waits; it would take longer than the test otherwise."""
    service = start(Plan((FRONT,), drain_s=LONG_S))
    service.wait_for("child_ready")
    service.signal(signal.SIGINT)
    assert EXIT_STOPPED == service.exit_code()
    assert [] == service.events("told_to_drain")
    assert [0.0] == [event["drain_s"] for event in service.events("stopping")]


def test_an_interrupt_ends_a_drain_at_once(start: Start) -> None:
    """`make` passes SIGTERM on, and the terminal sends SIGINT: a person waits, and nothing under way is lost."""
    service = start(Plan((FRONT,), drain_s=LONG_S))
    child = service.pids("child_ready")[0]
    with under_way(service, b"slow") as answer:
        service.signal(signal.SIGTERM)
        service.wait_for("stopping")
        service.signal(signal.SIGINT)
        assert child == answer()
    assert EXIT_STOPPED == service.exit_code()
    assert [] == service.events("child_killed")


def test_a_second_request_ends_a_drain(start: Start) -> None:
    """Whoever asks again has become impatient: nobody is waited for."""
    service = start(Plan((FRONT,), drain_s=LONG_S, shutdown_grace_s=LONG_S))
    service.wait_for("child_ready")
    service.signal(signal.SIGTERM)
    service.wait_for("told_to_drain")
    time.sleep(0.6)  # nobody takes this for an echo of the first
    service.signal(signal.SIGTERM)
    assert EXIT_STOPPED == service.exit_code()


def test_nobody_is_told_before_anybody_was_ready(start: Start) -> None:
    """Nobody sends requests to a service that never was: there is nothing to wait for."""
    service = start(Plan((("worker", Behaviour.SILENT, 1),), drain_s=LONG_S, shutdown_grace_s=LONG_S))
    service.wait_for("child_started")
    service.signal(signal.SIGTERM)
    assert EXIT_STOPPED == service.exit_code()
    assert [0.0] == [event["drain_s"] for event in service.events("stopping")]


def test_who_dies_in_a_drain_is_replaced(start: Start) -> None:
    """The service still answers, and the new one is told as well."""
    service = start(Plan((FRONT,), drain_s=LONG_S))
    old = service.pids("child_ready")[0]
    service.signal(signal.SIGTERM)
    service.wait_for("told_to_drain")
    os.kill(old, signal.SIGKILL)
    until(lambda: gone(old), "the child to die")
    new = service.ask()
    assert [old, new] == service.pids("told_to_drain", 2)
    service.signal(signal.SIGKILL)


def test_who_takes_the_place_of_the_last_one_answers_first(start: Start) -> None:
    """The drain is over before the successor is ready: those who have connected meanwhile are not reset."""
    service = start(Plan((FRONT,), drain_s=0.3))
    old = service.pids("child_ready")[0]
    service.signal(signal.SIGTERM)
    service.wait_for("told_to_drain")
    os.kill(old, signal.SIGSTOP)
    with service.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(b"pid\n")
        time.sleep(0.25)  # most of the drain: a successor takes longer than what is left
        os.kill(old, signal.SIGKILL)
        assert b"%d\n" % service.pids("child_started", 2)[-1] == stream.readline()
    assert EXIT_STOPPED == service.exit_code()


def test_those_relied_on_end_last(start: Start) -> None:
    """While an answer is under way, the one that it may need is not told anything."""
    service = start(Plan((BACK, FRONT), backs=("prefetcher",)))
    service.wait_for("child_ready", 2)
    with under_way(service, b"slow") as answer:
        service.signal(signal.SIGTERM)
        answer()
    assert EXIT_STOPPED == service.exit_code()
    told = [event["event"] for event in service.all_events() if event["event"] in {"front_ends", "back_ends"}]
    assert ["front_ends", "back_ends"] == told


def test_the_bound_holds_for_all(start: Start) -> None:
    """Drain and grace together: who has not ended by then is killed, whoever it is."""
    children = (("prefetcher", Behaviour.BACK_STUBBORN, 1), ("worker", Behaviour.STUBBORN, 1))
    service = start(Plan(children, backs=("prefetcher",), shutdown_grace_s=0.5))
    pids = set(service.pids("child_ready", 2))
    time.sleep(0.1)  # they become stubborn just before their first beat, and just after
    service.signal(signal.SIGINT)
    assert EXIT_STOPPED == service.exit_code()
    assert pids == set(service.pids("child_killed", 2))


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_children_do_not_hear_what_is_for_the_supervisor(start: Start, number: signal.Signals) -> None:
    """A terminal that is closed tells every process of its group, a launcher that ends it does; others err."""
    service = start(Plan((FRONT,)))
    child = service.ask()
    os.kill(child, number)
    assert child == service.ask()
