"""`GET /v1/trust-stores`: who is trusted, a page at a time."""

from typing import Any

import pytest

from service.application.trust_stores import TrustStoreReport
from tests.api.fakes import StandingClock
from tests.api.stores import trust_stores
from tests.api.world import ROOT, Caller, World, calling
from tests.operators import Operators
from tests.pki import Authority

pytestmark = pytest.mark.anyio

OTHER = Authority.root("Other")


def caller() -> Caller:
    """Of a service with three trust stores, one of which cannot be read."""
    operators = Operators(StandingClock())
    reports = trust_stores({"a": (ROOT, OTHER), "b": (ROOT,)}).report()
    operators.trust_stores = (*reports, TrustStoreReport("c", None, "no PEM", ("/x.pem",) * 20))
    return calling(World(operators=operators))


async def stores(query: str = "") -> list[dict[str, Any]]:
    """What is listed."""
    answer = await caller().get(f"/v1/trust-stores{query}")
    assert (200, 3) == (answer.status_code, answer.json()["total"])
    return list(answer.json()["trust_stores"])


async def test_all() -> None:
    """What has a problem comes first; a few of its files are named, and nothing of it is in force."""
    found = await stores()
    assert ["c", "a", "b"] == [one["name"] for one in found]
    assert {
        "name": "c",
        "problem": "no PEM",
        "sources": ["/x.pem"] * 10,
        "in_force_since": None,
        "total": 0,
        "certificates": [],
        "omitted": 0,
    } == found[0]
    assert [(2, 2, 0), (1, 1, 0)] == [(one["total"], len(one["certificates"]), one["omitted"]) for one in found[1:]]
    assert None is not found[1]["in_force_since"]


async def test_pages() -> None:
    """Each store comes once."""
    pages = [
        await stores("?limit=1"),
        await stores("?limit=1&skip=1"),
        await stores("?skip=2"),
        await stores("?skip=3"),
    ]
    assert [["c"], ["a"], ["b"], []] == [[one["name"] for one in page] for page in pages]


async def test_few_certificates() -> None:
    """The others are counted."""
    found = await stores("?certificates=1")
    assert [(0, 0), (1, 1), (1, 0)] == [(len(one["certificates"]), one["omitted"]) for one in found]


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=1001", "?skip=x", "?certificates=10001", "?name=a", "?limit=1&limit=2"]
)
async def test_what_cannot_be_understood(query: str) -> None:
    """Is a 400."""
    assert 400 == (await caller().get(f"/v1/trust-stores{query}")).status_code
