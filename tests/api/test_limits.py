"""Limits for each caller over HTTP: who is refused, with what, and where nobody ever is."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import Message

from service.adapters.arrival_table import ArrivalTable
from service.api.app import create_app
from service.api.rules import ApiRules, OperationsPort
from service.application.caller_limits import CallerLimits, Limited, LimitRules
from service.application.rate import Rate
from service.application.validate import ValidationAnswer, ValidationRequest, Validator
from tests.api.asgi import Exchange, exchange, nothing, piece, receiving, scope_of, sending
from tests.api.authorizing import Proxy
from tests.api.world import ADMIN, CALLER, LEAF, SUB, WITH_TOKENS, World, calling
from tests.application.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

REQUEST: Final = {"certificate": LEAF.pem + SUB.pem}
SCRIPT: Final = "/dashboard/main.js"
"""Of what the dashboard consists of."""
NEVER_LIMITED: Final = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/dashboard", SCRIPT}


class Refused:
    """Remembers who was."""

    def __init__(self) -> None:
        """Nobody yet."""
        self.told: list[tuple[Limited, str]] = []

    def limited(self, why: Limited, caller: str) -> None:
        """One more."""
        self.told.append((why, caller))


def limits(rules: LimitRules, clock: ManualClock | None = None, refused: Refused | None = None) -> CallerLimits:
    """What callers are held to, counted from now."""
    return CallerLimits(rules, ArrivalTable.private(), clock or ManualClock(), refused or Refused())


def limited(burst: int, rules: ApiRules = WITH_TOKENS, clock: ManualClock | None = None) -> World:
    """A world where everybody may ask so many requests, and then one in two seconds."""
    return World(rules=rules, limits=limits(LimitRules(Rate(0.5, burst)), clock))


async def ask(app: FastAPI, method: str, path: str, token: str | None = None, address: str = "192.0.2.1") -> Exchange:
    """A request without a body, from an address."""
    headers = [] if token is None else [(b"authorization", b"Bearer " + token.encode())]
    scope = {**scope_of(path, headers, method), "client": (address, 4711)}
    return await exchange(app, scope, nothing)


def told(found: Exchange) -> tuple[int | None, str, bytes | None]:
    """Status, kind of problem, and when to come again."""
    kind = json.loads(found.body)["type"].rpartition(":")[2]
    return found.status, kind, found.headers.get(b"retry-after")


# --- every path ------------------------------------------------------------------------------------------------------


def served(app: FastAPI) -> list[tuple[str, str]]:
    """A method that is served, and a path, of every route; found by asking, so that none is forgotten."""
    routes = [route.path.replace("/dashboard/{name}", SCRIPT) for route in app.routes if isinstance(route, Route)]
    paths = [path.replace("{id}", "1").replace("{name}", "a.crl") for path in routes]
    return [(method, path) for path in paths for method in ("GET", "POST", "PUT", "DELETE")]


async def test_every_path_below_v1_is_limited_and_no_other_is() -> None:
    """By every method that it has; the third request of a caller who may ask two is refused."""
    seen = set()
    for method, path in served(World().app()):
        app = limited(2).app()
        found = [await ask(app, method, path, ADMIN) for _ in range(3)]
        if found[0].status == 405:
            assert [405] * 3 == [one.status for one in found]
            continue
        seen.add(path)
        assert [429 != one.status for one in found[:2]] == [True, True], path
        if path in NEVER_LIMITED:
            assert 200 == found[2].status
        else:
            assert (429, "rate-limited", b"2") == told(found[2]), path
            assert b"application/problem+json" == found[2].headers[b"content-type"]
    assert seen == {path for _, path in served(World().app())}


@pytest.mark.parametrize("path", sorted(NEVER_LIMITED))
async def test_probes_and_readers_are_never_limited(path: str) -> None:
    """Whatever their address has asked before."""
    app = limited(1).app()
    for _ in range(3):
        await ask(app, "POST", "/v1/validate")
    assert [200] * 20 == [(await ask(app, "GET", path)).status for _ in range(20)]


async def test_on_the_main_port_as_on_the_other() -> None:
    """What is served on the management port is no path here, and is counted as little."""
    app = limited(1, replace(WITH_TOKENS, operations=OperationsPort.MANAGEMENT)).app()
    assert [404] * 5 == [(await ask(app, "GET", "/readyz", CALLER)).status for _ in range(5)]
    assert 400 == (await ask(app, "POST", "/v1/validate", CALLER)).status


# --- callers ---------------------------------------------------------------------------------------------------------


async def test_a_refused_request_is_no_decision_and_not_even_read() -> None:
    """429 with Retry-After, and the body is left where it is."""
    clock = ManualClock()
    app = limited(1, clock=clock).app()
    caller = calling(World())

    async def unread() -> Message:
        raise AssertionError("the body was read")

    scope = scope_of("/v1/validate", [(b"authorization", b"Bearer " + CALLER.encode())])
    assert 400 == (await exchange(app, dict(scope), nothing)).status
    assert (429, "rate-limited", b"2") == told(await exchange(app, dict(scope), unread))
    clock.advance(0.6)
    assert (429, "rate-limited", b"2") == told(await exchange(app, dict(scope), unread))
    clock.advance(1.4)
    assert 400 == (await exchange(app, dict(scope), nothing)).status
    assert 200 == (await caller.validate(REQUEST)).status_code


async def test_each_token_by_itself() -> None:
    """Wherever it is sent, and from wherever; an administrator is not held up by callers."""
    app = limited(2).app()
    seen = [
        (await ask(app, "GET", path, CALLER, address)).status
        for path, address in (("/v1/blocks", "192.0.2.1"), ("/v1/stats", "192.0.2.2"), ("/v1/crls", "192.0.2.3"))
    ]
    assert [200, 200, 429] == seen
    assert [200, 200, 429] == [(await ask(app, "GET", "/v1/blocks", ADMIN)).status for _ in range(3)]


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["192.0.2.1", "192.0.2.1", "192.0.2.2"], [200, 429, 200]),
        (["192.0.2.1", "::ffff:192.0.2.1"], [200, 429]),
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"], [200, 429, 200]),
    ],
)
async def test_without_tokens_it_is_the_address(addresses: list[str], expected: list[int]) -> None:
    """Of IPv6 the network."""
    app = limited(1, ApiRules()).app()
    assert expected == [(await ask(app, "GET", "/v1/blocks", None, address)).status for address in addresses]


async def test_no_header_says_where_a_request_comes_from() -> None:
    """Otherwise everybody would be whoever he likes; neither does a token where none is configured."""
    app = limited(1, ApiRules()).app()
    seen = []
    for number in range(3):
        headers = [
            (b"x-forwarded-for", f"198.51.100.{number}".encode()),
            (b"forwarded", f"for=198.51.100.{number}".encode()),
            (b"x-real-ip", f"198.51.100.{number}".encode()),
            (b"authorization", f"Bearer token-{number}".encode()),
        ]
        seen.append((await exchange(app, scope_of("/v1/blocks", headers, "GET"), nothing)).status)
    assert [200, 429, 429] == seen


async def test_a_connection_without_an_address_is_one_caller() -> None:
    """As one over a socket of the file system would be."""
    app = limited(1, ApiRules()).app()
    seen = [await exchange(app, {**scope_of("/v1/blocks", (), "GET"), "client": None}, nothing) for _ in range(2)]
    assert [200, 429] == [one.status for one in seen]


# --- attempts --------------------------------------------------------------------------------------------------------


async def test_guessing_tokens_is_slow() -> None:
    """After a burst of wrong ones the next wrong one is refused with 429; from elsewhere it is not."""
    clock = ManualClock()
    app = limited(3, clock=clock).app()
    guesses = [(await ask(app, "POST", "/v1/validate", f"wrong-{number}")).status for number in range(5)]
    assert [401, 401, 401, 429, 429] == guesses
    assert (429, "rate-limited", b"2") == told(await ask(app, "POST", "/v1/validate", "wrong"))
    assert 401 == (await ask(app, "POST", "/v1/validate", "wrong", "192.0.2.9")).status
    clock.advance(2.0)
    assert 401 == (await ask(app, "POST", "/v1/validate", "wrong")).status


@pytest.mark.parametrize("token", [None, "wrong"])
async def test_whoever_shares_an_address_is_let_in(token: str | None) -> None:
    """Somebody there guesses, or has lost his token: that is nobody else's, who has come from there before or not."""
    app = limited(3).app()
    assert [401, 401, 401, 429] == [(await ask(app, "GET", "/v1/stats", token)).status for _ in range(4)]
    assert [400, 400, 400, 429] == [(await ask(app, "POST", "/v1/validate", CALLER)).status for _ in range(4)]
    assert 429 == (await ask(app, "GET", "/v1/stats", token)).status
    assert 200 == (await ask(app, "GET", "/v1/blocks", ADMIN)).status


# --- batches ---------------------------------------------------------------------------------------------------------


async def test_a_batch_counts_as_its_items() -> None:
    """Where there is no room for all of them, none is answered."""
    caller = calling(limited(10), CALLER)
    assert [200, 429, 200] == [(await caller.batch(*[REQUEST] * count)).status_code for count in (7, 4, 2)]
    assert 429 == (await caller.validate(REQUEST)).status_code


async def test_a_batch_of_more_than_a_burst() -> None:
    """It is answered where nothing else was asked, and paid for."""
    clock = ManualClock()
    caller = calling(limited(10, clock=clock), CALLER)
    assert 200 == (await caller.batch(*[REQUEST] * 30)).status_code
    refused = await caller.validate(REQUEST)
    assert (429, "42") == (refused.status_code, refused.headers["retry-after"])
    clock.advance(42)
    assert 200 == (await caller.validate(REQUEST)).status_code


@pytest.mark.parametrize("items", [[], ["?"], [1, 2]])
async def test_what_is_wrong_with_a_batch_is_told_as_ever(items: list[object]) -> None:
    """A limit changes nothing for those within it."""
    free, held = calling(World(rules=WITH_TOKENS), CALLER), calling(limited(10), CALLER)
    assert (await free.batch(*items)).json() == (await held.batch(*items)).json()


# --- proxies ---------------------------------------------------------------------------------------------------------


def document_of(found: Exchange) -> dict[str, Any]:
    """The body."""
    return dict(json.loads(found.body))


async def test_proxies_are_told_503() -> None:
    """They know no 429; the headers of their answers are those that they know, and the body is what it is about."""
    app = limited(1).app()
    first, second = [await Proxy(app, CALLER).ask("nginx") for _ in range(2)]
    assert (401, "no_certificate") == (first.status, document_of(first)["code"])
    assert (503, b"2", b"unavailable", b"deny") == (
        second.status,
        second.headers[b"retry-after"],
        second.headers[b"x-revet-code"],
        second.headers[b"x-revet-decision"],
    )
    document = document_of(second)
    assert ("urn:revet:problem:rate-limited", 503, "unavailable") == (
        document["type"],
        document["status"],
        document["code"],
    )


async def test_a_proxy_is_the_same_caller_as_elsewhere() -> None:
    """Its token is what it asks with, whatever the header."""
    app = limited(2).app()
    await Proxy(app, CALLER).ask("nginx")
    assert [400, 429] == [(await ask(app, "POST", "/v1/validate", CALLER)).status for _ in range(2)]
    assert 503 == (await Proxy(app, CALLER).ask("nginx")).status


async def test_a_proxy_that_guesses_is_slowed() -> None:
    """And is told the same; the one beside it, with a right token, is answered."""
    app = limited(2).app()
    found = [await Proxy(app, f"wrong-{number}").ask("nginx") for number in range(3)]
    assert [401, 401, 503] == [one.status for one in found]
    assert [None, None, b"2"] == [one.headers.get(b"retry-after") for one in found]
    assert "no_certificate" == document_of(await Proxy(app, CALLER).ask("nginx"))["code"]


async def test_a_proxys_answer_that_is_kept_counts_too() -> None:
    """What costs nothing to answer is asked all the same."""
    world = limited(2)
    world.kept = 10
    seen = [(await Proxy(world.app(), CALLER).ask("nginx")).status for _ in range(3)]
    assert [401, 401, 503] == seen


# --- at one time -----------------------------------------------------------------------------------------------------


class _Waiting(Validator):
    """Answers nobody before it is let."""

    def __init__(self) -> None:
        self.begun = asyncio.Semaphore(0)

    async def validate(self, request: ValidationRequest) -> ValidationAnswer:
        """Wait until cancelled."""
        self.begun.release()
        await asyncio.Event().wait()
        raise AssertionError(request)


def waiting_app(at_once: int, refused: Refused) -> tuple[FastAPI, _Waiting]:
    """An application whose requests do not end, with so many at once for each caller."""
    world, validator = World(rules=WITH_TOKENS, limits=limits(LimitRules(at_once=at_once), None, refused)), _Waiting()
    return create_app(replace(world.services(), validator=validator), world.rules), validator


async def test_one_caller_leaves_room_for_others() -> None:
    """503 with Retry-After for one more than he may have under way; his place is free again afterwards."""
    refused = Refused()
    app, validator = waiting_app(1, refused)
    scope = scope_of("/v1/validate", [(b"authorization", b"Bearer " + CALLER.encode())])
    body = json.dumps(REQUEST).encode()

    async def whole() -> AsyncIterator[Message]:
        yield piece(body, is_last=True)

    first = asyncio.create_task(exchange(app, dict(scope), receiving(whole())))
    await validator.begun.acquire()
    assert (503, "too-many-at-once", b"1") == told(await exchange(app, dict(scope), nothing))
    proxy = await Proxy(app, CALLER).ask("nginx")
    assert (503, "too-many-at-once", b"1") == told(proxy)
    assert 400 == (await ask(app, "POST", "/v1/validate", ADMIN)).status
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert 400 == (await exchange(app, dict(scope), nothing)).status
    assert [Limited.CONCURRENCY] * 2 == [why for why, _ in refused.told]


# --- nothing set -----------------------------------------------------------------------------------------------------


async def test_without_limits_nobody_is_refused() -> None:
    """Neither by his rate nor for his attempts."""
    app = World(rules=WITH_TOKENS).app()
    assert {401} == {(await ask(app, "POST", "/v1/validate", "wrong")).status for _ in range(50)}
    assert {400} == {(await ask(app, "POST", "/v1/validate", CALLER)).status for _ in range(50)}


async def test_the_document_says_so() -> None:
    """429 with Retry-After of everything below /v1/ but of what proxies ask."""
    paths: Mapping[str, Any] = World().app().openapi()["paths"]
    for path, methods in paths.items():
        for operation in methods.values():
            is_limited = path.startswith("/v1/") and not path.startswith("/v1/authorize")
            assert is_limited == ("429" in operation["responses"]), path
            if is_limited:
                assert "Retry-After" in operation["responses"]["429"]["headers"]


async def test_names_for_the_log() -> None:
    """The beginning of a token's digest, or the address: never a token."""
    refused = Refused()
    world = World(rules=WITH_TOKENS, limits=limits(LimitRules(Rate(1.0, 1)), None, refused))
    app = world.app()
    for token in (CALLER, CALLER, "wrong", "wrong"):
        await ask(app, "GET", "/v1/stats", token)
    digest = WITH_TOKENS.access.authenticate(sending((b"authorization", b"Bearer " + CALLER.encode()))).name.split()[-1]
    assert [(Limited.RATE, f"token {digest}"), (Limited.ATTEMPTS, "address 192.0.2.1")] == refused.told
