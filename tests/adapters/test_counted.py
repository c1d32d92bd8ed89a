"""What the processes count, as numbers."""

from datetime import UTC, datetime

from service.adapters.counted import CountedMetrics
from service.adapters.metrics import PrometheusObserver
from service.application.observer import DecisionDetails
from service.core.model.failure import Code
from service.core.model.verdict import Decision

STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_decisions() -> None:
    """By kind; those that never were are left out."""
    observer = PrometheusObserver(STARTED_AT)
    for decision, code in ((Decision.ALLOW, Code.OK), (Decision.ALLOW, Code.OK), (Decision.DENY, Code.REVOKED)):
        observer.decided(DecisionDetails("id", decision, code, "default", 0.0003))
    counted = CountedMetrics(observer, None)
    assert {("allow", "ok"): 2, ("deny", "revoked"): 1} == counted.decisions()
    assert STARTED_AT == counted.started_at()
