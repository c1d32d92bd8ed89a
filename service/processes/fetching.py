"""The fleet's fetcher: the prefetcher as a service of its own, without workers and without a supervisor.

It keeps fresh what is configured for it and what its trust stores name, and writes that to Redis, where replicas find
it; each of them verifies and indexes for itself. Whoever started it starts it again where it ends.
"""

import asyncio

import uvloop

from service.application.fleet.heartbeat import Role
from service.bootstrap.directories import hold_data_directory
from service.bootstrap.prefetching import open_prefetcher
from service.processes.signals import STOP_SIGNALS
from service.settings import Settings


def run_fetcher(settings: Settings) -> None:
    """Fetch until SIGTERM or SIGINT.

    Raises:
        SettingsError: a place that the settings name cannot be.
        StoreError: the data directory cannot be used, or another service has it.
    """
    with hold_data_directory(settings):
        uvloop.run(_fetch(settings))


async def _fetch(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    async with open_prefetcher(settings, Role.PREFETCH) as prefetcher:
        running = asyncio.ensure_future(prefetcher.run())
        running.add_done_callback(lambda _: stop.set())
        await stop.wait()
        running.cancel()
        await asyncio.wait((running,))
        if not running.cancelled():
            running.result()
