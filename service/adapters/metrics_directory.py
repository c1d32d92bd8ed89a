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
                os.posix_fallocate(file.fileno(), 0, COUNTER_OCTETS if kind == "counter" else FILE_OCTETS)
    except OSError:
        for path in made:
            with contextlib.suppress(OSError):
                path.unlink()
        del environment[VARIABLE]
        return False
    return True


def _take_over(directory: Path) -> None:
    """Go on in the files of one process that is no more, unless this one has files already."""
    with locked(directory, fcntl.LOCK_EX):
        owners = {owner(file) for suffix in (SUFFIX, CELLS_SUFFIX) for file in directory.glob(f"*{suffix}")}
        gone = next((pid for pid in sorted(owners - {0}) if not is_alive(pid)), None)
        if gone is None or os.getpid() in owners:
            return
        for file in directory.glob(f"*_{gone}.*"):
            if is_left_behind(file):
                file.unlink()
            elif file.suffix in {SUFFIX, CELLS_SUFFIX}:
                file.rename(file.with_stem(f"{file.stem.rpartition('_')[0]}_{os.getpid()}"))


@contextlib.contextmanager
def locked(directory: Path, how: int) -> Iterator[None]:
    """Have the files of counters keep their names while they are read, or be read by nobody while they change them.

    Args:
        directory: Where they are; one that is gone has none.
        how: `fcntl.LOCK_SH` for readers, `fcntl.LOCK_EX` for who renames.

    Raises:
        OSError: the directory cannot be opened.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(descriptor, how)  # let go of when it is closed
        yield
    finally:
        os.close(descriptor)


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
