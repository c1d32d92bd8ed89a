"""A process that keeps decisions as a worker does: `program.py DIRECTORY FIRST COUNT`.

It prints the number of each record once that is in its queue, and ends in order when all are; with a limit on the
length of files in the environment (`FILE_OCTETS`) a disk is full for it.
"""

import os
import resource
import sys
import time
from pathlib import Path

from tests.adapters.decisions.parts import Worker, record

PAUSE_EVERY = 100


def say(*words: object) -> None:
    """Tell the test."""
    sys.stdout.write(f"{' '.join(map(str, words))}\n")
    sys.stdout.flush()


def main(directory: str, first: int, count: int) -> None:
    """Keep so many."""
    limit = os.environ.get("FILE_OCTETS")
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    worker = Worker(Path(directory))
    worker.keeper.start()
    for number in range(first, first + count):
        worker.keeper.keep(record(number, case=os.urandom(3_000)))
        if number % PAUSE_EVERY == 0:
            say(number)
            time.sleep(0.05)
    worker.keeper.close()
    say("kept", worker.counted("kept"), "lost", worker.counted("lost", why="unavailable"), len(worker.faults))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
