"""Programs that end together with whoever has started them."""

import subprocess
import sys

from service.demo.tied import tied
from tests.demo.running import ROOT, gone, until


def test_tied_to_a_parent_that_is_gone() -> None:
    """A program whose parent ended before the kernel was asked is not started."""
    command = tied((sys.executable, "-c", "print('started')"))
    not_the_parent = [*command[:3], "1", *command[4:]]

    done = subprocess.run(not_the_parent, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)

    assert (1, "") == (done.returncode, done.stdout)


def test_tied_program_ends_with_its_parent() -> None:
    """A program that knows of nothing ends when its parent is killed."""
    parent = (
        "import subprocess, sys, time; from service.demo.tied import tied; "
        "print(subprocess.Popen(tied((sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(600)')))"
        ".pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        child = int(started.stdout.readline())
        assert "1\n" == started.stdout.readline()  # it is past its wish
        before = gone(child)
        started.kill()
        until(lambda: gone(child), "the child's end")

    assert not before
