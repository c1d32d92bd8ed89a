"""Traffic: asks all replicas about all certificates, singly and in batches, and has the oracle hear each answer."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread
from typing import Any, Final, Self

from tests.e2e.fleet.asking import Asker
from tests.e2e.fleet.oracle import Oracle
from tests.e2e.fleet.population import Client
from tests.e2e.fleet.replicas import Replica

OK: Final = 200


@dataclass(frozen=True, slots=True)
class Pace:
    """How much each replica is asked.

    Attributes:
        single: Requests a second about one certificate.
        batches: Requests a second about many.
        batch: About how many.
    """

    single: float = 20.0
    batches: float = 2.0
    batch: int = 25


class Traffic:
    """Requests to all replicas until the block is left."""

    def __init__(self, replicas: Sequence[Replica], clients: Sequence[Client], oracle: Oracle, pace: Pace) -> None:
        """Take who is asked, about whom, and who hears it."""
        self._replicas = replicas
        self._oracle = oracle
        self._pace = pace
        self._clients = clients
        self._ended = False
        self._thread = Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as lanes:
            for one in self._replicas:
                if self._pace.single:
                    lanes.create_task(self._lane(one, 1, self._pace.single))
                if self._pace.batches:
                    lanes.create_task(self._lane(one, self._pace.batch, self._pace.batches))

    async def _lane(self, replica: Replica, count: int, rate: float) -> None:
        """Ask in a rhythm; whoever is late asks at once and does not catch up."""
        loop = asyncio.get_running_loop()
        place = replica.number * len(self._clients) // len(self._replicas)
        due = loop.time() + replica.number / (rate * len(self._replicas))
        async with Asker(replica.port) as asker:
            while not self._ended:
                await asyncio.sleep(due - loop.time())
                numbers = [(place + one) % len(self._clients) for one in range(count)]
                place = numbers[-1] + 1
                await ask_about(asker, replica, self._oracle, [self._clients[one] for one in numbers])
                due = max(due + 1 / rate, loop.time())


async def ask_about(asker: Asker, replica: Replica, oracle: Oracle, clients: Sequence[Client]) -> list[str]:
    """Ask about certificates, have the oracle hear it; the codes, none where there was no answer."""
    pems = [{"certificate": one.issued.pem} for one in clients]
    path, document = ("/v1/validate", pems[0]) if len(pems) == 1 else ("/v1/validate/batch", {"items": pems})
    asked_at = time.time()
    try:
        status, answer = await asker.post(path, json.dumps(document).encode())
    except OSError as error:
        oracle.failed(replica.number, f"no answer: {error!r}, asked at {asked_at:.3f}")
        return []
    if status != OK:
        oracle.failed(replica.number, f"{status} at {asked_at:.3f}: {answer}")
        return []
    results: list[Any] = [answer] if len(pems) == 1 else answer["results"]
    heard = [(one.number, result) for one, result in zip(clients, results, strict=True)]
    oracle.hear(asked_at, time.time(), replica.number, heard)
    return [str(result.get("code", "problem")) for result in results]
