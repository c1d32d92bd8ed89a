"""Kills a process at every line that publishing a CRL runs through: `python -m tests.adapters.lmdb.crash PATH`.

For each step a forked child publishes into a copy of a store and kills itself at that line of the adapter, in whichever
thread; another child opens what is left, and says in one line of JSON what it found. The last line is of a child that
came to the end.
"""

import json
import os
import shutil
import signal
import sys
import threading
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import service.adapters.lmdb
from service.adapters.lmdb import sorted_runs
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from tests.adapters.lmdb.values import ISSUER, SIGNERS, entry, held, octets, row, slot, watermark

ADAPTER = Path(service.adapters.lmdb.__file__).parent

PURE = ("fields.py", "record.py")
"""They only compute: between two of their lines nothing changes on the disk."""

WATCHED = frozenset(str(path) for path in ADAPTER.glob("*.py") if path.name not in PURE)

OLD, NEW = 1, 2

ROWS = 3
"""Entries of both CRLs."""

RUN_ROWS = 2
"""Fewer, so that a run is spilled and merged."""


class Killer:
    """Kills the process at the given line, counted from the moment it is armed."""

    def __init__(self, step: int) -> None:
        self._left = step
        self._armed = False

    def arm(self) -> None:
        """Count from here, in threads that start from now on too."""
        self._armed = True
        threading.settrace(self.trace)
        sys.settrace(self.trace)

    def disarm(self) -> None:
        """Stop counting."""
        self._armed = False
        sys.settrace(None)

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:  # noqa: ANN401 - the form of sys.settrace
        """Count lines of the adapter."""
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event == "line" and self._armed:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.trace


def _publish(path: Path, number: int, killer: Killer) -> None:
    with Store.open(path, Role.INGESTER) as store:
        rows = [row(serial, number) for serial in range(ROWS)]
        killer.arm()
        store.publish(held(number), rows, watermark(number))
        killer.disarm()


def _state(path: Path) -> dict[str, object]:
    with Store.open(path, Role.INGESTER) as store:
        found = [store.find(ISSUER, frozenset(), SIGNERS, octets(serial)) for serial in range(ROWS)]
        mark = store.watermark(slot())
        return {
            "numbers": [finding.meta.crl_number for findings in found for finding in findings],
            "entries": [
                finding.entry == entry(finding.meta.crl_number or 0)
                for serial, findings in enumerate(found)
                for finding in findings
            ],
            "watermark": None if mark is None else mark.crl_number,
            "generations": len(list((path / "generations").iterdir())),
            "building": len(list((path / "building").iterdir())),
        }


def _in_a_child(path: Path, step: int | None) -> int:
    """Publish the new CRL and die at a step, or say what is there."""
    child = os.fork()
    if child == 0:
        if step is not None:
            _publish(path, NEW, Killer(step))
        else:
            sys.stdout.write(json.dumps(_state(path)) + "\n")
            sys.stdout.flush()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def main(path: Path) -> None:
    """Go through all steps."""
    sorted_runs.RUN_ROWS = RUN_ROWS
    original = path / "original"
    _publish(original, OLD, Killer(0))
    for step in count(1):
        copy = path / "copy"
        shutil.copytree(original, copy)
        status = _in_a_child(copy, step)
        _in_a_child(copy, None)
        shutil.rmtree(copy)
        if not os.WIFSIGNALED(status):
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
