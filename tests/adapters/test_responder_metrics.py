"""Metrics of responders and of what is true now: each host, and no more hosts than there may be."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.adapters.label_names import LabelNames
from service.adapters.metrics import FRONTS, MAX_SHADOW_STORES, MetricsPage, PrometheusObserver
from service.adapters.responder_metrics import MAX_RESPONDERS, OTHER_RESPONDERS
from service.adapters.state_metrics import BreakerCollector, CacheSizeCollector
from service.application.breaker import BreakerState
from service.application.evidence_store import HeldCrl, StoreError
from service.application.observer import UNKNOWN_FRONT, DecisionDetails, FetchDetails, ShadowDetails
from service.application.ocsp_responders import ResponderReport
from service.application.operating.worker_state import CacheSize, ReplicaState, WorkerState, together
from service.core.model.attempt import Problem
from service.core.model.failure import Code
from service.core.model.verdict import Decision
from tests.adapters.metrics_reader import samples, value
from tests.adapters.test_metric_collectors import ROOT, held
from tests.pki.moments import NOW

A = "http://a.example:80"
B = "https://b.example:443"


@pytest.fixture
def observer(tmp_path: Path) -> PrometheusObserver:
    """One that shares its lists with others."""
    return PrometheusObserver(NOW, tmp_path)


def rendered(observer: PrometheusObserver) -> bytes:
    """What it has counted itself."""
    return MetricsPage(observer, (), None).render()


def asked(url: str, problem: Problem | None = None, seconds: float = 0.5) -> FetchDetails:
    """A question to a responder."""
    return FetchDetails("ocsp", url, problem, "", seconds)


def test_responders(observer: PrometheusObserver) -> None:
    """By host and by what came of it, with the time that it took; whatever the path is."""
    for details in (
        asked("http://a.example/ocsp"),
        asked("http://A.example:80/other?x", seconds=0.25),
        asked("http://a.example/ocsp", Problem.TIMED_OUT, 2.0),
        asked("https://b.example/", Problem.UNREACHABLE),
    ):
        observer.fetched(details)
    page = rendered(observer)
    counts = {
        (host, result): value(page, "revet_responder_requests_total", host=host, result=result)
        for host, result in ((A, "ok"), (A, "timed_out"), (B, "unreachable"), (OTHER_RESPONDERS, "ok"))
    }
    assert {(A, "ok"): 2, (A, "timed_out"): 1, (B, "unreachable"): 1, (OTHER_RESPONDERS, "ok"): 0} == counts
    assert [3, 2.75] == [value(page, f"revet_responder_duration_seconds_{part}", host=A) for part in ("count", "sum")]


def test_origins(observer: PrometheusObserver) -> None:
    """A request that brought something is found at its origin."""
    observer.fetched(asked("http://a.example/ocsp"))
    observer.fetched(asked("http://a.example/ocsp", Problem.STALE))
    observer.fetched(FetchDetails("crl", "http://a.example/crl", None, "", 0.1))
    page = rendered(observer)
    assert [(1, 1), (1, 0)] == [
        tuple(value(page, f"revet_cache_{what}_total", tier="origin", kind=kind) for what in ("hits", "misses"))
        for kind in ("ocsp", "crl")
    ]


def test_a_crl_is_no_responders(observer: PrometheusObserver) -> None:
    """Only questions count there."""
    observer.fetched(FetchDetails("crl", "http://a.example/crl", None, "", 0.1))
    hosts = {dict(labels)["host"] for name, labels in samples(rendered(observer)) if "responder" in name}
    assert {OTHER_RESPONDERS} == hosts


def test_others_cannot_make_labels(observer: PrometheusObserver) -> None:
    """Thousands of hosts, trust stores and fronts add no more than their limits, and one for all others each."""
    for number in range(3000):
        observer.fetched(asked(f"http://host-{number}.example/", Problem.UNREACHABLE if number % 2 else None))
        observer.would_deny(ShadowDetails("id", Code.REVOKED, f"store-{number}"))
        observer.decided(DecisionDetails("id", Decision.DENY, Code.REVOKED, f"store-{number}", f"front-{number}", None))
    for front in FRONTS:
        observer.decided(DecisionDetails("id", Decision.ALLOW, Code.OK, "default", front, None))
    found = samples(rendered(observer))

    def labels(metric: str, name: str) -> set[str]:
        return {dict(pairs)[name] for sample, pairs in found if sample == metric}

    assert MAX_RESPONDERS + 1 == len(labels("revet_responder_requests_total", "host"))
    assert MAX_RESPONDERS + 1 == len(labels("revet_responder_duration_seconds_count", "host"))
    assert MAX_SHADOW_STORES + 2 == len(labels("revet_shadow_denials_total", "trust_store"))  # and the default one
    assert {*FRONTS, UNKNOWN_FRONT} == labels("revet_validate_requests_total", "front")
    counted = [count for (name, _), count in found.items() if name == "revet_responder_requests_total"]
    assert 3000 == sum(counted)


def state(*workers: WorkerState) -> ReplicaState:
    """How they stand together."""
    return together(workers)


def worker(pid: int, *responders: ResponderReport, caches: tuple[CacheSize, ...] = ()) -> WorkerState:
    """How one stands."""
    return WorkerState(pid=pid, at=datetime(2026, 1, 1, tzinfo=UTC), caches=caches, responders=responders)


def breaker(host: str, how: BreakerState) -> ResponderReport:
    """A host as a worker sees it."""
    return ResponderReport(host, how, 3, None)


def test_breakers() -> None:
    """The worst that a worker has of a host; hosts that have no label are one, and the worst of them counts."""
    stands = state(
        worker(1, breaker(A, BreakerState.CLOSED), breaker("https://y.example:443", BreakerState.HALF_OPEN)),
        worker(
            2,
            breaker(A, BreakerState.OPEN),
            breaker(B, BreakerState.CLOSED),
            breaker("https://z.example:443", BreakerState.CLOSED),
        ),
    )
    names = LabelNames(None, 2, OTHER_RESPONDERS)
    page = MetricsPage(PrometheusObserver(NOW), (BreakerCollector(lambda: stands, names),), None).render()
    found = {host: value(page, "revet_breaker_state", host=host) for host in (A, B, OTHER_RESPONDERS)}
    assert {A: 2, B: 0, OTHER_RESPONDERS: 1} == found


def sizes(caches: CacheSizeCollector) -> bytes:
    """What it shows."""
    return MetricsPage(PrometheusObserver(NOW), (caches,), None).render()


def test_sizes() -> None:
    """Of all workers together, and of the host they share."""
    one = held(ROOT, ROOT.crl(number=1, revoked=(1, 2)))
    verdicts = CacheSize("memory", "verdict", 3, 3000)
    unknown = CacheSize("memory", "ocsp", 2, None)
    stands = state(worker(1, caches=(verdicts, unknown)), worker(2, caches=(verdicts,)))
    page = sizes(CacheSizeCollector(lambda: stands, lambda: (one, one), lambda: (7, 8192)))
    pairs = (("memory", "verdict"), ("memory", "ocsp"), ("host", "crl"), ("host", "ocsp"))
    assert [(6, 6000), (2, None), (2, 2 * one.meta.size), (7, 8192)] == [
        tuple(value(page, f"revet_cache_{what}", tier=tier, kind=kind) for what in ("entries", "bytes"))
        for tier, kind in pairs
    ]


def test_a_store_that_cannot_be_read() -> None:
    """What workers have is shown all the same."""

    def broken() -> tuple[HeldCrl, ...]:
        raise StoreError("corrupt")

    verdicts = CacheSize("memory", "verdict", 3, 3000)
    page = sizes(CacheSizeCollector(lambda: state(worker(1, caches=(verdicts,))), broken, lambda: (0, 0)))
    assert 3 == value(page, "revet_cache_entries", tier="memory", kind="verdict")
    assert value(page, "revet_cache_entries", tier="host", kind="crl") is None
