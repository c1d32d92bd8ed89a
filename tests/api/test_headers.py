"""Headers of every answer: of every path, by every method, on both ports, whether it is refused or not."""

from typing import Final

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from service.api.app import create_management_app
from service.application.caller_limits import LimitRules
from service.application.rate import Rate
from tests.api.asgi import Exchange, exchange, nothing, scope_of
from tests.api.operating_parts import world
from tests.api.test_limits import limits
from tests.api.world import ADMIN, CALLER, WITH_TOKENS, World

pytestmark = pytest.mark.anyio

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
TOKENS: Final = (None, "wrong", CALLER, ADMIN)
BESIDES: Final = ("/", "/v1", "/v1/nothing", "/docs/", "/v1/authorize/nginx", "/v1/authorize/nobody", "/v1/authorize/")
"""Paths that no route stands for."""

DATA: Final = b"default-src 'none'; frame-ancestors 'none'"
"""The policy of whatever is no page."""

NEVER: Final = (b"access-control-", b"strict-transport-security", b"server", b"set-cookie", b"x-powered-by")
"""What headers of answers never begin with."""


def paths(app: FastAPI) -> list[str]:
    """Every path that is served."""
    served = [route.path for route in app.routes if isinstance(route, Route)]
    return [path.replace("{id}", "1").replace("{name}", "a.crl") for path in served]


async def ask(app: FastAPI, method: str, path: str, token: str | None) -> tuple[Exchange, list[bytes]]:
    """An answer, and the names of its headers as they were sent: each once."""
    headers = [(b"origin", b"https://elsewhere.example"), (b"access-control-request-method", b"POST")]
    if token is not None:
        headers += [(b"authorization", b"Bearer " + token.encode()), (b"x-revet-token", token.encode())]
    names: list[bytes] = []

    async def asked(scope: object, receive: object, send: object) -> None:
        async def noting(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                names.extend(name for name, _ in message["headers"])  # type: ignore[attr-defined] # ASGI's
            await send(message)  # type: ignore[operator] # ASGI's

        await app(scope, receive, noting)  # type: ignore[arg-type] # ASGI's

    return await exchange(asked, scope_of(path, headers, method), nothing), names


def check(found: Exchange, names: list[bytes], path: str) -> None:
    """What every answer has, once, and what none has."""
    assert len(names) == len(set(names)), (path, names)
    is_shown = path == "/dashboard" and found.status == 200
    common = {
        b"cache-control": b"no-cache" if is_shown else b"no-store",
        b"x-content-type-options": b"nosniff",
        b"cross-origin-resource-policy": b"same-origin",
    }
    assert common == {name: found.headers.get(name) for name in common}, path
    policy = found.headers[b"content-security-policy"]
    if found.headers.get(b"content-type", b"").startswith(b"text/html"):
        assert b"default-src 'none'; " in policy
        assert b"frame-ancestors 'none'" in policy
        assert (b"DENY", b"no-referrer") == (found.headers[b"x-frame-options"], found.headers[b"referrer-policy"])
        assert not [word for word in (b"unsafe", b"*", b"http") if word in policy]
        assert is_shown or not [word for word in (b"data:", b"script") if word in policy]
    else:
        assert DATA == policy, path
    assert not [name for name in names for never in NEVER if name.startswith(never)], path


async def test_of_every_path_by_every_method() -> None:
    """Whoever asks; also where nothing is served, and where somebody may not."""
    for token in TOKENS:
        world_, _ = world()
        world_.rules = WITH_TOKENS
        app = world_.app()
        for path in (*paths(app), *BESIDES):
            for method in METHODS:
                found, names = await ask(app, method, path, token)
                assert found.status is not None
                assert found.status < 500 or path.startswith("/v1/authorize/"), (method, path, found.body)
                check(found, names, path)


async def test_of_the_management_port() -> None:
    """It is asked by browsers of people who are curious."""
    app = create_management_app(World().operations())
    for path in (*paths(app), *BESIDES):
        for method in METHODS:
            check(*await ask(app, method, path, None), path)


async def test_of_what_is_refused_for_being_too_much() -> None:
    """A limit answers before anybody else."""
    app = World(rules=WITH_TOKENS, limits=limits(LimitRules(Rate(0.5, 1)))).app()
    seen = set()
    for path in (*paths(app), *BESIDES):
        for method in METHODS:
            found, names = await ask(app, method, path, CALLER)
            seen.add(found.status)
            check(found, names, path)
    assert {429, 503} <= seen


async def test_of_our_own_faults() -> None:
    """What is a fault of ours is an answer like any other."""
    world_ = World()
    app = world_.app()
    world_.blocks.broken = "burnt"
    found, names = await ask(app, "GET", "/v1/blocks", None)
    assert 503 == found.status
    check(found, names, "/v1/blocks")


@pytest.mark.parametrize("token", TOKENS)
async def test_no_other_origin_is_let_in(token: str | None) -> None:
    """A browser that asks whether it may is told of no such method: 405 with those that there are."""
    app = World(rules=WITH_TOKENS).app()
    for path in paths(app):
        found, _ = await ask(app, "OPTIONS", path, token)
        assert (405, True) == (found.status, b"allow" in found.headers), path
        assert b"OPTIONS" not in found.headers[b"allow"]
    for path in ("/", "/v1/nothing"):
        found, _ = await ask(app, "OPTIONS", path, token)
        assert 404 == found.status
