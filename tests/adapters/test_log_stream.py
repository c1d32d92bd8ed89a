"""A log whose reader has stopped reading."""

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from service.adapters.log_stream import LOST_EVENT, PIECE, PatientStream
from service.adapters.logs import configure_logs
from service.application.log_options import LogFormat, LogLevel

pytestmark = pytest.mark.usefixtures("untouched_logging")

ROOM = 4 * PIECE


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe with little room, which is read when a test says so."""

    reader: int
    writer: int

    def read(self) -> str:
        """All that is in it."""
        return os.read(self.reader, ROOM).decode()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, ROOM)
    yield Pipe(reader, writer)
    os.close(reader)
    os.close(writer)


def fill(stream: PatientStream) -> None:
    """Write until there is no room."""
    while not stream.lost:
        stream.write("x" * (PIECE - 1) + "\n")
    stream.lost = 0


def test_a_line(pipe: Pipe) -> None:
    """It is written as it is; what no encoding has is escaped."""
    stream = PatientStream(pipe.writer)
    assert 5 == stream.write("\u00e4 \ud800\n\n")
    stream.flush()
    assert ("\u00e4 \\ud800\n\n", False, 0) == (pipe.read(), stream.isatty(), stream.lost)


def test_nobody_reads(pipe: Pipe) -> None:
    """What finds no room is lost and counted; there is room again once somebody reads."""
    stream = PatientStream(pipe.writer)
    fill(stream)
    for _ in range(1000):
        stream.write("lost\n")
    assert (1000, True) == (stream.lost, stream.is_stuck)
    pipe.read()
    stream.write("heard\n")
    assert ("heard\n", 1000, False) == (pipe.read(), stream.lost, stream.is_stuck)


def test_a_line_that_is_cut(pipe: Pipe) -> None:
    """The next one that is written begins a new one, however many were lost in between."""
    stream = PatientStream(pipe.writer)
    stream.write("x" * (2 * ROOM) + "\n")
    stream.write("lost\n")
    assert ("x" * ROOM, 2) == (pipe.read(), stream.lost)
    stream.write("heard\n")
    stream.write("again\n")
    assert "\nheard\nagain\n" == pipe.read()


def test_the_log_says_how_many(pipe: Pipe) -> None:
    """After the first line that found room again."""
    stream = PatientStream(pipe.writer)
    configure_logs(LogLevel.INFO, LogFormat.JSON, stream)
    fill(stream)
    log = structlog.get_logger("revet")
    for _ in range(3):
        log.info("lost_one")
    pipe.read()
    log.info("heard_one")
    heard, told = map(json.loads, pipe.read().splitlines())
    assert ("heard_one", LOST_EVENT, "warning", 3) == (heard["event"], told["event"], told["level"], told["lines"])
    log.info("heard_one")
    assert 1 == len(pipe.read().splitlines())


def test_no_reader() -> None:
    """Whoever writes to the log goes on."""
    reader, writer = os.pipe()
    configure_logs(LogLevel.INFO, LogFormat.JSON, PatientStream(writer))
    os.close(reader)
    structlog.get_logger("revet").info("one")
    os.close(writer)


def test_a_file(tmp_path: Path) -> None:
    """It always has room."""
    path = tmp_path / "log"
    with path.open("wb") as file:
        stream = PatientStream(file.fileno())
        stream.write("x" * (100 * PIECE))
    assert (100 * PIECE, 0) == (path.stat().st_size, stream.lost)
