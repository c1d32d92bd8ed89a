"""Asking responders: how the question is put, and to whom."""

from base64 import b64decode
from dataclasses import replace
from urllib.parse import unquote

import pytest
from cryptography.x509 import ocsp

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.ocsp_client import MAX_RESPONSE_BYTES, OcspClient, OcspRules
from service.application.ocsp_tally import OcspOutcome
from service.application.origin import UrlTrust
from service.core.model.attempt import Problem
from service.core.model.policy import IssuerMatch, IssuerRule, Policy, UrlRule, Urls
from tests.adapters.http.world import world
from tests.application.chain import leaf
from tests.application.fakes import Recorder, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.application.ocsp_asking import FIRST, GOOD, ISSUER, SECOND, SERIAL, ask

pytestmark = pytest.mark.anyio


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
