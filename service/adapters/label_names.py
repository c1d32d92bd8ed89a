"""Names of others that may be labels: the first ones that are met, the same ones in every process, and no more.

A responder's host is written in certificates, and the name of a trust store comes from files: there may be thousands.
The first that any process of the service meets have a label of their own, and all others share one, so that a metric is
right for each name that it shows, and Prometheus is not flooded.

Rules it keeps: the list is a file beside the counters, begun anew with every start of the service; whoever meets a name
that he does not know looks there and adds it, under a lock, while there is room. Once there is none it is not looked at
any more. A file that cannot be used leaves a name among the others.
"""

import fcntl
import json
from pathlib import Path
from typing import Final

NAMES_SUFFIX: Final = ".names"
"""Of the file of one list."""

MAX_NAME: Final = 128
"""Characters of a label; names that are as long in these are one."""


class LabelNames:
    """One list of names. For one process."""

    def __init__(self, path: Path | None, most: int, other: str) -> None:
        """Nobody was met.

        Args:
            path: Where all processes write theirs down; None where this one counts for itself.
            most: Names that have a label of their own.
            other: The label of all others.
        """
        self._path = path
        self._most = most
        self._other = other
        self._known: dict[str, None] = {}

    def label(self, name: str) -> str:
        """The label of a name; reads and writes a file when a new one is met while there is room."""
        short = name[:MAX_NAME]
        if short in self._known:
            return short
        if len(self._known) < self._most:
            self._meet(short)
        return short if short in self._known else self._other

    def _meet(self, name: str) -> None:
        if self._path is None:
            self._known[name] = None
            return
        try:
            self._look_up(name, self._path)
        except (OSError, UnicodeDecodeError):
            return

    def _look_up(self, name: str, path: Path) -> None:
        """Take over what others have written, and add a name to it."""
        with path.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # let go of when the file is closed
            file.seek(0)
            for line in file.read().splitlines():
                if len(self._known) < self._most:
                    self._known[_name(line)] = None
            if name not in self._known and len(self._known) < self._most:
                file.write(json.dumps(name) + "\n")
                self._known[name] = None


def _name(line: str) -> str:
    """A name as it was written down; one whose writer was killed meanwhile is nobody's."""
    try:
        return str(json.loads(line))
    except ValueError:
        return ""
