"""Starts a program that the kernel asks to end (SIGTERM) when whoever started this one is gone.

    python -m service.demo.tied PARENT PROGRAM [ARGUMENT ...]

The demonstration cannot clean up when it is killed. The wish for a signal at the parent's death (prctl(2),
PR_SET_PDEATHSIG) survives exec, so that it can be expressed for a program that does not know of it. SIGTERM lets the
service end its own children and remove its temporary files. Linux only; elsewhere the program is started all the same.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from service.demo.errors import EXIT_FAILED, EXIT_USAGE

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def tied(command: Sequence[str]) -> tuple[str, ...]:
    """The command with which to start a program that is to end with this process.

    To be precise, with the *thread* that starts it.
    """
    return (sys.executable, "-m", "service.demo.tied", str(os.getpid()), *command)


def main(arguments: Sequence[str]) -> None:
    """Become the program. Returns only where the parent is gone.

    Raises:
        OSError: there is no such program.
    """
    parent, *command = arguments
    _die_with_parent()
    if os.getppid() == int(parent):  # otherwise it ended before the kernel was asked
        os.execvp(command[0], command)  # noqa: S606 - the demonstration's own command


def _die_with_parent() -> None:
    if sys.platform == "linux":
        # The C function is variadic and reads unsigned longs.
        ctypes.CDLL(None).prctl(ctypes.c_int(_PR_SET_PDEATHSIG), ctypes.c_ulong(signal.SIGTERM))


if __name__ == "__main__":
    if len(sys.argv) < 3:  # noqa: PLR2004 - this program's name, the parent, the program
        sys.exit(EXIT_USAGE)
    main(sys.argv[1:])
    sys.exit(EXIT_FAILED)
