"""Names that are made to lead here (DNS rebinding): their pages learn nothing and change nothing."""

from typing import Final

import pytest

from service.api.rules import ApiRules
from tests.api.asgi import exchange, nothing, scope_of
from tests.api.test_auditing import CHANGES, Trail, ask, audited
from tests.api.test_origins import kind
from tests.api.world import WITH_CLIENT_CA, WITH_TOKENS, World

pytestmark = pytest.mark.anyio

STRANGERS: Final = (
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example:8080",
    "127.0.0.1.evil.example",
    "evil.example:127.0.0.1",
    "[evil.example]:8080",
    "",
)

OWN: Final = (
    "127.0.0.1",
    "127.0.0.1:8080",
    "[::1]:8080",
    "[::1]",
    "localhost",
    "LocalHost:8080",
    "revet.internal:8080",
)

NAMED: Final = ApiRules(hosts=frozenset({"Revet.internal"}))


def page(host: str) -> dict[str, str]:
    """What a browser sends for a page of the same host."""
    return {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}


@pytest.mark.parametrize("path", sorted(CHANGES))
@pytest.mark.parametrize("host", STRANGERS)
async def test_a_name_that_was_made_to_lead_here_changes_nothing(path: str, host: str) -> None:
    """Its page is of the same origin, so that its browser says nothing against it; that it was tried is recorded."""
    trail = Trail()
    world_, operators = audited(trail)
    world_.rules = NAMED
    request, document, _ = CHANGES[path]
    found = await ask(world_.app(), request, document, None, page(host))
    assert (421, "misdirected") == (found.status, kind(found))
    assert ([], {}, {}) == (operators.asked.told, operators.shelf.content, world_.blocks.blocks)
    assert [("refused", "misdirected")] == [(one.outcome.value, one.problem) for one in trail.kept]


@pytest.mark.parametrize(
    "request_", ["GET /v1/blocks", "GET /v1/stats", "GET /v1/crls", "GET /v1/blocks/nobody", "POST /v1/validate"]
)
async def test_it_learns_nothing(request_: str) -> None:
    """Of what is blocked, held or decided."""
    found = await ask(World().app(), request_, None, None, page("evil.example:8080"))
    assert (421, "misdirected") == (found.status, kind(found))


@pytest.mark.parametrize("host", OWN)
async def test_names_of_ours(host: str) -> None:
    """An address leads nowhere else, and REVET_HOST is what the operator says."""
    world_ = World(rules=NAMED)
    assert 200 == (await ask(world_.app(), "GET /v1/blocks", None, None, page(host))).status


async def test_one_of_two_names_is_enough() -> None:
    """To be refused; and who sends none is no browser."""
    app = World().app()
    both = [(b"host", b"localhost"), (b"host", b"evil.example")]
    statuses = [(await exchange(app, scope_of("/v1/blocks", found, "GET"), nothing)).status for found in (both, [])]
    assert [421, 200] == statuses


@pytest.mark.parametrize(("rules", "status"), [(WITH_TOKENS, 401), (WITH_CLIENT_CA, 200)])
async def test_where_somebody_is_asked_who_he_is_every_name_will_do(rules: ApiRules, status: int) -> None:
    """A page has no token, and a browser shows its certificate to the right name alone."""
    found = await ask(World(rules=rules).app(), "GET /v1/blocks", None, None, page("evil.example"))
    assert status == found.status


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs"])
async def test_probes_come_by_any_name(path: str) -> None:
    """What they are told names no client."""
    assert 200 == (await ask(World().app(), f"GET {path}", None, None, page("evil.example"))).status


async def test_a_proxy_comes_by_any_name() -> None:
    """It sends its client's host; without a certificate that it hands over there is nothing to learn."""
    found = await ask(World().app(), "GET /v1/authorize/nginx", None, None, page("evil.example"))
    assert (401, "no-certificate") == (found.status, kind(found))
