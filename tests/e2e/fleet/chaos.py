"""What happens to the fleet's Redis, and what must be so meanwhile and afterwards.

A story is the same for every fault: traffic on all replicas; the fault begins; the authority revokes a certificate, and
two replicas are asked to block one each; everybody comes to deny the revoked one all the same; the fault ends; a block
is again answered with 201, and in force everywhere within a second; what was blocked in the meantime comes to be
denied everywhere; the authority is again asked once a period. The oracle hears all of it.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

from service.application.fleet.names import FleetNames
from tests.e2e.fleet.links import Links
from tests.e2e.fleet.population import Client, Declares, Population
from tests.e2e.fleet.scene import PATIENCE_S, BlockAnswer, Scene, per_period
from tests.e2e.fleet.traffic import Pace
from tests.e2e.running import until
from tests.redis_servers import RedisServer

CREATED: Final = 201

RECONCILED_S: Final = 45.0
"""In which blocks of a time of trouble are everywhere: they are brought together each half minute at the latest."""

SETTLED: Final = 3
"""Periods in a row in which nothing was fetched twice: leases work."""

FLUSHED_EVERY_S: Final = 0.5
LEASED_EVERY_S: Final = 0.05
FULL_OCTETS: Final = "1"
"""Less than an empty Redis has: every write is refused."""


@contextmanager
def killed(redis: RedisServer) -> Iterator[None]:
    """It is gone, and comes back with nothing in it."""
    redis.kill()
    yield
    redis.start()


@contextmanager
def frozen(redis: RedisServer) -> Iterator[None]:
    """It does nothing; every connection stays open."""
    redis.freeze()
    try:
        yield
    finally:
        redis.thaw()


@contextmanager
def filled(redis: RedisServer) -> Iterator[None]:
    """It takes nothing more."""
    assert redis.ask("CONFIG", "SET", "maxmemory-policy", "noeviction") == b"+OK"
    assert redis.ask("CONFIG", "SET", "maxmemory", FULL_OCTETS) == b"+OK"
    yield
    assert redis.ask("CONFIG", "SET", "maxmemory", "0") == b"+OK"


@contextmanager
def flushed(redis: RedisServer) -> Iterator[None]:
    """It is emptied twice a second."""
    ended = Event()

    def flush() -> None:
        while not ended.wait(FLUSHED_EVERY_S):
            redis.flush()

    thread = Thread(target=flush)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def leased_away(redis: RedisServer, population: Population) -> Iterator[None]:
    """Somebody has every lease, and never gives one back."""
    names = [FleetNames().crl_lease(population.crl_url(one)) for one in population.crl_names]
    ended = Event()

    def take() -> None:
        while not ended.wait(LEASED_EVERY_S):
            for name in names:
                redis.ask("SET", name, "nobody's")

    thread = Thread(target=take)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        redis.ask("DEL", *names)


@contextmanager
def slow(ways: Links, seconds: float) -> Iterator[None]:
    """It answers, and late."""
    ways.delay(seconds)
    yield
    ways.heal()


@dataclass(frozen=True, slots=True)
class Told:
    """What a story came to.

    Attributes:
        blocks: Statuses of the blocks in the time of trouble.
        revoked_s: From the revocation to the deny of the last replica.
        recovered_s: From the end of the fault until a block was answered with 201.
        spread_s: From that 201 to the deny of the last replica.
        reconciled_s: From the end of the fault until everything blocked was denied everywhere.
        settled_s: From the end of the fault until leases were seen to work.
    """

    blocks: tuple[int, ...]
    revoked_s: float
    recovered_s: float
    spread_s: float
    reconciled_s: float
    settled_s: float


def story(
    scene: Scene, fault: AbstractContextManager[None], seconds: float, pace: Pace | None = None, *, is_cut: bool = True
) -> Told:
    """Tell one.

    Args:
        scene: Where.
        fault: What happens.
        seconds: How long it lasts at least.
        pace: Of the traffic.
        is_cut: Whether replicas lose Redis: those that are back before others wait for nobody.

    Raises:
        AssertionError: something never happened that must.
    """
    first, second = scene.spare(), scene.spare()
    revoked = revocable(scene)
    with scene.traffic(pace):
        time.sleep(scene.cast.rhythm.period_s)
        with fault:
            begun = time.time()
            since = scene.ca.revoke(revoked.number)
            answers = (scene.block(0, first), scene.block(1, second))
            denied = scene.until_denied([revoked], since, scene.replicas)
            time.sleep(max(0.0, begun + seconds - time.time()))
        ended = time.time()
        if is_cut:
            for one in scene.replicas:
                scene.oracle.cut_off(one.number, begun, ended)
        answer, third = block_again(scene)
        spread = max(scene.until_denied([third], answer.at, scene.replicas).values())
        everywhere = scene.until_denied([first, second, third], ended, scene.replicas, RECONCILED_S)
        until(lambda: settled(scene, ended), "the authority is asked once a period", PATIENCE_S + RECONCILED_S)
        until_settled = time.time()
    return Told(
        tuple(one.status for one in answers),
        max(denied.values()),
        answer.at - ended,
        spread,
        max(everywhere.values()),
        until_settled - ended,
    )


def revocable(scene: Scene) -> Client:
    """A certificate that nobody has touched, and that declares a CRL."""
    while (client := scene.spare()).declares is Declares.OCSP:
        pass
    return client


def block_again(scene: Scene, number: int = 0) -> tuple[BlockAnswer, Client]:
    """Block one certificate after the other until one is answered with 201; that answer, and which it was."""
    found: list[tuple[BlockAnswer, Client]] = []

    def is_created() -> bool:
        client = scene.spare()
        found.append((scene.block(number, client), client))
        if found[-1][0].status != CREATED:
            time.sleep(1.0)
        return found[-1][0].status == CREATED

    until(is_created, "a block is answered with 201", PATIENCE_S)
    return found[-1]


def settled(scene: Scene, since: float) -> bool:
    """Whether in the last periods after a moment no CRL was fetched twice, and each was fetched."""
    publications = [one for one in scene.ca.publications() if one >= since]
    if len(publications) <= SETTLED:
        return False
    begun, ended = publications[-SETTLED - 1], publications[-1]
    counts = per_period(scene.ca.log(), publications, begun, ended)
    fetched = {name for (name, _), count in counts.items() if count}
    return max(counts.values(), default=0) <= 1 and fetched == set(scene.population.crl_names)
