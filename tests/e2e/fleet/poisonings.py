"""One story for each way in which Redis is poisoned; tests and the benchmark tell them all."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import Final

from redis import Redis

from service.application.fleet.envelope import MAGIC, EnvelopeKind, Refusal
from tests.e2e.fleet.ca import Rhythm
from tests.e2e.fleet.chaos import RECONCILED_S, block_again
from tests.e2e.fleet.poison import FOREIGN, NAMES, Poisoner, now
from tests.e2e.fleet.population import Client, Declares, Size
from tests.e2e.fleet.scene import PATIENCE_S, Cast, Scene
from tests.e2e.running import until
from tests.redis_servers import RedisServer

SHARED_AGE_S: Final = 5
"""What `REVET_MAX_SHARED_AGE_S` is: a replay is older than that before a test has waited long."""

CAST: Final = Cast(
    size=Size(90, declares=(Declares.BOTH, Declares.CRL, Declares.OCSP)),
    rhythm=Rhythm(2.0, 14, 60),
    settings={"REVET_MAX_SHARED_AGE_S": str(SHARED_AGE_S)},
    unseen=24,
)

LIST: Final = "0-0"
OTHER_LIST: Final = "1-0"
"""Of another authority."""

SPOILED_EVERY_S: Final = 0.003


@dataclass(frozen=True, slots=True)
class Poisoned:
    """What came of one.

    Attributes:
        refused: How often it was refused, by all replicas together.
        asked: How often the authority was asked about it afterwards; None where it has nothing to say about it.
    """

    name: str
    refused: int
    asked: int | None

    @property
    def is_harmless(self) -> bool:
        """Whether it was refused, and whoever knows it better was asked."""
        return self.refused > 0 and self.asked != 0


@contextmanager
def poisoner(scene: Scene, redis: RedisServer) -> Iterator[Poisoner]:
    """Somebody at a scene's Redis."""
    with Redis(port=redis.port) as client:
        yield Poisoner(client, scene.population)


def count(scene: Scene, kind: EnvelopeKind, reason: Refusal) -> int:
    """How often replicas have refused something for a reason."""
    return scene.refused()[f'kind="{kind.value}",reason="{reason.value}"']


def poison_crls(scene: Scene, bad: Poisoner) -> Iterator[Poisoned]:
    """Everything that somebody may put in the place of a CRL."""
    url, other = (scene.population.crl_url(one) for one in (LIST, OTHER_LIST))
    name = NAMES.crl(url)
    older = scene.ca.crl(LIST)
    recorded = _fresh(bad, name)
    time.sleep(SHARED_AGE_S + 1)
    ways: dict[str, tuple[Refusal, Callable[[], bytes]]] = {
        "random octets": (Refusal.MALFORMED, lambda: secrets.token_bytes(300)),
        "random octets with the right beginning": (Refusal.UNAUTHENTIC, lambda: MAGIC + secrets.token_bytes(300)),
        "an envelope under a foreign key": (
            Refusal.UNAUTHENTIC,
            lambda: bad.seal_crl(url, scene.ca.crl(LIST), FOREIGN),
        ),
        "the envelope of another CRL": (Refusal.MISPLACED, lambda: bad.value(NAMES.crl(other)) or b""),
        "a value older than the limit": (Refusal.TOO_OLD, lambda: recorded),
        "another CA's CRL under the fleet's key": (
            Refusal.REFUSED,
            lambda: bad.seal_crl(url, scene.ca.crl(OTHER_LIST)),
        ),
        "an older CRL under the fleet's key": (Refusal.REFUSED, lambda: bad.seal_crl(url, older)),
    }
    for what, (reason, make) in ways.items():
        _fresh(bad, name)
        yield _planted(scene, f"CRL: {what}", EnvelopeKind.CRL, reason, LIST, partial(_put, bad, name, make))
    with _spoiling(bad, url):
        yield _planted(
            scene, "CRL: random pieces", EnvelopeKind.CRL, Refusal.INCOMPLETE, LIST, partial(_fresh, bad, name)
        )


@contextmanager
def _spoiling(bad: Poisoner, url: str) -> Iterator[None]:
    """Spoil pieces all the time: those who want them read them at once."""
    ended = Event()

    def spoil() -> None:
        while not ended.wait(SPOILED_EVERY_S):
            bad.spoil_pieces(url)

    thread = Thread(target=spoil)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _planted(
    scene: Scene, what: str, kind: EnvelopeKind, reason: Refusal, asked_for: str, plant: Callable[[], object]
) -> Poisoned:
    """Plant something, and wait until it is refused and its origin asked."""
    before, lines = count(scene, kind, reason), len(scene.ca.log())
    plant()

    def came_of_it() -> Poisoned:
        asked = sum(one.what == asked_for for one in scene.ca.log(lines))
        return Poisoned(what, count(scene, kind, reason) - before, asked)

    until(lambda: came_of_it().is_harmless, f"{what} is refused", PATIENCE_S)
    return came_of_it()


def _put(bad: Poisoner, name: str, make: Callable[[], bytes]) -> None:
    bad.put(name, make())


def _counts_more(scene: Scene, kind: EnvelopeKind, reason: Refusal, before: int) -> bool:
    return count(scene, kind, reason) > before


def _fresh(bad: Poisoner, name: str) -> bytes:
    """What a replica has just written under a name."""
    before = bad.value(name)
    until(lambda: bad.value(name) not in (None, before), "something newer is written", PATIENCE_S)
    found = bad.value(name)
    assert found is not None
    return found


def poison_answers(scene: Scene, bad: Poisoner) -> Iterator[Poisoned]:
    """Everything that somebody may put in the place of an OCSP answer, before anybody has asked for it."""
    fresh = iter([one for one in scene.unseen if one.declares is Declares.OCSP])
    stranger = next(one for one in scene.seen if one.declares is Declares.OCSP)
    age = timedelta(seconds=SHARED_AGE_S + 5)
    ways: dict[str, tuple[Refusal, Callable[[Client], bytes]]] = {
        "random octets": (Refusal.MALFORMED, lambda _: secrets.token_bytes(300)),
        "the envelope of another serial": (
            Refusal.MISPLACED,
            lambda _: bad.seal_ocsp(stranger, bad.ocsp_answer(stranger)),
        ),
        "an answer for another serial under the fleet's key": (
            Refusal.REFUSED,
            lambda one: bad.seal_ocsp(one, bad.ocsp_answer(stranger)),
        ),
        "an answer of another CA under the fleet's key": (
            Refusal.REFUSED,
            lambda one: bad.seal_ocsp(one, bad.ocsp_answer(one, issuer=(one.authority + 1) % 3)),
        ),
        "an answer under a foreign key": (
            Refusal.UNAUTHENTIC,
            lambda one: bad.seal_ocsp(one, bad.ocsp_answer(one), keys=FOREIGN),
        ),
        "an answer older than the limit": (
            Refusal.TOO_OLD,
            lambda one: bad.seal_ocsp(one, bad.ocsp_answer(one), now() - age),
        ),
    }
    for number, (what, (reason, make)) in enumerate(ways.items()):
        client = next(fresh)
        bad.put(bad.ocsp_name(client), make(client))
        yield _planted(
            scene,
            f"OCSP: {what}",
            EnvelopeKind.OCSP,
            reason,
            str(client.issued.serial),
            partial(scene.ask, number % len(scene.replicas), client),
        )


def poison_blocks(scene: Scene, bad: Poisoner) -> Iterator[Poisoned]:
    """Everything that somebody may do to have a block removed."""
    (answer, client), (other_answer, other) = block_again(scene), block_again(scene, 1)
    scene.until_denied([client, other], other_answer.at, scene.replicas)
    assert scene.unblock(0, other, other_answer.id) == 204
    ways: dict[str, tuple[Refusal, Callable[[], object]]] = {
        "a forged tombstone": (Refusal.UNAUTHENTIC, lambda: bad.forge_unblocking(answer.id)),
        "another block's tombstone": (Refusal.MISPLACED, lambda: bad.move_unblocking(other_answer.id, answer.id)),
        "random octets": (
            Refusal.MALFORMED,
            lambda: bad.redis.hset(NAMES.blocks, answer.id, secrets.token_bytes(300)),
        ),
    }
    for what, (reason, do) in ways.items():
        before = count(scene, EnvelopeKind.BLOCK, reason)
        do()
        bad.have_all_look()
        until(partial(_counts_more, scene, EnvelopeKind.BLOCK, reason, before), f"{what} is refused", RECONCILED_S)
        scene.until_denied([client], time.time(), scene.replicas)
        yield Poisoned(f"unblocking: {what}", count(scene, EnvelopeKind.BLOCK, reason) - before, None)
    bad.drop_blocks()
    bad.have_all_look()
    until(lambda: bool(bad.redis.hexists(NAMES.blocks, answer.id)), "the list is written again", RECONCILED_S)
    scene.until_denied([client], time.time(), scene.replicas)
