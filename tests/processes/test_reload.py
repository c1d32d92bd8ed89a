"""Other settings in a service that runs: one child after the other makes room, and nobody is without an answer."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from service.processes.exit_code import EXIT_STOPPED
from tests.processes.plan import Behaviour, Plan
from tests.processes.running import Running, gone, until

Start = Callable[[Plan], Running]
Children = tuple[tuple[str, Behaviour, int], ...]

ONE: Children = (("worker", Behaviour.ANSWER, 1),)
TWO: Children = (("worker", Behaviour.ANSWER, 2),)
BACK: Children = (("prefetcher", Behaviour.BACK, 1),)
LONG_S = 600.0


def _names(service: Running, event: str) -> list[object]:
    return [each["child"] for each in service.events(event)]


def _order(service: Running, *names: str) -> list[object]:
    return [event["event"] for event in service.all_events() if event["event"] in names]


@contextlib.contextmanager
def waiting(service: Running) -> Iterator[Callable[[], int]]:
    """A request that ends when its child is told to; gives what waits for its answer."""
    with service.connect() as connection, connection.makefile("rwb") as stream:
        stream.write(b"wait\n")
        stream.flush()
        assert b"begun\n" == stream.readline()
        yield lambda: int(stream.readline())


def test_every_child_is_replaced(start: Start) -> None:
    """Those in front first, each after its successor is ready; the one behind them last."""
    service = start(Plan(BACK + TWO, backs=("prefetcher",), others=(BACK + TWO,)))
    before = service.pids("child_ready", 3)
    service.signal(signal.SIGHUP)
    service.wait_for("reloaded")
    assert ["prefetcher", "worker.0", "worker.1", "worker.0", "worker.1", "prefetcher"] == _names(
        service, "child_started"
    )
    until(lambda: all(gone(pid) for pid in before), "the old ones to end")
    assert ["child_ready", "child_retired"] * 2 == _order(service, "child_ready", "child_retired")[3:7]
    assert 1 == len(service.events("adopted"))
    assert service.ask() in service.pids("child_ready")[3:]


def test_what_is_behind_is_never_there_twice(start: Start) -> None:
    """Its successor has loaded everything, and begins when it has ended."""
    service = start(Plan(BACK + ONE, backs=("prefetcher",), others=(BACK + ONE, BACK + ONE)))
    service.wait_for("child_ready", 2)
    for times in (1, 2):
        service.signal(signal.SIGHUP)
        service.wait_for("reloaded", times)
    told = _order(service, "back_begins", "back_ends")
    assert ["back_begins", "back_ends", "back_begins", "back_ends", "back_begins"] == told


def test_a_request_under_way_is_finished(start: Start) -> None:
    """By the one that has retired; new connections are the successor's meanwhile."""
    service = start(Plan(ONE, others=(ONE,), drain_s=1.0))
    old = service.pids("child_ready")[0]
    with waiting(service) as answer:
        service.signal(signal.SIGHUP)
        service.wait_for("reloaded")
        assert not gone(old)
        assert old != service.ask()
        assert old == answer()
    until(lambda: gone(old), "the old one to end")
    assert [] == service.events("child_killed")


def test_a_retired_child_that_does_not_end_is_killed(start: Start) -> None:
    """After drain and grace."""
    stubborn = (("worker", Behaviour.STUBBORN, 1),)
    service = start(Plan(stubborn, others=(ONE,), shutdown_grace_s=0.2))
    old = service.pids("child_ready")[0]
    service.signal(signal.SIGHUP)
    until(lambda: gone(old), "the old one to be killed")
    # It is deaf for `END_SIGNAL`, and dies of a signal that it does not know.
    service.wait_for("reloaded")
    assert old != service.ask()


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (3, 2), (2, 3)])
def test_the_number_of_children_may_change(start: Start, before: int, after: int) -> None:
    """New places are filled, and those that are given up are left."""

    def workers(count: int) -> Children:
        return (("worker", Behaviour.ANSWER, count),)

    service = start(Plan(workers(before), others=(workers(after),)))
    old = service.pids("child_ready", before)
    service.signal(signal.SIGHUP)
    service.wait_for("reloaded")
    until(lambda: all(gone(pid) for pid in old), "the old ones to end")
    new = service.pids("child_ready", before + after)[before:]
    assert after == len(new)
    os.kill(new[-1], signal.SIGKILL)
    last = service.wait_for("child_started", before + after + 1)[-1]
    assert ("worker" if after == 1 else f"worker.{after - 1}") == last["child"]
    assert before == len(service.events("child_retired"))


def test_a_refused_plan_changes_nothing(start: Start) -> None:
    """Its problems are told, and nobody is started or ended."""
    service = start(Plan(ONE))
    child = service.pids("child_ready")[0]
    service.signal(signal.SIGHUP)
    assert [["there is no other plan"]] == [event["problems"] for event in service.wait_for("reload_refused")]
    assert child == service.ask()
    assert 1 == len(service.events("child_started"))


@pytest.mark.parametrize("behaviour", [Behaviour.CRASH, Behaviour.MISCONFIGURED, Behaviour.SILENT])
def test_a_successor_that_does_not_get_ready(start: Start, behaviour: Behaviour) -> None:
    """Ends the reload; the old one stays, and so does the service."""
    unfit = (("worker", behaviour, 1),)
    service = start(Plan(ONE, others=(unfit, ONE), first_beat_within_s=1.5))
    child = service.pids("child_ready")[0]
    service.signal(signal.SIGHUP)
    assert ["worker"] == [event["child"] for event in service.wait_for("reload_failed")]
    assert child == service.ask()
    assert [] == service.events("child_retired")
    service.signal(signal.SIGHUP)  # and the next attempt is one like any other
    service.wait_for("reloaded")
    assert child != service.ask()


def test_a_reload_that_fails_behind_is_taken_back(start: Start) -> None:
    """Those in front have been replaced already: they are replaced once more, by what was there before."""
    breaks = (("prefetcher", Behaviour.BACK_BREAKS, 1),)
    service = start(Plan(BACK + ONE, backs=("prefetcher",), others=(breaks + TWO,)))
    service.wait_for("child_ready", 2)
    service.signal(signal.SIGHUP)
    assert ["prefetcher"] == [event["child"] for event in service.wait_for("reload_failed")]
    service.wait_for("back_begins", 2)
    retired = service.wait_for("child_retired", 3)
    assert ["worker", "worker.1", "worker.0"] == [event["child"] for event in retired]
    assert [] == service.events("adopted")
    worker = next(event["pid"] for event in reversed(service.wait_for("child_ready", 6)) if event["child"] == "worker")
    until(lambda: service.ask() == worker, "only the last one answers")
    service.signal(signal.SIGTERM)
    assert EXIT_STOPPED == service.exit_code()
    assert ["SIGTERM"] == [event["reason"] for event in service.events("stopping")]


def test_what_is_behind_and_stubborn_is_killed(start: Start) -> None:
    """Its successor waits for no longer than the grace."""
    stubborn = (("prefetcher", Behaviour.BACK_STUBBORN, 1),)
    service = start(Plan(stubborn, backs=("prefetcher",), others=(BACK,), shutdown_grace_s=0.3))
    old = service.pids("child_ready")[0]
    service.signal(signal.SIGHUP)
    service.wait_for("reloaded")
    assert [old] == service.pids("child_killed")
    assert gone(old)


def test_a_reload_asked_for_during_one_comes_after_it(start: Start) -> None:
    """Settings may have changed since they were read."""
    service = start(Plan(TWO, others=(TWO, ONE)))
    service.wait_for("child_ready", 2)
    service.signal(signal.SIGHUP)
    service.wait_for("reloading")
    service.signal(signal.SIGHUP)
    service.wait_for("reloaded", 2)
    assert ["worker.0", "worker.1", "worker.0", "worker.1"] == _names(service, "child_retired")
    assert "worker" == _names(service, "child_started")[-1]


def test_a_successor_knows_that_it_is_one(start: Start) -> None:
    """The service was ready before, which a child that starts would have to find out anew."""
    service = start(Plan(ONE, others=(ONE,)))
    service.wait_for("child_ready")
    assert b"no" == service.say(b"succeeds")
    service.signal(signal.SIGHUP)
    service.wait_for("reloaded")
    until(lambda: service.say(b"succeeds") == b"yes", "the successor answers")


def test_the_end_comes_before_a_reload(start: Start) -> None:
    """A successor that is not ready yet ends with the others, and what is asked for afterwards is not heard."""
    never = (("worker", Behaviour.SILENT, 1),)
    service = start(Plan(ONE, others=(never, ONE), first_beat_within_s=LONG_S))
    service.wait_for("child_ready")
    service.signal(signal.SIGHUP)
    service.wait_for("child_started", 2)
    service.signal(signal.SIGTERM)
    service.signal(signal.SIGHUP)
    assert EXIT_STOPPED == service.exit_code()
    assert 1 == len(service.events("reloading"))
    assert all(gone(pid) for pid in service.pids())


def test_the_end_while_somebody_behind_makes_room(start: Start) -> None:
    """His successor begins when he has ended: requests that are being finished may need it."""
    children = (("prefetcher", Behaviour.BACK_SLOW, 1), ("worker", Behaviour.STUBBORN, 1))
    service = start(Plan(children, backs=("prefetcher",), others=(children,), shutdown_grace_s=1.5))
    service.wait_for("child_ready", 2)
    service.signal(signal.SIGHUP)
    service.wait_for("back_told")
    service.signal(signal.SIGINT)
    assert EXIT_STOPPED == service.exit_code()
    assert ["back_begins", "stopping", "back_ends", "back_begins"] == _order(
        service, "back_begins", "stopping", "back_ends"
    )


def test_a_dead_child_is_replaced_during_a_reload(start: Start) -> None:
    """By the plan that is in force for its place."""
    never = (("worker", Behaviour.SILENT, 1),)
    service = start(Plan(ONE, others=(never,), first_beat_within_s=LONG_S))
    old = service.pids("child_ready")[0]
    service.signal(signal.SIGHUP)
    service.wait_for("child_started", 2)
    os.kill(old, signal.SIGKILL)
    until(lambda: gone(old), "the old one to die")
    assert service.pids("child_started", 3)[-1] == service.ask()
