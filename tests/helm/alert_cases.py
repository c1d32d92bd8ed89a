"""What Prometheus sees, and which alert it gives then: for each alert a case in which it fires, and one in which not.

Series are in the language of `promtool test rules`, a value a minute: `0+60x20` rises by one a second for 20 minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

A: Final = 'namespace="n",job="revet",instance="a:9090"'
B: Final = 'namespace="n",job="revet",instance="b:9090"'
JOB: Final = {"namespace": "n", "job": "revet"}
AT_A: Final = {**JOB, "instance": "a:9090"}

_BUILD: Final = {f'revet_build_info{{{one},version="1"}}': "1x60" for one in (A, B)}
_BUILD_LABELS: Final = {**AT_A, "version": "1"}
_CRL: Final = f'{A},issuer="CN=CA",slot="s"'
_OF_STORE: Final = {**JOB, "name": "default"}
_OF_CRL: Final = {**JOB, "issuer": "CN=CA", "slot": "s"}
_BUCKETS: Final = "revet_validate_duration_seconds_bucket"
_REACHED: Final = {f"revet_redis_up{{{one}}}": "1x20" for one in (A, B)}


@dataclass(frozen=True, slots=True)
class Case:
    """What is seen, and what follows.

    Attributes:
        alert: Which one is meant.
        name: Of the case.
        series: What is scraped.
        at: When is looked.
        fires: The labels of each alert that is given then; none where it has to be silent.
        value: What stands for the value in its description.
    """

    alert: str
    name: str
    series: Mapping[str, str]
    at: str
    fires: tuple[Mapping[str, str], ...] = ()
    value: str = ""
    instance: str = field(default="a:9090")


def _decisions(code: str, rate: str, decision: str = "deny") -> dict[str, str]:
    return {f'revet_validate_requests_total{{{A},decision="{decision}",code="{code}"}}': rate}


def _answers(code: str, rate: str) -> dict[str, str]:
    return {f'revet_authorize_answers_total{{{A},front="nginx",code="{code}"}}': rate}


def _ocsp(result: str, rate: str) -> dict[str, str]:
    return {f'revet_fetch_total{{{A},kind="ocsp",result="{result}"}}': rate}


def _breaker(values: str) -> dict[str, str]:
    return {f'revet_breaker_state{{{A},host="http://ocsp.example:80"}}': values}


def _lost(values: str) -> dict[str, str]:
    return {f'revet_decisions_lost_total{{{A},why="full"}}': values}


def _ends(values: str) -> dict[str, str]:
    return {f'revet_trust_store_not_after_timestamp_seconds{{{A},name="default"}}': values}


def _redis(seconds: str, count: str) -> dict[str, str]:
    return {
        f"revet_redis_duration_seconds_sum{{{A}}}": seconds,
        f"revet_redis_duration_seconds_count{{{A}}}": count,
    }


def _crl(next_update: str, this_update: str = "0x200") -> dict[str, str]:
    return {
        f"x509_crl_next_update_timestamp_seconds{{{_CRL}}}": next_update,
        f"x509_crl_this_update_timestamp_seconds{{{_CRL}}}": this_update,
    }


def _took(below_a_quarter: str, below_a_half: str) -> dict[str, str]:
    return {f'{_BUCKETS}{{{A},le="0.25"}}': below_a_quarter} | {
        f'{_BUCKETS}{{{A},le="{le}"}}': below_a_half for le in ("0.5", "1.0", "+Inf")
    }


def _up(a: str, b: str) -> dict[str, str]:
    return {f"up{{{A}}}": a, f"up{{{B}}}": b}


def _present(a: str, b: str) -> dict[str, str]:
    return {f'revet_fleet_replicas{{{A},state="present"}}': a, f'revet_fleet_replicas{{{B},state="present"}}': b}


CASES: Final = (
    Case("RevetDown", "none answers", _BUILD | _up("1x10 0x10", "1x10 0x10"), "14m", (JOB,)),
    Case("RevetDown", "one of two answers", _BUILD | _up("1x10 0x10", "1x20"), "18m"),
    Case("RevetDown", "for less than two minutes", _BUILD | _up("1x10 0x10", "1x10 0x10"), "12m"),
    Case("RevetDown", "a job of somebody else", {'up{namespace="n",job="other",instance="c"}': "0x20"}, "18m"),
    Case("RevetReplicaDown", "one of two", _BUILD | _up("1x10 0x10", "1x20"), "17m", (AT_A,)),
    Case("RevetReplicaDown", "a restart", _BUILD | _up("1x10 0x3 1x10", "1x20"), "17m"),
    Case("RevetReplicaDown", "all of them, which is another alert", _BUILD | _up("0x20", "0x20"), "17m"),
    Case(
        "RevetRestarting",
        "five starts",
        {f"revet_process_start_time_seconds{{{A}}}": "1x5 2x5 3x5 4x5 5x20"},
        "30m",
        (AT_A,),
        "4",
    ),
    Case("RevetRestarting", "an update", {f"revet_process_start_time_seconds{{{A}}}": "1x5 2x20"}, "20m"),
    Case(
        "RevetRevocationUnavailable",
        "two in a hundred",
        _decisions("revocation_unavailable", "0+12x30") | _decisions("ok", "0+588x30", "allow"),
        "15m",
        (JOB,),
        "2%",
    ),
    Case(
        "RevetRevocationUnavailable",
        "one in two hundred",
        _decisions("revocation_unavailable", "0+3x30") | _decisions("ok", "0+597x30", "allow"),
        "15m",
    ),
    Case("RevetRevocationUnavailable", "nobody asks", _decisions("revocation_unavailable", "7x30"), "15m"),
    Case(
        "RevetNothingAllowed",
        "all are denied",
        _decisions("untrusted", "0+60x30") | _decisions("ok", "900x30", "allow"),
        "20m",
        (JOB,),
        "1",
    ),
    Case(
        "RevetNothingAllowed",
        "one in a hundred is allowed",
        _decisions("untrusted", "0+60x30") | _decisions("ok", "900+1x30", "allow"),
        "20m",
    ),
    Case(
        "RevetNothingAllowed",
        "hardly anybody asks",
        _decisions("untrusted", "0+3x30") | _decisions("ok", "900x30", "allow"),
        "20m",
    ),
    Case(
        "RevetCannotDecide",
        "one in ten",
        _answers("unavailable", "0+60x30") | _answers("ok", "0+540x30"),
        "15m",
        (JOB,),
        "10%",
    ),
    Case("RevetCannotDecide", "none", _answers("revoked", "0+60x30") | _answers("ok", "0+540x30"), "15m"),
    Case("RevetSlow", "two in a hundred", _took("0+58x40", "0+60x40"), "30m", (JOB,), "425ms"),
    Case("RevetSlow", "none in a hundred", _took("0+60x40", "0+60x40"), "30m"),
    Case("RevetSlow", "for a moment", _took("0+60x25 1498+58x10", "0+60x40"), "30m"),
    Case("RevetCrlEnded", "nextUpdate is over", _crl("600x40"), "16m", (_OF_CRL,)),
    Case("RevetCrlEnded", "a newer one came in time", _crl("600x12 7200x40"), "16m"),
    Case("RevetCrlEnded", "it is not over", _crl("7200x40"), "16m"),
    Case("RevetCrlEnding", "one part in twenty is left", _crl("6000x120"), "95m", (_OF_CRL,), "5%"),
    Case("RevetCrlEnding", "one part in five is left", _crl("6000x120"), "80m"),
    Case("RevetCrlEnding", "it is over, which is another alert", _crl("6000x120"), "102m"),
    Case(
        "RevetNoCrlHeld",
        "sources, and nothing of them",
        {f"revet_crls_held{{{A}}}": "0x30", f'revet_prefetch_sources{{{A},kind="configured"}}': "2x30"},
        "12m",
        (JOB,),
    ),
    Case(
        "RevetNoCrlHeld",
        "no sources",
        {f"revet_crls_held{{{A}}}": "0x30", f'revet_prefetch_sources{{{A},kind="configured"}}': "0x30"},
        "12m",
    ),
    Case(
        "RevetNoCrlHeld",
        "one is held",
        {f"revet_crls_held{{{A}}}": "1x30", f'revet_prefetch_sources{{{A},kind="configured"}}': "2x30"},
        "12m",
    ),
    Case(
        "RevetCrlSourceFailing", "for an hour", {f"revet_prefetch_sources_failing{{{A}}}": "3x60"}, "40m", (JOB,), "3"
    ),
    Case("RevetCrlSourceFailing", "for minutes", {f"revet_prefetch_sources_failing{{{A}}}": "0x20 3x10 0x40"}, "40m"),
    Case("RevetCrlRolledBack", "one", {f"revet_prefetch_rollbacks_total{{{A}}}": "0x10 1x30"}, "20m", (JOB,)),
    Case("RevetCrlRolledBack", "long ago", {f"revet_prefetch_rollbacks_total{{{A}}}": "4x60"}, "20m"),
    Case("RevetCrlStoreUnreadable", "it cannot", {f"revet_crl_store_readable{{{A}}}": "0x10"}, "5m", (AT_A,)),
    Case("RevetCrlStoreUnreadable", "it can", {f"revet_crl_store_readable{{{A}}}": "1x10"}, "5m"),
    Case("RevetDataNotWritten", "once", {f"revet_data_write_failures_total{{{A}}}": "0x10 1x30"}, "15m", (AT_A,)),
    Case("RevetDataNotWritten", "long ago", {f"revet_data_write_failures_total{{{A}}}": "7x60"}, "20m"),
    Case("RevetDataNotWritten", "never", {f"revet_data_write_failures_total{{{A}}}": "0x30"}, "15m"),
    Case(
        "RevetDiskFilling", "50 MiB are left", {f"revet_data_free_bytes{{{A}}}": "52428800x20"}, "10m", (AT_A,), "50Mi"
    ),
    Case("RevetDiskFilling", "it takes nothing", {f"revet_data_free_bytes{{{A}}}": "0x20"}, "10m", (AT_A,), "0"),
    Case("RevetDiskFilling", "there is room", {f"revet_data_free_bytes{{{A}}}": "1073741824x20"}, "10m"),
    Case("RevetDiskFilling", "for a moment", {f"revet_data_free_bytes{{{A}}}": "1073741824x8 0x3 1073741824x9"}, "11m"),
    Case(
        "RevetReloadRefused",
        "at one replica",
        {f"revet_reload_problem{{{A}}}": "0x5 1x10", f"revet_reload_problem{{{B}}}": "0x15"},
        "10m",
        (AT_A,),
    ),
    Case("RevetReloadRefused", "repaired", {f"revet_reload_problem{{{A}}}": "0x3 1x3 0x10"}, "10m"),
    Case(
        "RevetResponderFailing",
        "three in four",
        _ocsp("timed_out", "0+45x40") | _ocsp("ok", "0+15x40"),
        "30m",
        (JOB,),
        "75%",
    ),
    Case("RevetResponderFailing", "one in four", _ocsp("timed_out", "0+15x40") | _ocsp("ok", "0+45x40"), "30m"),
    Case(
        "RevetResponderLeftAlone",
        "it is, and is tried in between",
        _breaker("2 2 1 2 2 1 2 2 2 1 2 2 2 1 2 2 2 2 1 2 2"),
        "15m",
        ({**JOB, "host": "http://ocsp.example:80"},),
    ),
    Case("RevetResponderLeftAlone", "it was, and nobody has asked since", _breaker("2x5 1x30"), "20m"),
    Case("RevetResponderLeftAlone", "it answers", _breaker("0x40"), "20m"),
    Case("RevetDecisionsLost", "some", _lost("0x10 7x30"), "15m", ({**JOB, "why": "full"},)),
    Case("RevetDecisionsLost", "none", _lost("0x30"), "15m"),
    Case("RevetTrustStoreEnding", "in 20 days", _ends("1728600x20"), "10m", (_OF_STORE,), "20d 0h 0m 0s"),
    Case("RevetTrustStoreEnding", "it has ended", _ends("300x20"), "10m", (_OF_STORE,), "-5m 0s"),
    Case("RevetTrustStoreEnding", "in a year", _ends("31536000x20"), "10m"),
    Case("RevetRedisSlow", "12 ms", _redis("0+0.72x40", "0+60x40"), "20m", (AT_A,), "12ms"),
    Case("RevetRedisSlow", "1 ms", _redis("0+0.06x40", "0+60x40"), "20m"),
    Case("RevetRedisSlow", "nobody asks", _redis("9x40", "60x40"), "20m"),
    Case(
        "RevetTrustStoreRefused",
        "one",
        {
            f'revet_trust_store_problem{{{A},name="default"}}': "1x10",
            f'revet_trust_store_problem{{{B},name="default"}}': "0x10",
        },
        "5m",
        ({**JOB, "name": "default"},),
    ),
    Case("RevetTrustStoreRefused", "none", {f'revet_trust_store_problem{{{A},name="default"}}': "0x10"}, "5m"),
    Case(
        "RevetTrustStoreMissing",
        "at one replica",
        {f'revet_trust_store_loaded{{{A},name="x"}}': "0x10", f'revet_trust_store_loaded{{{B},name="x"}}': "1x10"},
        "5m",
        ({**JOB, "name": "x"},),
    ),
    Case("RevetTrustStoreMissing", "nowhere", {f'revet_trust_store_loaded{{{A},name="x"}}': "1x10"}, "5m"),
    Case("RevetBlocksUnreadable", "at one replica", _BUILD | {f"revet_blocks{{{B}}}": "0x30"}, "10m", (_BUILD_LABELS,)),
    Case(
        "RevetBlocksUnreadable",
        "nowhere",
        _BUILD | {f"revet_blocks{{{A}}}": "0x30", f"revet_blocks{{{B}}}": "3x30"},
        "10m",
    ),
    Case("RevetRedisAway", "from one replica", _REACHED | {f"revet_redis_up{{{B}}}": "0x20"}, "5m", (JOB,)),
    Case("RevetRedisAway", "there", _REACHED, "5m"),
    Case("RevetFleetBehind", "it is", _REACHED | {f"revet_fleet_current{{{A}}}": "0x20"}, "5m", (JOB,)),
    Case("RevetFleetBehind", "it is not", _REACHED | {f"revet_fleet_current{{{A}}}": "1x20"}, "5m"),
    Case(
        "RevetFleetBehind",
        "Redis is away, which is another alert",
        {f"revet_fleet_current{{{A}}}": "0x20", f"revet_redis_up{{{A}}}": "0x20"},
        "5m",
    ),
    Case("RevetFleetSplit", "each hears itself alone", _REACHED | _present("1x20", "1x20"), "10m", (JOB,), "1"),
    Case("RevetFleetSplit", "both hear both, and a fetcher", _REACHED | _present("3x20", "3x20"), "10m"),
    Case(
        "RevetFleetSplit",
        "one has no Redis, which is another alert",
        {f"revet_redis_up{{{A}}}": "1x20", f"revet_redis_up{{{B}}}": "0x20"} | _present("1x20", "0x20"),
        "10m",
    ),
    Case(
        "RevetFleetForged",
        "one",
        {f'revet_fleet_refused_total{{{A},kind="crl",reason="unauthentic"}}': "0x10 1x30"},
        "15m",
        (JOB,),
    ),
    Case(
        "RevetFleetForged",
        "too old, which is no forgery",
        {f'revet_fleet_refused_total{{{A},kind="crl",reason="too_old"}}': "0x10 1x30"},
        "15m",
    ),
    Case("RevetReplicaNameTaken", "once", {f"revet_fleet_names_taken_total{{{A}}}": "0x10 1x30"}, "15m", (JOB,)),
    Case("RevetReplicaNameTaken", "never", {f"revet_fleet_names_taken_total{{{A}}}": "0x30"}, "15m"),
    Case(
        "RevetFileRefused",
        "at one replica",
        {
            f'revet_file_problem{{{A},setting="REVET_TLS_KEY"}}': "1x10",
            f'revet_file_problem{{{B},setting="REVET_TLS_KEY"}}': "0x10",
        },
        "5m",
        ({**JOB, "setting": "REVET_TLS_KEY"},),
    ),
    Case("RevetFileRefused", "nowhere", {f'revet_file_problem{{{A},setting="REVET_TLS_KEY"}}': "0x10"}, "5m"),
    Case(
        "RevetTlsEnding", "six days", {f"revet_tls_not_after_seconds{{{A}}}": "519000x20"}, "10m", (JOB,), "6d 0h 0m 0s"
    ),
    Case("RevetTlsEnding", "eight days", {f"revet_tls_not_after_seconds{{{A}}}": "691200x20"}, "10m"),
    Case(
        "RevetTlsEnding",
        "it has ended, which is another alert",
        {f"revet_tls_not_after_seconds{{{A}}}": "60x20"},
        "10m",
    ),
    Case("RevetTlsEnded", "at one replica", {f"revet_tls_not_after_seconds{{{A}}}": "60x20"}, "2m", (JOB,)),
    Case("RevetTlsEnded", "in a minute", {f"revet_tls_not_after_seconds{{{A}}}": "180x20"}, "2m"),
    Case("RevetAuditFailing", "once", {f"revet_audit_failures_total{{{A}}}": "0x10 1x30"}, "15m", (JOB,)),
    Case("RevetAuditFailing", "never", {f"revet_audit_failures_total{{{A}}}": "0x30"}, "15m"),
    Case(
        "RevetCallersRefused",
        "for a quarter of an hour",
        {f'revet_requests_refused_total{{{A},limit="rate"}}': "0+60x40"},
        "20m",
        ({**JOB, "limit": "rate"},),
        "1",
    ),
    Case(
        "RevetCallersRefused",
        "for a moment",
        {f'revet_requests_refused_total{{{A},limit="rate"}}': "0x8 100x40"},
        "20m",
    ),
)
