"""Requests and answers of operators for the documentation, as the service gave them; a test asks for them again."""

from typing import Any, Final

CRLS: Final[dict[str, Any]] = {
    "crls": [
        {
            "id": "8e25c2947f26afd4b91ad983",
            "status": "fresh",
            "issuer": "CN=Example Issuing,O=Example",
            "crl_number": 7,
            "base_crl_number": None,
            "this_update": "2025-12-31T23:00:00Z",
            "next_update": "2026-01-02T00:00:00Z",
            "entries": 1,
            "size": 271,
            "scope": [],
            "slot": "6ac942018e364fda91bccbf218ddc520ae4c0cd1a0fb19ffd6544fb440d7a94a",
            "sha256": "271941435d4d90f57ce22e1370a728b2e388e1c6f728b1d0119358abf595c1e4",
            "signer_spki_sha256": "5104988d625baa34066118073ba0fd596323300400e64aa530cc784ff2481377",
            "fetched_at": "2025-12-31T23:55:00Z",
            "fetched_from": "http://crl.example/issuing.crl",
            "source": "http://crl.example/issuing.crl",
            "places": ["http://crl.example/issuing.crl"],
            "kind": "learned",
            "failures": 0,
            "problem": None,
            "detail": "",
            "last_attempt": "2025-12-31T23:55:00Z",
            "last_success": "2025-12-31T23:55:00Z",
            "next_attempt": "2026-01-01T00:55:00Z",
            "number_moved_at": "2025-12-31T23:55:00Z",
            "stalled": False,
            "pending": 0,
            "progress": None,
        }
    ],
    "total": 1,
    "after": None,
    "places": [{"place": "file:///etc/revet/crls", "listed_at": "2025-12-31T23:00:00Z", "objects": 0, "problem": ""}],
    "at": "2026-01-01T00:00:00Z",
}
"""One CRL, from a source that a certificate named."""
RESET_REQUEST: Final[dict[str, Any]] = {"issuer": "CN=Example Issuing,O=Example"}
"""Every CRL of an issuer."""
RESET: Final[dict[str, Any]] = {
    "reset": [
        {
            "slot": "6ac942018e364fda91bccbf218ddc520ae4c0cd1a0fb19ffd6544fb440d7a94a",
            "issuer": "CN=Example Issuing,O=Example",
            "crl_number": 7,
            "fetched_from": "http://crl.example/issuing.crl",
        }
    ]
}
"""Its slots, and what they hold."""
UPLOAD: Final[dict[str, Any]] = {
    "name": "root.crl",
    "source": "file:///uploads/root.crl",
    "size": 228,
    "uploaded_at": "2026-01-01T00:00:00Z",
    "outcome": "held",
    "crls": [
        {
            "issuer": "CN=Example Root,O=Example",
            "slot": "eb3cf2699d2e8980f86645b66630e195d4f5b605050c755d23b92fa9001cb2e9",
            "crl_number": 3,
            "this_update": "2025-12-31T23:00:00Z",
            "next_update": "2026-01-02T00:00:00Z",
            "entries": 0,
        }
    ],
    "problem": None,
    "detail": "",
}
"""It is held."""
REFRESH_REQUEST: Final[dict[str, Any]] = {"source": "http://crl.example/issuing.crl"}
"""One source."""
REFRESHED: Final[dict[str, Any]] = {
    "asked_at": "2026-01-01T00:00:00Z",
    "started": ["http://crl.example/issuing.crl"],
    "unknown": [],
    "outcomes": [{"source": "http://crl.example/issuing.crl", "problem": None, "detail": ""}],
    "running": [],
}
"""It gave what is held."""
REFRESH_STARTED: Final[dict[str, Any]] = {
    "asked_at": "2026-01-01T00:00:00Z",
    "started": ["http://crl.example/issuing.crl"],
    "unknown": [],
    "outcomes": [],
    "running": [],
}
"""All of them."""
PURGE_REQUEST: Final[dict[str, Any]] = {"caches": ["verdicts"]}
"""One cache."""
PURGED: Final[dict[str, Any]] = {"purged": ["verdicts"], "generation": 8}
"""It is empty."""
STATS: Final[dict[str, Any]] = {
    "at": "2026-01-01T00:00:00Z",
    "version": "1.2.3",
    "started_at": "2025-12-31T23:00:00Z",
    "uptime_s": 3600.0,
    "worker": {"pid": 4711},
    "workers": [{"pid": 4711, "at": "2026-01-01T00:00:00Z"}, {"pid": 4712, "at": "2025-12-31T23:59:59.500000Z"}],
    "host": {
        "generation": 7,
        "blocks": 2,
        "crls": {
            "held": 1,
            "size": 271,
            "entries": 1,
            "by_status": {"fresh": 1, "due": 0, "stale": 0, "ended": 0, "pending": 0, "failed": 0, "never": 0},
        },
        "sources": {"configured": 0, "learned": 1, "failing": 0, "pending": 0, "stalled": 0},
        "prefetcher": {"alive": True, "last_attempt": "2025-12-31T23:55:00Z", "due": 0, "lag_s": 0.0, "under_way": 0},
    },
    "totals": {"decisions": 13, "allow": 12, "deny": 1},
    "decisions": [
        {"decision": "allow", "code": "ok", "count": 12, "fronts": {"api": 10, "nginx": 2}},
        {"decision": "deny", "code": "revoked", "count": 1, "fronts": {"api": 1}},
    ],
    "latency": {
        "count": 4,
        "sum_s": 0.0821,
        "buckets": [{"le_s": 0.0005, "count": 2}, {"le_s": 0.001, "count": 3}, {"le_s": 0.25, "count": 4}],
        "p50_s": 0.0005,
        "p95_s": 0.2002,
        "p99_s": 0.24004,
    },
    "caches": [
        {"tier": "memory", "kind": "ocsp", "hits": 40, "misses": 5, "evictions": 0, "entries": 2, "bytes": 3200},
        {"tier": "memory", "kind": "verdict", "hits": 9, "misses": 4, "evictions": 0, "entries": 3, "bytes": 6144},
        {"tier": "host", "kind": "crl", "hits": 4, "misses": 0, "evictions": 0, "entries": 1, "bytes": 271},
        {"tier": "host", "kind": "ocsp", "hits": 2, "misses": 3, "evictions": 0, "entries": 1, "bytes": 1600},
        {"tier": "redis", "kind": "ocsp", "hits": 2, "misses": 1, "evictions": 0, "entries": None, "bytes": None},
        {"tier": "origin", "kind": "ocsp", "hits": 1, "misses": 0, "evictions": 0, "entries": None, "bytes": None},
    ],
    "ocsp": {
        "refusals": 0,
        "events": {"host": 2, "memory": 40, "refreshed": 1},
        "refreshes": {"renewed": 1, "unchanged": 0, "failed": 0, "dropped": 0, "under_way": 0},
    },
    "responders": [
        {
            "host": "http://ocsp.example:80",
            "asked": 3,
            "failed": 1,
            "mean_s": 0.08,
            "state": "closed",
            "failures": 0,
            "answered_at": "2025-12-31T23:59:00Z",
        }
    ],
    "redis": {"up": True, "latency_ms": 0.4, "breaker": "closed", "reason": None},
    "trust_stores": [{"name": "default", "certificates": 1, "problem": None}],
    "shadow": {"total": 0, "denials": [], "recent": []},
    "fleet": {
        "replica": "revet-0",
        "reachable": True,
        "reason": None,
        "authenticated": True,
        "totals": {
            "replicas": 1,
            "counted": 1,
            "allow": 12,
            "deny": 1,
            "decisions": [
                {"decision": "allow", "code": "ok", "count": 12},
                {"decision": "deny", "code": "revoked", "count": 1},
            ],
            "oldest_at": "2025-12-31T23:59:59Z",
            "oldest_s": 1.0,
        },
        "replicas": [
            {
                "name": "revet-0",
                "presence": "present",
                "at": "2025-12-31T23:59:59Z",
                "instance": "5c1f0e6d2b7a4938",
                "name_taken": False,
                "version": "1.2.3",
                "role": "service",
                "started_at": "2025-12-31T23:00:00Z",
                "uptime_s": 3599.0,
                "workers": 2,
                "standing": "current",
                "reason": "",
                "host": {"generation": 7, "crls": 1, "crls_digest": "a1c03ef09b52", "blocks": 2},
                "leases": {"held": 0, "taken": 2},
                "decisions": [
                    {"decision": "allow", "code": "ok", "count": 12},
                    {"decision": "deny", "code": "revoked", "count": 1},
                ],
                "hits": {
                    "verdicts": {"hits": 9, "misses": 4},
                    "host": {"hits": 42, "misses": 3},
                    "redis": {"hits": 2, "misses": 2},
                },
                "refused": 0,
            },
            {
                "name": "revet-1",
                "presence": "gone",
                "at": "2025-12-31T23:56:00Z",
                "instance": "90d2b1c4e8f7a635",
                "name_taken": False,
                "version": "1.2.3",
                "role": "service",
                "started_at": "2025-12-31T23:00:00Z",
                "uptime_s": 3360.0,
                "workers": 2,
                "standing": "behind",
                "reason": "TimeoutError",
                "host": {"generation": 7, "crls": 1, "crls_digest": "a1c03ef09b52", "blocks": 2},
                "leases": {"held": 0, "taken": 0},
                "decisions": None,
                "hits": {
                    "verdicts": {"hits": 0, "misses": 1},
                    "host": {"hits": 0, "misses": 1},
                    "redis": {"hits": 1, "misses": 0},
                },
                "refused": 1,
            },
        ],
        "unreadable": 0,
        "omitted": 0,
        "events": {"crl": {"leased": 1, "miss": 1}, "ocsp": {"hit": 2, "leased": 1, "miss": 1}},
        "refused": {},
    },
}
"""One CRL, thirteen decisions, two replicas."""
TRUST_STORES: Final[dict[str, Any]] = {
    "trust_stores": [
        {
            "name": "default",
            "problem": None,
            "sources": ["/etc/revet/trust-stores/default.pem"],
            "in_force_since": "2025-12-31T23:00:00Z",
            "total": 1,
            "certificates": [
                {
                    "subject": "CN=Example Root,O=Example",
                    "fingerprint_sha256": "1463c01c0f2dd978ad11ff70c980303e94e3873aabe087c0334c0e9bd53e6ab7",
                    "not_after": "2027-01-01T00:00:00Z",
                    "is_anchor": True,
                }
            ],
            "omitted": 0,
        }
    ],
    "total": 1,
    "at": "2026-01-01T00:00:00Z",
}
"""One, with one certificate."""
