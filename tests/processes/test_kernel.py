"""Orphans, in a process that has nothing else below it."""

import subprocess
import sys

from tests.processes.running import ROOT

_TWO_ZOMBIES = """
import os, subprocess
from service.processes.kernel import collect_orphans

child = subprocess.Popen(["sh", "-c", "exit 7"])
orphan = os.posix_spawnp("true", ["true"], os.environ)
for pid in (child.pid, orphan):
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
collect_orphans({child.pid})
status = child.wait()
collect_orphans({child.pid})
try:
    os.waitpid(orphan, os.WNOHANG)
except ChildProcessError:
    print("child", status, "orphan collected")
collect_orphans(set())
"""


def test_the_status_of_a_child_is_left_to_its_owner() -> None:
    """Both ended at once: the child's exit code is still there to be read, and no zombie stays in the end."""
    done = subprocess.run([sys.executable, "-c", _TWO_ZOMBIES], cwd=ROOT, capture_output=True, check=True, text=True)
    assert "child 7 orphan collected" == done.stdout.strip()
