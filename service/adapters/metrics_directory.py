"""The directory through which the processes of the service share their counters.

Rules it keeps: every start of the service begins at zero, so that nobody's old counters are added to new ones; whoever
makes the directory does so before the first process that counts is started, because prometheus-client decides on its
import whether it counts in files.

What it does not do: count.
"""

import contextlib
import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus-client looks for it."""

SUFFIX: Final = ".db"
"""Of the file of one process and one kind of metric."""

_BEGUN_ANEW: Final = (SUFFIX, ".cells", ".names", ".json", ".new")
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
    files = {
        directory / f"{kind}_{os.getpid()}{SUFFIX}": COUNTER_OCTETS if kind == "counter" else FILE_OCTETS
        for kind in KINDS
    }
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        for path, octets in files.items():
            with path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, octets)
    except OSError:
        for path in files:
            with contextlib.suppress(OSError):
                path.unlink()
        del environment[VARIABLE]
        return False
    return True


def metrics_directory(environment: Mapping[str, str]) -> Path | None:
    """The directory that this process counts in; None where it counts for itself."""
    directory = environment.get(VARIABLE)
    return Path(directory) if directory else None
