"""Pages of somebody else's, whose requests a browser sends without asking: they change nothing."""

import json
from typing import Final

import pytest

from service.api.rules import ApiRules
from tests.api.asgi import Exchange, exchange, nothing, scope_of
from tests.api.test_auditing import CHANGES, Trail, ask, audited
from tests.api.world import World

pytestmark = pytest.mark.anyio

ELSEWHERE: Final = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": ""},
    {"origin": "https://elsewhere.example"},
    {"origin": "null"},
    {"origin": "http://revet.test.elsewhere.example", "host": "revet.test"},
    {"origin": "http://revet.test:8081", "host": "revet.test:8080"},
    {"origin": "http://revet.test", "host": "revet.test", "sec-fetch-site": "cross-site"},
)

OWN: Final[tuple[dict[str, str], ...]] = (
    {},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {"origin": "https://revet.test:8443", "host": "revet.test:8443"},
    {"origin": "https://revet.example", "host": "10.0.0.1:8080", "sec-fetch-site": "same-origin"},
)


def kind(found: Exchange) -> str:
    """Of the problem."""
    return str(json.loads(found.body)["type"]).rpartition(":")[2]


@pytest.mark.parametrize("path", sorted(CHANGES))
@pytest.mark.parametrize("headers", ELSEWHERE)
async def test_a_page_of_somebody_elses_changes_nothing(path: str, headers: dict[str, str]) -> None:
    """Not even with an administrator's token or certificate; and that it was tried is recorded."""
    trail = Trail()
    world_, operators = audited(trail)
    request, document, _ = CHANGES[path]
    found = await ask(world_.app(), request, document, headers=headers)
    assert (403, "cross-origin") == (found.status, kind(found))
    assert ([], {}, {}) == (operators.asked.told, operators.shelf.content, world_.blocks.blocks)
    assert [("refused", "cross-origin")] == [(one.outcome.value, one.problem) for one in trail.kept]


@pytest.mark.parametrize("headers", OWN)
async def test_everybody_else_may(headers: dict[str, str]) -> None:
    """Programs, a page of ours, and what somebody has typed; whatever a proxy makes of the host."""
    world_, _ = audited(Trail())
    request, document, _ = CHANGES["POST /v1/blocks"]
    assert 201 == (await ask(world_.app(), request, document, headers=headers)).status


@pytest.mark.parametrize("headers", ELSEWHERE)
async def test_two_of_a_header_are_no_way_around(headers: dict[str, str]) -> None:
    """One of them is enough to be refused."""
    own = [(b"sec-fetch-site", b"same-origin")] if "sec-fetch-site" in headers else [(b"host", b"revet.test")]
    both = [*own, *((name.encode(), value.encode()) for name, value in headers.items())]
    found = await exchange(World().app(), scope_of("/v1/refresh", both), nothing)
    assert (403, "cross-origin") == (found.status, kind(found))


@pytest.mark.parametrize("path", ["/v1/blocks", "/v1/stats", "/v1/crls", "/healthz", "/docs"])
@pytest.mark.parametrize("headers", ELSEWHERE)
async def test_looking_is_what_browsers_decide_about(path: str, headers: dict[str, str]) -> None:
    """They give a page nothing of it, since no answer lets another origin in; a link from elsewhere works."""
    world_ = World(rules=ApiRules(hosts=frozenset({"revet.test"})))
    found = await ask(world_.app(), f"GET {path}", None, None, headers)
    assert (200, False) == (found.status, any(name.startswith(b"access-control-") for name in found.headers))
