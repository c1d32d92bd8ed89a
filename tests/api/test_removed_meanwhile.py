"""Tokens that are removed while a body is awaited: who asked with one asks for nothing any more."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final

import pytest
from starlette.types import Message

from service.api.authentication import grant_access
from service.api.rules import ApiRules
from tests.api.asgi import exchange, piece, receiving, scope_of
from tests.api.test_auditing import CHANGES, Trail, audited
from tests.api.world import ADMIN, LEAF

pytestmark = pytest.mark.anyio

ITEM: Final = {"certificate": LEAF.pem}

WITH_BODIES: Final = {
    **{path: (CHANGES[path][0], CHANGES[path][1]) for path in sorted(CHANGES) if not path.startswith("DELETE")},
    "POST /v1/validate": ("POST /v1/validate", ITEM),
    "POST /v1/validate/batch": ("POST /v1/validate/batch", {"items": [ITEM]}),
}


@pytest.mark.parametrize("path", WITH_BODIES)
@pytest.mark.parametrize(
    ("admins", "callers", "changed"), [(["another"], ["caller"], 401), (["another"], ["caller", ADMIN], 403)]
)
async def test_nothing_is_done_for_who_may_no_longer(
    path: str, admins: list[str], callers: list[str], changed: int
) -> None:
    """Neither for a token that is gone nor for one that has become a caller's; callers are answered still."""
    trail = Trail()
    world_, operators = audited(trail)
    access = grant_access(["caller"], [ADMIN])
    world_.rules = ApiRules(access=access)
    request, document = WITH_BODIES[path]
    method, where = request.split()
    body = document if isinstance(document, bytes) else json.dumps(document or {}).encode()

    async def late() -> AsyncIterator[Message]:
        yield piece(body[:1], is_last=False)
        await asyncio.sleep(0)
        access.replace_tokens(grant_access(callers, admins).tokens)
        yield piece(body[1:], is_last=True)

    scope = scope_of(where, [(b"authorization", b"Bearer " + ADMIN.encode())], method)
    found = await exchange(world_.app(), scope, receiving(late()))
    is_question = path not in CHANGES
    assert found.status == (200 if is_question and changed == 403 else 401 if is_question else changed)
    assert ([], {}, {}) == (operators.asked.told, operators.shelf.content, world_.blocks.blocks)
    if not is_question:
        assert "refused" == trail.kept[-1].outcome.value
