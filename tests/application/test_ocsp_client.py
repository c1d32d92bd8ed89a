"""Asking responders: whose answer ends the asking, what is kept of it, and who waits for it."""

import asyncio
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.observer import FetchDetails
from service.application.ocsp_client import MAX_RESPONDERS, OcspClient, OcspRules
from service.application.ocsp_tally import OcspOutcome
from service.application.origin import OriginError
from service.core.model.attempt import Attempt, Problem
from service.core.model.budget import Limits
from service.core.model.evidence_tier import Tier
from service.core.model.policy import Policy
from service.core.ocsp.cert_id import store_key
from tests.application.chain import NAMESAKE, STRANGER, SUB, leaf
from tests.application.fakes import BrokenStore, Failing, Recorder, ScriptedOrigin, settle
from tests.application.manual_clock import ManualClock
from tests.application.ocsp_asking import FIRST, GOOD, ISSUER, LEAF, SECOND, SERIAL, ask, client
from tests.pki import NOW, days, ocsp_error

pytestmark = pytest.mark.anyio


async def test_the_first_answer_ends_the_asking(store: Store) -> None:
    """The other responders have nothing to add."""
    origin = ScriptedOrigin({FIRST: GOOD, SECOND: GOOD})
    outcome = await ask(origin, store)
    assert outcome.finding is not None
    assert (FIRST, Tier.ORIGIN, ()) == (outcome.finding.source, outcome.finding.tier, outcome.attempts)
    assert 1 == len(origin.requests)


REFUSED: Final = [
    pytest.param(OriginError(Problem.UNREACHABLE, "no name"), Problem.UNREACHABLE, "no name", id="unreachable"),
    pytest.param(OriginError(Problem.HTTP_STATUS, "503"), Problem.HTTP_STATUS, "503", id="status"),
    pytest.param(b"<html>", Problem.MALFORMED, None, id="garbage"),
    pytest.param(b"", Problem.MALFORMED, None, id="empty"),
    pytest.param(GOOD[:-1], Problem.MALFORMED, None, id="truncated"),
    pytest.param(ocsp_error("unauthorized"), Problem.RESPONDER_ERROR, "unauthorized", id="unauthorized"),
    pytest.param(ocsp_error("tryLater"), Problem.RESPONDER_ERROR, "try_later", id="try later"),
    pytest.param(SUB.ocsp(SERIAL + 1), Problem.OTHER_CERTIFICATE, "", id="another serial"),
    pytest.param(NAMESAKE.ocsp(SERIAL), Problem.OTHER_CERTIFICATE, "", id="another issuer"),
    pytest.param(SUB.ocsp(SERIAL, corrupt_signature=True), Problem.BAD_SIGNATURE, "", id="corrupt"),
    pytest.param(SUB.ocsp(SERIAL, signing_key=NAMESAKE.key), Problem.BAD_SIGNATURE, "", id="another key"),
    pytest.param(
        SUB.ocsp(SERIAL, responder=STRANGER.ocsp_responder("OCSP")),
        Problem.UNAUTHORIZED_SIGNER,
        "",
        id="another CA's delegate",
    ),
    pytest.param(
        SUB.ocsp(SERIAL, responder=SUB.issue("other")), Problem.UNAUTHORIZED_SIGNER, "", id="a client as responder"
    ),
    pytest.param(
        SUB.ocsp(SERIAL, responder=SUB.ocsp_responder("OCSP", not_after=NOW - days(1))),
        Problem.UNAUTHORIZED_SIGNER,
        "",
        id="an expired delegate",
    ),
]


@pytest.mark.parametrize(("answer", "problem", "detail"), REFUSED)
async def test_what_is_no_answer_leads_to_the_next_responder(
    store: Store, answer: bytes | OriginError, problem: Problem, detail: str | None
) -> None:
    """It is an attempt, and the next one's answer serves and is kept."""
    outcome = await ask(ScriptedOrigin({FIRST: answer, SECOND: GOOD}), store)
    (attempt,) = outcome.attempts
    assert (FIRST, problem) == (attempt.source, attempt.problem)
    assert detail is None or detail == attempt.detail
    held = store.find_ocsp(store_key(LEAF, ISSUER))
    assert outcome.finding is not None
    assert held is not None
    assert (SECOND, SECOND, GOOD) == (outcome.finding.source, held.source, held.response)


@pytest.mark.parametrize(("answer", "problem", "detail"), REFUSED)
async def test_what_is_no_answer_is_never_kept(
    store: Store, answer: bytes | OriginError, problem: Problem, detail: str | None
) -> None:
    """Neither does anybody get it: nothing that nobody may sign is in the store or in the evidence."""
    del detail
    outcome = await ask(ScriptedOrigin({FIRST: answer, SECOND: answer}), store)
    assert None is outcome.finding
    assert [(FIRST, problem), (SECOND, problem)] == [(one.source, one.problem) for one in outcome.attempts]
    assert None is store.find_ocsp(store_key(LEAF, ISSUER))


@pytest.mark.parametrize(
    "answer",
    [SUB.ocsp(SERIAL, responder=SUB.ocsp_responder("OCSP")), SUB.ocsp(SERIAL, cert_id_hash="sha256")],
    ids=["delegate", "sha256"],
)
async def test_other_forms_of_an_answer(store: Store, answer: bytes) -> None:
    """A delegate's is as good as the issuer's own, whichever hash names the certificate."""
    outcome = await ask(ScriptedOrigin({FIRST: answer}), store)
    assert (True, ()) == (outcome.finding is not None, outcome.attempts)


async def test_no_certificate_makes_us_ask_without_end(store: Store) -> None:
    """Responders behind the limit are not asked."""
    urls = [f"http://{number}.example/" for number in range(MAX_RESPONDERS + 1)]
    outcome = await ask(ScriptedOrigin(), store, leaf("many", ocsp_urls=urls))
    assert urls[:MAX_RESPONDERS] == [attempt.source for attempt in outcome.attempts]


async def test_no_answer_makes_us_verify_without_end(store: Store) -> None:
    """What costs more signatures than an assessment may is no answer."""
    none_left = Policy(limits=Limits(signatures=0))
    outcome = await ask(ScriptedOrigin({FIRST: GOOD}), store, leaf(ocsp_urls=FIRST, serial=SERIAL), none_left)
    assert OcspOutcome(None, (Attempt(FIRST, Problem.TOO_LARGE, "too many certificates to verify"),)) == outcome
    assert None is store.find_ocsp(store_key(LEAF, ISSUER))


async def test_every_responder_asked_is_told(store: Store) -> None:
    """Each with what was wrong with it, and how long it took."""
    recorder = Recorder()
    origin = ScriptedOrigin({FIRST: OriginError(Problem.HTTP_STATUS, "503"), SECOND: GOOD})
    await client(origin, store, recorder).ask(LEAF, ISSUER)
    assert [
        FetchDetails("ocsp", FIRST, Problem.HTTP_STATUS, "503", 0.0),
        FetchDetails("ocsp", SECOND, None, "", 0.0),
    ] == recorder.fetches


async def test_how_long_it_took(store: Store) -> None:
    """The clock that is given measures it."""
    recorder, clock, origin = Recorder(), ManualClock(), ScriptedOrigin({FIRST: GOOD})
    origin.gate.clear()
    clock.advance(100)
    asking = asyncio.create_task(
        OcspClient(origin, store, clock, recorder, OcspRules(Policy(), 1.0), RandomNonces()).ask(LEAF, ISSUER)
    )
    await origin.asked.wait()
    clock.advance(0.25)
    origin.gate.set()
    await asking
    assert [0.25] == [fetch.duration_s for fetch in recorder.fetches]


async def test_a_hundred_ask_once(store: Store) -> None:
    """Requests for the same certificate at the same time are one question to the responder."""
    origin = ScriptedOrigin({FIRST: GOOD})
    origin.gate.clear()
    asking = client(origin, store)
    tasks = [asyncio.create_task(asking.ask(LEAF, ISSUER)) for _ in range(100)]
    await settle()
    origin.gate.set()
    outcomes = await asyncio.gather(*tasks)
    assert (1, 1) == (len(origin.requests), len({id(outcome) for outcome in outcomes}))


async def test_every_certificate_has_its_own_question(store: Store) -> None:
    """Flights are told apart by certificate."""
    other = leaf("other", ocsp_urls=FIRST)
    origin = ScriptedOrigin({FIRST: SUB.ocsp(SERIAL, other.serial_number)})
    asking = client(origin, store)
    await asyncio.gather(asking.ask(LEAF, ISSUER), asking.ask(other, ISSUER))
    assert 2 == len(set(origin.urls))


async def test_closing_ends_the_asking(store: Store) -> None:
    """Who waits is told."""
    origin = ScriptedOrigin({FIRST: GOOD})
    origin.gate.clear()
    asking = client(origin, store)
    task = asyncio.create_task(asking.ask(LEAF, ISSUER))
    await origin.asked.wait()
    await asking.aclose()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(10):  # what is not ended would never end
            await task


@pytest.mark.parametrize("failing", [Failing.OCSP, Failing.PUT_OCSP])
async def test_a_store_that_fails_costs_this_request_nothing(failing: Failing) -> None:
    """The answer serves; the next request asks again."""
    outcome = await ask(ScriptedOrigin({FIRST: GOOD}), BrokenStore(failing))
    assert (True, ()) == (outcome.finding is not None, outcome.attempts)
