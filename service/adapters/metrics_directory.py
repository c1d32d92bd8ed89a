"""The directory through which the processes of the service share their counters.

Rules it keeps: every start of the service begins at zero, so that nobody's old counters are added to new ones; whoever
makes the directory does so before the first process that counts is started, because prometheus-client decides on its
import whether it counts in files. A process goes on in the files of one that is no more, where there is one: there are
never more of them than processes that lived at one time, however often a reload replaces them.

What it does not do: count.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus-client looks for it."""

SUFFIX: Final = ".db"
"""Of the file of one process and one kind of metric."""

CELLS_SUFFIX: Final = ".cells"
"""Of the file of one process in which its caches count."""

_OF_THE_LIVING: Final = "gauge_live"
"""What the files of gauges begin with that only living processes have a say in."""

_BEGUN_ANEW: Final = (SUFFIX, CELLS_SUFFIX, ".names", ".json", ".new")
"""Of all files that a start begins anew: beside the metrics is what caches count, which names are labels, and how
workers stand."""

FILE_OCTETS: Final = 1 << 16
"""Of the others, as prometheus-client makes them: more than what one process counts in each."""

COUNTER_OCTETS: Final = 1 << 18
"""Of the file of counters: one takes 230 octets, and there are a thousand where a hundred responders have failed in
eight ways each."""

READER_PATIENCE_S: Final = 0.1
"""Seconds that whoever reads waits for one who renames, who takes a millisecond: verdicts wait as long. Then he reads
all the same: one that was stopped in the middle renames nothing."""

NEWCOMER_PATIENCE_S: Final = 1.0
"""Seconds that a newcomer waits for readers; then he has files of his own."""

_LOOK_EVERY_S: Final = 0.002

KINDS: Final = ("counter", "histogram", "summary", "gauge_min", "gauge_mostrecent", "gauge_livemin", "gauge_livemax")
"""Of metrics, as the names of files begin: a file of each process for each of them."""


def prepare_metrics_directory(directory: Path) -> Mapping[str, str]:
    """Make the directory, or empty it. To be called by the supervisor, before it starts anybody.

    Returns:
        What the environment of every child must have.

    Raises:
        OSError: it cannot be made or emptied.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in directory.iterdir():
        if file.suffix in _BEGUN_ANEW:
            file.unlink()
    return {VARIABLE: str(directory)}


def share_if_there_is_room(environment: MutableMapping[str, str]) -> bool:
    """Count in files only where there is room for them. To be called before prometheus-client is imported.

    It maps files with holes into memory: on a full disk the kernel ends whoever fills a hole (SIGBUS), and every
    process that takes its place. So the files of this process are made here, without holes.

    Returns:
        Whether this process counts in files, or was not asked to; otherwise it counts for itself from now on.
    """
    directory = metrics_directory(environment)
    if directory is None:
        return True
    made: list[Path] = []
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        _take_over(directory)
        for kind in KINDS:
            path = directory / f"{kind}_{os.getpid()}{SUFFIX}"
            if not path.exists():
                made.append(path)
            with path.open("ab") as file:
                # One that was taken over may have grown, and what it has grown by is a hole.
                octets = max(COUNTER_OCTETS if kind == "counter" else FILE_OCTETS, os.fstat(file.fileno()).st_size)
                os.posix_fallocate(file.fileno(), 0, octets)
    except OSError:
        with locked(directory, fcntl.LOCK_EX, NEWCOMER_PATIENCE_S):
            for path in made:
                with contextlib.suppress(OSError):
                    path.unlink()
        del environment[VARIABLE]
        return False
    return True


def _take_over(directory: Path) -> None:
    """Go on in the files of one process that is no more: of the one that had this number, if there was one."""
    with locked(directory, fcntl.LOCK_EX, NEWCOMER_PATIENCE_S) as alone:
        files = [file for suffix in (SUFFIX, CELLS_SUFFIX) for file in directory.glob(f"*{suffix}")]
        owners = {owner(file) for file in files} - {0}
        gone = [pid for pid in sorted(owners) if not is_alive(pid)] if alone else []
        one = os.getpid() if os.getpid() in owners else next(iter(gone), None)
        for file in files:
            if owner(file) != one:
                continue
            if file.name.startswith(_OF_THE_LIVING):
                file.unlink()
            else:
                file.rename(file.with_stem(f"{file.stem.rpartition('_')[0]}_{os.getpid()}"))


@contextlib.contextmanager
def locked(directory: Path, how: int, patience_s: float) -> Iterator[bool]:
    """Have the files of counters keep their names while they are read, or be read by nobody while they change them.

    Args:
        directory: Where they are; one that is gone has none.
        how: `fcntl.LOCK_SH` for readers, `fcntl.LOCK_EX` for who renames.
        patience_s: Seconds to wait for others.

    Yields:
        Whether that is so now; not where somebody else takes longer, or the directory is gone.

    Raises:
        OSError: the directory cannot be opened.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _lock(descriptor, how, time.monotonic() + patience_s)  # let go of when it is closed
    finally:
        os.close(descriptor)


def _lock(descriptor: int, how: int, give_up_at: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up_at:
                return False
            time.sleep(_LOOK_EVERY_S)
        else:
            return True


def owner(file: Path) -> int:
    """The number of the process whose file it is, `{what}_{pid}.{suffix}`; 0 where that is not said."""
    digits = file.stem.rpartition("_")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def is_alive(pid: int) -> bool:
    """Whether a process of ours has that number."""
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError, OverflowError):  # nobody's, or somebody else's by now
        return False
    return True


def is_left_behind(file: Path) -> bool:
    """Whether a file says how a process is that is no more; prometheus-client calls it `gauge_live{mode}_{pid}.db`."""
    return file.name.startswith(_OF_THE_LIVING) and not is_alive(owner(file))


def metrics_directory(environment: Mapping[str, str]) -> Path | None:
    """The directory that this process counts in; None where it counts for itself."""
    directory = environment.get(VARIABLE)
    return Path(directory) if directory else None
