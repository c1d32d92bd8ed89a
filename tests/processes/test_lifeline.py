"""The child's side, as far as it can be seen without a supervisor."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from service.processes.exit_code import EXIT_ORPHANED
from service.processes.inheritance import (
    HEARTBEAT_EVERY_S,
    Inheritance,
    NotInheritedError,
    descriptor_variable,
    inherited_socket,
)
from service.processes.lifeline import Lifeline
from tests.processes.running import PATIENCE_S, ROOT


def _fits(writer: int) -> bool:
    try:
        return os.write(writer, bytes(65_536)) > 0
    except BlockingIOError:
        return False


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe; the test may close either."""
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            continue


def test_a_process_without_a_supervisor_is_told_so() -> None:
    """Nothing is done to it: it may be somebody's shell, or a test."""
    with pytest.raises(NotInheritedError, match="_REVET_LIFELINE_FD"):
        Lifeline.from_environment({})


def test_an_inheritance_is_read_as_it_was_written() -> None:
    """Both sides agree; no variable can be taken for a setting."""
    inheritance = Inheritance(lifeline_fd=5, heartbeat_fd=6, heartbeat_every_s=0.3, supervisor_pid=1)
    variables = inheritance.variables()
    assert inheritance == Inheritance.read(variables)
    assert [] == [name for name in (*variables, descriptor_variable("http")) if name.startswith("REVET_")]


def test_an_inheritance_that_is_not_a_number_is_refused() -> None:
    """The variable is named."""
    variables = Inheritance(5, 6, 1.0, 1).variables()
    with pytest.raises(NotInheritedError) as caught:
        Inheritance.read({**variables, HEARTBEAT_EVERY_S: "often"})
    assert HEARTBEAT_EVERY_S == caught.value.variable


@pytest.mark.parametrize("environ", [{}, {"_REVET_FD_HTTP": "http"}, {"_REVET_FD_HTTP": "999999"}])
def test_a_socket_that_was_not_passed_on_is_named(environ: dict[str, str]) -> None:
    """Missing, not a number, not open: all are the fault of whoever started the process."""
    with pytest.raises(NotInheritedError, match="_REVET_FD_HTTP"):
        inherited_socket("http", environ)


def test_a_descriptor_has_a_plain_name() -> None:
    """A name has to make an environment variable."""
    with pytest.raises(ValueError, match="'HTTP=1'"):
        descriptor_variable("HTTP=1")


def test_a_child_whose_supervisor_died_before_it_was_tied_ends(pipe: tuple[int, int]) -> None:
    """Its parent is somebody else by then; here, this test."""
    reader, writer = pipe
    variables = Inheritance(reader, writer, 1.0, supervisor_pid=os.getppid()).variables()
    code = "from service.processes.lifeline import Lifeline; Lifeline.from_environment(); print('still here')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        pass_fds=pipe,
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert (EXIT_ORPHANED, b"") == (done.returncode, done.stdout)


def test_a_supervisor_that_does_not_read_does_not_stop_a_child(pipe: tuple[int, int]) -> None:
    """Beating into a full pipe neither blocks nor fails."""
    reader, writer = pipe
    lifeline = Lifeline(writer, 1.0)
    while _fits(writer):
        pass
    lifeline.beat()
    assert os.read(reader, 1)


def test_a_supervisor_that_is_gone_is_no_error_of_the_heartbeat(pipe: tuple[int, int]) -> None:
    """The lifeline ends the process; a traceback from the event loop would only get in its way."""
    reader, writer = pipe
    os.close(reader)
    Lifeline(writer, 1.0).beat()


@pytest.mark.anyio
async def test_the_heartbeat_goes_on_with_the_loop(pipe: tuple[int, int]) -> None:
    """One beat at once, more as time goes by."""
    reader, writer = pipe
    os.set_blocking(reader, False)
    Lifeline(writer, 0.01).start_heartbeat(asyncio.get_running_loop())
    beats = os.read(reader, 10)
    assert b"." == beats
    async with asyncio.timeout(PATIENCE_S):
        while len(beats) < 3:
            await asyncio.sleep(0.01)
            with contextlib.suppress(BlockingIOError):
                beats += os.read(reader, 10)
