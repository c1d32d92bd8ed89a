"""What responders refused to say is remembered for seconds, for one question to one of them, and says so."""

import asyncio
from dataclasses import replace
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.breaker import FAILURES
from service.application.observer import OcspEvent
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.ocsp_failures import LONGEST_REMEMBERED_S, REMEMBERED_S, OcspFailures
from service.application.operating.purging import CacheKind, PurgeWatch
from service.application.origin import OriginError
from service.core.model.attempt import Attempt, Problem
from service.core.model.policy import Policy
from tests.application.chain import SUB, leaf, read
from tests.application.fakes import Recorder, ScriptedOrigin, settle
from tests.application.manual_clock import ManualClock
from tests.pki import NOW, hours, ocsp_error

pytestmark = pytest.mark.anyio

URL: Final = "http://first.example/"
OTHER_URL: Final = "http://second.example/"
QUESTION: Final = b"question"
REFUSED: Final = Attempt(URL, Problem.RESPONDER_ERROR, "unauthorized")
ISSUER: Final = read(SUB)
LEAF: Final = leaf(ocsp_urls=URL)
OTHER: Final = leaf("other", ocsp_urls=URL)
GOOD: Final = SUB.ocsp(LEAF.serial_number, OTHER.serial_number)


def remembered_for(failures: OcspFailures, clock: ManualClock) -> float:
    """How long a failure that was just noted is remembered, in whole seconds."""
    passed = 0.0
    while failures.recall(URL, QUESTION) is not None:
        clock.advance(1)
        passed += 1
        assert passed <= 2 * LONGEST_REMEMBERED_S
    return passed


def test_it_is_remembered_and_forgotten() -> None:
    """With what it was, and for how much longer; at the end of its time it is asked about again."""
    clock = ManualClock()
    failures = OcspFailures(clock)
    failures.failed(URL, QUESTION, REFUSED)
    clock.advance(0.5)
    expected = replace(REFUSED, detail="unauthorized; remembered for 5 s")
    assert (expected, 1) == (failures.recall(URL, QUESTION), failures.remembered())
    clock.advance(REMEMBERED_S - 0.5)
    assert (None, 0) == (failures.recall(URL, QUESTION), failures.remembered())


def test_without_a_detail() -> None:
    """There is nothing but the note."""
    failures = OcspFailures(ManualClock())
    failures.failed(URL, QUESTION, Attempt(URL, Problem.STATUS_UNKNOWN))
    recalled = failures.recall(URL, QUESTION)
    assert Attempt(URL, Problem.STATUS_UNKNOWN, "remembered for 5 s") == recalled


@pytest.mark.parametrize(("url", "question"), [(OTHER_URL, QUESTION), (URL, b"another")])
def test_of_others_nothing_is_known(url: str, question: bytes) -> None:
    """Neither another responder nor another question is meant."""
    failures = OcspFailures(ManualClock())
    failures.failed(URL, QUESTION, REFUSED)
    assert None is failures.recall(url, question)


def test_again_is_twice_as_long() -> None:
    """Up to a minute, and from the beginning once it has been good or forgotten for a minute."""
    clock = ManualClock()
    failures = OcspFailures(clock)
    seconds = []
    for _ in range(6):
        failures.failed(URL, QUESTION, REFUSED)
        seconds.append(remembered_for(failures, clock))
    assert [5, 10, 20, 40, 60, 60] == seconds
    clock.advance(LONGEST_REMEMBERED_S)
    failures.failed(URL, QUESTION, REFUSED)
    assert REMEMBERED_S == remembered_for(failures, clock)
    failures.ended(URL, QUESTION)
    failures.failed(URL, QUESTION, REFUSED)
    assert REMEMBERED_S == remembered_for(failures, clock)


def test_an_answer_ends_it() -> None:
    """So does a purge, for everybody; ending what is not known changes nothing."""
    failures = OcspFailures(ManualClock())
    for question in (QUESTION, b"another"):
        failures.failed(URL, question, REFUSED)
    failures.ended(URL, QUESTION)
    failures.ended(URL, b"never asked")
    assert (None, 1) == (failures.recall(URL, QUESTION), failures.remembered())
    failures.forget()
    assert 0 == failures.remembered()


def test_no_more_than_so_many() -> None:
    """The oldest is forgotten; what failed again is not the oldest."""
    failures = OcspFailures(ManualClock(), most=2)
    for question in (b"a", b"b", b"a", b"c"):
        failures.failed(URL, question, REFUSED)
    assert [True, False, True] == [failures.recall(URL, question) is not None for question in (b"a", b"b", b"c")]


# --- a client --------------------------------------------------------------------------------------------------------


def client(origin: ScriptedOrigin, store: Store, clock: ManualClock, recorder: Recorder | None = None) -> OcspClient:
    """A client whose time a test moves."""
    return OcspClient(origin, store, clock, recorder or Recorder(), OcspRules(Policy(), 1.0), RandomNonces())


REMEMBERED: Final = [
    pytest.param(ocsp_error("unauthorized"), id="unauthorized"),
    pytest.param(ocsp_error("tryLater"), id="try later"),
    pytest.param(b"<html>", id="malformed"),
    pytest.param(SUB.ocsp(LEAF.serial_number, status="unknown"), id="unknown"),
    pytest.param(SUB.ocsp(LEAF.serial_number, corrupt_signature=True), id="bad signature"),
    pytest.param(SUB.ocsp(OTHER.serial_number), id="another certificate"),
    pytest.param(OriginError(Problem.HTTP_STATUS, "404", 404), id="404"),
    pytest.param(OriginError(Problem.EGRESS_REFUSED, "private"), id="refused by the guard"),
]


@pytest.mark.parametrize("answer", REMEMBERED)
async def test_the_next_request_does_not_ask(store: Store, answer: bytes | OriginError) -> None:
    """It is told the same at once; when the time is over, the responder is asked, and believed."""
    clock, origin, recorder = ManualClock(), ScriptedOrigin({URL: answer}), Recorder()
    asking = client(origin, store, clock, recorder)
    first = await asking.ask(LEAF, ISSUER)
    problem = recorder.fetches[0].problem
    clock.advance(1)
    second = await asking.ask(LEAF, ISSUER)
    (attempt,) = second.attempts
    assert (1, None, problem) == (len(origin.requests), second.finding, attempt.problem)
    assert attempt.detail.endswith("remembered for 4 s")
    assert first.finding is not None or first.attempts[0].problem is problem
    assert ({OcspEvent.REMEMBERED: 1}, 1) == (asking.report().events, asking.report().remembered)
    origin.answers[URL] = GOOD
    clock.advance(4)
    assert None is not (await asking.ask(LEAF, ISSUER)).finding


NOT_REMEMBERED: Final = [
    pytest.param(OriginError(Problem.UNREACHABLE, "refused"), id="unreachable"),
    pytest.param(OriginError(Problem.TIMED_OUT, "late"), id="timed out"),
    pytest.param(OriginError(Problem.HTTP_STATUS, "503", 503), id="503"),
    pytest.param(OriginError(Problem.HTTP_STATUS, "429", 429), id="429"),
    pytest.param(OriginError(Problem.INTERNAL, "a fault"), id="our own fault"),
    pytest.param(SUB.ocsp(LEAF.serial_number, next_update=NOW - hours(0.5)), id="stale"),
    pytest.param(SUB.ocsp(LEAF.serial_number, signature_hash="sha1"), id="weak"),
]


@pytest.mark.parametrize("answer", NOT_REMEMBERED)
async def test_what_is_no_matter_of_one_question(store: Store, answer: bytes | OriginError) -> None:
    """A host that is down is its breaker's matter; what a request may be shown is shown to each."""
    origin = ScriptedOrigin({URL: answer})
    asking = client(origin, store, ManualClock())
    outcomes = [await asking.ask(LEAF, ISSUER) for _ in range(2)]
    assert (2, outcomes[0]) == (len(origin.requests), outcomes[1])


async def test_another_certificate_is_asked_about(store: Store) -> None:
    """The responder refused to answer one question, not all of them."""
    origin = ScriptedOrigin({URL: ocsp_error("unauthorized")})
    asking = client(origin, store, ManualClock())
    await asking.ask(LEAF, ISSUER)
    await asking.ask(OTHER, ISSUER)
    assert 2 == len(origin.requests)


async def test_a_weak_answer_serves_each_request_that_accepts_it(store: Store) -> None:
    """The operator refuses it; two requests within a second are both shown it."""
    weak = SUB.ocsp(LEAF.serial_number, signature_hash="sha1")
    asking = client(ScriptedOrigin({URL: weak}), store, ManualClock())
    assert [True, True] == [(await asking.ask(LEAF, ISSUER)).finding is not None for _ in range(2)]


async def test_a_purge(store: Store) -> None:
    """Everybody is asked again."""
    origin = ScriptedOrigin({URL: ocsp_error("unauthorized")})
    asking = client(origin, store, ManualClock())
    await asking.ask(LEAF, ISSUER)
    asking.forget()
    await asking.ask(LEAF, ISSUER)
    assert 2 == len(origin.requests)


def following(origin: ScriptedOrigin, store: Store) -> OcspClient:
    """A worker's client, of several that share a store."""
    rules = OcspRules(Policy(), 1.0, purges=PurgeWatch(store))
    return OcspClient(origin, store, ManualClock(), Recorder(), rules, RandomNonces())


@pytest.mark.parametrize(("kind", "asked"), [(CacheKind.NEGATIVE, 2), (CacheKind.VERDICTS, 1)])
async def test_a_purge_that_another_worker_was_asked_for(store: Store, kind: CacheKind, asked: int) -> None:
    """The next request asks, without any time passing; a purge of something else changes nothing."""
    origin = ScriptedOrigin({URL: ocsp_error("unauthorized")})
    asking = following(origin, store)
    await asking.ask(LEAF, ISSUER)
    await store.purge((kind,))
    await asking.ask(LEAF, ISSUER)
    assert asked == len(origin.requests)


async def test_a_purge_asks_hosts_that_were_left_alone(store: Store) -> None:
    """At once, too: their breakers are closed."""
    origin = ScriptedOrigin({URL: OriginError(Problem.UNREACHABLE, "nobody there")})
    asking = following(origin, store)
    for _ in range(FAILURES + 1):
        await asking.ask(LEAF, ISSUER)
    assert FAILURES == len(origin.requests)
    await store.purge((CacheKind.NEGATIVE,))
    await asking.ask(LEAF, ISSUER)
    assert FAILURES + 1 == len(origin.requests)


async def test_what_was_asked_before_a_purge_is_not_remembered_after_it(store: Store) -> None:
    """It was refused by a responder that may have been repaired since: the request after that asks again."""
    origin = ScriptedOrigin({URL: ocsp_error("unauthorized")})
    asking = following(origin, store)
    origin.gate.clear()
    first = asyncio.create_task(asking.ask(LEAF, ISSUER))
    await origin.asked.wait()
    await store.purge((CacheKind.NEGATIVE,))
    joined = asyncio.create_task(asking.ask(LEAF, ISSUER))
    await settle()
    origin.gate.set()
    assert await first == await joined
    assert (1, 0) == (len(origin.requests), asking.report().remembered)
    await asking.ask(LEAF, ISSUER)
    assert (2, 1) == (len(origin.requests), asking.report().remembered)
