"""A file that cannot be used is put aside, and another one begun: nothing else of the service depends on it."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.decisions.files import UNFINISHED
from service.adapters.decisions.layout import VERSION, make_file
from service.application.decision_records import DecisionsUnavailableError
from tests.adapters.decisions.parts import Worker, kept, record, working
from tests.e2e.running import until


def changed(path: Path, statement: str) -> None:
    """Have SQLite change a file."""
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


def overwritten(path: Path) -> None:
    """Spoil the beginning."""
    with path.open("r+b") as file:
        file.write(b"no database at all")


def cut(path: Path) -> None:
    """Lose everything but the first page."""
    with path.open("r+b") as file:
        file.truncate(4096)


WAYS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "overwritten": overwritten,
    "cut": cut,
    "cut in a page": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "somebody else's": lambda path: changed(path, "PRAGMA application_id = 1"),
    "newer": lambda path: changed(path, f"PRAGMA user_version = {VERSION + 1}"),
    "older": lambda path: changed(path, "PRAGMA user_version = 0"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_cannot_be_used(tmp_path: Path, way: str) -> None:
    """Is put aside as it is; what comes is kept in the next."""
    kept(tmp_path, *(record(number) for number in range(50)))
    first = tmp_path / "decisions" / "decisions-1.db"
    WAYS[way](first)
    spoilt = first.read_bytes()
    worker = kept(tmp_path, record(51))
    assert ([f"{51:032x}"], 0) == (worker.ids(), worker.counted("lost", why="unavailable"))
    assert spoilt == first.read_bytes()
    assert tmp_path / "decisions" / "decisions-2.db" == worker.files.current()


def test_damage_that_is_found_by_who_reads(tmp_path: Path) -> None:
    """The question is answered with why, and the next one out of a new file."""
    kept(tmp_path, *(record(number) for number in range(50)))
    cut(tmp_path / "decisions" / "decisions-1.db")
    worker = Worker(tmp_path / "decisions")
    with pytest.raises(DecisionsUnavailableError, match="malformed"):
        worker.ids()
    assert [] == worker.ids()


def test_a_file_that_was_put_aside_by_another_process(tmp_path: Path) -> None:
    """Is not written any more: everybody goes on in the same new one."""
    with working(tmp_path) as one, working(tmp_path) as other:
        one.keeper.keep(record(1))
        until(lambda: other.ids() == [f"{1:032x}"], "it is written")
        first = one.files.current()
        assert first is not None
        other.files.put_aside(first, "a test says so")
        one.files.put_aside(first, "likewise, and later")
        one.keeper.keep(record(2))
        other.keeper.keep(record(3))
    assert [f"{3:032x}", f"{2:032x}"] == one.ids() == other.ids()
    assert tmp_path / "decisions" / "decisions-2.db" == one.files.current()


def test_of_those_put_aside_the_last_one_stays(tmp_path: Path) -> None:
    """As long as its records would have been kept."""
    worker = kept(tmp_path, record(1))
    for _ in range(3):
        path = worker.files.current()
        assert path is not None
        worker.files.put_aside(path, "a test says so")
    directory = tmp_path / "decisions"
    assert ["decisions-3.db", "decisions-4.db", "lock"] == sorted(path.name for path in directory.iterdir())
    worker.files.forget(worker.clock.now() - timedelta(days=36_500))
    assert (directory / "decisions-3.db").exists()
    worker.files.forget(worker.clock.now() + timedelta(days=36_500))
    assert ["decisions-4.db", "lock"] == sorted(path.name for path in directory.iterdir())


def test_a_file_that_was_not_finished(tmp_path: Path) -> None:
    """Is nobody's: who was killed while he began one has begun none."""
    directory = tmp_path / "decisions"
    directory.mkdir(mode=0o700)
    make_file(directory / UNFINISHED)
    worker = kept(tmp_path, record(1))
    assert [f"{1:032x}"] == worker.ids()
    assert ["decisions-1.db", "lock"] == sorted(path.name for path in directory.iterdir())


def test_a_directory_that_is_removed_under_a_worker(tmp_path: Path) -> None:
    """Is told; another start makes it anew."""
    with working(tmp_path) as worker:
        worker.files.remove()
        for path in (tmp_path / "decisions").iterdir():
            path.unlink()
        (tmp_path / "decisions").rmdir()
        with pytest.raises(DecisionsUnavailableError, match="No such file"):
            worker.ids()
        worker.keeper.keep(record(1))
    assert (1, [None]) == (worker.counted("lost", why="unavailable"), worker.not_written)
    assert [f"{2:032x}"] == kept(tmp_path, record(2)).ids()


def test_files_that_are_removed(tmp_path: Path) -> None:
    """Where nothing is to be kept any more; a worker that is still there begins another one."""
    with working(tmp_path) as worker:
        worker.keeper.keep(record(1))
        until(lambda: worker.ids() == [f"{1:032x}"], "it is written")
        worker.files.remove()
        with pytest.raises(DecisionsUnavailableError):
            worker.ids()
        worker.keeper.keep(record(2))
    assert [f"{2:032x}"] == worker.ids()


def test_nothing_to_remove(tmp_path: Path) -> None:
    """Is no fault."""
    Worker(tmp_path / "decisions").files.remove()
    assert not (tmp_path / "decisions").exists()


@pytest.mark.parametrize("removed", ["decisions-1.db", "decisions-1.db*"])
def test_a_file_that_somebody_removes(tmp_path: Path, removed: str) -> None:
    """Takes its records with it; all workers go on in the same new one, which has the name of the old."""
    with working(tmp_path) as one, working(tmp_path) as other:
        one.keeper.keep(record(1))
        other.keeper.keep(record(2))
        until(lambda: len(one.ids()) == 2, "they are written")
        for path in (tmp_path / "decisions").glob(removed):
            path.unlink()
        one.keeper.keep(record(3))
        other.keeper.keep(record(4))
        until(lambda: one.counted("kept") == other.counted("kept") == 2, "they are written")
    assert [f"{4:032x}", f"{3:032x}"] == one.ids()
