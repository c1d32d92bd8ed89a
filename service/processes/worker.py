"""A worker: serves the API on the socket it inherited until it is told to stop."""

import asyncio
import contextlib
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import uvicorn
import uvloop
from starlette.types import ASGIApp

from service.bootstrap.worker import open_worker_apps
from service.processes.http_protocol import BoundedHttpProtocol
from service.processes.inheritance import inherited_socket
from service.processes.lifeline import Lifeline
from service.settings import Settings

HTTP_SOCKET: Final = "http"
"""Name of the socket that callers connect to."""

MANAGEMENT_SOCKET: Final = "management"
"""Name of the socket of the management port; passed on only where there is one."""

PREFETCHER_PATH: Final = "_REVET_PREFETCHER_PATH"
"""Environment variable with the path of the prefetcher's socket."""

KEEP_ALIVE_S: Final = 75
"""Longer than load balancers keep idle connections (ALB: 60 s), so that it is they who close them."""


class _Server(uvicorn.Server):
    """A server whose signals are handled by somebody else."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def run_worker(settings: Settings, lifeline: Lifeline) -> None:
    """Serve until SIGTERM; requests under way are finished."""
    uvloop.run(_serve(settings, lifeline))


async def _serve(settings: Settings, lifeline: Lifeline) -> None:
    async with open_worker_apps(settings, Path(os.environ[PREFETCHER_PATH])) as apps:
        lifeline.start_heartbeat(asyncio.get_running_loop())
        main = uvicorn.Server(_config(apps.main, settings, is_main=True))
        if apps.management is None:
            await main.serve([inherited_socket(HTTP_SOCKET)])
            return
        management = _Server(_config(apps.management, settings, is_main=False))
        beside = asyncio.create_task(management.serve([inherited_socket(MANAGEMENT_SOCKET)]))
        try:
            await main.serve([inherited_socket(HTTP_SOCKET)])
        finally:
            management.should_exit = True
            await beside


def _config(app: ASGIApp, settings: Settings, *, is_main: bool) -> uvicorn.Config:
    tls = settings.tls_cert is not None and is_main
    return uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        loop="none",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        # A second less than the supervisor waits, so that it is the worker who ends what does not end.
        timeout_graceful_shutdown=max(1, int(settings.shutdown_grace_s) - 1),
        ssl_certfile=settings.tls_cert if tls else None,
        ssl_keyfile=settings.tls_key if tls else None,
        ssl_ca_certs=str(settings.tls_client_ca) if tls and settings.tls_client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls and settings.tls_client_ca else ssl.CERT_NONE,
    )
