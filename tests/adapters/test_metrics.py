"""Metrics: what is counted, in one process and in several."""

import errno
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from service.adapters.metric_collectors import BuildCollector
from service.adapters.metrics import (
    MAX_SHADOW_STORES,
    OTHER_STORES,
    MetricsPage,
    PrometheusObserver,
    SharedCounters,
)
from service.adapters.metrics_directory import (
    COUNTER_OCTETS,
    FILE_OCTETS,
    KINDS,
    VARIABLE,
    metrics_directory,
    prepare_metrics_directory,
    share_if_there_is_room,
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


PROGRAM = """
import os, sys
from datetime import timedelta
from service.adapters.metrics import MetricsPage, PrometheusObserver
from service.adapters.metrics_directory import metrics_directory
from service.application.observer import DecisionDetails
from service.core.model.failure import Code
from service.core.model.verdict import Decision
from tests.pki.moments import NOW

observer = PrometheusObserver(NOW + timedelta(seconds=int(sys.argv[1])))
for _ in range(int(sys.argv[2])):
    observer.decided(DecisionDetails("id-1", Decision.ALLOW, Code.OK, "default", "api", 0.0003))
observer.decided(DecisionDetails("id-2", Decision.DENY, Code.REVOKED, "default", "api", 0.2))
match sys.argv[3]:
    case "render":
        sys.stdout.buffer.write(MetricsPage(observer, (), metrics_directory(os.environ)).render())
    case "die":
        os.kill(os.getpid(), 9)
"""


def run(environment: Mapping[str, str], *arguments: str) -> bytes:
    """What a process of its own writes that counts in a shared directory."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=False).stdout


def test_two_processes_are_added_up(tmp_path: Path) -> None:
    """Whichever is asked answers for both; one that was killed has counted all the same."""
    environment = prepare_metrics_directory(tmp_path / "metrics")
    run(environment, "5", "3", "die")
    rendered = run(environment, "9", "4", "render")
    assert [7, 2] == [
        value(rendered, "revet_validate_requests_total", decision="allow", code="ok", front="api"),
        value(rendered, "revet_validate_requests_total", decision="deny", code="revoked", front="api"),
    ]
    assert [0, 7, 9] == [
        value(rendered, "revet_validate_duration_seconds_bucket", le=le) for le in ("0.0001", "0.0005", "+Inf")
    ]
    assert (NOW + timedelta(seconds=5)).timestamp() == value(rendered, "revet_process_start_time_seconds")


def test_a_new_start_begins_at_zero(tmp_path: Path) -> None:
    """Counters of the service before are not added to those of this one."""
    run(prepare_metrics_directory(tmp_path), "5", "3", "die")
    rendered = run(prepare_metrics_directory(tmp_path), "9", "4", "render")
    assert 4 == value(rendered, "revet_validate_requests_total", decision="allow", code="ok", front="api")
    assert (NOW + timedelta(seconds=9)).timestamp() == value(rendered, "revet_process_start_time_seconds")


def test_a_process_that_was_killed_at_its_start(tmp_path: Path) -> None:
    """It leaves an empty file, which does not spoil the page of everybody else."""
    environment = prepare_metrics_directory(tmp_path)
    (tmp_path / "counter_1.db").touch()
    rendered = run(environment, "9", "4", "render")
    assert 4 == value(rendered, "revet_validate_requests_total", decision="allow", code="ok", front="api")


def test_nobody_has_counted(tmp_path: Path) -> None:
    """A page without a sample is a page."""
    assert [] == [sample for family in SharedCounters(tmp_path).collect() for sample in family.samples]


def test_the_directory_of_this_process(tmp_path: Path) -> None:
    """What the supervisor has put into the environment; without it a process counts for itself."""
    environment = prepare_metrics_directory(tmp_path / "a" / "metrics")
    assert {VARIABLE: str(tmp_path / "a" / "metrics")} == environment
    assert 0o700 == (tmp_path / "a" / "metrics").stat().st_mode & 0o777
    assert [tmp_path / "a" / "metrics", None, None] == [
        metrics_directory(variables) for variables in (environment, {}, {VARIABLE: ""})
    ]


def test_there_is_room(tmp_path: Path) -> None:
    """The directory is made where it is missing, stays in the environment, and each file has its room on the disk."""
    environment = {VARIABLE: str(tmp_path / "metrics")}
    assert share_if_there_is_room(environment)
    assert {VARIABLE: str(tmp_path / "metrics")} == environment
    files = [path.stat() for path in (tmp_path / "metrics").iterdir()]
    assert [*[FILE_OCTETS] * (len(KINDS) - 1), COUNTER_OCTETS] == sorted(file.st_size for file in files)
    assert all(file.st_blocks * 512 >= file.st_size for file in files)


def test_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the process counts for itself, and does not die of it."""
    environment = {VARIABLE: str(tmp_path)}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert not share_if_there_is_room(environment)
    assert {} == environment
    assert [] == list(tmp_path.iterdir())


def test_nobody_shares() -> None:
    """Without a directory there is nothing to look for."""
    assert share_if_there_is_room({})
