"""What administrators do, in the log."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from service.adapters.operator_log import MAX_NAMED, OperatorLog
from service.application.operating.telling import Purged, RefreshAsked, Uploaded, UploadRemoved, WatermarksReset

WHO = "admin token 01234567"


@pytest.mark.parametrize(
    ("tell", "expected"),
    [
        (lambda log: log.refresh_asked(RefreshAsked(WHO, 3)), {"event": "refresh_asked", "sources": 3}),
        (lambda log: log.purged(Purged(WHO, ("ocsp",))), {"event": "caches_purged", "caches": ["ocsp"]}),
        (
            lambda log: log.watermarks_reset(WatermarksReset(WHO, (b"\x01",) * 30, ("CN=a",) * 30)),
            {
                "event": "crl_watermarks_reset",
                "count": 30,
                "issuers": ["CN=a"] * MAX_NAMED,
                "slots": ["01"] * MAX_NAMED,
                "log_level": "warning",
            },
        ),
        (
            lambda log: log.uploaded(Uploaded(WHO, "a.crl", 5, "held")),
            {"event": "crl_uploaded", "name": "a.crl", "octets": 5, "outcome": "held"},
        ),
        (
            lambda log: log.upload_removed(UploadRemoved(WHO, "a.crl")),
            {"event": "crl_upload_removed", "name": "a.crl"},
        ),
    ],
)
def test_events(tell: Callable[[OperatorLog], None], expected: dict[str, object]) -> None:
    """Each names who did it; only a reset is a warning."""
    with capture_logs() as logged:
        tell(OperatorLog())
    assert [{"by": WHO, "log_level": "info", **expected}] == logged
