"""What processes share without a file: it is there whole or not at all."""

import fcntl
import os
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from service.adapters.kept_memory import KeptMemory


@pytest.fixture
def memory() -> Iterator[KeptMemory]:
    """One that keeps nothing yet."""
    made = KeptMemory.make("test")
    yield made
    made.close()


def test_nothing_at_first(memory: KeptMemory) -> None:
    """Nobody has kept anything."""
    assert memory.read() is None


@pytest.mark.parametrize("second", [b"", b"short", b"x" * 100_000])
def test_the_last_version(second: bytes, memory: KeptMemory) -> None:
    """Longer or shorter than the one before."""
    memory.write(b"the first version")
    memory.write(second)
    assert second == memory.read()


@pytest.mark.parametrize("end", [0, 10, 40, 99])
def test_half_a_version_is_none(end: int, memory: KeptMemory) -> None:
    """Whoever wrote it was killed."""
    memory.write(b"x" * 100)
    os.ftruncate(memory.fileno(), end)
    assert memory.read() is None


def test_it_has_no_name(memory: KeptMemory) -> None:
    """No file system has it, and a process that was not given it cannot find it."""
    assert not Path(f"/proc/self/fd/{memory.fileno()}").readlink().exists()


def _locked(descriptor: int, ready: int, end: int) -> None:
    fcntl.lockf(descriptor, fcntl.LOCK_EX)
    os.write(ready, b"x")
    os.read(end, 1)


def test_nobody_waits_for_a_process_that_was_stopped(memory: KeptMemory) -> None:
    """What one process holds locked is what it was; the others go on."""
    memory.write(b"before")
    is_locked, locked = os.pipe()
    end, ended = os.pipe()
    other = get_context("fork").Process(target=_locked, args=(memory.fileno(), locked, end))
    other.start()
    try:
        os.read(is_locked, 1)
        memory.write(b"after")
        assert b"before" == memory.read()
    finally:
        os.write(ended, b"x")
        other.join()
        for descriptor in (is_locked, locked, end, ended):
            os.close(descriptor)
    memory.write(b"after")
    assert b"after" == memory.read()
