"""`GET /v1/stats`: how a service does. It names subjects, and so needs a token where tokens are configured."""

from collections.abc import Mapping

from starlette.types import Receive, Scope

from service.api.moment import write_moment, write_optional
from service.api.permission import permit
from service.api.reply import Reply, json_reply
from service.api.rules import ApiRules
from service.api.stats_fleet import fleet_document
from service.application.observer import OcspEvent
from service.application.operating.counts import Counts, Latency
from service.application.operating.statistics import (
    CacheFigures,
    Inventoried,
    RedisFigures,
    ResponderFigures,
    ServiceStatistics,
    Statistics,
)
from service.application.operating.worker_state import ReplicaState
from service.application.shadow import WouldDeny
from service.application.trust_stores import TrustStoreReport
from service.core.model.verdict import Decision


class StatsHandler:
    """Handles `GET /v1/stats`."""

    def __init__(self, statistics: Statistics, rules: ApiRules) -> None:
        """Take who gathers it, and who may look."""
        self._statistics = statistics
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Handle it."""
        del receive
        permit(self._rules, scope)
        return json_reply(200, stats_document(await self._statistics.gather()))


def stats_document(found: ServiceStatistics) -> dict[str, object]:
    """The fields of `stats_schemas.StatsAnswer`."""
    counts, state = found.counts, found.state
    allowed, denied = counts.total(Decision.ALLOW), counts.total(Decision.DENY)
    return {
        "at": write_moment(found.at),
        "version": found.version,
        "started_at": write_moment(counts.started_at),
        "uptime_s": max(0.0, (found.at - counts.started_at).total_seconds()),
        "worker": {"pid": found.pid},
        "workers": [{"pid": pid, "at": write_moment(at)} for pid, at in state.workers.items()],
        "host": None if found.host is None else _host(found.host),
        "totals": {"decisions": allowed + denied, "allow": allowed, "deny": denied},
        "decisions": _decisions(counts),
        "latency": _latency(counts.latency),
        "caches": [_cache(one) for one in found.caches],
        "ocsp": _ocsp(counts.ocsp, state),
        "responders": [_responder(one) for one in found.responders],
        "redis": None if found.redis is None else _redis(found.redis),
        "trust_stores": [_trust_store(one) for one in found.trust_stores],
        "shadow": _shadow(counts.shadow, state.recent),
        "fleet": None if found.fleet is None else fleet_document(found.fleet, counts.fleet, found.at),
    }


def _host(host: Inventoried) -> dict[str, object]:
    crls, prefetcher = host.crls, host.prefetcher
    return {
        "generation": host.generation,
        "blocks": host.blocks,
        "crls": {
            "held": crls.held,
            "size": crls.octets,
            "entries": crls.entries,
            "by_status": dict(crls.by_status),
        },
        "sources": host.sources,
        "prefetcher": {
            "alive": prefetcher.alive,
            "last_attempt": write_optional(prefetcher.last_attempt),
            "due": prefetcher.due,
            "lag_s": prefetcher.lag.total_seconds(),
            "under_way": prefetcher.under_way,
        },
    }


def _decisions(counts: Counts) -> list[dict[str, object]]:
    fronts: dict[tuple[str, str], dict[str, int]] = {}
    for kind, count in counts.decisions.items():
        fronts.setdefault((kind.decision, kind.code), {})[kind.front] = count
    return [
        {
            "decision": decision,
            "code": code,
            "count": count,
            "fronts": dict(sorted(fronts[decision, code].items())),
        }
        for (decision, code), count in sorted(counts.by_code().items())
    ]


def _latency(latency: Latency) -> dict[str, object]:
    return {
        "count": latency.count,
        "sum_s": _seconds(latency.total_s),
        "buckets": [{"le_s": bound, "count": count} for bound, count in latency.buckets],
        "p50_s": _seconds(latency.quantile(0.5)),
        "p95_s": _seconds(latency.quantile(0.95)),
        "p99_s": _seconds(latency.quantile(0.99)),
    }


def _seconds(found: float | None) -> float | None:
    """In whole microseconds: the rest is what floats make of sums."""
    return None if found is None else round(found, 6)


def _cache(cache: CacheFigures) -> dict[str, object]:
    return {
        "tier": cache.tier,
        "kind": cache.kind,
        "hits": cache.counts.hits,
        "misses": cache.counts.misses,
        "evictions": cache.counts.evictions,
        "entries": cache.entries,
        "bytes": cache.octets,
    }


def _ocsp(events: Mapping[str, int], state: ReplicaState) -> dict[str, object]:
    refreshes = {
        "renewed": OcspEvent.REFRESHED,
        "unchanged": OcspEvent.REFRESH_UNCHANGED,
        "failed": OcspEvent.REFRESH_FAILED,
        "dropped": OcspEvent.REFRESH_DROPPED,
    }
    return {
        "refusals": state.refusals,
        "events": dict(sorted(events.items())),
        "refreshes": {
            **{name: events.get(event.value, 0) for name, event in refreshes.items()},
            "under_way": state.refreshing,
        },
    }


def _responder(responder: ResponderFigures) -> dict[str, object]:
    counts = responder.counts
    return {
        "host": responder.host,
        "asked": None if counts is None else counts.asked,
        "failed": None if counts is None else counts.failed,
        "mean_s": None if counts is None else _seconds(counts.mean_s),
        "state": responder.state,
        "failures": responder.failures,
        "answered_at": write_optional(responder.answered_at),
    }


def _redis(redis: RedisFigures) -> dict[str, object]:
    return {
        "up": redis.is_up,
        "latency_ms": None if redis.asked_s is None else round(1000 * redis.asked_s, 3),
        "breaker": "closed" if redis.shut_out is None else "open",
        "reason": redis.reason,
    }


def _trust_store(report: TrustStoreReport) -> dict[str, object]:
    certificates = None if report.store is None else len(report.store.certificates)
    return {"name": report.name, "certificates": certificates, "problem": report.problem}


def _shadow(denials: Mapping[tuple[str, str], int], recent: tuple[WouldDeny, ...]) -> dict[str, object]:
    return {
        "total": sum(denials.values()),
        "denials": [
            {"code": code, "trust_store": store, "count": count} for (code, store), count in sorted(denials.items())
        ],
        "recent": [_denial(one) for one in recent],
    }


def _denial(denial: WouldDeny) -> dict[str, object]:
    return {
        "decision_id": denial.decision_id,
        "code": denial.code,
        "trust_store": denial.trust_store,
        "at": write_moment(denial.at),
        "serial_number": denial.serial_number,
        "subject": denial.subject,
        "fingerprint_sha256": denial.fingerprint,
    }
