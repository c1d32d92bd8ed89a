"""Asking responders: how the question is put, to whom, and whose answer ends the asking."""

import asyncio
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest
from cryptography.x509 import ocsp

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.evidence_store import OcspStore
from service.application.observer import FetchDetails
from service.application.ocsp_client import MAX_RESPONDERS, MAX_RESPONSE_BYTES, OcspClient, OcspRules
from service.application.ocsp_tally import OcspOutcome
from service.application.origin import OriginError, UrlTrust
from service.core.model.attempt import Attempt, Problem
from service.core.model.budget import Limits
from service.core.model.certificate import Certificate
from service.core.model.evidence_tier import Tier
from service.core.model.policy import IssuerMatch, IssuerRule, Policy, UrlRule, Urls, WeakAlgorithm
from service.core.ocsp.cert_id import store_key
from tests.adapters.http.world import world
from tests.application.chain import NAMESAKE, STRANGER, SUB, leaf, read
from tests.application.fakes import BrokenStore, Failing, Recorder, ScriptedOrigin, settle
from tests.application.manual_clock import ManualClock
from tests.application.world import ALLOWED, UNAVAILABLE
from tests.application.world import world as verdicts
from tests.pki import NOW, Answer, Extension, days, hours, ocsp_error

pytestmark = pytest.mark.anyio

FIRST: Final = "http://first.example/"
SECOND: Final = "http://second.example/"
ISSUER: Final = read(SUB)
LEAF: Final = leaf(ocsp_urls=(FIRST, SECOND))
SERIAL: Final = LEAF.serial_number
GOOD: Final = SUB.ocsp(SERIAL)


def client(
    origin: ScriptedOrigin, store: OcspStore, recorder: Recorder | None = None, policy: Policy | None = None
) -> OcspClient:
    """A client for responders that have a second each."""
    return OcspClient(
        origin, store, ManualClock(), recorder or Recorder(), OcspRules(policy or Policy(), 1.0), RandomNonces()
    )


async def ask(
    origin: ScriptedOrigin, store: OcspStore, certificate: Certificate = LEAF, policy: Policy | None = None
) -> OcspOutcome:
    """Ask about one certificate."""
    return await client(origin, store, policy=policy).ask(certificate, ISSUER)


async def test_a_short_question_is_a_get(store: Store) -> None:
    """It can be answered by caches on the way (RFC 5019 §5), and asks what `cryptography` would ask."""
    origin = ScriptedOrigin({FIRST: GOOD})
    await ask(origin, store)
    (request,) = origin.requests
    question = ocsp.load_der_ocsp_request(b64decode(unquote(request.url.removeprefix(FIRST))))
    assert (SERIAL, None) == (question.serial_number, request.body)
    assert (("accept", "application/ocsp-response"),) == request.headers


@pytest.mark.parametrize(("octets", "method"), [(255, "GET"), (256, "POST")])
async def test_a_long_question_is_a_post(store: Store, octets: int, method: str) -> None:
    """What does not fit into 255 octets of URL is sent as a body, to the responder's own URL."""
    origin = ScriptedOrigin({FIRST: GOOD})
    await ask(origin, store)
    url = FIRST + "x" * (octets - len(origin.requests[0].url) - 1)  # its own slash comes between
    certificate = leaf("long", ocsp_urls=url, serial=SERIAL)
    await ask(origin, store, certificate)
    request = origin.requests[1]
    assert method == ("GET" if request.body is None else "POST")
    assert octets == len(request.url) if method == "GET" else url == request.url


async def test_a_post_says_what_it_is(store: Store) -> None:
    """The body is the question, with its media type."""
    url = FIRST + "x" * 255
    origin = ScriptedOrigin({FIRST: GOOD})
    await ask(origin, store, leaf("long", ocsp_urls=url, serial=SERIAL))
    (request,) = origin.requests
    assert request.body is not None
    assert SERIAL == ocsp.load_der_ocsp_request(request.body).serial_number
    expected = (("accept", "application/ocsp-response"), ("content-type", "application/ocsp-request"))
    assert expected == request.headers


@pytest.mark.parametrize("url", [f"{FIRST}?ca=1", f"{FIRST}#ca", f"{FIRST}?", "http://[::1/?"])
async def test_a_url_that_does_not_end_with_its_path_gets_a_post(store: Store, url: str) -> None:
    """A question added to its query would be part of that."""
    origin = ScriptedOrigin({FIRST: GOOD})
    await ask(origin, store, leaf("query", ocsp_urls=url, serial=SERIAL))
    assert [(url, False)] == [(request.url, request.body is None) for request in origin.requests]


@pytest.mark.parametrize(
    "url", ["http://[", "http://[::1/", "http://[::1]:99999/", "\\", "", " ", "http://ex\x00ample/"]
)
async def test_a_url_that_is_none(store: Store, url: str) -> None:
    """Whatever a certificate declares is the real guard's to refuse, and never our own failure."""
    async with world() as outside:
        asking = OcspClient(outside.origin, store, ManualClock(), Recorder(), OcspRules(Policy(), 1.0), RandomNonces())
        outcome = await asking.ask(leaf("strange", ocsp_urls=[url]), ISSUER)
    assert [(url, True)] == [
        (attempt.source, attempt.problem in {Problem.EGRESS_REFUSED, Problem.UNSUPPORTED_SCHEME})
        for attempt in outcome.attempts
    ]


async def test_a_responder_is_asked_within_limits(store: Store) -> None:
    """A certificate named the URL; size and time are bounded."""
    origin = ScriptedOrigin({SECOND: GOOD})
    await ask(origin, store, leaf("both", ocsp_urls=(FIRST + "x" * 255, SECOND), serial=SERIAL))
    assert [(UrlTrust.CERTIFICATE, MAX_RESPONSE_BYTES, 1.0)] * 2 == [
        (request.trust, request.max_bytes, request.timeout_s) for request in origin.requests
    ]


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


async def test_a_weak_answer_is_for_the_request_alone(store: Store) -> None:
    """The operator refuses SHA-1 and a request may accept it: the core is shown the answer, and nothing is kept."""
    weak = SUB.ocsp(SERIAL, signature_hash="sha1")
    outcome = await ask(ScriptedOrigin({FIRST: weak}), store)
    assert outcome.finding is not None
    assert (FIRST, Problem.UNREACHABLE) == (outcome.finding.source, outcome.attempts[0].problem)
    assert None is store.find_ocsp(store_key(LEAF, ISSUER))


async def test_a_strong_answer_comes_before_a_weak_one(store: Store) -> None:
    """The next responder is asked for it."""
    weak = SUB.ocsp(SERIAL, signature_hash="sha1")
    outcome = await ask(ScriptedOrigin({FIRST: weak, SECOND: GOOD}), store)
    assert outcome.finding is not None
    assert SECOND == outcome.finding.source


@pytest.mark.parametrize(
    "first",
    [
        SUB.ocsp(SERIAL, this_update=NOW - hours(9), next_update=NOW - hours(1)),
        SUB.ocsp(Answer(SERIAL, status="unknown")),
        SUB.ocsp(SERIAL, extensions=[Extension("1.2.3.4", b"", critical=True)]),
        SUB.ocsp(SERIAL, this_update=NOW, next_update=NOW - hours(0.001)),
        SUB.ocsp(SERIAL, produced_at=NOW + hours(1)),
    ],
    ids=["out of date", "unknown", "not understood", "ends before it begins", "produced in the future"],
)
async def test_an_answer_of_no_use_is_not_the_last(store: Store, first: bytes) -> None:
    """Whoever replays an old answer at the first responder cannot keep us from the second one."""
    outcome = await ask(ScriptedOrigin({FIRST: first, SECOND: GOOD}), store)
    assert outcome.finding is not None
    assert (SECOND, [FIRST]) == (outcome.finding.source, [attempt.source for attempt in outcome.attempts])


ENDED: Final = SUB.ocsp(SERIAL, status="revoked", this_update=NOW - hours(2), next_update=NOW - hours(1))
OLDER: Final = SUB.ocsp(SERIAL, this_update=NOW - hours(3))
NEWER: Final = SUB.ocsp(SERIAL, this_update=NOW - hours(1))


@pytest.mark.parametrize("second", [OLDER, ocsp_error("tryLater")], ids=["good", "nothing"])
async def test_a_revocation_that_has_ended_is_shown_besides(store: Store, second: bytes) -> None:
    """What the next responder says may be from before; where it says nothing, this is what there is."""
    outcome = await ask(ScriptedOrigin({FIRST: ENDED, SECOND: second}), store)
    assert {FIRST} <= {finding.source for finding in outcome.findings}
    assert len(outcome.findings) == len({finding.source for finding in outcome.findings}) == 1 + (second == OLDER)


async def test_two_revocations_that_have_ended(store: Store) -> None:
    """Each is shown once."""
    outcome = await ask(ScriptedOrigin({FIRST: ENDED, SECOND: ENDED}), store)
    assert [FIRST, SECOND] == [finding.source for finding in outcome.findings]


@pytest.mark.parametrize(
    "first",
    [
        SUB.ocsp(SERIAL, status="unknown"),
        SUB.ocsp(Answer(SERIAL + 1, status="revoked"), Answer(SERIAL, status="unknown")),
    ],
    ids=["unknown", "somebody else is revoked"],
)
async def test_what_does_not_revoke_is_not_shown_besides(store: Store, first: bytes) -> None:
    """The next responder knows better."""
    outcome = await ask(ScriptedOrigin({FIRST: first, SECOND: OLDER}), store)
    assert [SECOND] == [finding.source for finding in outcome.findings]


@pytest.mark.parametrize(("second", "expected"), [(OLDER, UNAVAILABLE), (NEWER, ALLOWED)], ids=["older", "newer"])
async def test_an_older_good_answer_of_the_next_responder(
    store: Store, tmp_path: Path, second: bytes, expected: tuple[str, str, str]
) -> None:
    """It does not take back what the first one has said, although that has ended; a newer one does."""
    origin = ScriptedOrigin({FIRST: ENDED, SECOND: second})
    assert expected == await verdicts(store, tmp_path, origin=origin).ask(LEAF)


async def test_several_weak_answers(store: Store) -> None:
    """The first of them is shown, the others are attempts."""
    weak = SUB.ocsp(SERIAL, signature_hash="sha1")
    outcome = await ask(ScriptedOrigin({FIRST: weak, SECOND: weak}), store)
    assert outcome.finding is not None
    assert (FIRST, (Attempt(SECOND, Problem.WEAK_ALGORITHM),)) == (outcome.finding.source, outcome.attempts)


async def test_an_operator_who_accepts_weak_answers(store: Store) -> None:
    """To him they are answers."""
    weak = SUB.ocsp(SERIAL, signature_hash="sha1")
    outcome = await ask(
        ScriptedOrigin({FIRST: weak}), store, policy=Policy(weak_algorithms=frozenset({WeakAlgorithm.SHA1}))
    )
    assert (True, ()) == (outcome.finding is not None, outcome.attempts)
    assert None is not store.find_ocsp(store_key(LEAF, ISSUER))


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


async def test_nobody_declared(store: Store) -> None:
    """There is nobody to ask."""
    assert OcspOutcome(None, ()) == await ask(ScriptedOrigin(), store, leaf())


@pytest.mark.parametrize(
    ("urls", "asked"),
    [
        (Urls(("http://operator.example/",)), ["http://operator.example/", FIRST, SECOND]),
        (Urls(("http://operator.example/",), UrlRule.REPLACE), ["http://operator.example/"]),
        (Urls((), UrlRule.REPLACE), []),
    ],
)
async def test_responders_that_the_operator_names_for_an_issuer(store: Store, urls: Urls, asked: list[str]) -> None:
    """Before those of the certificate, or instead; for this issuer alone. What it names is the operator's word."""
    origin = ScriptedOrigin()
    policy = Policy(issuer_rules=(IssuerRule(IssuerMatch(spki=ISSUER.public_key.spki), ocsp_urls=urls),))
    await ask(origin, store, policy=policy)
    assert asked == [next(url for url in (*asked, FIRST, SECOND) if one.url.startswith(url)) for one in origin.requests]
    trusts = {one.url.startswith("http://operator.example/"): one.trust for one in origin.requests}
    assert {True: UrlTrust.OPERATOR, False: UrlTrust.CERTIFICATE}.items() >= trusts.items()
    stranger = replace(policy, issuer_rules=(IssuerRule(IssuerMatch(spki=b""), ocsp_urls=urls),))
    origin = ScriptedOrigin()
    await ask(origin, store, policy=stranger)
    assert 2 == len(origin.requests)
