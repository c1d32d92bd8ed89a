"""What a worker as it is composed holds callers to, and where it writes down changes."""

from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route
from structlog.testing import capture_logs

from service.adapters.arrival_table import make_table
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.adapters.metrics import PrometheusObserver
from service.adapters.metrics_directory import VARIABLE
from service.api.app import ACTIONS
from service.api.auditing import AuditedHandler
from service.application.caller_limits import Caller, CallerLimits, LimitedError, LimitRules
from service.application.rate import Rate
from service.bootstrap.directories import ARRIVALS, STORE_DIRECTORY
from service.bootstrap.limits import compose_limits, limit_rules
from service.bootstrap.worker import open_worker_apps
from service.settings import Settings
from tests.pki import NOW, Authority

pytestmark = pytest.mark.anyio

ONE = Caller("192.0.2.1", b"\x01" * 32)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, LimitRules()),
        ({"rate_limit_per_s": 50.0}, LimitRules(Rate(50.0, 50))),
        ({"rate_limit_per_s": 2.5}, LimitRules(Rate(2.5, 3))),
        ({"rate_limit_per_s": 0.01}, LimitRules(Rate(0.01, 1))),
        ({"rate_limit_per_s": 50.0, "rate_limit_burst": 7}, LimitRules(Rate(50.0, 7))),
        ({"max_caller_concurrency": 9}, LimitRules(None, 9)),
    ],
)
def test_what_the_settings_mean(tmp_path: Path, given: dict[str, Any], expected: LimitRules) -> None:
    """A burst is what one second brings, and one request at the least; a batch is as long as it may be."""
    settings = Settings(data_dir=tmp_path, **given)
    assert expected == limit_rules(settings)
    assert (not given) == (compose_limits(settings, counts()) is None)


def counts() -> PrometheusObserver:
    """Counters of nobody."""
    return PrometheusObserver(NOW)


def refused(limits: CallerLimits | None) -> bool:
    """Whether one more request is."""
    assert limits is not None
    try:
        limits.enter(ONE)
    except LimitedError:
        return True
    return False


def test_workers_share_what_they_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the supervisor has made a table; otherwise each counts for itself, and says so."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    settings = Settings(data_dir=tmp_path, rate_limit_per_s=0.01)
    make_table(tmp_path / ARRIVALS)
    assert [False, True] == [refused(compose_limits(settings, counts())) for _ in range(2)]
    (tmp_path / ARRIVALS).unlink()
    with capture_logs() as logged:
        assert [False, False] == [refused(compose_limits(settings, counts())) for _ in range(2)]
    assert ["limits_not_shared"] * 2 == [one["event"] for one in logged]


async def test_a_worker_writes_down_every_change(tmp_path: Path) -> None:
    """Whether there is a file for it or not: it is in the log in any case."""
    (tmp_path / "trusted.pem").write_text(Authority.root("Root").pem)
    (tmp_path / "data").mkdir(mode=0o700)
    with Store.open(tmp_path / "data" / STORE_DIRECTORY, Role.INGESTER):
        pass
    settings = Settings(data_dir=tmp_path / "data", trust_store=str(tmp_path / "trusted.pem"))
    async with open_worker_apps(settings, tmp_path / "nobody") as apps:
        audited = {
            route.path
            for route in apps.main.routes
            if isinstance(route, Route) and isinstance(getattr(route.endpoint, "_handler", None), AuditedHandler)
        }
    assert {action.split()[1] for action in ACTIONS} == audited
