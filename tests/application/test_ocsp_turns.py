"""Several responders: nobody waits for one that is silent, and who was silent is asked last the next time."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application import ocsp_client
from service.application.breaker import FAILURES, OPEN_S
from service.application.evidence_store import HeldOcsp, OcspStore
from service.application.gather import Gatherer, GatherRequest, Sources
from service.application.inline_evidence import InlineEvidence
from service.application.observer import NullObserver, OcspEvent
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.ocsp_tally import OcspOutcome
from service.application.origin import OriginAnswer, OriginError, OriginRequest
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence, GatheredOcsp, OcspWanted, Reach
from service.core.model.policy import Policy
from service.core.ocsp.cert_id import store_key
from tests.adapters.http.servers import Server, always, head, ok, serve, silence
from tests.adapters.http.world import PUBLIC, world
from tests.application.chain import SUB, leaf, read
from tests.application.fakes import NeverFetcher, ScriptedOrigin, settle
from tests.application.manual_clock import ManualClock
from tests.pki import NOW, hours, ocsp_error

pytestmark = pytest.mark.anyio

FIRST: Final = "http://first.example/"
SECOND: Final = "http://second.example/"
ISSUER: Final = read(SUB)
LEAF: Final = leaf(ocsp_urls=(FIRST, SECOND))
OTHER: Final = leaf("other", ocsp_urls=(FIRST, SECOND))
BOTH: Final = (LEAF.serial_number, OTHER.serial_number)
GOOD: Final = SUB.ocsp(*BOTH)
PATIENCE_S: Final = 30.0
"""As long as a hung test may take."""


class SilentOrigin(ScriptedOrigin):
    """An origin of which some URLs never answer."""

    def __init__(self, answers: dict[str, bytes | OriginError], *silent: str) -> None:
        """Take the answers, and who has none."""
        super().__init__(answers)
        self.silent = set(silent)
        self.given_up: list[str] = []

    async def fetch(self, request: OriginRequest) -> OriginAnswer:
        """Answer, or wait until whoever asks has had enough."""
        if not any(request.url.startswith(url) for url in self.silent):
            return await super().fetch(request)
        self.requests.append(request)
        try:
            return await asyncio.Future()
        finally:
            self.given_up.append(request.url)

    @property
    def hosts(self) -> list[str]:
        """Who was asked, in order."""
        return [f"http://{request.url.split('/')[2]}/" for request in self.requests]


def client(origin: ScriptedOrigin, store: OcspStore, clock: ManualClock | None = None) -> OcspClient:
    """A client for responders that have a minute each."""
    rules = OcspRules(Policy(), PATIENCE_S)
    return OcspClient(origin, store, clock or ManualClock(), NullObserver(), rules, RandomNonces())


async def ask(asking: OcspClient, certificate: Certificate = LEAF, deadline: float | None = None) -> OcspOutcome:
    """Ask, for no longer than a test may take."""
    async with asyncio.timeout(PATIENCE_S):
        return await asking.ask(certificate, ISSUER, deadline)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that comes."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await settle()


async def test_nobody_waits_for_a_silent_responder(store: Store) -> None:
    """The next one is asked meanwhile, and its answer ends the asking; the silent one is given up."""
    origin = SilentOrigin({SECOND: GOOD}, FIRST)
    asking = client(origin, store)
    outcome = await ask(asking, deadline=0.05)
    assert outcome.finding is not None
    assert (SECOND, (), [FIRST, SECOND]) == (outcome.finding.source, outcome.attempts, origin.hosts)
    await asking.aclose()
    assert [FIRST] == [f"http://{url.split('/')[2]}/" for url in origin.given_up]


async def test_the_next_question_goes_to_who_answered(store: Store) -> None:
    """At once, and to nobody else."""
    origin = SilentOrigin({SECOND: GOOD}, FIRST)
    asking = client(origin, store)
    await ask(asking, deadline=0.05)
    await ask(asking, OTHER)
    assert [FIRST, SECOND, SECOND] == origin.hosts


async def test_a_turn_is_a_share_of_what_the_request_has_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """With as much as a responder may take, or without end, the second one would not be asked in time."""
    monkeypatch.setattr(ocsp_client, "LONGEST_TURN_S", 1e9)
    clock, origin = ManualClock(), SilentOrigin({SECOND: GOOD}, FIRST)
    asking = client(origin, store, clock)
    gathered = await gather(Gatherer(store, store, NeverFetcher(), asking, clock), clock, LEAF, 2.0)
    assert [SECOND] == [finding.source for finding in gathered.findings]


async def test_who_is_slow_may_still_be_the_first(store: Store) -> None:
    """While the next one is asked, the first is listened to."""
    origin = ScriptedOrigin({FIRST: GOOD, SECOND: GOOD})
    origin.gate.clear()
    asking = client(origin, store)
    task = asyncio.create_task(ask(asking, deadline=0.05))
    await until(lambda: len(origin.requests) == 2)
    origin.answers[SECOND] = ocsp_error("tryLater")
    origin.gate.set()
    outcome = await task
    assert outcome.finding is not None
    assert FIRST == outcome.finding.source


async def test_a_failure_gives_the_turn_to_the_next(store: Store) -> None:
    """Nobody waits for the rest of the turn: with the time of this one, that would be more than the test has."""
    origin = SilentOrigin({FIRST: OriginError(Problem.UNREACHABLE, "refused"), SECOND: GOOD})
    outcome = await ask(client(origin, store), deadline=1e9)
    assert (SECOND, (Attempt(FIRST, Problem.UNREACHABLE, "refused"),)) == (outcome.findings[0].source, outcome.attempts)


async def test_what_came_so_far(store: Store) -> None:
    """Whoever has no more time is told who failed and who is silent, and gets what there is."""
    stale = SUB.ocsp(LEAF.serial_number, status="revoked", this_update=NOW - hours(2), next_update=NOW - hours(1))
    origin = SilentOrigin({FIRST: stale}, SECOND)
    asking = client(origin, store)
    assert None is asking.so_far(LEAF, ISSUER)
    task = asyncio.create_task(ask(asking))
    await until(lambda: len(origin.requests) == 2)
    outcome = asking.so_far(LEAF, ISSUER)
    assert outcome is not None
    assert ([FIRST], (Attempt(SECOND, Problem.TIMED_OUT),)) == (
        [finding.source for finding in outcome.findings],
        outcome.attempts,
    )
    await asking.aclose()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert None is asking.so_far(LEAF, ISSUER)


@dataclass(slots=True)
class SlowlyWritten:
    """A store in which the first answer is written after the second."""

    store: Store
    first: asyncio.Event | None = None

    def find_ocsp(self, key: bytes) -> HeldOcsp | None:
        """What is held."""
        return self.store.find_ocsp(key)

    async def put_ocsp(self, key: bytes, held: HeldOcsp, supersedes: Callable[[HeldOcsp], bool] | None = None) -> None:
        """Let the second one pass."""
        if self.first is None:
            self.first = asyncio.Event()
            await self.first.wait()
            await self.store.put_ocsp(key, held, supersedes)
            return
        await self.store.put_ocsp(key, held, supersedes)
        self.first.set()


async def test_what_has_come_is_not_lost(store: Store) -> None:
    """A revocation that is being kept while another responder says good is heard, and kept."""
    revoked = SUB.ocsp(LEAF.serial_number, status="revoked", this_update=NOW - hours(0.5))
    origin = ScriptedOrigin({FIRST: revoked, SECOND: GOOD})
    outcome = await ask(client(origin, SlowlyWritten(store)), deadline=0.05)
    assert {FIRST, SECOND} == {finding.source for finding in outcome.findings}
    held = store.find_ocsp(store_key(LEAF, ISSUER))
    assert held is not None
    assert revoked == held.response


async def test_a_responder_named_twice_is_asked_once(store: Store) -> None:
    """It has nothing to add."""
    origin = ScriptedOrigin()
    outcome = await ask(client(origin, store), leaf("twice", ocsp_urls=(FIRST, FIRST)))
    assert (1, 1) == (len(origin.requests), len(outcome.attempts))


@pytest.mark.parametrize(
    "dead",
    [OriginError(Problem.UNREACHABLE, "refused"), OriginError(Problem.HTTP_STATUS, "500", 500)],
    ids=["unreachable", "500"],
)
async def test_a_dead_responder_is_left_alone(store: Store, dead: OriginError) -> None:
    """After some failures in a row, nobody is asked; after a while one request tries, and it is well again."""
    clock, origin = ManualClock(), ScriptedOrigin({FIRST: dead})
    asking = client(origin, store, clock)
    certificate = leaf("one", ocsp_urls=FIRST)
    for _ in range(FAILURES):
        await ask(asking, certificate)
    outcome = await ask(asking, certificate)
    assert (FAILURES, [Problem.NOT_TRIED]) == (len(origin.requests), [one.problem for one in outcome.attempts])
    assert {OcspEvent.NOT_TRIED: 1} == asking.report().events
    origin.answers[FIRST] = SUB.ocsp(certificate.serial_number)
    clock.advance(OPEN_S)
    assert None is not (await ask(asking, certificate)).finding
    assert None is not (await ask(asking, certificate)).finding


async def test_a_dead_responder_costs_no_deadline(store: Store) -> None:
    """The gatherer has its attempt without waiting, although the time it has would outlast the test."""
    clock, origin = ManualClock(), ScriptedOrigin({FIRST: OriginError(Problem.TIMED_OUT, "late")})
    asking = client(origin, store, clock)
    certificate = leaf("one", ocsp_urls=FIRST)
    for _ in range(FAILURES):
        await ask(asking, certificate)
    origin.gate.clear()
    gathered = await gather(Gatherer(store, store, NeverFetcher(), asking, clock), clock, certificate, 1e6)
    assert [Problem.NOT_TRIED] == [attempt.problem for attempt in gathered.attempts]


async def gather(
    gatherer: Gatherer, clock: ManualClock, certificate: Certificate, patience_s: float = PATIENCE_S
) -> GatheredOcsp:
    """What a request gets that has so much time."""
    wanted = OcspWanted(certificate, ISSUER, Reach.ORIGIN)
    request = GatherRequest(InlineEvidence(), Sources.ALL, clock.monotonic() + patience_s)
    async with asyncio.timeout(PATIENCE_S):
        return (await gatherer.gather([wanted], Evidence(), request)).ocsp[wanted]


# --- real sockets ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Four:
    """Responders of which three are dead, each in its way."""

    gatherer: Gatherer
    asking: OcspClient
    clock: ManualClock
    urls: tuple[str, ...]
    hole: Server
    failing: Server
    healthy: Server

    def asked(self) -> tuple[int, int, int]:
        """How many requests reached each that can be reached."""
        return len(self.hole.received), len(self.failing.received), len(self.healthy.received)


def _closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


@asynccontextmanager
async def four(store: Store, answer: bytes) -> AsyncIterator[Four]:
    """One refuses connections, one accepts and never answers, one has errors, and the last one answers."""
    names = ("refused", "hole", "failing", "healthy")
    async with AsyncExitStack() as stack:
        hole = await stack.enter_async_context(serve(silence))
        failing = await stack.enter_async_context(serve(always(head(500, "Content-Length: 0"))))
        healthy = await stack.enter_async_context(serve(always(ok(answer))))
        table: dict[str, list[tuple[str, ...]]] = {f"{name}.example": [(PUBLIC,)] for name in names}
        outside = await stack.enter_async_context(world(table))
        ports = (_closed_port(), hole.port, failing.port, healthy.port)
        urls = tuple(f"http://{name}.example:{port}/" for name, port in zip(names, ports, strict=True))
        clock = ManualClock()
        rules = OcspRules(Policy(), PATIENCE_S)
        asking = OcspClient(outside.origin, store, clock, NullObserver(), rules, RandomNonces())
        stack.push_async_callback(asking.aclose)
        gatherer = Gatherer(store, store, NeverFetcher(), asking, clock)
        yield Four(gatherer, asking, clock, urls, hole, failing, healthy)


async def test_three_of_four_are_dead(store: Store) -> None:
    """The first request has its answer from the fourth within its time; the next ones ask that one alone."""
    serials = range(7001, 7004)
    async with four(store, SUB.ocsp(*serials)) as here:
        for serial in serials:
            certificate = leaf(f"leaf {serial}", serial=serial, ocsp_urls=here.urls)
            gathered = await gather(here.gatherer, here.clock, certificate)
            assert [here.urls[3]] == [finding.source for finding in gathered.findings]
        assert (1, 1, 3) == here.asked()
        states = {one.host: (one.failures, one.answered_at) for one in here.asking.report().responders}
    hosts = [url.removesuffix("/") for url in here.urls]
    assert dict(zip(hosts, [(1, None), (0, None), (1, None), (0, NOW)], strict=True)) == states


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (403, 1), (503, 2), (429, 2)])
async def test_what_a_server_answers(store: Store, status: int, asked: int) -> None:
    """One that refuses a question has answered it, and is not asked again at once; one that fails is."""
    async with serve(always(head(status, "Content-Length: 0"))) as server, world() as outside:
        clock = ManualClock()
        rules = OcspRules(Policy(), PATIENCE_S)
        asking = OcspClient(outside.origin, store, clock, NullObserver(), rules, RandomNonces())
        certificate = leaf("one", ocsp_urls=f"http://ca.example:{server.port}/")
        for _ in range(2):
            outcome = await ask(asking, certificate)
            assert [Problem.HTTP_STATUS] == [attempt.problem for attempt in outcome.attempts]
        assert asked == len(server.received)


async def test_a_black_hole_takes_no_more_than_the_deadline(store: Store) -> None:
    """Nobody waits for it longer than the request has; what was asked is named."""
    async with four(store, b"") as here:
        certificate = leaf("hole", ocsp_urls=here.urls[1])
        gathered = await gather(here.gatherer, here.clock, certificate, 0.05)
        assert GatheredOcsp((), (Attempt(here.urls[1], Problem.TIMED_OUT),)) == gathered
