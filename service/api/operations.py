"""`/healthz`, `/readyz`, `/metrics`: for probes and scrapers, who need no token. Nothing here names a certificate.

`/healthz` says that the process lives. `/readyz` is 503 until every check has passed once; from then on trouble is
told but not acted upon, since taking every replica out of service at once helps nobody. While the service ends it is
503 again, before anything is refused: whoever balances load learns of it in time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from starlette.types import Receive, Scope

from service.api.answers import ReadyStatus
from service.api.endpoint import Faults
from service.api.reply import Reply, json_reply

CHECK_TIMEOUT_S = 0.8
"""Seconds for one check: a kubelet waits one second for the answer by default."""

METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format."""


class Condition(Enum):
    """What a check found."""

    GOOD = "good"
    IMPAIRED = "impaired"
    """Not as it should be, and no reason to stay out of service: one of many trust stores does not parse."""
    FAILED = "failed"
    """Requests cannot be answered as they should be."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of one check.

    Attributes:
        detail: For a person; may be empty.
    """

    condition: Condition
    detail: str = ""


DRAINING = "draining"
"""The check that fails while the service ends; there is no other then."""

_ENDS = CheckResult(Condition.FAILED, "the service ends: send requests to another replica")

ReadinessCheck: TypeAlias = Callable[[], Awaitable[CheckResult]]
"""Looks at one thing that answering depends on."""

MetricsRenderer: TypeAlias = Callable[[], bytes]
"""The metrics in Prometheus' text format."""


class Readiness:
    """Runs the checks, and remembers that all of them have passed once. One for all ports of a process."""

    def __init__(self, checks: Mapping[str, ReadinessCheck], faults: Faults) -> None:
        """Take the checks by name, and who is told of those that fail to check."""
        self._checks = checks
        self._faults = faults
        self._was_ready = False
        self._is_draining = False

    @property
    def was_ready(self) -> bool:
        """Whether all checks have passed once, here or in the process before this one."""
        return self._was_ready

    async def succeed(self, essential: Collection[str]) -> bool:
        """Take over from a process that was ready, if these checks do not fail; tell whether that is so.

        Sources that are new with this process keep no service out that has served before it.

        Args:
            essential: Checks without which no request is answered as it should be.
        """
        results = await asyncio.gather(*(self._run(name, self._checks[name]) for name in essential))
        self._was_ready = all(result.condition is not Condition.FAILED for result in results)
        return self._was_ready

    def drain(self) -> None:
        """Be not ready from now on, at once and for good: the service ends."""
        self._is_draining = True

    async def report(self) -> tuple[ReadyStatus, dict[str, CheckResult]]:
        """Run all checks, side by side."""
        if self._is_draining:
            return ReadyStatus.NOT_READY, {DRAINING: _ENDS}
        results = await asyncio.gather(*(self._run(name, check) for name, check in self._checks.items()))
        if all(result.condition is not Condition.FAILED for result in results):
            self._was_ready = True
        named = dict(zip(self._checks, results, strict=True))
        if not self._was_ready:
            return ReadyStatus.NOT_READY, named
        is_good = all(result.condition is Condition.GOOD for result in results)
        return ReadyStatus.READY if is_good else ReadyStatus.DEGRADED, named

    async def _run(self, name: str, check: ReadinessCheck) -> CheckResult:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                return await check()
        except TimeoutError:
            return CheckResult(Condition.FAILED, f"no answer within {CHECK_TIMEOUT_S:g} s")
        except Exception as error:  # noqa: BLE001 - a check that breaks is one that fails
            self._faults(f"readiness check {name}", error)
            return CheckResult(Condition.FAILED, "the check itself failed; the log says more")


class Operations:
    """Handlers of the three paths."""

    def __init__(self, readiness: Readiness, metrics: MetricsRenderer) -> None:
        """Take the checks, and what renders the metrics."""
        self._readiness = readiness
        self._metrics = metrics

    async def healthz(self, _scope: Scope, _receive: Receive) -> Reply:
        """Handle `GET /healthz`."""
        return json_reply(200, {"status": "ok"})

    async def readyz(self, _scope: Scope, _receive: Receive) -> Reply:
        """Handle `GET /readyz`."""
        status, results = await self._readiness.report()
        checks = {
            name: {"ok": result.condition is Condition.GOOD, "detail": result.detail}
            for name, result in results.items()
        }
        return json_reply(503 if status is ReadyStatus.NOT_READY else 200, {"status": status, "checks": checks})

    async def metrics(self, _scope: Scope, _receive: Receive) -> Reply:
        """Handle `GET /metrics`."""
        return Reply(200, self._metrics(), METRICS_TYPE)
