"""What is authentic and of no use now: it is held or shown, and the next URL is asked for something better."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.adapters.spool import FileSpool
from service.application.ingest import Ingester, IngestRules
from service.application.observer import Ingested
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.ocsp_tally import OcspOutcome
from service.application.origin import OriginError
from service.application.settled import SETTLED_S
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.policy import Policy
from service.core.ocsp.cert_id import store_key
from tests.application.chain import SUB, leaf, order, read
from tests.application.fakes import Recorder, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import NOW, THIS_UPDATE, hours

pytestmark = pytest.mark.anyio

FIRST: Final = "http://first.example/"
SECOND: Final = "http://second.example/"
THIRD: Final = "http://third.example/"
LEAF: Final = leaf(ocsp_urls=(FIRST, SECOND, THIRD))
SERIAL: Final = LEAF.serial_number
KEY: Final = store_key(LEAF, read(SUB))
SKEW: Final = timedelta(seconds=60)
OPERATOR: Final = Policy(clock_skew=SKEW)

GOOD: Final = SUB.ocsp(SERIAL)
STALE: Final = SUB.ocsp(SERIAL, this_update=NOW - hours(3), next_update=NOW - hours(2))
STALE_LATER: Final = SUB.ocsp(SERIAL, this_update=NOW - hours(2), next_update=NOW - hours(1))
OF_NO_USE: Final = [
    pytest.param(STALE, Problem.STALE, id="stale"),
    pytest.param(SUB.ocsp(SERIAL, next_update=None), Problem.STALE, id="too old without nextUpdate"),
    pytest.param(SUB.ocsp(SERIAL, this_update=NOW + hours(1)), Problem.NOT_YET_VALID, id="future"),
    pytest.param(SUB.ocsp(SERIAL, status="unknown"), Problem.STATUS_UNKNOWN, id="unknown"),
    pytest.param(SUB.ocsp(SERIAL, signature_hash="sha1"), Problem.WEAK_ALGORITHM, id="weak"),
]


async def ask(
    store: Store, answers: dict[str, bytes], certificate: Certificate = LEAF, recorder: Recorder | None = None
) -> OcspOutcome:
    """Ask responders that answer, or are unreachable."""
    origin = ScriptedOrigin(answers)
    client = OcspClient(origin, store, ManualClock(), recorder or Recorder(), OcspRules(OPERATOR, 1.0), RandomNonces())
    return await client.ask(certificate, read(SUB))


def crl_process(directory: Path, store: Store, answers: dict[str, bytes | OriginError]) -> tuple[Ingester, Recorder]:
    """An ingesting process, and who is told of it."""
    recorder, clock = Recorder(), ManualClock()
    rules = IngestRules(1 << 20, 1.0, OPERATOR)
    return Ingester(ScriptedOrigin(answers), store, FileSpool(directory), clock, recorder, rules), recorder


@pytest.mark.parametrize(("answer", "problem"), OF_NO_USE)
async def test_the_next_responder_may_have_a_better_answer(store: Store, answer: bytes, problem: Problem) -> None:
    """It is asked, and its answer serves; what was wrong with the first is told."""
    recorder = Recorder()
    outcome = await ask(store, {FIRST: answer, SECOND: GOOD}, recorder=recorder)
    assert outcome.finding is not None
    assert (SECOND, [(FIRST, problem)]) == (
        outcome.finding.source,
        [(attempt.source, attempt.problem) for attempt in outcome.attempts],
    )
    assert [problem, None] == [details.problem for details in recorder.fetches]


@pytest.mark.parametrize(("answer", "problem"), OF_NO_USE)
async def test_where_there_is_no_better_answer(store: Store, answer: bytes, problem: Problem) -> None:
    """It is shown, for the core to say what is wrong with it: what it will say is no attempt of ours."""
    recorder = Recorder()
    outcome = await ask(store, {SECOND: answer}, recorder=recorder)
    assert outcome.finding is not None
    assert (SECOND, [FIRST, THIRD]) == (outcome.finding.source, [attempt.source for attempt in outcome.attempts])
    assert problem is recorder.fetches[1].problem


async def test_the_first_of_several(store: Store) -> None:
    """It is the one that is shown, and the others are attempts."""
    outcome = await ask(store, {FIRST: STALE, SECOND: SUB.ocsp(SERIAL, status="unknown"), THIRD: STALE_LATER})
    assert outcome.finding is not None
    expected = (Attempt(SECOND, Problem.STATUS_UNKNOWN), Attempt(THIRD, Problem.STALE))
    assert (FIRST, expected) == (outcome.finding.source, outcome.attempts)


@pytest.mark.parametrize("status", ["good", "revoked"])
async def test_a_stale_answer_is_held_while_there_is_no_newer_one(store: Store, status: str) -> None:
    """Then nobody replays an older one; a newer one replaces it."""
    stale = SUB.ocsp(
        SERIAL,
        status="revoked" if status == "revoked" else "good",
        this_update=NOW - hours(2),
        next_update=NOW - hours(1),
    )
    await ask(store, {FIRST: stale, SECOND: STALE})
    held = store.find_ocsp(KEY)
    assert held is not None
    assert stale == held.response
    await ask(store, {FIRST: stale, SECOND: GOOD})
    held = store.find_ocsp(KEY)
    assert held is not None
    assert GOOD == held.response


async def test_use_ends_with_the_skew(store: Store) -> None:
    """Up to its end an answer is one, and nobody else is asked."""
    lasting = SUB.ocsp(SERIAL, next_update=NOW - SKEW)
    outcome = await ask(store, {FIRST: lasting, SECOND: GOOD})
    assert outcome.finding is not None
    assert (FIRST, ()) == (outcome.finding.source, outcome.attempts)


async def test_the_next_mirror_may_have_a_newer_crl(store: Store, tmp_path: Path) -> None:
    """The stale one is held meanwhile, and superseded at once."""
    stale = SUB.crl(number=1, this_update=NOW - hours(30), next_update=NOW - hours(6))
    process, recorder = crl_process(tmp_path, store, {FIRST: stale, SECOND: SUB.crl(number=2)})
    assert (Attempt(FIRST, Problem.STALE),) == await process.fetch(order(FIRST, SECOND))
    assert [(2, THIS_UPDATE)] == [(one.meta.crl_number, one.meta.this_update) for one in store.held()]
    assert [Ingested.STORED, Ingested.STORED] == [details.outcome for details in recorder.ingestions]


async def test_a_crl_without_an_end(store: Store, tmp_path: Path) -> None:
    """It is held, and of no use where the operator names no longest age."""
    process, _ = crl_process(tmp_path, store, {FIRST: SUB.crl(next_update=None)})
    attempts = await process.fetch(order(FIRST))
    assert (Attempt(FIRST, Problem.NO_NEXT_UPDATE),) == attempts
    assert 1 == len(store.held())


async def test_a_crl_that_becomes_stale_where_it_is(store: Store, tmp_path: Path) -> None:
    """A mirror that goes on giving the same is out of date one day, although nothing is written again."""
    recorder, clock, origin = Recorder(), ManualClock(), ScriptedOrigin({FIRST: SUB.crl(next_update=NOW + hours(1))})
    ingester = Ingester(origin, store, FileSpool(tmp_path), clock, recorder, IngestRules(1 << 20, 1.0, OPERATOR))
    reports = []
    for passing in (0.0, SETTLED_S, 3600 + SKEW.total_seconds()):
        clock.advance(passing)
        reports.append(await ingester.fetch(order(FIRST)))
    assert [(), (), (Attempt(FIRST, Problem.STALE),)] == reports
    assert [Ingested.STORED, Ingested.UNCHANGED, Ingested.UNCHANGED] == [one.outcome for one in recorder.ingestions]
    assert [0, 0, 0] == [details.entries for details in recorder.ingestions]
