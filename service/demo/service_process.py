"""The service that the demonstration shows: started, awaited, stopped."""

import http.client
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from service.demo.errors import ServiceFailedError
from service.demo.layout import Layout
from service.demo.ports import LOOPBACK
from service.demo.tied import tied

SERVE: Final = (sys.executable, "-m", "service", "serve")

READY_WITHIN_S: Final = 60.0
"""How long the service may take to start: seconds are usual, a busy machine takes more."""

STOP_WITHIN_S: Final = 15.0
"""How long it may take to end: longer than its own patience with its workers, ten seconds."""

_PREFIX: Final = "REVET_"
_KEPT: Final = frozenset({"REVET_WORKERS"})
_KEPT_PREFIX: Final = "REVET_LOG_"
_GLANCE_S: Final = 0.05
_PROBE_TIMEOUT_S: Final = 2.0


def service_environment(inherited: Mapping[str, str], layout: Layout, port: int) -> dict[str, str]:
    """The environment of the service.

    Settings of the user's own would make another service of it than the one that is described to him: they are left
    out, but for the number of workers and what concerns the log.
    """
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(_PREFIX) or name in _KEPT or name.startswith(_KEPT_PREFIX)
    }
    return {
        "REVET_LOG_FORMAT": "console",
        "REVET_LOG_LEVEL": "warning",
        **kept,
        "REVET_PORT": str(port),
        "REVET_TRUST_STORE": str(layout.trust_store.absolute()),
        "REVET_DATA_DIR": str(layout.data.absolute()),
        "REVET_EGRESS_ALLOW": LOOPBACK,
    }


class ServiceProcess:
    """One run of the service. To be started in the main thread: it ends together with the thread that starts it."""

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str], port: int) -> None:
        """Take what to start. Nothing is started before it is entered.

        Args:
            command: The program and its arguments.
            environment: All of its environment.
            port: Where it will answer.
        """
        self._command = command
        self._environment = environment
        self._port = port

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            OSError: it could not be started.
        """
        # Born with SIGINT blocked, until it listens to it itself: a Ctrl-C before that would end it with a traceback.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is our own
                tied(self._command), stdin=subprocess.DEVNULL, env=self._environment
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it: asked first, killed when its time is up."""
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_until_ready(self, stop_asked: Callable[[], bool]) -> None:
        """Wait until it says that it is ready, or the user wants to stop.

        Raises:
            ServiceFailedError: it has ended, or takes too long.
        """
        give_up_at = time.monotonic() + READY_WITHIN_S
        while not (stop_asked() or self._is_ready()):
            self.check()
            if time.monotonic() > give_up_at:
                raise ServiceFailedError(f"the service is not ready after {READY_WITHIN_S:.0f} s")
            time.sleep(_GLANCE_S)

    def stay(self, stop_asked: Callable[[], bool]) -> None:
        """Wait until the user wants to stop.

        Raises:
            ServiceFailedError: it has ended by itself.
        """
        while not stop_asked():
            self.check()
            time.sleep(_GLANCE_S)

    def check(self) -> None:
        """See whether it runs.

        Raises:
            ServiceFailedError: it has ended by itself.
        """
        code = self._process.poll()
        if code is not None:
            raise ServiceFailedError(f"the service has ended by itself, with exit code {code}")

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=_PROBE_TIMEOUT_S)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
