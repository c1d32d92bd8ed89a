"""The path that proxies ask at: front and trust store as the operator wrote them, whatever the client appends."""

import json
from typing import Final

import pytest

from service.api.authorize_path import AUTHORIZE, Target, Targets
from service.api.rules import ApiRules
from service.application.fronts import Front
from tests.api.asgi import exchange, nothing, scope_of
from tests.api.authorizing import HEADERS, handed_over, proxy, scope_at, trusting, unread
from tests.api.world import LEAF, ROOT, SUB, World

pytestmark = pytest.mark.anyio

OTHER: Final = SUB.issue("other")
BOTH: Final = [*handed_over(Front.NGINX, LEAF.der), *handed_over(Front.ALB_VERIFY, OTHER.der)]
EVERY: Final = Targets(Front)

STAYS: Final = (
    "nginx",
    "nginx/",
    "nginx//",
    "nginx/alb-verify",
    "nginx/../alb-verify",
    "nginx/..%2falb-verify",
    "nginx/%2e%2e/alb-verify",
    "nginx/../../../v1/validate",
    "nginx/../../v1/authorize/alb-verify",
    "nginx//v1/authorize/alb-verify@partners",
    "nginx/@partners",
    "nginx?front=alb-verify",
    "nginx/a?b@partners",
    "nginx/%00%0d%0a",
    "nginx/" + "x" * 4000,
    "nginx@default",
    "nginx@default/@partners",
)
"""Of `nginx`, under the default trust store."""

NOWHERE: Final = (
    "",
    "/",
    "//nginx",
    ".",
    "..",
    "../authorize/nginx",
    "./nginx",
    "nginx%2F..%2Falb-verify",
    "nginx%2Fa",
    "%6eginx",
    "nginx%20",
    "nginx%00",
    "nginx;a=b",
    "nginx.",
    "nginx,alb-verify",
    "NGINX",
    "Nginx",
    "elsewhere",
    "@",
    "@@",
    "@default",
    "%40default",
    "nginx%40default",
    "nginx%40partners",
    "alb-verif",
    "alb_verify",
    "alb-verify alb-verify",
)
"""No front."""

NO_STORE: Final = (
    "nginx@",
    "nginx@@",
    "nginx@/default",
    "nginx@@default",
    "nginx@default@partners",
    "nginx@nobody",
    "nginx@.partners",
    "nginx@..",
    "nginx@%70artners",
    "nginx@partners%2F",
    "nginx@partners%00",
    "nginx@Partners",
    "nginx@part ners",
    "nginx@pärtners",
    "nginx@" + "p" * 65,
)
"""A front, and no trust store."""


def world() -> World:
    """With a trust store in which both are unknown."""
    found = trusting(ROOT, SUB)
    found.stores = {**found.stores, "partners": (ROOT,)}
    return found


@pytest.mark.parametrize("path", STAYS)
async def test_the_client_changes_neither_front_nor_trust_store(path: str) -> None:
    """Whatever is behind them, decoded or not."""
    answer = await proxy(world()).ask(path, BOTH)
    assert (200, b"CN=leaf") == (answer.status, answer.headers[b"x-revet-subject"])


@pytest.mark.parametrize("path", NOWHERE)
async def test_no_front(path: str) -> None:
    """404 with everything that an answer to a proxy has; no spelling of a front's name is another one."""
    answer = await proxy(world()).ask(path, BOTH)
    assert (404, b"bad_request") == (answer.status, answer.headers[b"x-revet-code"])
    assert "urn:revet:problem:unknown-front" == json.loads(answer.body)["type"]


@pytest.mark.parametrize("path", NO_STORE)
async def test_no_trust_store(path: str) -> None:
    """404 too: the default one never stands in for another."""
    answer = await proxy(world()).ask(path, BOTH)
    assert (404, b"bad_request") == (answer.status, answer.headers[b"x-revet-code"])
    assert "urn:revet:problem:unknown-trust-store" == json.loads(answer.body)["type"]


async def test_a_trust_store() -> None:
    """The one that is named, and no other."""
    found = world()
    answers = [await proxy(found).ask(path, BOTH) for path in ("nginx@partners", "nginx@partners/../@default", "nginx")]
    assert [(403, b"untrusted"), (403, b"untrusted"), (200, b"ok")] == [
        (one.status, one.headers[b"x-revet-code"]) for one in answers
    ]
    assert ["partners", "partners", "default"] == [one.trust_store for one in found.observer.decisions]


@pytest.mark.parametrize(
    "path", ["/v1/authorize", "/v1/%61uthorize/nginx", "/v1//authorize/nginx", "/V1/authorize/nginx"]
)
async def test_elsewhere_nothing_is_served(path: str) -> None:
    """What does not begin as it should, octet for octet, is no question of a proxy's."""
    found = await exchange(world().app(), scope_at(path, BOTH, "GET"), nothing)
    assert (404, False) == (found.status, b"x-revet-decision" in found.headers)


async def test_other_paths_are_what_they_were() -> None:
    """None of them is taken for a proxy's, and a proxy's path is taken for none of them."""
    app = world().app()
    health = await exchange(app, scope_of("/healthz", method="GET"), unread)
    hidden = await exchange(app, scope_at("/v1/authorize/..%2f..%2fhealthz", [], "GET"), unread)
    assert (200, 404, b"deny") == (health.status, hidden.status, hidden.headers[b"x-revet-decision"])


async def test_fronts_that_are_not_served() -> None:
    """They are as unknown as any other name."""
    found = world()
    found.rules = ApiRules(fronts=frozenset({Front.ALB_VERIFY}))
    answers = [await proxy(found).ask(path, BOTH) for path in ("nginx", "nginx/../alb-verify", "alb-verify")]
    assert [404, 404, 200] == [one.status for one in answers]


@pytest.mark.parametrize("front", Front)
def test_every_front_has_its_name(front: Front) -> None:
    """And its header in the table that these tests are made with."""
    assert Target(front, "a.b_c-D9") == EVERY.read(AUTHORIZE + f"{front.value}@a.b_c-D9/more".encode())
    assert front in HEADERS
