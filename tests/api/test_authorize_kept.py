"""Answers to proxies that are given again: the same but for their id, to the same question, while they still hold."""

import json
from datetime import timedelta
from typing import Final

import pytest

from service.api.reply import Header
from service.application.fronts import Front
from service.application.observer import DecisionDetails
from service.core.model.failure import Code
from service.core.model.policy import OcspNonce, Policy, RevocationMode, RevocationScope
from service.core.model.verdict import Decision, Status
from tests.api.asgi import Exchange
from tests.api.authorizing import CHAIN_HEADER, HEADERS, Proxy, handed_over, proxy, trusting
from tests.api.client_cert.proxies import byte_sequences, nginx
from tests.api.test_authorize_callers import IN_SHADOW, SHADOWED
from tests.api.world import CALLER, LEAF, ROOT, SUB, WITH_TOKENS, World, calling
from tests.pki import Authority, key

pytestmark = pytest.mark.anyio

CERTIFICATE: Final = handed_over(Front.NGINX, LEAF.der)
IDS: Final = b"x-revet-decision-id"
STRICT: Final = Policy(RevocationMode.REQUIRE, RevocationScope.LEAF)


def keeping() -> World:
    """A service that keeps answers."""
    return trusting(ROOT, SUB, kept=20)


def decided(world: World) -> int:
    """How many decisions were made, rather than given again."""
    return sum(one.duration_s is not None for one in world.observer.decisions)


def without_id(answer: Exchange) -> tuple[object, ...]:
    """What is the same each time."""
    document = {**json.loads(answer.body), "decision_id": None}
    return answer.status, {**answer.headers, IDS: None}, document


@pytest.mark.parametrize("front", Front)
@pytest.mark.parametrize("known", [True, False])
async def test_the_second_answer_is_the_first(front: Front, *, known: bool) -> None:
    """Status, headers and body, with another id; an allow and a denial, through each front."""
    world = keeping()
    leaf = LEAF if known else Authority.root("Sub", key=key("p384", 7)).issue("leaf")
    asked = proxy(world)
    first, second = [await asked.present(front, leaf.der) for _ in range(2)]
    assert (200 if known else 403, 1) == (first.status, decided(world))
    assert without_id(first) == without_id(second)
    assert first.headers[IDS] != second.headers[IDS]


async def test_each_is_told() -> None:
    """Whoever counts decisions counts those as well, under the id that the proxy has."""
    world = keeping()
    asked = proxy(world)
    await asked.ask("nginx", CERTIFICATE)
    second = await asked.ask("nginx", CERTIFICATE)
    expected = DecisionDetails(
        second.headers[IDS].decode(), Decision.ALLOW, Code.OK, "default", "nginx", None, Status.UNKNOWN
    )
    assert [expected] == world.observer.decisions[1:]
    assert ["ok", "ok"] == [one.code for one in world.observer.authorized_answers]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("alb-verify", handed_over(Front.ALB_VERIFY, LEAF.der)),
        ("nginx@partners", CERTIFICATE),
        ("nginx", handed_over(Front.NGINX, SUB.issue("other").der)),
        ("nginx", [(HEADERS[Front.NGINX], nginx(LEAF.der) + b"%0A")]),
        ("nginx", [*CERTIFICATE, *CERTIFICATE]),
        ("nginx", []),
    ],
    ids=["front", "trust store", "certificate", "octets", "twice", "none"],
)
async def test_another_question(path: str, headers: list[Header]) -> None:
    """It is answered for itself, whatever was answered before."""
    world = keeping()
    world.stores = {**world.stores, "partners": (ROOT,)}
    asked = proxy(world)
    await asked.ask("nginx", CERTIFICATE)
    alone = await proxy(world).ask(path, headers)
    after = await asked.ask(path, headers)
    assert without_id(alone) == without_id(after)
    assert all(one.duration_s is not None for one in world.observer.decisions)


async def test_the_chain_belongs_to_the_question() -> None:
    """The second header of a front as well as the first, and neither octets nor headers run into each other."""
    world = trusting(ROOT, kept=20)
    asked = proxy(world)
    leaf, chain = byte_sequences(LEAF.der), byte_sequences(SUB.issued.der)
    name = HEADERS[Front.RFC9440]
    for headers in ([(name, leaf), (CHAIN_HEADER, chain)], [(name, leaf)], [(name, leaf + b", " + chain)]):
        await asked.ask("rfc9440", headers)
    assert [b"ok", b"untrusted", b"bad_request"] == [one.code.encode() for one in world.observer.authorized_answers]


@pytest.mark.parametrize("front", Front)
async def test_what_does_not_belong_to_the_question(front: Front) -> None:
    """Other fronts' headers, those of the client, its path and its method."""
    world = keeping()
    asked = proxy(world)
    await asked.present(front, LEAF.der)
    others = [one for other in Front if other is not front for one in handed_over(other, SUB.issue("other").der)]
    await asked.ask(f"{front}/more?x=1", [*others, *handed_over(front, LEAF.der), (b"cookie", b"a=b")], "POST")
    assert 1 == decided(world)


async def test_it_is_no_answer_to_validate() -> None:
    """And the other way round, even where the octets of both were the same."""
    world = keeping()
    asked = proxy(world)
    key_of_both = b"nginx@default\nx-ssl-client-cert:%d:%b" % (len(CERTIFICATE[0][1]), CERTIFICATE[0][1])
    await asked.ask("nginx", CERTIFICATE)
    assert 400 == (await calling(world).post(key_of_both)).status_code


async def test_a_change_ends_it() -> None:
    """A CRL or a block, as far as can be seen from here."""
    world = keeping()
    asked = proxy(world)
    await asked.ask("nginx", CERTIFICATE)
    assert world.number.value is not None
    world.number.value += 1
    for _ in range(2):
        await asked.ask("nginx", CERTIFICATE)
    assert 2 == decided(world)


async def test_its_end_ends_it() -> None:
    """It is not sent at `valid_until`."""
    world = keeping()
    asked = proxy(world)
    seen = []
    for seconds in (0, 59.9, 0.1):
        world.clock.moment += timedelta(seconds=seconds)
        await asked.ask("nginx", CERTIFICATE)
        seen.append(decided(world))
    assert [1, 1, 2] == seen


async def test_a_store_that_cannot_be_read() -> None:
    """Every question is decided anew then."""
    world = keeping()
    asked = proxy(world)
    await asked.ask("nginx", CERTIFICATE)
    world.number.value = None
    for _ in range(2):
        await asked.ask("nginx", CERTIFICATE)
    assert 3 == decided(world)


async def test_nothing_is_kept_where_nonces_are_wanted() -> None:
    """Every question is one that its responder is to answer."""
    world = keeping()
    world.policy = Policy(ocsp_nonce=OcspNonce.REQUEST)
    asked = proxy(world)
    for _ in range(2):
        await asked.ask("nginx", CERTIFICATE)
    assert 2 == decided(world)


async def test_who_may_not_ask_is_told_nothing() -> None:
    """An answer that others were given is no answer to a stranger."""
    world = keeping()
    world.rules = WITH_TOKENS
    app = world.app()
    assert [200, 401, 200] == [
        (await Proxy(app, token).ask("nginx", CERTIFICATE)).status for token in (CALLER, None, CALLER)
    ]
    assert 1 == decided(world)


async def test_in_shadow_it_is_another_answer() -> None:
    """The same octets are two questions; both are kept, and what would be denied is told each time."""
    world = keeping()
    world.rules, world.policy = IN_SHADOW, STRICT
    app = world.app()
    answers = [await Proxy(app, token).ask("nginx", CERTIFICATE) for token in (SHADOWED, CALLER, SHADOWED, CALLER)]
    assert [200, 403, 200, 403] == [one.status for one in answers]
    assert [b"revocation_unavailable", None] * 2 == [one.headers.get(b"x-revet-enforced-code") for one in answers]
    assert 2 == decided(world)
    ids = [one.headers[IDS].decode() for one in answers]
    assert [ids[0], ids[2]] == [one.decision_id for one in world.observer.denials]
