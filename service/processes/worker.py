"""A worker: serves the API on the socket it inherited until it is told to stop.

The supervisor tells it with signals, and keeps the time: `DRAIN_SIGNAL` when the service is to end, `RETIRE_SIGNAL`
when another worker has taken its place, `END_SIGNAL` to end now, with what is under way.
"""

import asyncio
import contextlib
import math
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
import uvloop
from starlette.types import ASGIApp

from service.adapters.clock import SystemClock
from service.adapters.kept_memory import KeptMemory
from service.adapters.reload_metrics import KEPT_RELOAD
from service.bootstrap.limits import IDLE_S, MANAGEMENT_CONNECTIONS, connection_limits
from service.bootstrap.readiness import ESSENTIAL_CHECKS
from service.bootstrap.rotation import KEPT
from service.bootstrap.worker import WorkerApps, open_worker_apps
from service.processes.agreed import HTTP_SOCKET, MANAGEMENT_SOCKET, PREFETCHER_PATH
from service.processes.descriptors import room_for_connections
from service.processes.http_protocol import BoundedHttpProtocol
from service.processes.http_server import HttpServer
from service.processes.inheritance import BEAT, SERVED_BEAT, SUCCEEDS, inherited_descriptor, inherited_socket
from service.processes.lifeline import Lifeline
from service.processes.signals import DRAIN_SIGNAL, END_SIGNAL, RETIRE_SIGNAL
from service.settings import Settings

_ORDERLY_S: Final = 1.0
"""Seconds of the supervisor's grace that are left for closing what the worker and the prefetcher have open."""

_LOOK_AGAIN_S: Final = 0.2
"""Seconds between two looks of a successor at whether it can answer."""

_PROBE_S: Final = 1.0
"""Seconds for probes that are under way when the main server has ended: as long as a kubelet waits."""


def run_worker(settings: Settings, lifeline: Lifeline) -> None:
    """Serve until `END_SIGNAL`; requests under way are finished."""
    uvloop.run(_serve(settings, lifeline))


async def _serve(settings: Settings, lifeline: Lifeline) -> None:
    loop = asyncio.get_running_loop()
    async with open_worker_apps(settings, Path(os.environ[PREFETCHER_PATH]), _inherited_kept()) as apps:
        if SUCCEEDS in os.environ:
            # Not heard until then: the one before goes on serving.
            while not await apps.readiness.succeed(ESSENTIAL_CHECKS):
                await SystemClock().sleep(_LOOK_AGAIN_S)
        beat = partial(lifeline.start_heartbeat, loop, lambda: SERVED_BEAT if apps.readiness.was_ready else BEAT)
        patience_s = _patience_s(settings.shutdown_grace_s)
        limits = connection_limits(settings, room_for_connections(settings.max_connections))
        apps.streams.leave_room(limits.most)
        main = HttpServer(_config(apps.served, apps.tls), patience_s, beat, limits, apps.connections)
        beside = _management(settings, apps)
        servers = [main, *beside.servers]

        def drain() -> None:
            apps.readiness.drain()
            apps.streams.end()
            for server in servers:
                server.say_close()

        def retire() -> None:
            apps.streams.end()
            for server in servers:
                server.retire()

        def finish() -> None:
            apps.streams.end()
            main.finish()

        # Before the first heartbeat, on which the supervisor takes it that they are understood.
        loop.add_signal_handler(DRAIN_SIGNAL, drain)
        loop.add_signal_handler(RETIRE_SIGNAL, retire)
        loop.add_signal_handler(END_SIGNAL, finish)
        async with beside.serving():
            await main.serve([inherited_socket(HTTP_SOCKET)])


class _Management:
    """What probes and scrapers are answered with, for as long as the main server is there."""

    def __init__(self, *servers: HttpServer) -> None:
        self.servers = servers

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve until the block is left."""
        tasks = [asyncio.create_task(server.serve([inherited_socket(MANAGEMENT_SOCKET)])) for server in self.servers]
        try:
            yield
        finally:
            for server in self.servers:
                server.finish()
            await asyncio.gather(*tasks)


def _management(settings: Settings, apps: WorkerApps) -> _Management:
    """What answers probes and scrapers, where they have a port of their own; its connections are nobody else's."""
    if apps.management is None:
        return _Management()
    limits = connection_limits(settings, MANAGEMENT_CONNECTIONS)
    config = _config(apps.management, None)
    return _Management(HttpServer(config, _PROBE_S, limits=limits, observer=apps.connections))


def _inherited_kept() -> Mapping[str, KeptMemory]:
    descriptors = {name: inherited_descriptor(name) for name in (*KEPT, KEPT_RELOAD)}
    return {name: KeptMemory(descriptor) for name, descriptor in descriptors.items() if descriptor is not None}


def _config(app: ASGIApp, tls: ssl.SSLContext | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        loop="none",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # Whoever asks is who is connected: a header that says otherwise would be anybody's to send.
        proxy_headers=False,
        timeout_keep_alive=math.ceil(IDLE_S),
        ssl_context_factory=None if tls is None else lambda _config, _make: tls,
    )


def _patience_s(grace_s: float) -> float:
    """Seconds for requests under way: less than the supervisor waits, so that what does not end is ended in order."""
    return max(grace_s - _ORDERLY_S, grace_s / 2)
