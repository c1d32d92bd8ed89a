"""What Linux does for parents and orphans.

Everywhere else it does nothing and says "no": what calls it has another way, or nothing to do.
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Collection
from typing import Final

# linux/prctl.h
_PR_SET_PDEATHSIG: Final = 1
_PR_GET_CHILD_SUBREAPER: Final = 37

_INIT_PID: Final = 1


def die_with_parent() -> bool:
    """Have the kernel kill this process when its parent dies, even if it is stopped or busy in C code.

    To be precise, when the *thread* dies that started this process: a supervisor has one thread only. The kernel
    forgets the wish when this process changes its user or executes a program with privileges of its own (prctl(2),
    PR_SET_PDEATHSIG).

    Returns:
        Whether the kernel took the wish. The parent may have died before: the caller compares `os.getppid()` after it.
    """
    return _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) == 0


def adopts_orphans() -> bool:
    """Tell whether processes that have lost their parent become children of this one: PID 1 or a child subreaper."""
    if os.getpid() == _INIT_PID:
        return True
    answer = ctypes.c_int(0)
    return _prctl(_PR_GET_CHILD_SUBREAPER, ctypes.addressof(answer)) == 0 and answer.value != 0


def collect_orphans(children: Collection[int]) -> None:
    """Collect the exit statuses of processes that the kernel made ours when their parents died.

    Args:
        children: Process ids of our own, whose statuses are left alone.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(ChildProcessError):  # there is no process below us at all
        while True:
            # Look first and do not take: the status of a child is for whoever waits for it and calls again after that.
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None or found.si_pid in children:
                return
            os.waitpid(found.si_pid, os.WNOHANG)


def _prctl(option: int, argument: int) -> int:
    if sys.platform != "linux":
        return -1
    # The C function is variadic and reads unsigned longs.
    rest = (ctypes.c_ulong(argument), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
    result: int = ctypes.CDLL(None).prctl(ctypes.c_int(option), *rest)
    return result
