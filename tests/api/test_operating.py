"""The operations of operators over HTTP, with everything beyond them in memory."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from service.application.operating.telling import Purged, RefreshAsked, WatermarksReset
from service.application.prefetch.desk import Waiting
from service.application.prefetch.source_record import Phase, Progress, SourceRecord
from tests.api.fakes import StandingClock
from tests.api.operating_parts import (
    DEAD,
    HELD,
    OTHER,
    URL,
    post,
    world,
)
from tests.api.world import ADMIN, CALLER, WITH_TOKENS, Caller, World, calling
from tests.operators import Operators, source
from tests.pki import NOW, days

pytestmark = pytest.mark.anyio


# --- who may ---------------------------------------------------------------------------------------------------------

LOOKING: Final = ("/v1/crls", "/v1/stats", "/v1/crls/uploads", "/v1/trust-stores")
CHANGING: Final = (
    ("POST", "/v1/refresh"),
    ("POST", "/v1/cache/purge"),
    ("POST", "/v1/crls/reset"),
    ("PUT", "/v1/crls/uploads/a.crl"),
    ("DELETE", "/v1/crls/uploads/a.crl"),
)


@pytest.mark.parametrize("path", LOOKING)
@pytest.mark.parametrize(("token", "status"), [(None, 401), ("wrong", 401), (CALLER, 200), (ADMIN, 200)])
async def test_looking_needs_a_token(path: str, token: str | None, status: int) -> None:
    """Any that is known."""
    answer = await calling(World(operators=Operators(StandingClock()), rules=WITH_TOKENS), token).get(path)
    assert status == answer.status_code


@pytest.mark.parametrize(("method", "path"), CHANGING)
@pytest.mark.parametrize(("token", "status"), [(None, 401), ("wrong", 401), (CALLER, 403)])
async def test_changing_needs_an_administrator(method: str, path: str, token: str | None, status: int) -> None:
    """Before the body is looked at, and without any effect."""
    operators = Operators(StandingClock())
    answer = await calling(World(operators=operators, rules=WITH_TOKENS), token).send(method, path, content=b"?")
    assert (status, [], 7) == (answer.status_code, operators.asked.told, operators.host.number)


# --- what is held ----------------------------------------------------------------------------------------------------


async def lines(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    """The lines of one answer."""
    return list((await caller.get(f"/v1/crls{query}")).json()["crls"])


async def test_every_page() -> None:
    """Every line comes once, in the same order, and the last page says that it is the last."""
    caller = calling(world()[0])
    whole = await lines(caller)
    found: list[dict[str, Any]] = []
    after: str | None = ""
    for _ in range(3):
        page = (await caller.get(f"/v1/crls?limit=1&after={after}")).json()
        assert 3 == page["total"]
        found += page["crls"]
        after = page["after"]
    assert (whole, None) == (found, after)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?issuer=sub", [URL]),
        ("?issuer=CN%3DRoot", [OTHER]),
        ("?issuer=nobody", []),
        ("?status=failed", [DEAD]),
        ("?status=ended", []),
        ("?status=fresh&issuer=sub", [URL]),
        ("?search=dead", [DEAD]),
        ("?order=urgency&limit=1&skip=0", [DEAD]),
        ("?order=urgency&search=sub&skip=1", []),
    ],
)
async def test_filters(query: str, expected: list[str]) -> None:
    """By part of the issuer's name and by status."""
    assert expected == [line["source"] for line in await lines(calling(world()[0]), query)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?limit=0", "limit"),
        ("?limit=10001", "limit"),
        ("?limit=-1", "limit"),
        ("?limit=x", "limit"),
        ("?limit=%C2%B2", "limit"),
        ("?limit=1&limit=1", "limit"),
        ("?status=good", "status"),
        ("?order=name", "order"),
        ("?order=urgency&after=0", "after"),
        ("?skip=-1", "skip"),
        ("?skip=1000001", "skip"),
        ("?%ff=1", "request"),
    ],
)
async def test_a_query_that_is_wrong(query: str, field: str) -> None:
    """What is misspelt is not what is absent."""
    answer = await calling(world()[0]).get(f"/v1/crls{query}")
    assert (400, [field]) == (answer.status_code, [fault["field"] for fault in answer.json()["errors"]])


async def test_progress_is_shown() -> None:
    """While a source is being fetched."""
    world_, operators = world()
    progress = Progress(Phase.INGESTING, 5, 10, NOW, 2, 4)
    operators.host.records[0] = replace(operators.host.records[0], progress=progress)
    (line,) = await lines(calling(world_), "?issuer=sub")
    expected = {"phase": "ingesting", "done": 5, "total": 10, "entries": 2, "entries_total": 4}
    assert {**expected, "at": "2026-01-01T00:00:00Z"} == line["progress"]


@pytest.mark.parametrize("path", ["/v1/crls", "/v1/crls/uploads"])
async def test_a_store_that_cannot_be_read(path: str) -> None:
    """Nothing is made up."""
    world_, operators = world()
    operators.host.broken = "the disk is gone"
    answer = await calling(world_).get(path)
    assert (503, "urn:revet:problem:store-unavailable") == (answer.status_code, answer.json()["type"])


async def test_figures_of_a_store_that_cannot_be_read() -> None:
    """The rest is told."""
    world_, operators = world()
    operators.host.broken = "the disk is gone"
    operators.prefetcher.is_there = False
    stats = (await calling(world_).get("/v1/stats")).json()
    assert (None, 2) == (stats["host"], len(stats["decisions"]))


async def test_a_dead_prefetcher_shows() -> None:
    """What is due and since when, and that nobody is there."""
    world_, operators = world()
    operators.prefetcher.is_there = False
    assert isinstance(operators.clock, StandingClock)
    operators.clock.moment += timedelta(hours=3)
    prefetcher = (await calling(world_).get("/v1/stats")).json()["host"]["prefetcher"]
    assert (False, 3) == (prefetcher["alive"], prefetcher["due"])
    assert prefetcher["lag_s"] > timedelta(hours=2).total_seconds() - 61


# --- refresh ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "started", "unknown"),
    [
        (None, [URL, OTHER, DEAD], []),
        ({}, [URL, OTHER, DEAD], []),
        ({"source": URL}, [URL], []),
        ({"sources": [OTHER, URL, OTHER]}, [OTHER, URL], []),
        ({"sources": [URL, "http://nobody.example/"]}, [URL], ["http://nobody.example/"]),
    ],
)
async def test_refresh(body: object, started: list[str], unknown: list[str]) -> None:
    """One, some, or all; what is not known is named."""
    world_, operators = world()
    answer = await post(calling(world_), "/v1/refresh", body)
    assert (202, started, unknown) == (answer.status_code, answer.json()["started"], answer.json()["unknown"])
    assert [RefreshAsked("anonymous", len(started))] == operators.asked.told
    assert {Waiting.STARTED} == {waiting for _, waiting in operators.prefetcher.refreshes}


@pytest.mark.parametrize("body", [{"source": "http://nobody.example/"}, {"sources": ["a", "b"]}])
async def test_refresh_of_nothing_that_is_known(body: object) -> None:
    """Is a 404 that says nothing of what there is."""
    world_, operators = world()
    answer = await post(calling(world_), "/v1/refresh", body)
    assert (404, "urn:revet:problem:unknown-source", []) == (
        answer.status_code,
        answer.json()["type"],
        operators.prefetcher.refreshes,
    )
    assert "crl.example" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"source": URL, "sources": [URL]},
        {"source": None},
        {"sources": []},
        {"sources": "a"},
        {"source": ""},
        {"all": 1},
        [],
    ],
)
async def test_refresh_of_what_cannot_be_understood(body: object) -> None:
    """Changes nothing."""
    world_, operators = world()
    answer = await post(calling(world_), "/v1/refresh", body)
    assert (400, []) == (answer.status_code, operators.prefetcher.refreshes)


async def test_refresh_that_is_waited_for() -> None:
    """How each of them ended."""
    world_, _ = world()
    answer = await post(calling(world_), "/v1/refresh?wait=true")
    found = answer.json()
    assert (200, []) == (answer.status_code, found["running"])
    assert {URL: None, OTHER: None, DEAD: "unreachable"} == {one["source"]: one["problem"] for one in found["outcomes"]}


async def test_refresh_that_takes_too_long() -> None:
    """What has ended, and what has not; the rest goes on."""
    operators = Operators(StandingClock(NOW), longest_wait_s=0.05)
    operators.host.records += [source(URL, HELD, at=NOW - days(1)), source(OTHER, HELD, at=NOW - days(1))]
    operators.prefetcher.held_up = asyncio.Event()
    operators.prefetcher.attempt = lambda record: record if record.source.key == URL else _not_tried(record)
    answer = await post(calling(World(operators=operators)), "/v1/refresh?wait=true")
    found = answer.json()
    assert (202, [OTHER], [URL]) == (
        answer.status_code,
        found["running"],
        [one["source"] for one in found["outcomes"]],
    )
    operators.prefetcher.held_up.set()


def _not_tried(record: SourceRecord) -> SourceRecord:
    return replace(record, state=replace(record.state, tried_at=NOW - days(1)))


@pytest.mark.parametrize("query", ["?wait=yes", "?wait", "?waiting=true"])
async def test_a_word_for_waiting_that_is_none(query: str) -> None:
    """Is no false."""
    assert 400 == (await post(calling(world()[0]), f"/v1/refresh{query}")).status_code


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/refresh", {}), ("/v1/refresh?wait=true", {}), ("/v1/crls/reset", {"url": URL})]
)
async def test_nobody_to_do_it(path: str, body: object) -> None:
    """The prefetcher is being replaced."""
    world_, operators = world()
    operators.prefetcher.is_there = False
    answer = await post(calling(world_), path, body)
    assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
    assert "urn:revet:problem:prefetcher-unavailable" == answer.json()["type"]
    assert answer.json()["detail"].endswith("(nobody there)")


# --- purge -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "purged", "forgotten"),
    [
        (None, ["verdicts", "ocsp", "negative"], (1, 1)),
        ({}, ["verdicts", "ocsp", "negative"], (1, 1)),
        ({"caches": ["ocsp"]}, ["ocsp"], (1, 0)),
        ({"caches": ["negative", "verdicts"]}, ["verdicts", "negative"], (0, 1)),
    ],
)
async def test_purge(body: object, purged: list[str], forgotten: tuple[int, int]) -> None:
    """Every kind for itself; kept verdicts end with any of them, since they may rest on it."""
    world_, operators = world()
    answer = await post(calling(world_), "/v1/cache/purge", body)
    assert (200, {"purged": purged, "generation": 8}) == (answer.status_code, answer.json())
    assert forgotten == (operators.memories.answers, operators.memories.failures)
    assert [Purged("anonymous", tuple(purged))] == operators.asked.told


@pytest.mark.parametrize("body", [{"caches": []}, {"caches": ["crls"]}, {"caches": "ocsp"}, {"cache": ["ocsp"]}])
async def test_purge_of_what_is_no_cache(body: object) -> None:
    """Changes nothing: CRLs and watermarks cannot be purged at all."""
    world_, operators = world()
    answer = await post(calling(world_), "/v1/cache/purge", body)
    assert (400, 7, 0) == (answer.status_code, operators.host.number, operators.memories.answers)


# --- reset -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"issuer": "cn=sub"},
        {"slot": HELD.slot.key.hex()},
        {"slot": HELD.slot.key.hex()[:12]},
        {"url": URL},
    ],
)
async def test_reset(body: object) -> None:
    """By issuer, slot, or source; it is told who did it."""
    world_, operators = world()
    answer = await post(calling(world_), "/v1/crls/reset", body)
    assert (200, [HELD.slot.key.hex()]) == (answer.status_code, [one["slot"] for one in answer.json()["reset"]])
    assert [(HELD.slot.key,)] == operators.prefetcher.resets
    assert [WatermarksReset("anonymous", (HELD.slot.key,), ("CN=Sub",))] == operators.asked.told


async def test_reset_of_what_is_not_held() -> None:
    """A 404, and nothing is done."""
    world_, operators = world()
    answer = await post(calling(world_), "/v1/crls/reset", {"issuer": "CN=Nobody"})
    assert (404, []) == (answer.status_code, operators.prefetcher.resets)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"issuer": "CN=Sub", "url": URL},
        {"issuer": "no name"},
        {"slot": HELD.slot.key.hex()[:11]},
        {"slot": HELD.slot.key.hex().upper()},
        {"issuer": None},
    ],
)
async def test_reset_of_what_cannot_be_understood(body: object) -> None:
    """A 400, and nothing is done."""
    world_, operators = world()
    answer = await post(calling(world_), "/v1/crls/reset", body)
    assert (400, []) == (answer.status_code, operators.prefetcher.resets)


async def test_digits_of_several_slots() -> None:
    """Nobody can say which is meant."""
    world_, operators = world()
    twin = replace(HELD, slot=replace(HELD.slot, key=HELD.slot.key[:-1] + b"\xff"))
    operators.host.crls.append(twin)
    answer = await post(calling(world_), "/v1/crls/reset", {"slot": HELD.slot.key.hex()[:12]})
    assert (400, []) == (answer.status_code, operators.prefetcher.resets)
