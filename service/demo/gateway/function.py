"""A Lambda function in a process of its own, with an environment of its own: what an authorizer is called as.

    >>> with Function(Path("dist/authorizer.zip"), {"REVET_URL": "http://127.0.0.1:8080"}) as authorizer:
    ...     with Gateway(front, authorizer, clock):
    ...         ...

Rules: the first event starts the process (a cold start); one event at a time; what takes too long is ended, and the
next event starts another process, as Lambda does it. The function sees the environment that it is given and nothing
else, and works in the directory of its files, into which an archive is unpacked first. Its process ends when the pipe
from here does.
"""

import json
import selectors
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from service.demo.gateway.authorization import Invocation
from service.demo.gateway.model import Event

HANDLER: Final = "lambda_function.lambda_handler"

TIMEOUT_S: Final = 10.0
"""Far above the authorizer's own deadline; API Gateway waits for 30 seconds."""

_RUNTIME: Final = Path(__file__).with_name("runtime.py")
_CHUNK: Final = 65_536


class FunctionError(Exception):
    """The function raised, ended, or took too long; its message is the text."""


class Function:
    """A function that can be called as a handler is. Whoever starts it closes it."""

    def __init__(
        self,
        source: Path,
        environment: Mapping[str, str],
        *,
        handler: str = HANDLER,
        timeout_s: float = TIMEOUT_S,
        log: IO[bytes] | None = None,
    ) -> None:
        """Take what to run; nothing is started before the first event.

        Args:
            source: A zip, or the directory that the module is in.
            environment: All that the function sees.
            handler: `module.function`.
            timeout_s: How long an event may take.
            log: Where what it prints goes; nowhere, if not given.
        """
        self._source = source.absolute()
        self._called = handler
        self._environment = dict(environment)
        self._timeout_s = timeout_s
        self._log = log
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._unpacked: tempfile.TemporaryDirectory[str] | None = None
        self.cold_starts = 0

    def __enter__(self) -> Self:
        """Have it ended with the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()

    def __call__(self, event: Event, context: Invocation) -> Any:  # noqa: ANN401 - JSON of any shape
        """What the function answers.

        Raises:
            FunctionError: it raised, ended, or took too long.
        """
        asked = {
            "event": event,
            "context": {
                "aws_request_id": context.aws_request_id,
                "function_name": context.function_name,
                "invoked_function_arn": context.invoked_function_arn,
                "remaining_ms": int(self._timeout_s * 1000),
            },
        }
        with self._lock:
            try:
                said = json.loads(self._exchange(json.dumps(asked).encode() + b"\n"))
            except (OSError, ValueError) as error:
                self._end()
                raise FunctionError(str(error)) from error
        if "error" in said:
            raise FunctionError(said["error"])
        return said["answer"]

    def close(self) -> None:
        """End the process, so that the next event is a cold start."""
        with self._lock:
            self._end()

    def _exchange(self, line: bytes) -> bytes:
        process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise OSError("no pipes")
        process.stdin.write(line)
        process.stdin.flush()
        return _read_line(process.stdout, time.monotonic() + self._timeout_s)

    def _start(self) -> subprocess.Popen[bytes]:
        self.cold_starts += 1
        task = self._source if self._source.is_dir() else self._unpack()
        self._process = subprocess.Popen(  # noqa: S603 - the command is our own
            (sys.executable, "-I", "-S", str(_RUNTIME), str(task), self._called),
            cwd=task,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log or subprocess.DEVNULL,
            env=self._environment,
            bufsize=0,
        )
        return self._process

    def _unpack(self) -> Path:
        self._unpacked = tempfile.TemporaryDirectory()
        with zipfile.ZipFile(self._source) as archive:
            archive.extractall(self._unpacked.name)
        return Path(self._unpacked.name)

    def _end(self) -> None:
        if self._unpacked is not None:
            self._unpacked.cleanup()
            self._unpacked = None
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _read_line(pipe: IO[bytes], until: float) -> bytes:
    """A line out of a pipe.

    Raises:
        OSError: it ended, or did not come in time.
    """
    line = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(until - time.monotonic()):
                raise TimeoutError("the function took too long")
            chunk = pipe.read(_CHUNK)
            if not chunk:
                raise BrokenPipeError("the function's process has ended")
            line += chunk
    return bytes(line)
