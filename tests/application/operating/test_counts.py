"""What follows from what was counted."""

from datetime import UTC, datetime

import pytest

from service.application.operating.counts import Counts, Decided, Latency, ResponderCounts
from service.core.model.verdict import Decision

BUCKETS = ((0.1, 0), (0.2, 10), (0.4, 10), (0.8, 20))


@pytest.mark.parametrize(
    ("latency", "share", "expected"),
    [
        (Latency(), 0.5, None),
        (Latency(((0.1, 0), (0.2, 0)), 0), 0.5, None),
        (Latency((), 3), 0.5, None),
        (Latency(BUCKETS, 20), 0.25, 0.15),
        (Latency(BUCKETS, 20), 0.5, 0.2),
        (Latency(BUCKETS, 20), 0.75, 0.6),
        (Latency(((0.1, 4),), 4), 0.5, 0.05),
        (Latency(((0.1, 1), (0.2, 1)), 100), 0.5, 0.2),
    ],
)
def test_quantiles(latency: Latency, share: float, expected: float | None) -> None:
    """Interpolated in their bucket, none of nothing; beyond the last bound that bound."""
    assert pytest.approx(expected) == latency.quantile(share)


def test_sums() -> None:
    """By code wherever they were asked for, and by decision."""
    counts = Counts(
        datetime(2026, 1, 1, tzinfo=UTC),
        {Decided("allow", "ok", "api"): 3, Decided("allow", "ok", "nginx"): 4, Decided("deny", "revoked", "api"): 5},
    )
    assert {("allow", "ok"): 7, ("deny", "revoked"): 5} == counts.by_code()
    assert (7, 5) == (counts.total(Decision.ALLOW), counts.total(Decision.DENY))


def test_mean_time_of_a_responder() -> None:
    """None where no time is known."""
    assert (0.25, None) == (ResponderCounts(4, 1, 1.0, 4).mean_s, ResponderCounts(4, 4).mean_s)
