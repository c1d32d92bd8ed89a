"""The ingesting process: takes orders of workers, fetches, verifies and stores CRLs."""

import asyncio
import os
import signal
from typing import Final

import uvloop

from service.bootstrap import open_ingester_server
from service.processes.inheritance import inherited_socket
from service.processes.lifeline import Lifeline
from service.settings import Settings

INGESTER_SOCKET: Final = "ingester"
"""Name of the listening socket that orders come in at."""

NICENESS: Final = 10
"""It gives way to workers: reading a large CRL must not slow down answers."""


def run_ingester(settings: Settings, lifeline: Lifeline) -> None:
    """Take orders until SIGTERM."""
    os.nice(NICENESS)
    uvloop.run(_serve(settings, lifeline))


async def _serve(settings: Settings, lifeline: Lifeline) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with open_ingester_server(settings) as server:
        lifeline.start_heartbeat(loop)
        await server.serve(inherited_socket(INGESTER_SOCKET), stop)
