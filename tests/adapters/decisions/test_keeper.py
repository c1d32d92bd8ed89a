"""Keeping decisions: who answers never waits, what is lost is counted, and nothing grows beyond its limit."""

import os
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.decisions.keeper import AGAIN_S, MAX_QUEUED, MAX_QUEUED_OCTETS, TIDY_S, KeepingRules, QueuedKeeper
from service.adapters.decisions.repeats import INTERVAL_S, KEPT, MAX_DECISIONS, Repeats
from service.application.decision_records import DecisionKeeper, DecisionQuery
from service.core.model.failure import Code
from service.core.model.verdict import Decision
from tests.adapters.decisions.parts import BEGUN, MIB, WEEK, Worker, kept, record, working
from tests.application.manual_clock import ManualClock
from tests.e2e.running import until
from tests.pki import NOW

CASE: Final = bytes(6_000)


def test_it_is_a_keeper(tmp_path: Path) -> None:
    """As the application knows it."""
    keeper: DecisionKeeper = Worker(tmp_path).keeper
    assert isinstance(keeper, QueuedKeeper)


@pytest.mark.parametrize(
    ("allows", "decision", "enforced", "wanted"),
    [
        (False, Decision.DENY, None, True),
        (False, Decision.ALLOW, None, False),
        (False, Decision.ALLOW, Code.REVOKED, True),
        (True, Decision.ALLOW, None, True),
    ],
)
def test_what_is_wanted(
    tmp_path: Path, *, allows: bool, decision: Decision, enforced: Code | None, wanted: bool
) -> None:
    """Denials, those put aside in shadow included, and allows where the operator says so."""
    rules = KeepingRules(timedelta(days=1), allows=allows)
    assert wanted == Worker(tmp_path, rules).keeper.wants(decision, enforced)


def test_what_was_answered_is_found_while_the_worker_runs(tmp_path: Path) -> None:
    """By this worker and by another one."""
    with working(tmp_path) as one, working(tmp_path) as other:
        one.keeper.keep(record(1))
        other.keeper.keep(record(2))
        both = [f"{2:032x}", f"{1:032x}"]
        until(lambda: both == one.ids() == other.ids(), "both find both")
        assert (1, 1) == (one.counted("kept"), other.counted("kept"))


def test_threads_that_keep_at_once(tmp_path: Path) -> None:
    """Each record is there, and once."""
    with working(tmp_path) as worker:

        def keep(start: int) -> None:
            for number in range(start, start + 500):
                worker.keeper.keep(record(number))

        threads = [threading.Thread(target=keep, args=(start,)) for start in range(0, 4_000, 1_000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    expected = [f"{start + n:032x}" for start in range(0, 4_000, 1_000) for n in range(500)]
    assert expected[::-1] == worker.ids()


def test_a_restart_keeps_them(tmp_path: Path) -> None:
    """And goes on in the same file; the same record again is no second one."""
    kept(tmp_path, record(1), record(2))
    worker = kept(tmp_path, record(2, detail="another"), record(3))
    assert [f"{number:032x}" for number in (3, 2, 1)] == worker.ids()
    assert "It is revoked." == worker.book.recent(DecisionQuery())[1].detail
    assert ["decisions-1.db", "lock"] == sorted(path.name for path in (tmp_path / "decisions").iterdir())


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    """Neither the directory nor any file in it, while it is written either."""
    before = os.umask(0)
    try:
        with working(tmp_path) as worker:
            worker.keeper.keep(record(1))
            until(lambda: [] != worker.ids(), "it is written")
            paths = [*(tmp_path / "decisions").iterdir()]
            assert {"decisions-1.db", "decisions-1.db-wal", "decisions-1.db-shm", "lock"} == {one.name for one in paths}
            assert {0o600} == {path.stat().st_mode & 0o777 for path in paths}
            assert 0o700 == (tmp_path / "decisions").stat().st_mode & 0o777
    finally:
        os.umask(before)


# --- floods ----------------------------------------------------------------------------------------------------------


def test_a_queue_that_is_full(tmp_path: Path) -> None:
    """Takes no more, and counts what it does not take; no writer is needed for that."""
    worker = Worker(tmp_path / "decisions")
    for number in range(MAX_QUEUED + 10):
        worker.keeper.keep(record(number))
    worker.keeper.start()
    worker.keeper.close()
    assert (MAX_QUEUED, MAX_QUEUED, 10) == (
        len(worker.ids()),
        worker.counted("kept"),
        worker.counted("lost", why="full"),
    )


def test_a_queue_of_large_cases(tmp_path: Path) -> None:
    """Is full before there are many of them, and takes more when they are written."""
    case = bytes(MIB)
    most = MAX_QUEUED_OCTETS // (len(case) + 1) + 1  # of each there are a few texts besides
    worker = Worker(tmp_path / "decisions", max_octets=256 * MIB)
    for number in range(most + 3):
        worker.keeper.keep(record(number, case=case))
    worker.keeper.start()
    until(lambda: worker.counted("kept") == most, "all of them are written")
    worker.keeper.keep(record(MAX_QUEUED, case=case))
    worker.keeper.close()
    assert (most + 1, 3) == (len(worker.ids()), worker.counted("lost", why="full"))


def test_a_queue_of_long_names(tmp_path: Path) -> None:
    """Is full as well, where no record has a case: names are strangers' too."""
    name = "x" * MIB
    most = MAX_QUEUED_OCTETS // (2 * len(name) + 1) + 1
    worker = Worker(tmp_path / "decisions")
    for number in range(most + 3):
        worker.keeper.keep(record(number, subject=name, issuer=name))
    worker.keeper.start()
    until(lambda: worker.counted("kept") == most, "all of them are written")
    worker.keeper.close()
    assert (most, 3) == (len(worker.ids()), worker.counted("lost", why="full"))


def test_repeats_of_one_decision(tmp_path: Path) -> None:
    """A few are kept; the others are a number on the first one."""
    with working(tmp_path) as worker:
        first = record(0, case=CASE)
        worker.keeper.keep(first)
        for number in range(1, 10_001):
            if worker.keeper.has_room(first.decision_id):
                worker.keeper.keep(record(number, repeats=first.decision_id))
    found = worker.book.find(first.decision_id)
    assert found is not None
    assert (KEPT + 1, 10_000 - KEPT, 10_000 - KEPT) == (len(worker.ids()), found.left_out, worker.counted("left_out"))


def test_repeats_while_the_first_one_is_written(tmp_path: Path) -> None:
    """None is forgotten, however little time lies between a decision and who asks again."""
    with working(tmp_path) as worker:
        for number in range(0, 3_000, 10):
            first = record(number, case=CASE)
            worker.keeper.keep(first)
            for again in range(1, KEPT + 4):
                if worker.keeper.has_room(first.decision_id):
                    worker.keeper.keep(record(number + again, repeats=first.decision_id))
            threading.Event().wait(0.003)
    firsts = [worker.book.find(f"{number:032x}") for number in range(0, 3_000, 10)]
    assert [3] * 300 == [first.left_out for first in firsts if first is not None]


def test_repeats_are_kept_again_after_a_while(tmp_path: Path) -> None:
    """So that a listing shows that it goes on."""
    clock = ManualClock()
    with working(tmp_path, clock=clock) as worker:
        room = [worker.keeper.has_room("a") for _ in range(KEPT + 1)]
        assert [True] * KEPT + [False] == room
        until(lambda: worker.counted("left_out") == 1, "the interval has begun")
        clock.advance(INTERVAL_S)
        until(lambda: worker.keeper.has_room("a"), "there is room again")


def test_repeats_of_very_many_decisions() -> None:
    """Take no more memory than those of many; who comes later is counted."""
    repeats = Repeats()
    assert all(repeats.has_room(str(number)) for number in range(MAX_DECISIONS))
    assert not repeats.has_room("one more")
    assert repeats.has_room("0")
    assert ({}, 1) == repeats.take_left_out()
    assert ({}, 0) == repeats.take_left_out()
    repeats.begin_interval()
    assert repeats.has_room("one more")


# --- limits ----------------------------------------------------------------------------------------------------------


def size(directory: Path) -> int:
    """Octets of the file."""
    return (directory / "decisions" / "decisions-1.db").stat().st_size


def test_the_file_does_not_grow_beyond_its_limit(tmp_path: Path) -> None:
    """The oldest go first; what stays is the last of what came, without a gap, and most of the file is used."""
    with working(tmp_path, max_octets=2 * MIB) as worker:
        for number in range(2_000):
            worker.keeper.keep(record(number, case=os.urandom(4_000)))
    ids = worker.ids()
    assert size(tmp_path) <= 2 * MIB
    assert [f"{number:032x}" for number in range(1_999, 1_999 - len(ids), -1)] == ids
    assert len(ids) * 4_000 > 1.2 * MIB
    assert (2_000, 0) == (worker.counted("kept"), worker.counted("lost", why="unavailable"))


def test_one_batch_larger_than_the_file(tmp_path: Path) -> None:
    """Cannot be written, and is lost; what comes after it is kept."""
    with working(tmp_path, max_octets=MIB) as worker:
        for number in range(3):
            worker.keeper.keep(record(number, case=os.urandom(MIB)))
        until(lambda: worker.counted("lost", why="unavailable") == 3, "they are lost")
    assert 3 >= len(worker.not_written) > 0
    assert [f"{9:032x}"] == kept(tmp_path, record(9), max_octets=MIB).ids()


def test_a_lower_limit_shortens_the_file(tmp_path: Path) -> None:
    """From the next start on; the newest stay."""
    with working(tmp_path, max_octets=16 * MIB) as worker:
        for number in range(2_000):
            worker.keeper.keep(record(number, case=os.urandom(4_000)))
    assert size(tmp_path) > 8 * MIB
    clock = ManualClock()
    with working(tmp_path, max_octets=2 * MIB, clock=clock) as worker:

        def is_short() -> bool:
            clock.advance(TIDY_S)
            return size(tmp_path) <= 2 * MIB

        until(is_short, "it is short")
        worker.keeper.keep(record(2_001))
    assert f"{2_001:032x}" == worker.ids()[0]
    assert worker.ids()[1:] == [f"{number:032x}" for number in range(1_999, 1_999 - len(worker.ids()[1:]), -1)]


def test_the_old_ones_go(tmp_path: Path) -> None:
    """In pieces, all of them, and nothing younger."""
    clock = ManualClock()
    assert NOW == BEGUN
    with working(tmp_path, rules=KeepingRules(timedelta(seconds=10_000)), clock=clock) as worker:
        for number in range(2_000):
            worker.keeper.keep(record(number))
        until(lambda: worker.counted("kept") == 2_000, "they are written")
        clock.advance(11_500.5)
        until(lambda: len(worker.ids()) == 499, "the old ones are gone")
    assert [f"{number:032x}" for number in range(1_999, 1_500, -1)] == worker.ids()


# --- what is wrong with the disk -------------------------------------------------------------------------------------


def test_a_directory_that_others_may_read(tmp_path: Path) -> None:
    """Is not used, and told once; when it is repaired, they are kept again."""
    clock = ManualClock()
    directory = tmp_path / "decisions"
    directory.mkdir(mode=0o755)
    directory.chmod(0o755)
    with working(tmp_path, clock=clock) as worker:
        assert "must be for its owner alone" in worker.keeper.problem
        worker.keeper.keep(record(1))
        until(lambda: worker.counted("lost", why="unavailable") == 1, "it is lost")
        assert [None] == worker.not_written
        directory.chmod(0o700)
        clock.advance(AGAIN_S)
        worker.keeper.keep(record(2))
        until(lambda: worker.counted("kept") == 1, "it is kept")
        assert "" == worker.keeper.problem
    assert [f"{2:032x}"] == worker.ids()


def test_a_fault_of_ours_ends_nothing(tmp_path: Path) -> None:
    """It is told, and the next record is kept."""
    worker = Worker(tmp_path / "decisions")
    worker.keeper.start()
    worker.keeper.keep(record(1, at="no moment at all"))
    until(lambda: [TypeError] == [type(fault) for fault in worker.faults], "it is told")
    worker.keeper.keep(record(2))
    worker.keeper.close()
    assert [f"{2:032x}"] == worker.ids()


def test_somebody_who_writes_for_a_moment(tmp_path: Path) -> None:
    """Is waited for, by the thread that writes alone."""
    with working(tmp_path) as worker:
        with sqlite3.connect(tmp_path / "decisions" / "decisions-1.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            worker.keeper.keep(record(1))
            assert [] == worker.ids()
            other.execute("COMMIT")
        other.close()
    assert [f"{1:032x}"] == worker.ids()


def test_it_costs_no_time(tmp_path: Path) -> None:
    """Nobody who answers waits, even where nothing can be written at all."""
    (tmp_path / "decisions").write_text("a file in its place")
    with working(tmp_path, rules=WEEK) as worker:
        for number in range(3 * MAX_QUEUED):
            worker.keeper.keep(record(number))
    assert 3 * MAX_QUEUED == worker.counted("lost", why="unavailable") + worker.counted("lost", why="full")
