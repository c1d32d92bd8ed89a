"""The fleet in `GET /v1/stats`: who is there, what they have decided, and what this replica has to do with them."""

from collections.abc import Mapping
from datetime import datetime

from service.api.moment import write_moment, write_optional
from service.application.fleet.heartbeats import FleetReport, ReplicaLine
from service.application.fleet.telling import FleetCounts
from service.application.fleet.totals import FleetTotals, fleet_totals
from service.core.model.verdict import Decision


def fleet_document(report: FleetReport, counts: FleetCounts, at: datetime) -> dict[str, object]:
    """The fields of `stats_schemas.FleetStats`.

    Args:
        report: Who is there.
        counts: What all processes of this replica have counted.
        at: The moment of the answer.
    """
    return {
        "replica": report.replica,
        "reachable": report.reason is None,
        "reason": report.reason,
        "authenticated": report.authenticated,
        "totals": _totals(fleet_totals(report.replicas), at),
        "replicas": [_replica(line) for line in report.replicas],
        "unreadable": report.unreadable,
        "omitted": report.omitted,
        "events": _nested(counts.events),
        "refused": _nested(counts.refused),
    }


def _totals(totals: FleetTotals, at: datetime) -> dict[str, object]:
    oldest = totals.oldest_at
    return {
        "replicas": totals.replicas,
        "counted": totals.counted,
        "allow": totals.total(Decision.ALLOW),
        "deny": totals.total(Decision.DENY),
        "decisions": _decisions(totals.decisions),
        "oldest_at": write_optional(oldest),
        "oldest_s": None if oldest is None else max(0.0, (at - oldest).total_seconds()),
    }


def _decisions(counts: Mapping[tuple[str, str], int]) -> list[dict[str, object]]:
    return [{"decision": decision, "code": code, "count": count} for (decision, code), count in sorted(counts.items())]


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
        "uptime_s": max(0.0, (heartbeat.at - heartbeat.started_at).total_seconds()),
        "workers": heartbeat.workers,
        "standing": heartbeat.standing,
        "reason": heartbeat.reason,
        "host": heartbeat.held,
        "leases": {"held": heartbeat.leases_held, "taken": tallies.leases_taken},
        "decisions": None if tallies.decisions is None else _decisions(tallies.decisions),
        "hits": {"verdicts": tallies.verdicts, "host": tallies.host, "redis": tallies.redis},
        "refused": tallies.refused,
    }


def _nested(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Counts by kind, and below it by what happened."""
    found: dict[str, dict[str, int]] = {}
    for (kind, what), count in sorted(counts.items()):
        found.setdefault(kind, {})[what] = count
    return found
