"""The directory through which the processes of the service share their counters.

Rules it keeps: every start of the service begins at zero, so that nobody's old counters are added to new ones; whoever
makes the directory does so before the first process that counts is started, because prometheus-client decides on its
import whether it counts in files.

What it does not do: count.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus-client looks for it."""

SUFFIX: Final = ".db"
"""Of the file of one process and one kind of metric."""


def prepare_metrics_directory(directory: Path) -> Mapping[str, str]:
    """Make the directory, or empty it. To be called by the supervisor, before it starts anybody.

    Returns:
        What the environment of every child must have.

    Raises:
        OSError: it cannot be made or emptied.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in directory.glob(f"*{SUFFIX}"):
        file.unlink()
    return {VARIABLE: str(directory)}


def metrics_directory(environment: Mapping[str, str]) -> Path | None:
    """The directory that this process counts in; None where it counts for itself."""
    directory = environment.get(VARIABLE)
    return Path(directory) if directory else None
