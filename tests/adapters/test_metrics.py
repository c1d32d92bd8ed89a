"""Metrics: what is counted, in one process and in several."""

import pytest

from service.adapters.metric_collectors import BuildCollector
from service.adapters.metrics import (
    MAX_SHADOW_STORES,
    OTHER_STORES,
    MetricsPage,
    PrometheusObserver,
)
from service.application.caller_limits import Limited
from service.application.observer import (
    AuthorizedDetails,
    DecisionDetails,
    FetchDetails,
    IgnoredDetails,
    IngestDetails,
    Ingested,
    OcspEvent,
    ShadowDetails,
    TrustStoreChange,
    TrustStoreDetails,
)
from service.core.model.attempt import Problem
from service.core.model.failure import Code
from service.core.model.verdict import Decision
from tests.adapters.metrics_reader import samples, value
from tests.pki.moments import NOW

ALLOW = DecisionDetails("id-1", Decision.ALLOW, Code.OK, "default", "api", 0.0003)
DENY = DecisionDetails("id-2", Decision.DENY, Code.REVOKED, "default", "api", 0.2)


@pytest.fixture
def observer() -> PrometheusObserver:
    """One that counts for itself."""
    return PrometheusObserver(NOW)


@pytest.fixture
def page(observer: PrometheusObserver) -> MetricsPage:
    """What it has counted."""
    return MetricsPage(observer, (BuildCollector("1.2.3"),), None)


def test_decisions(observer: PrometheusObserver, page: MetricsPage) -> None:
    """By decision and code, with their durations."""
    for details in (ALLOW, ALLOW, DENY):
        observer.decided(details)
    rendered = page.render()
    assert 2 == value(rendered, "revet_validate_requests_total", decision="allow", code="ok", front="api")
    assert 1 == value(rendered, "revet_validate_requests_total", decision="deny", code="revoked", front="api")
    buckets = [value(rendered, "revet_validate_duration_seconds_bucket", le=le) for le in ("0.0001", "0.0005", "1.0")]
    assert [0, 2, 3] == buckets
    assert 3 == value(rendered, "revet_validate_duration_seconds_count")


def test_fetches(observer: PrometheusObserver, page: MetricsPage) -> None:
    """By what for and what came of it; `ok` where nothing went wrong."""
    observer.fetched(FetchDetails("crl", "http://ca.example/crl", None, "", 0.25))
    observer.fetched(FetchDetails("ocsp", "http://ca.example/ocsp", Problem.TIMED_OUT, "2 s", 2.0))
    rendered = page.render()
    assert [1, 0, 1] == [
        value(rendered, "revet_fetch_total", kind="crl", result="ok"),
        value(rendered, "revet_fetch_total", kind="ocsp", result="ok"),
        value(rendered, "revet_fetch_total", kind="ocsp", result="timed_out"),
    ]
    assert 2.0 == value(rendered, "revet_fetch_duration_seconds_sum", kind="ocsp")


def test_crls(observer: PrometheusObserver, page: MetricsPage) -> None:
    """By what became of them."""
    for outcome in (Ingested.STORED, Ingested.STORED, Problem.ROLLED_BACK):
        observer.ingested(IngestDetails("http://ca.example/crl", outcome, 3, 500, 0.1))
    rendered = page.render()
    outcomes = ("stored", "unchanged", "rolled_back")
    assert [2, 0, 1] == [value(rendered, "revet_crl_ingested_total", outcome=outcome) for outcome in outcomes]


def test_ocsp_answers(observer: PrometheusObserver, page: MetricsPage) -> None:
    """By what happened, from zero."""
    for event in (OcspEvent.MEMORY, OcspEvent.MEMORY, OcspEvent.REFRESHED):
        observer.ocsp(event)
    rendered = page.render()
    events = ("memory", "refreshed", "host", "not_tried")
    assert [2, 1, 0, 0] == [value(rendered, "revet_ocsp_events_total", event=event) for event in events]


def test_denials_in_shadow(observer: PrometheusObserver, page: MetricsPage) -> None:
    """By code and trust store; of many trust stores the last ones are counted together."""
    names = [*(f"store-{number}" for number in range(MAX_SHADOW_STORES)), "store-0", "late", "later"]
    for name in names:
        observer.would_deny(ShadowDetails("id-1", Code.REVOKED, name))
    rendered = page.render()
    counts = [
        value(rendered, "revet_shadow_denials_total", code="revoked", trust_store=name)
        for name in ("store-0", "store-1", OTHER_STORES)
    ]
    assert [2, 1, 2] == counts
    stores = {dict(labels)["trust_store"] for name, labels in samples(rendered) if name == "revet_shadow_denials_total"}
    assert {*names[:MAX_SHADOW_STORES], OTHER_STORES, "default"} == stores
    assert 0 == value(rendered, "revet_shadow_denials_total", code="revocation_unavailable", trust_store="default")


def test_what_was_ignored(observer: PrometheusObserver, page: MetricsPage) -> None:
    """Each piece counts."""
    observer.ignored(IgnoredDetails("id-1", ("one", "two")))
    assert 2 == value(page.render(), "revet_submissions_ignored_total")


def test_every_code_begins_at_zero(page: MetricsPage) -> None:
    """A counter that appears with its first event hides that event."""
    rendered = page.render()
    counts = {
        code: value(
            rendered,
            "revet_validate_requests_total",
            decision="allow" if code == "ok" else "deny",
            code=code,
            front="api",
        )
        for code in Code
    }
    assert dict.fromkeys(Code, 0.0) == counts


def test_version_and_start(page: MetricsPage) -> None:
    """Which service this is."""
    rendered = page.render()
    assert 1 == value(rendered, "revet_build_info", version="1.2.3")
    assert NOW.timestamp() == value(rendered, "revet_process_start_time_seconds")


def test_no_label_names_a_certificate(observer: PrometheusObserver, page: MetricsPage) -> None:
    """Nothing that is for logs alone is on the page, and the names of all labels are these."""
    observer.decided(ALLOW)
    observer.ignored(IgnoredDetails("id-1", ("reason-for-logs",)))
    observer.fetched(FetchDetails("crl", "http://url-for-logs/", Problem.MALFORMED, "detail-for-logs", 1.0))
    observer.ingested(IngestDetails("http://url-for-logs/", Ingested.STORED, 3, 500, 0.1))
    observer.trust_store_changed(TrustStoreDetails("name-for-logs", TrustStoreChange.LOADED, 3, "", ("CN=for-logs",)))
    observer.would_deny(ShadowDetails("id-1", Code.REVOKED, "default"))
    observer.authorized(AuthorizedDetails("nginx", "no_certificate", "id-1"))
    observer.limited(Limited.RATE, "token-for-logs")
    rendered = page.render()
    labels = {name for _, pairs in samples(rendered) for name, _ in pairs}
    known = {"code", "decision", "event", "front", "kind", "le", "limit", "outcome", "result", "tier", "trust_store"}
    assert known | {"host", "version"} == labels
    assert not [text for text in (b"for-logs", b"id-1") if text in rendered]
