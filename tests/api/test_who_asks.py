"""Who asks is looked up once for each request, however many want to know it; and again where tokens were replaced."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest
from starlette.types import Message

from service.api.authentication import Access, grant_access
from service.api.rules import ApiRules
from service.application.caller_limits import LimitRules
from service.application.fronts import Front
from service.application.rate import Rate
from service.application.tokens import digest_of_token
from tests.api.asgi import exchange, piece, receiving, scope_of
from tests.api.authorizing import handed_over
from tests.api.test_auditing import CHANGES, Trail, audited
from tests.api.test_limits import limits
from tests.api.world import ADMIN, CALLER, LEAF, World

pytestmark = pytest.mark.anyio

BEARER: Final = (b"authorization", b"Bearer " + ADMIN.encode())
ITEM: Final = {"certificate": LEAF.pem}
READING: Final = ("/v1/blocks", "/v1/crls", "/v1/crls/uploads", "/v1/stats")

REQUESTS: Final[dict[str, tuple[dict[str, Any], object]]] = {
    **{path: (scope_of(path.split()[1], [BEARER], "GET"), None) for path in map("GET {}".format, READING)},
    **{
        path: (scope_of(change[0].split()[1], [BEARER], change[0].split()[0]), change[1])
        for path, change in CHANGES.items()
    },
    "POST /v1/validate": (scope_of("/v1/validate", [BEARER]), ITEM),
    "POST /v1/validate/batch": (scope_of("/v1/validate/batch", [BEARER]), {"items": [ITEM] * 3}),
    "POST /v1/authorize/nginx": (
        scope_of(
            "/v1/authorize/nginx", [(b"x-revet-token", ADMIN.encode()), BEARER, *handed_over(Front.NGINX, LEAF.der)]
        ),
        None,
    ),
}


@pytest.fixture
def presented(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The tokens that were looked up."""
    tokens: list[bytes] = []

    def counted(token: bytes) -> bytes:
        tokens.append(token)
        return digest_of_token(token)

    monkeypatch.setattr("service.api.authentication.digest_of_token", counted)
    return tokens


def held(access: Access) -> World:
    """A world that asks in every place: for permission, limits, and records."""
    world, _ = audited(Trail())
    world.rules = ApiRules(access=access)
    world.limits = limits(LimitRules(Rate(10.0, 100), at_once=10))
    return world


async def ask(world: World, request: str, meanwhile: Callable[[], None]) -> int | None:
    """The status of the answer to a request, while whose body is sent something happens."""
    scope, document = REQUESTS[request]
    body = document if isinstance(document, bytes) else json.dumps(document or {}).encode()

    async def late() -> AsyncIterator[Message]:
        yield piece(body[:1], is_last=False)
        meanwhile()
        yield piece(body[1:], is_last=True)

    return (await exchange(world.app(), dict(scope), receiving(late()))).status


@pytest.mark.parametrize("request_", REQUESTS)
async def test_once_a_request(presented: list[bytes], request_: str) -> None:
    """For its limits, its permission before and after its body, its record and its answer together."""
    await ask(held(grant_access([CALLER], [ADMIN])), request_, lambda: None)
    assert [ADMIN.encode()] == presented


@pytest.mark.parametrize("token", [CALLER, "wrong"])
async def test_once_for_who_is_refused(presented: list[bytes], token: str) -> None:
    """Neither the refusal nor its record asks again."""
    scope = {**scope_of("/v1/refresh"), "headers": [(b"authorization", b"Bearer " + token.encode())]}
    found = await exchange(held(grant_access([CALLER], [ADMIN])).app(), scope, receiving(whole()))
    assert ([token.encode()], 403 if token == CALLER else 401) == (presented, found.status)


async def whole() -> AsyncIterator[Message]:
    """A body without anything in it."""
    yield piece(b"{}", is_last=True)


@pytest.mark.parametrize("request_", ["POST /v1/validate", "POST /v1/validate/batch", "POST /v1/blocks"])
async def test_again_where_tokens_were_replaced(presented: list[bytes], request_: str) -> None:
    """While the body was awaited: what is kept with the request is what tokens of before have said."""
    access = grant_access([CALLER], [ADMIN])
    status = await ask(
        held(access), request_, lambda: access.replace_tokens(grant_access([CALLER], ["another"]).tokens)
    )
    assert (401, [ADMIN.encode()] * 2) == (status, presented)
