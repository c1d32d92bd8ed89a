"""The trust stores of this replica and their certificates, for operators: what ends soonest comes first.

Rules it keeps: a page is bounded in stores and in certificates; what is left out is counted.

What it does not do: say how long a certificate has left: whoever reads has a clock and the moment of the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from service.application.clock import Clock
from service.application.trust_stores import TrustStoreReport
from service.core.model.certificate import Certificate

MOST_CERTIFICATES: Final = 10_000
"""Of all stores of a page together, some 3 MB of JSON: as many as one store may have."""

MOST_SOURCES: Final = 10
"""Files of one store that are named."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WantedStores:
    """Which of them.

    Attributes:
        limit: Stores at most.
        skip: How many to leave out before the first.
        certificates: Of each store at most.
    """

    limit: int
    skip: int
    certificates: int


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A certificate of a store.

    Attributes:
        is_anchor: Whether a path may end at it.
    """

    certificate: Certificate
    is_anchor: bool


@dataclass(frozen=True, slots=True)
class StoreLine:
    """A trust store.

    Attributes:
        report: What is known of it.
        total: Certificates of its own, in the version in force.
        certificates: Those of them that end soonest.
    """

    report: TrustStoreReport
    total: int
    certificates: tuple[ShownCertificate, ...]

    @property
    def omitted(self) -> int:
        """Certificates that are not shown."""
        return self.total - len(self.certificates)


@dataclass(frozen=True, slots=True)
class StorePage:
    """Some of the stores.

    Attributes:
        total: How many there are in all, places with a problem included.
        at: The moment.
    """

    lines: tuple[StoreLine, ...]
    total: int
    at: datetime


class TrustStoreListing:
    """Lists them. Its method takes some hundredths of a second for ten thousand certificates, and is for threads."""

    def __init__(self, report: Callable[[], tuple[TrustStoreReport, ...]], clock: Clock) -> None:
        """Take what reports on them."""
        self._report = report
        self._clock = clock

    def page(self, wanted: WantedStores) -> StorePage:
        """Some of them: those with a problem, then those of which a certificate ends soonest."""
        reports = sorted(self._report(), key=_urgency)
        lines: list[StoreLine] = []
        room = MOST_CERTIFICATES
        for report in reports[wanted.skip :][: wanted.limit]:
            line = _line(report, min(wanted.certificates, room))
            room -= len(line.certificates)
            lines.append(line)
        return StorePage(tuple(lines), len(reports), self._clock.now())


def _line(report: TrustStoreReport, most: int) -> StoreLine:
    store = report.store
    if store is None:
        return StoreLine(report, 0, ())
    soonest = sorted(store.certificates, key=lambda one: (one.not_after, one.fingerprint))[:most]
    shown = tuple(ShownCertificate(one, one in store.anchors) for one in soonest)
    return StoreLine(report, len(store.certificates), shown)


def _urgency(report: TrustStoreReport) -> tuple[bool, datetime, str]:
    certificates = () if report.store is None else report.store.certificates
    return report.problem is None, min((one.not_after for one in certificates), default=_NEVER), report.name
