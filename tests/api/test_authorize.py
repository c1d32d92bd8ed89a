"""`/v1/authorize/{front}`: every status, code and header, whatever the method and the front."""

import asyncio
import json
from hashlib import sha256
from typing import Final

import pytest
from starlette.types import Message

import service.api.app as app_module
from service.api import examples
from service.api.rules import ApiRules
from service.application.fronts import Front
from service.application.observer import UNKNOWN_FRONT, AuthorizedDetails
from service.application.validate import ValidationAnswer, ValidationRequest, Validator
from service.core.model.block import Block, FingerprintMatch
from service.core.model.failure import Code
from service.core.model.policy import Policy, RevocationMode, RevocationScope
from service.core.model.verdict import Decision
from tests.api.asgi import exchange, piece, scope_of
from tests.api.authorizing import HEADERS, LEAF_ALONE, handed_over, proxy, trusting
from tests.api.client_cert.proxies import alb
from tests.api.example_world import DEVICE, example_world
from tests.api.example_world import SUB as ISSUING
from tests.api.fakes import Number
from tests.api.world import LEAF, ROOT, SUB, World
from tests.pki import NOW, REVOKED_AT, Authority, days, key

pytestmark = pytest.mark.anyio

FRONTS: Final = list(Front)
CHAINS: Final = [front for front in Front if front not in LEAF_ALONE]
CERTIFICATE: Final = handed_over(Front.NGINX, LEAF.der)
EVERY_ANSWER: Final = {b"x-revet-decision", b"x-revet-code", b"x-revet-decision-id"}
ALLOW: Final = {b"x-revet-subject", b"x-revet-serial", b"x-revet-fingerprint", b"x-revet-valid-until"}


def named(headers: dict[bytes, bytes]) -> set[bytes]:
    """The headers of ours, and the one of nginx's."""
    return {name for name in headers if name.startswith((b"x-revet-", b"x-accel-"))}


# --- decisions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("front", FRONTS)
async def test_an_allow(front: Front) -> None:
    """200, who it is and until when, through each front."""
    answer = await proxy(trusting(ROOT, SUB)).present(front, LEAF.der, SUB.issued.der)
    assert (200, EVERY_ANSWER | ALLOW) == (answer.status, named(answer.headers))
    expected = {
        b"x-revet-decision": b"allow",
        b"x-revet-code": b"ok",
        b"x-revet-decision-id": b"decision-1",
        b"x-revet-subject": b"CN=leaf",
        b"x-revet-serial": b"%x" % LEAF.serial,
        b"x-revet-fingerprint": sha256(LEAF.der).hexdigest().encode(),
        b"x-revet-valid-until": b"2026-01-01T00:01:00Z",
    }
    assert expected == {name: answer.headers[name] for name in expected}


@pytest.mark.parametrize("front", FRONTS)
async def test_a_denial(front: Front) -> None:
    """403, and nothing of who it is in the headers: nothing there is for the application behind."""
    expired = SUB.issue("leaf", not_after=NOW - days(1))
    answer = await proxy(trusting(ROOT, SUB)).present(front, expired.der, SUB.issued.der)
    assert (403, EVERY_ANSWER) == (answer.status, named(answer.headers))
    assert (b"deny", b"expired") == (answer.headers[b"x-revet-decision"], answer.headers[b"x-revet-code"])


@pytest.mark.parametrize("front", CHAINS)
async def test_the_chain_that_a_front_hands_over_is_used(front: Front) -> None:
    """The trust store has the root alone."""
    assert 200 == (await proxy(World()).present(front, LEAF.der, SUB.issued.der)).status


@pytest.mark.parametrize("revoked", [False, True])
async def test_the_examples_of_the_documentation(*, revoked: bool) -> None:
    """They are what the service answers."""
    asked = proxy(example_world(revoked=revoked))
    answer = await asked.present(Front.ALB_PASSTHROUGH, DEVICE.der, ISSUING.issued.der)
    expected = examples.NOT_AUTHORIZED if revoked else examples.AUTHORIZED
    assert (403 if revoked else 200, expected) == (answer.status, json.loads(answer.body))


STRICT: Final = Policy(RevocationMode.REQUIRE, RevocationScope.LEAF)
DENIALS: Final = {
    Code.REVOKED: (example_world(revoked=True), DEVICE),
    Code.EXPIRED: (trusting(ROOT, SUB), SUB.issue("leaf", not_after=NOW - days(1))),
    Code.NOT_YET_VALID: (trusting(ROOT, SUB), SUB.issue("leaf", not_before=NOW + days(1))),
    Code.UNTRUSTED: (trusting(ROOT), LEAF),
    Code.BAD_SIGNATURE: (trusting(ROOT, SUB), SUB.issue("leaf", corrupt_signature=True)),
    Code.CONSTRAINT_VIOLATION: (trusting(ROOT, SUB), SUB.issue("leaf", extended_key_usage="serverAuth")),
    Code.WEAK_ALGORITHM: (trusting(ROOT, SUB), SUB.issue("leaf", key=key("rsa1024"))),
    Code.REVOCATION_UNAVAILABLE: (trusting(ROOT, SUB, policy=STRICT), LEAF),
}


@pytest.mark.parametrize("code", DENIALS)
async def test_every_denial_is_a_403(code: Code) -> None:
    """Those that other services would call unavailable included: something was decided."""
    world, leaf = DENIALS[code]
    if code is Code.REVOKED:
        world.stores = {"default": (*world.stores["default"], ISSUING)}
    answer = await proxy(world).present(Front.NGINX, leaf.der)
    assert (403, code.value.encode()) == (answer.status, answer.headers[b"x-revet-code"])


async def test_what_is_base64_and_no_certificate_is_a_decision() -> None:
    """As it is through `POST /v1/validate`: somebody has to be denied for it."""
    answer = await proxy(World()).ask("nginx", [(HEADERS[Front.NGINX], alb(b"\x30\x03\x02\x01\x01"))])
    assert (403, b"malformed") == (answer.status, answer.headers[b"x-revet-code"])


async def test_too_much_to_decide() -> None:
    """A budget that is spent denies."""
    below = SUB.subordinate("Below")
    namesakes = [Authority.root("Sub", key=key("p256", number)).issued.der for number in range(1, 99)]
    chain = [below.issue("leaf").der, below.issued.der, below.reissue(path_length=1).issued.der, *namesakes]
    answer = await proxy(World()).present(Front.ALB_PASSTHROUGH, *chain)
    assert (403, b"budget_exhausted") == (answer.status, answer.headers[b"x-revet-code"])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW"])
async def test_any_method(method: str) -> None:
    """It is the client's, and the body is not read."""
    answer = await proxy(trusting(ROOT, SUB)).ask("nginx", CERTIFICATE, method)
    assert (200, b"allow") == (answer.status, answer.headers[b"x-revet-decision"])


async def test_head_is_answered_without_a_body() -> None:
    """With every header, the length of what GET would get included (RFC 9110 §9.3.2)."""
    asked = proxy(trusting(ROOT, SUB))
    for headers in (CERTIFICATE, []):
        get, head = await asked.ask("nginx", headers), await asked.ask("nginx", headers, "HEAD")
        assert (get.status, b"", True) == (head.status, head.body, bool(get.body))
        assert {**get.headers, b"x-revet-decision-id": b""} == {**head.headers, b"x-revet-decision-id": b""}


# --- no decision -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("value", [None, b"", b" \t"])
async def test_no_certificate(front: Front, value: bytes | None) -> None:
    """401, with a challenge that no client answers with a password."""
    answer = await proxy(World()).ask(front, [] if value is None else [(HEADERS[front], value)])
    assert (401, b"no_certificate") == (answer.status, answer.headers[b"x-revet-code"])
    assert b'ClientCertificate realm="revet"' == answer.headers[b"www-authenticate"]
    assert named(answer.headers) == EVERY_ANSWER


@pytest.mark.parametrize("front", FRONTS)
async def test_two_values(front: Front) -> None:
    """400, whichever comes first, and where both are the same."""
    asked, other = proxy(trusting(ROOT, SUB)), SUB.issue("other")
    one, two = handed_over(front, LEAF.der), handed_over(front, other.der)
    for headers in ([*one, *two], [*two, *one], [*one, *one]):
        answer = await asked.ask(front, headers)
        assert (400, b"bad_request", EVERY_ANSWER) == (
            answer.status,
            answer.headers[b"x-revet-code"],
            named(answer.headers),
        )


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("value", [b"garbage", b"%", b"(null)", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----", b"-"])
async def test_garbage(front: Front, value: bytes) -> None:
    """400, and the problem does not repeat it."""
    answer = await proxy(World()).ask(front, [(HEADERS[front], value)])
    assert (400, b"bad_request") == (answer.status, answer.headers[b"x-revet-code"])
    assert HEADERS[front].decode() in json.loads(answer.body)["detail"].lower()


async def test_too_many_intermediates() -> None:
    """As many as a request may bring, and one more."""
    chain = [SUB.subordinate(f"Sub {number}").issued.der for number in range(3)]
    rules = ApiRules(max_intermediates=2)
    answers = [await proxy(World(rules=rules)).present(Front.TRAEFIK, LEAF.der, *chain[:count]) for count in (2, 3)]
    assert [403, 400] == [answer.status for answer in answers]


async def test_an_unknown_trust_store() -> None:
    """404, as for `POST /v1/validate`."""
    answer = await proxy(trusting(ROOT, SUB)).ask("nginx@partners", CERTIFICATE)
    assert (404, b"bad_request", EVERY_ANSWER) == (
        answer.status,
        answer.headers[b"x-revet-code"],
        named(answer.headers),
    )
    assert "urn:revet:problem:unknown-trust-store" == json.loads(answer.body)["type"]


async def test_blocks_that_cannot_be_read() -> None:
    """503: nothing is decided without them."""
    world = trusting(ROOT, SUB)
    world.blocks.broken = "the disk is gone"
    answer = await proxy(world).ask("nginx", CERTIFICATE)
    assert (503, b"unavailable", b"1") == (
        answer.status,
        answer.headers[b"x-revet-code"],
        answer.headers[b"retry-after"],
    )


class _Broken(Number):
    """What nobody has thought of."""

    def generation(self) -> int:
        """Fail."""
        raise ZeroDivisionError


async def test_our_own_fault() -> None:
    """503 as well, never a 500; it is told as a fault, without the path, which has the client's in it."""
    world = trusting(ROOT, SUB, kept=1, number=_Broken())
    answer = await proxy(world).ask("nginx/secret", CERTIFICATE)
    assert (503, b"unavailable", b"1") == (
        answer.status,
        answer.headers[b"x-revet-code"],
        answer.headers[b"retry-after"],
    )
    assert [("/v1/authorize", ZeroDivisionError)] == [(path, type(error)) for path, error in world.faults]


async def test_the_places_are_those_of_validate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the last one keeps it from a proxy, and gives it back."""
    monkeypatch.setattr(app_module, "MAX_IN_FLIGHT", 1)
    asked = proxy(trusting(ROOT, SUB))
    inside, leave, validate = asyncio.Event(), asyncio.Event(), Validator.validate

    async def slowly(self: Validator, request: ValidationRequest) -> ValidationAnswer:
        inside.set()
        await leave.wait()
        return await validate(self, request)

    async def whole() -> Message:
        return piece(b'{"certificate": "MAMCAQE="}', is_last=True)

    monkeypatch.setattr(Validator, "validate", slowly)
    waiting = asyncio.create_task(exchange(asked.app, scope_of("/v1/validate"), whole))
    await inside.wait()
    during = await asked.ask("nginx", CERTIFICATE)
    leave.set()
    await waiting
    after = await asked.ask("nginx", CERTIFICATE)
    assert (503, b"unavailable", b"1") == (
        during.status,
        during.headers[b"x-revet-code"],
        during.headers[b"retry-after"],
    )
    assert 200 == after.status


# --- what is told ----------------------------------------------------------------------------------------------------


async def test_every_answer_is_told() -> None:
    """By its front and its code, whether there was a decision or not; a front that is none has one name."""
    world = trusting(ROOT)
    asked = proxy(world)
    for path, headers in (
        ("nginx", CERTIFICATE),
        ("alb-passthrough", handed_over(Front.ALB_PASSTHROUGH, LEAF.der, SUB.issued.der)),
        ("nginx", []),
        ("nginx@nobody", CERTIFICATE),
        ("elsewhere", CERTIFICATE),
    ):
        await asked.ask(path, headers)
    assert [
        ("nginx", "untrusted"),
        ("alb-passthrough", "ok"),
        ("nginx", "no_certificate"),
        ("nginx", "bad_request"),
        (UNKNOWN_FRONT, "bad_request"),
    ] == [(one.front, one.code) for one in world.observer.authorized_answers]
    assert 5 == len({one.decision_id for one in world.observer.authorized_answers})


async def test_a_decision_is_told_as_one_too() -> None:
    """Under the id that the proxy is given, so that whoever counts decisions counts these."""
    world = trusting(ROOT, SUB)
    answer = await proxy(world).ask("nginx", CERTIFICATE)
    (decision,), (told,) = world.observer.decisions, world.observer.authorized_answers
    assert (Decision.ALLOW, Code.OK, "default") == (decision.decision, decision.code, decision.trust_store)
    assert AuthorizedDetails("nginx", "ok", decision.decision_id) == told
    assert decision.decision_id.encode() == answer.headers[b"x-revet-decision-id"]


async def test_a_certificate_that_is_blocked() -> None:
    """403, in every mode."""
    world = trusting(ROOT, SUB)
    world.blocks.blocks["b"] = Block("b", FingerprintMatch(sha256(LEAF.der).digest()), "stolen", REVOKED_AT, "somebody")
    answer = await proxy(world).ask("nginx", CERTIFICATE)
    assert (403, b"blocked") == (answer.status, answer.headers[b"x-revet-code"])
