"""Files in which workers say how they stand."""

import json
import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.worker_states import MAX_STATE_OCTETS, WorkerStates
from service.application.breaker import BreakerState
from service.application.ocsp_responders import ResponderReport
from service.application.operating.worker_state import SILENT, CacheSize, WorkerState
from service.application.shadow import WouldDeny
from service.core.model.failure import Code
from tests.pki import NOW

PID: Final = os.getpid()
STATE: Final = WorkerState(
    PID,
    NOW,
    (CacheSize("memory", "verdict", 3, 300), CacheSize("memory", "ocsp", 1, None)),
    refusals=1,
    refreshing=2,
    responders=(ResponderReport("http://a:80", BreakerState.OPEN, 3, None),),
    redis="no answer",
    recent=(WouldDeny("1", Code.REVOKED, "default", NOW, "5e", "CN=é", "00"),),
)


def test_what_is_told_is_read(tmp_path: Path) -> None:
    """All of it, by whoever looks, in place of what was told before; nobody else's user may read it."""
    states = WorkerStates(tmp_path)
    states.tell(WorkerState(PID, NOW))
    states.tell(STATE)
    assert (STATE,) == WorkerStates(tmp_path).living(NOW)
    (file,) = tmp_path.iterdir()
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)


def test_what_a_worker_takes_back(tmp_path: Path) -> None:
    """Nothing of it is left."""
    states = WorkerStates(tmp_path)
    states.tell(STATE)
    states.forget(PID)
    states.forget(PID)
    assert ((), []) == (states.living(NOW), list(tmp_path.iterdir()))


def test_who_is_silent(tmp_path: Path) -> None:
    """Is left out after a while."""
    states = WorkerStates(tmp_path)
    states.tell(STATE)
    assert (STATE,) == states.living(NOW + SILENT)
    assert () == states.living(NOW + SILENT + timedelta(seconds=1))


def test_who_is_dead(tmp_path: Path) -> None:
    """Is left out at once, and what it has left is removed by whoever is started next."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    states = WorkerStates(tmp_path)
    states.tell(WorkerState(ended.pid, NOW))
    assert ((), 1) == (states.living(NOW), len(list(tmp_path.iterdir())))
    WorkerStates(tmp_path)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"{",
        b"\xff",
        json.dumps({"pid": PID}).encode(),
        json.dumps({"pid": PID + 1, "at": NOW.isoformat()}).encode(),
        json.dumps({"pid": PID, "at": NOW.isoformat(), "refusals": "many"}).encode(),
        b" " * MAX_STATE_OCTETS + json.dumps({"pid": PID, "at": NOW.isoformat()}).encode(),
    ],
    ids=["empty", "null", "cut", "no text", "no moment", "another's", "no number", "too long"],
)
def test_what_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    """Is nobody's, and nothing fails for it."""
    (tmp_path / f"state_{PID}.json").write_bytes(content)
    assert () == WorkerStates(tmp_path).living(NOW)


@pytest.mark.parametrize("name", ["state_.json", "state_x.json", "state_0.json", "state_99999999999999999999.json"])
def test_a_name_of_nobody(tmp_path: Path, name: str) -> None:
    """Is not looked into."""
    states = WorkerStates(tmp_path)
    (tmp_path / name).write_text(json.dumps({"pid": PID, "at": NOW.isoformat()}))
    assert () == states.living(NOW)


def test_no_room(tmp_path: Path) -> None:
    """What was told before stays."""
    states = WorkerStates(tmp_path)
    states.tell(WorkerState(PID, NOW))
    long = WouldDeny("1", Code.REVOKED, "default", NOW, "5e", "x" * MAX_STATE_OCTETS, "00")
    no_text = WouldDeny("1", Code.REVOKED, "default", NOW, "5e", "\ud800", "00")
    for denial in (long, no_text):
        states.tell(WorkerState(PID, NOW, recent=(denial,)))
    (tmp_path / f"state_{PID}.new").mkdir()
    states.tell(STATE)
    assert (WorkerState(PID, NOW),) == states.living(NOW)


def test_a_process_that_is_alone(tmp_path: Path) -> None:
    """Nothing is written, and nobody else is there."""
    states = WorkerStates(None)
    states.tell(STATE)
    states.forget(PID)
    assert ((), []) == (states.living(NOW), list(tmp_path.iterdir()))
