"""What workers say of how they stand, in the directory in which they count: implements `StateShelf`.

Rules it keeps: a file of each worker, for nobody but the owner, exchanged as a whole; what no living process has
written, what is too long and what cannot be read is nobody's, and keeps nothing from being told. Where there is no
room, what was said before stays said.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from service.adapters.metrics_directory import is_alive, owner
from service.application.operating.worker_state import SILENT, WorkerState

PATTERN: Final = "state_*.json"
"""The files of all workers."""

MAX_STATE_OCTETS: Final = 1 << 20
"""Of one worker: as many as `MAX_RECENT` denials and `MOST_RESPONDERS` hosts take."""

MOST_WORKERS: Final = 512
"""Files that are looked into."""

_STATE: Final = TypeAdapter(WorkerState)


class WorkerStates:
    """The files of one replica."""

    def __init__(self, directory: Path | None) -> None:
        """Take the directory; what earlier processes have left there is removed.

        Args:
            directory: Where all processes count (`metrics_directory`); None where this one is alone.
        """
        self._directory = directory
        for file in () if directory is None else directory.glob(PATTERN):
            if not is_alive(owner(file)):
                _remove(file)

    def tell(self, state: WorkerState) -> None:
        """Say it; see `StateShelf`."""
        if self._directory is None:
            return
        file = self._file(self._directory, state.pid)
        fresh = file.with_suffix(".new")
        with suppress(OSError, ValueError):  # ValueError: a subject may have what is no text in it
            octets = _STATE.dump_json(state)
            if len(octets) > MAX_STATE_OCTETS:
                return
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(octets)
            fresh.replace(file)

    def living(self, at: datetime) -> tuple[WorkerState, ...]:
        """What living workers have said; see `StateShelf`."""
        return tuple(state for state in self._read() if at - state.at <= SILENT)

    def forget(self, pid: int) -> None:
        """Say nothing of a worker any more: it ends."""
        if self._directory is not None:
            _remove(self._file(self._directory, pid))

    @staticmethod
    def _file(directory: Path, pid: int) -> Path:
        return directory / PATTERN.replace("*", str(pid))

    def _read(self) -> Iterator[WorkerState]:
        if self._directory is None:
            return
        for file in sorted(self._directory.glob(PATTERN))[:MOST_WORKERS]:
            pid = owner(file)
            if not is_alive(pid):
                continue
            with suppress(OSError, ValidationError):
                state = _STATE.validate_json(_content(file))
                if state.pid == pid:
                    yield state


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MAX_STATE_OCTETS + 1)[:MAX_STATE_OCTETS]


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)
