"""Answers about decisions for the documentation; a test asks for them again."""

from typing import Any, Final

LINE: Final[dict[str, Any]] = {
    "decision_id": "019b76daa8006f1d2c3b4a5968778695",
    "at": "2026-01-01T00:00:00Z",
    "decision": "deny",
    "status": "revoked",
    "code": "revoked",
    "detail": "CN=device-1,O=Example is revoked since 2025-12-31T00:00:00Z, reason keyCompromise.",
    "trust_store": "default",
    "front": "api",
    "serial_number": "5eed01",
    "subject": "CN=device-1,O=Example",
    "issuer": "CN=Example Issuing,O=Example",
    "fingerprint_sha256": "67c1b2c75f258fb0b60b506d377159ecaefe9e5306f9e486ca286c490c225289",
    "duration_s": 0.001254,
    "enforced": None,
    "repeats": None,
    "left_out": 0,
}
"""A denial."""
DECISIONS: Final[dict[str, Any]] = {"decisions": [LINE], "next": None}
"""All that are kept."""
DECISION: Final[dict[str, Any]] = {**LINE, "case": {"version": 1, "certificates": [], "case": {}}}
"""One of them; its case has more in it."""
