"""What Grafana's dashboard shows: each panel with what it asks of Prometheus; `grafana_dashboard` writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

_RANGE: Final = "[$__rate_interval]"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of Prometheus.

    Attributes:
        expression: In PromQL; every `{}` is completed by what is chosen.
        legend: Of each series.
    """

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture.

    Attributes:
        title: Above it.
        questions: What it shows.
        unit: Of its values, in Grafana's words.
        kind: Of picture.
        width: In columns.
        height: In rows.
        says: What it means.
        stacking: Whether series are put on one another.
        alarming: From which value on it is red; never where absent.
        alarming_below: Below which value it is red.
    """

    title: str
    questions: Sequence[Question]
    unit: str = "short"
    kind: Literal["timeseries", "stat", "table", "heatmap"] = "timeseries"
    width: int = 8
    height: int = 8
    says: str = ""
    stacking: Literal["normal", "none"] = "none"
    alarming: float | None = None
    alarming_below: float | None = None


def _rates(metric: str, *by: str, where: str = "") -> Question:
    """How often something happens, by some of its labels; what does not happen is not shown."""
    labels = f" by ({', '.join(by)})" if by else ""
    return Question(f"sum{labels} (rate({metric}{{{where}}}{_RANGE})) > 0", " ".join(f"{{{{{one}}}}}" for one in by))


def _happened(metric: str, legend: str) -> Question:
    """How often something has happened within each interval."""
    return Question(f"sum(increase({metric}{{}}{_RANGE}))", legend)


def _each(how: str, metric: str, by: str, legend: str = "") -> Question:
    """A gauge, for each value of a label."""
    return Question(f"{how} by ({by}) ({metric}{{}})", legend or f"{{{{{by}}}}}")


def _quantile(quantile: float, metric: str, legend: str, *by: str) -> Question:
    labels = ", ".join((*by, "le"))
    return Question(f"histogram_quantile({quantile}, sum by ({labels}) (rate({metric}_bucket{{}}{_RANGE})))", legend)


def _mean(metric: str, legend: str, *by: str) -> Question:
    """Seconds of each event, in the mean."""
    labels = ", ".join(by)
    summed, counted = (f"sum by ({labels}) (rate({metric}_{part}{{}}{_RANGE}))" for part in ("sum", "count"))
    return Question(f"{summed} / ({counted} > 0)", legend)


def _rate_of(metric: str) -> str:
    return f"sum by (tier, kind) (rate({metric}{{}}{_RANGE}))"


def _stacked(title: str, *questions: Question, says: str = "") -> Panel:
    """Rates on top of one another."""
    return Panel(title, questions, "reqps", says=says, stacking="normal")


def _stat(title: str, expression: str, unit: str, above: float | None = None, below: float | None = None) -> Panel:
    """A number, red from one value on or below another."""
    return Panel(title, [Question(expression)], unit, "stat", 4, 4, alarming=above, alarming_below=below)


_CACHE: Final = "{{tier}} {{kind}}"
_FOUND: Final = _rate_of("revet_cache_hits_total")
_ALL: Final = f"(sum(rate(revet_validate_requests_total{{}}{_RANGE})) > 0)"
_DECIDING: Final = "revet_validate_duration_seconds"
_OCSP: Final = "revet_ocsp_events_total"
_HELD: Final = 'event=~"memory|host|redis"'
_LEFT: Final = "min by (issuer, slot) (x509_crl_next_update_timestamp_seconds{}) - time()"

ROWS: Final[dict[str, Sequence[Panel]]] = {
    "At a glance": (
        _stat("Replicas that answer", "count(revet_build_info{})", "none", below=1),
        _stat("Decisions a second", f"sum(rate(revet_validate_requests_total{{}}{_RANGE}))", "reqps"),
        _stat(
            "Allowed", f'sum(rate(revet_validate_requests_total{{decision="allow"}}{_RANGE})) / {_ALL}', "percentunit"
        ),
        _stat(
            "Denied for want of evidence",
            f'sum(rate(revet_validate_requests_total{{code="revocation_unavailable"}}{_RANGE})) / {_ALL}',
            "percentunit",
            above=0.01,
        ),
        _stat("99 of 100 decisions within", _quantile(0.99, _DECIDING, "").expression, "s", above=0.25),
        _stat("Until the next CRL ends", "min(x509_crl_next_update_timestamp_seconds{}) - time()", "s", below=3600),
    ),
    "Decisions": (
        _stacked(
            "Decisions by code",
            _rates("revet_validate_requests_total", "code"),
            says="`ok` is an allow, every other code a denial: docs/api.md#codes.",
        ),
        Panel(
            "How long decisions take",
            [_quantile(q, _DECIDING, legend) for q, legend in ((0.5, "half"), (0.9, "9 of 10"), (0.99, "99 of 100"))],
            "s",
            says="Fetches included. A decision on what is held takes less than a millisecond.",
        ),
        Panel(
            "How long decisions take, all of them",
            [Question(f"sum by (le) (increase({_DECIDING}_bucket{{}}{_RANGE}))", "{{le}}")],
            "s",
            "heatmap",
        ),
        _stacked(
            "Answers to proxies",
            _rates("revet_authorize_answers_total", "front", "code"),
            says="By the front that asked: docs/front-doors.md. `unavailable` is a 503.",
        ),
        _stacked("Would have been denied (shadow)", _rates("revet_shadow_denials_total", "trust_store", "code")),
        _stacked("Parts of requests that do not parse", _rates("revet_submissions_ignored_total")),
        _stacked("Callers who ask too much", _rates("revet_requests_refused_total", "limit")),
        _stacked(
            "Decisions by where they were asked for", _rates("revet_validate_requests_total", "front", "decision")
        ),
        _stacked("Decisions that were not written down", _rates("revet_decisions_lost_total", "why")),
    ),
    "Where evidence comes from": (
        Panel(
            "Hits of each cache",
            [Question(f"{_FOUND} / ({_FOUND} + {_rate_of('revet_cache_misses_total')} > 0)", _CACHE)],
            "percentunit",
            says="What one cache misses is looked for in the next: memory, host, Redis, origin.",
        ),
        Panel(
            "What is in the caches",
            [Question("max by (tier, kind) (revet_cache_entries{})", _CACHE)],
            says="Of the replica that has the most.",
        ),
        Panel("How large they are", [Question("max by (tier, kind) (revet_cache_bytes{})", _CACHE)], "bytes"),
        _stacked("Put out for want of room", _rates("revet_cache_evictions_total", "tier", "kind")),
        _stacked(
            "OCSP answers by tier",
            _rates(_OCSP, "event", where=_HELD),
            Question(f'sum(rate(revet_fetch_total{{kind="ocsp",result="ok"}}{_RANGE}))', "asked of a responder"),
            says="Found in the worker's memory, in the host's store, in Redis; or asked for.",
        ),
        _stacked("Responders not asked, answers renewed", _rates(_OCSP, "event", where=_HELD.replace("=~", "!~"))),
        _stacked(
            "Between replicas",
            _rates("revet_fleet_events_total", "kind", "event"),
            says="`hit`: taken from Redis instead of asking an authority.",
        ),
        _stacked(
            "Fetches by what went wrong",
            _rates("revet_fetch_total", "kind", "result"),
            says="`none` is a good one: docs/operations.md#why-a-fetch-gave-nothing.",
        ),
        Panel(
            "How long fetches take (9 of 10)",
            [_quantile(0.9, "revet_fetch_duration_seconds", "{{kind}}", "kind")],
            "s",
        ),
        _stacked("Questions to responders", _rates("revet_responder_requests_total", "host", "result")),
        Panel(
            "How long responders take (mean)",
            [_mean("revet_responder_duration_seconds", "{{host}}", "host")],
            "s",
        ),
        Panel(
            "Responders that are left alone",
            [_each("max", "revet_breaker_state", "host")],
            says="0: it is asked; 1: one request is let through; 2: it is left alone.",
        ),
        _stacked("What became of CRLs that were downloaded", _rates("revet_crl_ingested_total", "outcome")),
    ),
    "CRLs": (
        Panel(
            "CRLs held, the first to end on top",
            [
                Question(_LEFT, "left"),
                Question("time() - min by (issuer, slot) (x509_crl_this_update_timestamp_seconds{})", "age"),
                Question("min by (issuer, slot) (x509_crl_entries{})", "entries"),
                Question("min by (issuer, slot) (x509_crl_number{})", "number"),
            ],
            "s",
            "table",
            16,
            10,
            says="Of the replica that is worst off. A CRL without nextUpdate has nothing left to show.",
            alarming_below=3600,
        ),
        Panel(
            "Held, and sources",
            [
                Question("max(revet_crls_held{})", "held"),
                Question("sum(max by (kind) (revet_prefetch_sources{}))", "sources"),
                Question("max(revet_prefetch_sources_failing{})", "failing"),
                Question("max(revet_prefetch_due{})", "due"),
                Question("max(revet_prefetch_pending{})", "waiting for their issuer"),
            ],
            height=10,
        ),
        Panel("Time left of each CRL", [Question(_LEFT, "{{issuer}} {{slot}}")], "s"),
        _stacked("Attempts at sources", _rates("revet_prefetch_attempts_total", "kind", "problem")),
        Panel(
            "Refused as older, standing still, no room",
            [
                _happened("revet_prefetch_rollbacks_total", "older"),
                _happened("revet_prefetch_numbers_stalled_total", "standing still"),
                _happened("revet_prefetch_pending_dropped_total", "no room"),
            ],
        ),
    ),
    "The fleet": (
        Panel(
            "Redis, as each replica sees it",
            [
                _each("min", "revet_redis_up", "instance", "{{instance}} reaches it"),
                _each("min", "revet_fleet_current", "instance", "{{instance}} is up to date"),
            ],
        ),
        Panel(
            "How long Redis takes (mean)",
            [_mean("revet_redis_duration_seconds", "{{instance}}", "instance")],
            "s",
        ),
        Panel(
            "Replicas heard of",
            [_each("min", "revet_fleet_replicas", "state")],
            says="As the replica knows it that hears of the fewest. Replaced ones count as `gone` for an hour.",
        ),
        _stacked("Refused out of Redis", _rates("revet_fleet_refused_total", "kind", "reason")),
        Panel(
            "Blocks", [_each("max", "revet_blocks", "instance")], says="All replicas of a fleet come to have the same."
        ),
        Panel(
            "Blocks brought together",
            [
                Question(f"sum by (direction) (increase(revet_fleet_reconciled_total{{}}{_RANGE}))", "{{direction}}"),
                _happened("revet_fleet_reconciliations_total", "times"),
                _happened("revet_fleet_names_taken_total", "names taken"),
            ],
        ),
    ),
    "Processes and files": (
        Panel(
            "Time since each replica was started",
            [Question("time() - max by (instance) (revet_process_start_time_seconds{})", "{{instance}}")],
            "s",
        ),
        Panel("Versions", [_each("count", "revet_build_info", "version")], stacking="normal"),
        Panel(
            "Until the first certificate of a trust store ends",
            [Question("min by (name) (revet_trust_store_not_after_timestamp_seconds{}) - time()", "{{name}}")],
            "s",
        ),
        Panel(
            "Trust stores",
            [
                _each("min", "revet_trust_store_certificates", "name", "{{name}}: certificates"),
                Question("max by (name) (revet_trust_store_problem{}) > 0", "{{name}} has a problem"),
                Question("min by (name) (revet_trust_store_loaded{}) < 1", "{{name}} is not in force"),
            ],
        ),
        Panel("Stores that can be read", [_each("min", "revet_crl_store_readable", "instance")]),
        Panel(
            "The service's own certificate",
            [Question("min by (instance) (revet_tls_not_after_seconds{}) - time()", "{{instance}}")],
            "s",
            says="How long it is valid. Nothing, where the service speaks no TLS.",
        ),
        Panel(
            "Settings and files that cannot be used",
            [
                Question("max by (setting) (revet_file_problem{}) > 0", "{{setting}}"),
                Question("max by (instance) (revet_reload_problem{}) > 0", "{{instance}}: the last reload"),
            ],
        ),
        Panel(
            "Room for data",
            [_each("min", "revet_data_free_bytes", "instance")],
            "bytes",
            says="What may be written to the data directory. 0 where the disk is for reading only.",
        ),
        Panel(
            "What could not be written",
            [
                _happened("revet_data_write_failures_total", "evidence, blocks"),
                _happened("revet_audit_failures_total", "audit log"),
            ],
        ),
    ),
}
