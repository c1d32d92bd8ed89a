"""One mutant against the tests of the core, in a copy of the repository.

Rules: the working tree is never touched; a mutant's own room is asked first, and the others only where that notices
nothing; what takes several times as long as it should is ended, with everything it has started.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from mutants.population import ROOMS, Mutant

COPIED: Final = ("service", "tests", "mutants", "docs", "pyproject.toml")
"""What the tests of the core need of the repository."""

OPTIONS: Final = ("-x", "-q", "-rf", "--tb=no", "--no-header", "-n0", "--timeout=0", "-pmutants.pytest_plugin")
WITHOUT: Final = ("randomly", "cacheprovider", "cov", "schemathesis")
ENVIRONMENT: Final[Mapping[str, str]] = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "CI": "true"}

PATIENCE: Final = 4
"""How many times the time that the tests take unchanged a mutant is given."""
PATIENCE_S: Final = 5.0
"""And so many seconds more."""

_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


class Result(Enum):
    """What came of a mutant."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    """The tests did not come to an end: that is noticed too."""
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mutant and what came of it.

    Attributes:
        killer: The first test that failed; empty where none did.
    """

    mutant: Mutant
    result: Result
    killer: str = ""


class Workshop:
    """A copy of the repository in which one mutant after the other is tried."""

    def __init__(self, root: Path, directory: Path) -> None:
        """Copy the repository to a directory that does not exist yet."""
        self._directory = directory
        for name in COPIED:
            source, target = root / name, directory / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                directory.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        self._seconds: dict[str, float] = {}

    def measure(self, rooms: Iterable[str] = ROOMS) -> Mapping[str, float]:
        """Seconds that the tests of each room take where nothing is changed.

        Raises:
            RuntimeError: they fail.
        """
        for room in rooms:
            for _ in range(2):  # the first run compiles
                started = time.monotonic()
                code, output = self._run(room, None)
                if code != 0:
                    raise RuntimeError(f"the tests of {room} fail where nothing is changed:\n{output}")
                self._seconds[room] = time.monotonic() - started
        return self._seconds

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Take over what another workshop has measured."""
        self._seconds = dict(seconds)

    def attempt(self, mutant: Mutant) -> Outcome:
        """Try one mutant.

        Raises:
            RuntimeError: pytest did not run the tests.
        """
        module = self._directory / mutant.path
        module.write_text(mutant.after)
        try:
            for room in (mutant.room, *(other for other in reversed(ROOMS) if other != mutant.room)):
                code, output = self._run(room, PATIENCE * self._seconds[room] + PATIENCE_S)
                if code is None:
                    return Outcome(mutant, Result.TIMEOUT)
                if code:
                    killer = _FAILED.search(output)
                    return Outcome(mutant, Result.KILLED, killer[1] if killer else output.strip()[-200:])
        finally:
            module.write_text(mutant.before)
        return Outcome(mutant, Result.SURVIVED)

    def _run(self, room: str, seconds: float | None) -> tuple[int | None, str]:
        """The exit code of pytest, None where it was ended, and what it wrote."""
        plugins = (f"-pno:{name}" for name in WITHOUT)
        command = (sys.executable, "-m", "pytest", *OPTIONS, *plugins, f"tests/core/{room}")
        # Compiled once, where nothing is changed yet: a mutant's own compilation must outlive nobody.
        environment = {**os.environ, **ENVIRONMENT} if seconds else {**os.environ, "CI": "true"}
        with subprocess.Popen(
            command,
            cwd=self._directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                return None, ""
        if process.returncode in _NOT_RUN:
            raise RuntimeError(f"pytest did not run the tests of {room}:\n{output}")
        return process.returncode, output


_NOT_RUN: Final = (4, 5)
"""Exit codes of pytest: wrong usage, no tests."""
