"""Sessions at the command line as pages show them, typed into a real shell.

The shell is one for a whole page, as it is for a reader: what was exported, the working directory and what runs in the
background stay. `$ command &` and commands that never end (`make run`) run in the background, and end with the shell.
"""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from uuid import uuid4

_BACKGROUND: Final = re.compile(r"\s*&$")


class Shell:
    """A bash that is typed into."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        """Take a bash that has just been started.

        Args:
            process: Reads commands, and writes what they print.
            log: Where commands in the background write.
        """
        self._process = process
        self._log = log

    def run(self, line: str) -> str:
        """What a command prints, its errors included.

        Raises:
            EOFError: the shell has ended.
        """
        if _BACKGROUND.search(line):
            line = f"{_BACKGROUND.sub('', line)} >>{self._log} 2>&1 &"
        end = uuid4().hex
        reader, writer = self._process.stdout, self._process.stdin
        assert reader is not None
        assert writer is not None
        # The command's status stays what `$?` says for the next one.
        writer.write(f"{line}\n{{ status=$?; echo; echo {end}; (exit $status); }} 2>/dev/null\n")
        writer.flush()
        printed: list[str] = []
        for text in reader:
            if text == f"{end}\n":
                return "".join(printed).removesuffix("\n")
            printed.append(text)
        raise EOFError(f"the shell ended at: {line}\n{''.join(printed)}")

    def background(self) -> str:
        """What commands in the background have written."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""


@contextlib.contextmanager
def shell(directory: Path, environment: Mapping[str, str], inside: tuple[str, ...] = ()) -> Iterator[Shell]:
    """A bash of its own, in a directory; all that it started has ended when the block is left.

    Args:
        directory: Where it begins.
        environment: All of it.
        inside: A command that runs the bash: in namespaces, for one.
    """
    process = subprocess.Popen(
        (*inside, "bash", "--noprofile", "--norc"),
        cwd=directory,
        env={**environment, "PS1": "", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield Shell(process, directory / "background.log")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Wait until the group of a shell is empty, which must not take long."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
