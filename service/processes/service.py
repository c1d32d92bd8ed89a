"""The whole service: binds the sockets and supervises workers and the prefetcher."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from service.bootstrap.directories import hold_data_directory, prepare_metrics
from service.processes.child import ChildSpec, HasDescriptor
from service.processes.children import PREFETCHER, WORKER
from service.processes.events import SupervisorLog
from service.processes.listen import bind_tcp, bind_unix
from service.processes.prefetching import PREFETCHER_SOCKET
from service.processes.supervisor import Supervisor
from service.processes.worker import HTTP_SOCKET, MANAGEMENT_SOCKET, PREFETCHER_PATH
from service.settings import Settings

_CONFIG: Final = "REVET_CONFIG"


def run_service(settings: Settings, config: Path | None, log: SupervisorLog) -> int:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: The settings; children read them again, from the same places.
        config: The TOML file that was given on the command line, for the children.
        log: Is told what happens to the children.

    Returns:
        The exit code.

    Raises:
        ListenError: an address cannot be had.
        StoreError: the data directory cannot be used, or another service has it.
        OSError: the counters' directory cannot be used.
    """
    with ExitStack() as stack:
        # Closed as soon as the end begins: whoever still connected would wait in a queue that nobody serves any more.
        listening = stack.enter_context(ExitStack())
        http = listening.enter_context(bind_tcp(settings.host, settings.port))
        worker_fds: dict[str, HasDescriptor] = {HTTP_SOCKET: http}
        if settings.management_port is not None:
            host = settings.management_host or settings.host
            worker_fds[MANAGEMENT_SOCKET] = listening.enter_context(bind_tcp(host, settings.management_port))
        orders = stack.enter_context(bind_unix())
        stack.enter_context(hold_data_directory(settings))
        env = {**prepare_metrics(settings)}
        if config is not None:
            env[_CONFIG] = os.fspath(config)
        children = (
            ChildSpec(PREFETCHER, _program(PREFETCHER), 1, {PREFETCHER_SOCKET: orders}, env),
            ChildSpec(
                WORKER, _program(WORKER), settings.workers, worker_fds, {**env, PREFETCHER_PATH: orders.getsockname()}
            ),
        )
        supervisor = Supervisor(
            children,
            log,
            hang_after_s=settings.hang_after_s,
            shutdown_grace_s=settings.shutdown_grace_s,
            on_stopping=listening.close,
        )
        return supervisor.run()


def _program(kind: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "service.processes", kind)
