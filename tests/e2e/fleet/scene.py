"""Everything together: an authority, a Redis with a way to it for each replica, replicas, and the oracle.

A scene is asked to do things (block, revoke, cut a way) and tells the oracle of each, so that whatever happens in it is
judged. What the traffic hears, and what a scene hears while it waits, is heard by the same oracle.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx

from tests.e2e.fleet.asking import Asker
from tests.e2e.fleet.ca import Rhythm
from tests.e2e.fleet.ca_control import Asked, Ca, authority
from tests.e2e.fleet.links import Links, links
from tests.e2e.fleet.oracle import Oracle, Patience
from tests.e2e.fleet.population import Client, Size
from tests.e2e.fleet.replicas import SKEW_S, Replica, replica, replicas
from tests.e2e.fleet.traffic import Pace, Traffic, ask_about
from tests.e2e.running import until
from tests.redis_servers import RedisServer, redis_server

EXTRA_S: Final = 12.0
"""What the oracle permits beyond an interval, but not beyond the end of evidence: a lease of which nobody
knows any more lasts ten seconds."""

PATIENCE_S: Final = 30.0
"""In which what must happen has happened."""

LOOKS_EVERY_S: Final = 0.01

DENIED: Final = frozenset({"blocked", "revoked"})
ALLOWED: Final = frozenset({"ok"})


SMALL: Final = Size(60)

QUICK: Final = Rhythm(period_s=2.0, validity_s=14, ocsp_s=20)
"""For tests: three periods and some are over in seconds."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part.

    Attributes:
        replicas: How many.
        size: Of the population.
        rhythm: Of the authority.
        settings: Of all replicas, besides.
        unseen: Certificates that nobody is asked about before somebody wants to be the first.
        extra_s: What the oracle permits (`Patience`).
    """

    replicas: int = 5
    size: Size = SMALL
    rhythm: Rhythm = QUICK
    settings: Mapping[str, str] = field(default_factory=dict)
    unseen: int = 0
    extra_s: float = EXTRA_S


@dataclass(frozen=True, slots=True)
class BlockAnswer:
    """What became of a block.

    Attributes:
        status: 201, or 503.
        at: When it was answered, seconds since the epoch.
        id: Of the block; empty where it was not answered.
        document: The answer.
    """

    status: int
    at: float
    id: str
    document: Mapping[str, Any]


class Scene:
    """What happens."""

    def __init__(self, place: Path, cast: Cast, ca: Ca, redis_port: int, ways: Links) -> None:
        """Take who takes part; the replicas come last."""
        self.place = place
        self.cast = cast
        self.ca = ca
        self.ways = ways
        self.redis_port = redis_port
        self.replicas: tuple[Replica, ...] = ()
        self.looks_every_s = LOOKS_EVERY_S
        self.population = ca.population
        self.oracle = Oracle(self.population.clients, Patience(cast.rhythm.period_s, cast.extra_s, SKEW_S))
        seen = len(self.population.clients) - cast.unseen
        self.seen, self.unseen = self.population.clients[:seen], self.population.clients[seen:]
        self._spare = iter(self.seen)

    def spare(self) -> Client:
        """A certificate to which nothing has happened yet, and to which nobody else gets."""
        return next(self._spare)

    @contextmanager
    def traffic(self, pace: Pace | None = None) -> Iterator[None]:
        """All replicas are asked about everybody while the block lasts; then all that was heard is judged."""
        with Traffic(self.replicas, self.seen, self.oracle, pace or Pace()):
            yield
        self.judge()

    def judge(self) -> int:
        """Judge all that was heard; how many verdicts were wrong in all."""
        return self.oracle.judge(self.ca.truth())

    def warm(self) -> None:
        """Ask every replica about everybody until each allows; nothing may have been revoked yet."""

        def is_warm() -> bool:
            codes = asyncio.run(self._ask_all())
            return set(codes) == {"ok"}

        until(is_warm, "every replica allows everybody", PATIENCE_S)

    async def _ask_all(self) -> list[str]:
        silent = Oracle(self.population.clients, self.oracle.patience)
        found: list[str] = []
        for one in self.replicas:
            async with Asker(one.port) as asker:
                for begin in range(0, len(self.seen), 50):
                    found += await ask_about(asker, one, silent, self.seen[begin : begin + 50])
        return found

    def block(self, number: int, client: Client) -> BlockAnswer:
        """Have a replica block a certificate."""
        body = {"fingerprint_sha256": client.fingerprint, "reason": "a test of the fleet"}
        self.oracle.blocking(client.number, time.time())
        answer = httpx.post(f"{self.replicas[number].url}/v1/blocks", json=body, timeout=10)
        at, document = time.time(), answer.json()
        if answer.status_code == httpx.codes.CREATED:
            self.oracle.blocked(client.number, at)
        elif answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and document.get("local") is True:
            self.oracle.blocked_locally(client.number, number, at)
        else:
            self.oracle.failed(number, f"{answer.status_code} to a block: {document}")
        return BlockAnswer(answer.status_code, at, str(document.get("id", "")), document)

    def unblock(self, number: int, client: Client, block_id: str) -> int:
        """Have a replica remove a block; the status of its answer."""
        self.oracle.unblocking(client.number, time.time())
        answer = httpx.delete(f"{self.replicas[number].url}/v1/blocks/{block_id}", timeout=10)
        if answer.status_code == httpx.codes.NO_CONTENT:
            self.oracle.unblocked(client.number, time.time())
        return answer.status_code

    def until_denied(
        self, clients: Sequence[Client], since: float, at: Sequence[Replica], patience_s: float = PATIENCE_S
    ) -> dict[int, float]:
        """Ask replicas again and again until each denies all; by replica, seconds since a moment until it did.

        Raises:
            AssertionError: one never does.
        """
        return asyncio.run(self._until(clients, DENIED, since, at, patience_s))

    def until_allowed(self, clients: Sequence[Client], since: float, at: Sequence[Replica]) -> dict[int, float]:
        """The same until each allows all."""
        return asyncio.run(self._until(clients, ALLOWED, since, at, PATIENCE_S))

    async def _until(
        self, clients: Sequence[Client], wanted: frozenset[str], since: float, at: Sequence[Replica], patience_s: float
    ) -> dict[int, float]:
        async def wait(one: Replica) -> float:
            codes: list[str] = []
            async with Asker(one.port) as asker:
                while time.time() < since + patience_s:
                    codes = await ask_about(asker, one, self.oracle, clients)
                    if codes and set(codes) <= wanted:
                        return time.time() - since
                    await asyncio.sleep(self.looks_every_s)
            raise AssertionError(f"replica {one.number} says {codes}, and not {sorted(wanted)}, for {patience_s} s")

        seconds = await asyncio.gather(*(wait(one) for one in at))
        return {one.number: found for one, found in zip(at, seconds, strict=True)}

    def ask(self, number: int, client: Client) -> str:
        """Ask a replica about a certificate; the code."""

        async def ask() -> list[str]:
            async with Asker(self.replicas[number].port) as asker:
                return await ask_about(asker, self.replicas[number], self.oracle, [client])

        return asyncio.run(ask())[0]

    async def ask_at_once(self, client: Client, times: int) -> list[str]:
        """Ask about a certificate, each time over a connection of its own, in turn at each replica; the codes."""

        async def ask(number: int) -> list[str]:
            one = self.replicas[number % len(self.replicas)]
            async with Asker(one.port) as asker:
                return await ask_about(asker, one, self.oracle, [client])

        return [code for codes in await asyncio.gather(*map(ask, range(times))) for code in codes]

    def refused(self) -> Counter[str]:
        """What replicas have refused of what came out of Redis, by the labels of the counter."""
        found: Counter[str] = Counter()
        for one in self.replicas:
            for labels, value in one.counted("revet_fleet_refused_total").items():
                found[labels] += int(value)
        return found

    def failures(self) -> Iterator[str]:
        """What replicas have logged as faults of their own."""
        for one in self.replicas:
            yield from (f"replica {one.number}: {line}" for line in one.log.splitlines() if "Traceback" in line)


@contextmanager
def played(place: Path, cast: Cast, redis: RedisServer | None, redis_urls: Sequence[str] = ()) -> Iterator[Scene]:
    """A scene whose replicas are ready and warm.

    Args:
        place: For what all of them write.
        cast: Who takes part.
        redis: What they share, with a way of its own for each; None for none.
        redis_urls: Where it is instead, without ways: a cluster.
    """
    os.sync()  # what tests before this one have written is not waited for by those whom the oracle gives a second
    with ExitStack() as stack:
        ca = stack.enter_context(authority(cast.size, cast.rhythm))
        port = 1 if redis is None else redis.port
        ways = stack.enter_context(links([port] * (cast.replicas + 1)))
        scene = Scene(place, cast, ca, port, ways)
        urls: list[str | None] = [f"redis://127.0.0.1:{one}/0" for one in ways.ports[: cast.replicas]]
        if redis is None:
            urls = [*redis_urls] or [None] * cast.replicas
        scene.replicas = stack.enter_context(replicas(place, ca, urls, cast.settings))
        scene.warm()
        yield scene


@contextmanager
def newcomer(scene: Scene) -> Iterator[Replica]:
    """A replica with an empty data directory, over the last way; begun, and not waited for."""
    number = scene.cast.replicas
    url = f"redis://127.0.0.1:{scene.ways.ports[number]}/0"
    one = replica(scene.place, scene.ca, number, url, scene.cast.settings)
    one.begin()
    try:
        yield one
    finally:
        one.end()


@contextmanager
def scene_with_redis(place: Path, cast: Cast, *options: str) -> Iterator[tuple[Scene, RedisServer]]:
    """A scene, and its Redis, which has options of its own."""
    with redis_server(place / "redis", *options) as redis, played(place, cast, redis) as scene:
        yield scene, redis


def per_period(
    log: Sequence[Asked], publications: Sequence[float], begun: float, ended: float
) -> Counter[tuple[str, int]]:
    """How often each CRL was asked for between two publications: by its name and the number of the publication.

    Only periods that lie between two moments count; what was never asked for in one of them counts as none.
    """
    spans = [
        (number, first, second)
        for number, (first, second) in enumerate(pairwise(publications))
        if begun <= first and second <= ended
    ]
    names = {one.what for one in log if one.kind == "crl"}
    found = Counter({(name, number): 0 for name in names for number, _, _ in spans})
    for one in log:
        if one.kind != "crl":
            continue
        for number, first, second in spans:
            if first <= one.at < second:
                found[one.what, number] += 1
    return found
