"""The whole service: binds the sockets and supervises workers and the prefetcher."""

import os
import socket
import sys
import weakref
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from service.adapters.kept_memory import KeptMemory
from service.adapters.reload_metrics import KEPT_RELOAD
from service.bootstrap.auditing import check_audit_log
from service.bootstrap.directories import hold_data_directory, prepare_metrics
from service.bootstrap.logs import configure_logging
from service.bootstrap.rotation import keep_rotating_files
from service.processes.agreed import (
    HTTP_SOCKET,
    MANAGEMENT_SOCKET,
    PREFETCHER,
    PREFETCHER_PATH,
    PREFETCHER_SOCKET,
    WORKER,
)
from service.processes.child import ChildSpec, HasDescriptor, Part
from service.processes.events import SupervisorLog
from service.processes.handing import SETTINGS, HandedSettings
from service.processes.last_connections import let_nobody_connect
from service.processes.last_reload import LastReload
from service.processes.listen import bind_tcp, bind_unix
from service.processes.plan import ServicePlan, Times
from service.processes.read_again import read_again
from service.processes.supervisor import Supervisor
from service.settings import Settings
from service.settings.loading import CONFIG


def run_service(settings: Settings, config: Path | None, log: SupervisorLog) -> int:
    """Serve until SIGTERM or SIGINT; read the settings again on SIGHUP.

    Args:
        settings: The settings.
        config: The TOML file that was given on the command line, where they are read again.
        log: Is told what happens to the children.

    Returns:
        The exit code.

    Raises:
        ListenError: an address cannot be had.
        StoreError: the data directory cannot be used, or another service has it.
        OSError: the counters' directory cannot be used.
        SettingsError: a file that the settings name cannot be used.
    """
    with ExitStack() as stack:
        # Closed as soon as nobody is accepted: whoever still connected would wait in a queue that nobody serves.
        listening = stack.enter_context(ExitStack())
        http = listening.enter_context(bind_tcp(settings.host, settings.port))
        # Called first: the workers take out of the queue who has connected, and nobody comes after their last look.
        listening.callback(let_nobody_connect, http)
        sockets: dict[str, HasDescriptor] = {HTTP_SOCKET: http}
        if settings.management_port is not None:
            host = settings.management_host or settings.host
            sockets[MANAGEMENT_SOCKET] = listening.enter_context(bind_tcp(host, settings.management_port))
        orders = stack.enter_context(bind_unix())
        stack.enter_context(hold_data_directory(settings))
        last_reload = KeptMemory.make(KEPT_RELOAD)
        stack.callback(last_reload.close)
        belongings = _Belongings(sockets, orders, last_reload, prepare_metrics(settings), config)
        in_force = _InForce(settings)

        def new_plan() -> ServicePlan:
            planned = partial(belongings.plan, adopt=in_force.adopt)
            return read_again(in_force.settings, config, os.environ, planned)

        supervisor = Supervisor(
            belongings.plan(settings),
            LastReload(last_reload, log),
            new_plan=new_plan,
            on_finishing=listening.close,
        )
        return supervisor.run()


@dataclass(slots=True)
class _InForce:
    """Which settings are in force.

    Attributes:
        settings: Those with which every child was started, or is started when one takes the place of another.
    """

    settings: Settings

    def adopt(self, settings: Settings) -> None:
        """Take others, which every child has now."""
        configure_logging(settings)
        self.settings = settings


@dataclass(frozen=True, slots=True)
class _Belongings:
    """What children are given that stays the same for as long as the service runs.

    Attributes:
        sockets: Where callers connect to.
        orders: Where workers connect to, for the prefetcher.
        last_reload: What became of it, for workers to show.
        metrics: Environment variables, for the counters.
        config: The TOML file that was given on the command line.
    """

    sockets: Mapping[str, HasDescriptor]
    orders: socket.socket
    last_reload: KeptMemory
    metrics: Mapping[str, str]
    config: Path | None

    def plan(self, settings: Settings, adopt: Callable[[Settings], object] = lambda _: None) -> ServicePlan:
        """What is to run with these settings.

        Raises:
            SettingsError: a file that they name cannot be used.
        """
        check_audit_log(settings)
        settings_of_all = HandedSettings(settings)
        handed = {SETTINGS: settings_of_all}
        keeping = ExitStack()
        # When nobody is to be started with these settings any more.
        weakref.finalize(settings_of_all, keeping.close)
        kept = keep_rotating_files(settings, keeping)
        env = {**self.metrics}
        if self.config is not None:
            env[CONFIG] = os.fspath(self.config)
        shared = {**self.sockets, KEPT_RELOAD: self.last_reload}
        path = {PREFETCHER_PATH: self.orders.getsockname()}
        return ServicePlan(
            (
                ChildSpec(
                    PREFETCHER, _program(PREFETCHER), 1, {PREFETCHER_SOCKET: self.orders, **handed}, env, Part.BACK
                ),
                ChildSpec(WORKER, _program(WORKER), settings.workers, {**shared, **handed, **kept}, {**env, **path}),
            ),
            Times(
                hang_after_s=settings.hang_after_s,
                drain_s=settings.drain_s,
                shutdown_grace_s=settings.shutdown_grace_s,
            ),
            partial(adopt, settings),
        )


def _program(kind: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "service.processes", kind)
