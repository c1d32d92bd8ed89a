"""The frozen moment around which every test certificate, CRL and OCSP answer lives.

Rules: nothing here or anywhere in this package reads a clock, so that a test
means the same on every day. `hours` and `days` are durations, to be added:
`NOW + days(3)`.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""2026-01-01T00:00:00Z, the moment of judgement unless a test says otherwise."""


def hours(count: float) -> timedelta:
    """A duration of `count` hours, negative ones included."""
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    """A duration of `count` days, negative ones included."""
    return timedelta(days=count)


NOT_BEFORE: Final = NOW - days(30)
"""Where the default validity period of a certificate begins."""

NOT_AFTER: Final = NOW + days(365)
"""Where the default validity period of a certificate ends."""

THIS_UPDATE: Final = NOW - hours(1)
"""The default thisUpdate of CRLs and OCSP answers, and producedAt of the latter."""

NEXT_UPDATE: Final = NOW + hours(24)
"""The default nextUpdate of CRLs and OCSP answers."""

REVOKED_AT: Final = NOW - days(1)
"""The default revocation date."""
