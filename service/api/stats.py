"""`GET /v1/stats`: how a service does. It names subjects, and so needs a token where tokens are configured."""

from collections.abc import Mapping

from starlette.types import Receive, Scope

from service.api.moment import write_moment, write_optional
from service.api.permission import permit
from service.api.reply import Reply, json_reply
from service.api.rules import ApiRules
from service.application.fleet.heartbeats import ReplicaLine
from service.application.ocsp_client import OcspReport
from service.application.ocsp_responders import ResponderReport
from service.application.operating.statistics import FleetFigures, Inventoried, ServiceStatistics, Statistics
from service.application.shadow import ShadowSnapshot, WouldDeny
from service.application.trust_stores import TrustStoreReport


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
    return {
        "at": write_moment(found.at),
        "version": found.version,
        "started_at": write_moment(found.started_at),
        "uptime_s": max(0.0, (found.at - found.started_at).total_seconds()),
        "worker": {"pid": found.pid},
        "host": None if found.host is None else _host(found.host),
        "decisions": [
            {"decision": decision, "code": code, "count": count}
            for (decision, code), count in sorted(found.decisions.items())
        ],
        "caches": {"verdicts": found.verdicts, "ocsp": _ocsp(found.ocsp)},
        "responders": [_responder(one) for one in found.ocsp.responders],
        "trust_stores": [_trust_store(one) for one in found.trust_stores],
        "shadow": _shadow(found.shadow),
        "fleet": None if found.fleet is None else _fleet(found.fleet),
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


def _ocsp(report: OcspReport) -> dict[str, object]:
    return {
        "in_memory": report.in_memory,
        "refusals": report.remembered,
        "events": dict(report.events),
        "refreshes": report.refreshes,
    }


def _responder(report: ResponderReport) -> dict[str, object]:
    return {
        "host": report.host,
        "state": report.state,
        "failures": report.failures,
        "answered_at": write_optional(report.answered_at),
    }


def _trust_store(report: TrustStoreReport) -> dict[str, object]:
    certificates = None if report.store is None else len(report.store.certificates)
    return {"name": report.name, "certificates": certificates, "problem": report.problem}


def _shadow(snapshot: ShadowSnapshot) -> dict[str, object]:
    return {
        "total": snapshot.total,
        "denials": [
            {"code": code, "trust_store": store, "count": count}
            for (code, store), count in sorted(snapshot.denials.items())
        ],
        "recent": [_denial(one) for one in snapshot.recent],
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


def _fleet(fleet: FleetFigures) -> dict[str, object]:
    report = fleet.report
    return {
        "replica": report.replica,
        "reachable": report.reason is None,
        "reason": report.reason,
        "authenticated": report.authenticated,
        "replicas": [_replica(line) for line in report.replicas],
        "unreadable": report.unreadable,
        "omitted": report.omitted,
        "events": _nested(fleet.counts.events),
        "refused": _nested(fleet.counts.refused),
    }


def _replica(line: ReplicaLine) -> dict[str, object]:
    heartbeat = line.heartbeat
    tallies = heartbeat.tallies
    return {
        "name": heartbeat.name,
        "presence": line.presence,
        "at": write_moment(heartbeat.at),
        "instance": heartbeat.instance,
        "name_taken": heartbeat.name_taken,
        "version": heartbeat.version,
        "role": heartbeat.role,
        "started_at": write_moment(heartbeat.started_at),
        "workers": heartbeat.workers,
        "standing": heartbeat.standing,
        "reason": heartbeat.reason,
        "host": heartbeat.held,
        "leases": {"held": heartbeat.leases_held, "taken": tallies.leases_taken},
        "hits": {"verdicts": tallies.verdicts, "host": tallies.host, "redis": tallies.redis},
        "refused": tallies.refused,
    }


def _nested(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Counts by kind, and below it by what happened."""
    found: dict[str, dict[str, int]] = {}
    for (kind, what), count in sorted(counts.items()):
        found.setdefault(kind, {})[what] = count
    return found
