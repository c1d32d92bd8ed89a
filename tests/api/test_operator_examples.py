"""The examples of operators are what the service takes and answers."""

import json
from typing import Any, Final

import httpx
import pytest

from service.api import operator_examples as examples
from tests.api.conformance import Json
from tests.api.example_world import ROOT
from tests.api.operator_world import operator_world, reading_uploads
from tests.api.world import calling

pytestmark = pytest.mark.anyio

ASKED: Final[dict[str, tuple[str, str, Json | None, int]]] = {
    "CRLS": ("GET", "/v1/crls", None, 200),
    "RESET": ("POST", "/v1/crls/reset", examples.RESET_REQUEST, 200),
    "REFRESHED": ("POST", "/v1/refresh?wait=true", examples.REFRESH_REQUEST, 200),
    "REFRESH_STARTED": ("POST", "/v1/refresh", {}, 202),
    "PURGED": ("POST", "/v1/cache/purge", examples.PURGE_REQUEST, 200),
    "STATS": ("GET", "/v1/stats", None, 200),
    "TRUST_STORES": ("GET", "/v1/trust-stores", None, 200),
}


async def given(name: str) -> httpx.Response:
    """What the service gives for an example."""
    method, path, request, _ = ASKED[name]
    content = None if request is None else json.dumps(request).encode()
    return await calling(operator_world()).send(method, path, content=content)


@pytest.mark.parametrize("name", sorted(ASKED))
async def test_examples(name: str) -> None:
    """To the letter."""
    answer = await given(name)
    expected: dict[str, Any] = getattr(examples, name)
    assert (ASKED[name][3], expected) == (answer.status_code, answer.json())


async def test_an_upload() -> None:
    """It is held."""
    caller = calling(reading_uploads(operator_world()))
    answer = await caller.send("PUT", "/v1/crls/uploads/root.crl", content=ROOT.crl(number=3))
    assert (200, examples.UPLOAD) == (answer.status_code, answer.json())
