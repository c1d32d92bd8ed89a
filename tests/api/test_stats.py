"""`GET /v1/stats` speaks for all workers of a replica; the fleet in it is another test's."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.application.breaker import BreakerState
from service.application.fleet.heartbeats import FleetReport
from service.application.ocsp_responders import ResponderReport
from service.application.operating.counts import CacheCounts, Counts, ResponderCounts
from service.application.operating.worker_state import CacheSize, WorkerState
from service.application.shadow import WouldDeny
from service.core.model.failure import Code
from tests.api.fakes import StandingClock
from tests.api.world import World, calling
from tests.operators import PID, STARTED_AT, Operators
from tests.pki import NOW

pytestmark = pytest.mark.anyio

OTHER = WorkerState(PID + 1, NOW - timedelta(seconds=1))


async def shown(operators: Operators) -> Any:  # noqa: ANN401 - JSON
    """What the service says."""
    answer = await calling(World(operators=operators)).get("/v1/stats")
    assert 200 == answer.status_code, answer.text
    return answer.json()


async def of_states(*others: WorkerState, own: WorkerState | None = None, counts: Counts | None = None) -> Any:  # noqa: ANN401 - JSON
    """What a worker says that knows this of the others."""
    operators = Operators(StandingClock())
    operators.states.others = list(others)
    operators.state = operators.state if own is None else own
    operators.counted.found = operators.counted.found if counts is None else counts
    return await shown(operators)


async def test_all_workers_are_spoken_for() -> None:
    """Of itself whoever answers knows better than what it has said before."""
    stats = await of_states(OTHER, WorkerState(PID, NOW - timedelta(seconds=1)))
    assert {"pid": PID} == stats["worker"]
    assert [(PID, "2026-01-01T00:00:00Z"), (PID + 1, "2025-12-31T23:59:59Z")] == [
        (one["pid"], one["at"]) for one in stats["workers"]
    ]


async def test_caches() -> None:
    """What is in them is added up over workers; what nobody has looked into is there as well."""
    other = replace(OTHER, caches=(CacheSize("memory", "verdict", 4, 4000), CacheSize("memory", "ocsp", 1, None)))
    stats = await of_states(other, counts=Counts(STARTED_AT, caches={("redis", "crl"): CacheCounts(1, 2, 0)}))
    found = {(one["tier"], one["kind"]): (one["hits"], one["entries"], one["bytes"]) for one in stats["caches"]}
    assert {
        ("memory", "ocsp"): (0, 1, None),
        ("memory", "verdict"): (0, 7, 10_144),
        ("host", "crl"): (0, 0, 0),
        ("host", "ocsp"): (0, 0, 0),
        ("redis", "crl"): (1, None, None),
    } == found
    assert list(found) == [(one["tier"], one["kind"]) for one in stats["caches"]]


async def test_caches_without_a_store() -> None:
    """What it holds is nowhere; how often something was found there is."""
    operators = Operators(StandingClock())
    operators.host.broken = "the disk is gone"
    operators.counted.found = Counts(STARTED_AT, caches={("host", "crl"): CacheCounts(1, 2, 0)})
    stats = await shown(operators)
    assert [("memory", 3), ("host", None)] == [(one["tier"], one["entries"]) for one in stats["caches"]]


async def test_responders() -> None:
    """As the worker that has the worst of them sees them, with what all have counted."""
    responders = (
        ResponderReport("http://a:80", BreakerState.OPEN, 3, None),
        ResponderReport("http://late:80", BreakerState.CLOSED, 0, NOW),
    )
    counts = {
        "(other)": ResponderCounts(9, 8, 1.0, 9),
        "http://a:80": ResponderCounts(4, 3, 0.5, 4),
        "http://b:80": ResponderCounts(1, 0),
    }
    stats = await of_states(replace(OTHER, responders=responders), counts=Counts(STARTED_AT, responders=counts))
    found = [tuple(one.values()) for one in stats["responders"]]
    assert [
        ("(other)", 9, 8, 0.111111, None, 0, None),
        ("http://a:80", 4, 3, 0.125, "open", 3, None),
        ("http://b:80", 1, 0, None, "closed", 0, None),
        ("http://late:80", None, None, None, "closed", 0, "2026-01-01T00:00:00Z"),
    ] == found


async def test_shadow() -> None:
    """Counted by all, and the last ones of all, newest first."""
    denials = [
        WouldDeny(f"{n}", Code.REVOKED, "default", NOW + timedelta(seconds=n), "5e", "CN=a", "00" * 32)
        for n in range(3)
    ]
    own = WorkerState(PID, NOW, recent=(denials[2], denials[0]))
    counts = Counts(STARTED_AT, shadow={("revoked", "default"): 3, ("revocation_unavailable", "(other)"): 4})
    stats = await of_states(replace(OTHER, recent=(denials[1],)), own=own, counts=counts)
    assert 7 == stats["shadow"]["total"]
    assert [("revocation_unavailable", "(other)", 4), ("revoked", "default", 3)] == [
        tuple(one.values()) for one in stats["shadow"]["denials"]
    ]
    assert ["2", "1", "0"] == [one["decision_id"] for one in stats["shadow"]["recent"]]


async def test_ocsp() -> None:
    """Refusals and what is under way of all workers; what became of refreshes is counted."""
    counts = Counts(STARTED_AT, ocsp={"refresh_failed": 2, "refreshed": 1, "memory": 4})
    own = WorkerState(PID, NOW, refusals=1, refreshing=2)
    found = (await of_states(replace(OTHER, refusals=3, refreshing=4), own=own, counts=counts))["ocsp"]
    assert {
        "refusals": 4,
        "events": {"memory": 4, "refresh_failed": 2, "refreshed": 1},
        "refreshes": {"renewed": 1, "unchanged": 0, "failed": 2, "dropped": 0, "under_way": 6},
    } == found


@pytest.mark.parametrize(
    ("report", "shut_out", "expected"),
    [
        ((None, 0.0015), None, (True, 1.5, "closed", None)),
        (("it is full", None), None, (False, None, "closed", "it is full")),
        ((None, 0.0015), "no answer", (False, 1.5, "open", "no answer")),
        (("no answer", None), "no answer of late", (False, None, "open", "no answer of late")),
    ],
)
async def test_redis(
    report: tuple[str | None, float | None], shut_out: str | None, expected: tuple[object, ...]
) -> None:
    """It is up where every worker is answered."""
    reason, asked_s = report
    operators = Operators(StandingClock())
    operators.states.others = [replace(OTHER, redis=shut_out)]

    async def replicas() -> FleetReport:
        return FleetReport("pod-1", authenticated=True, reason=reason, asked_s=asked_s)

    operators.fleet = replicas
    assert expected == tuple((await shown(operators))["redis"].values())


async def test_nothing_was_decided() -> None:
    """No quantile is made up."""
    latency = (await of_states(counts=Counts(STARTED_AT)))["latency"]
    assert {"count": 0, "sum_s": 0.0, "buckets": [], "p50_s": None, "p95_s": None, "p99_s": None} == latency
