"""The prefetcher: fetches, verifies and stores CRLs, ahead of need and for workers who order them."""

import asyncio
import os
from typing import Final

import uvloop

from service.bootstrap.prefetching import open_prefetcher
from service.processes.agreed import PREFETCHER_SOCKET
from service.processes.inheritance import inherited_socket
from service.processes.lifeline import Lifeline
from service.processes.signals import END_SIGNAL
from service.settings import Settings

NICENESS: Final = 10
"""It gives way to workers: reading a large CRL must not slow down answers."""


def run_prefetcher(settings: Settings, lifeline: Lifeline) -> None:
    """Keep CRLs fresh and take orders until `END_SIGNAL`."""
    os.nice(NICENESS)
    # Where another one has the store now: there is only one at a time.
    lifeline.wait_at_gate()
    uvloop.run(_serve(settings, lifeline))


async def _serve(settings: Settings, lifeline: Lifeline) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(END_SIGNAL, stop.set)
    async with open_prefetcher(settings) as prefetcher:
        lifeline.start_heartbeat(loop)
        running = asyncio.ensure_future(prefetcher.run())
        # Whatever ends it ends the process, which is replaced: a service that only looks fresh is worse.
        running.add_done_callback(lambda _: stop.set())
        await prefetcher.server.serve(inherited_socket(PREFETCHER_SOCKET), stop)
        running.cancel()
        await asyncio.wait((running,))
        if not running.cancelled():
            running.result()
