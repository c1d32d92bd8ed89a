"""Trust stores and their certificates, for operators."""

from datetime import timedelta
from typing import Final

import pytest

from service.application.operating import trust_store_listing
from service.application.operating.trust_store_listing import StoreLine, StorePage, TrustStoreListing, WantedStores
from service.application.trust_stores import TrustStoreReport
from service.core.der.certificate import read_certificate
from service.core.path.trust_store import build_trust_store
from tests.application.manual_clock import ManualClock
from tests.pki import NOW, Authority, Issued

DAY: Final = timedelta(days=1)
EVERYTHING: Final = WantedStores(100, 0, 100)


def ca(name: str, days: int) -> Authority:
    """An authority that ends in so many days."""
    return Authority.root(name, not_before=NOW - 1000 * DAY, not_after=NOW + days * DAY)


ENDED, SOON, LATE = ca("Ended", -1), ca("Soon", 10), ca("Late", 900)
SUB: Final = LATE.subordinate("Sub", not_before=NOW - DAY, not_after=NOW + 2 * DAY)


def report(name: str, *issued: Issued, problem: str | None = None) -> TrustStoreReport:
    """A trust store; without certificates, one that is not loaded."""
    certificates = [read_certificate(one.der) for one in issued]
    return TrustStoreReport(name, build_trust_store(name, certificates) if certificates else None, problem)


def page(*reports: TrustStoreReport, wanted: WantedStores = EVERYTHING) -> StorePage:
    """A page of these."""
    return TrustStoreListing(lambda: reports, ManualClock()).page(wanted)


def shown(line: StoreLine) -> list[tuple[str, bool]]:
    """Its certificates."""
    return [(one.certificate.subject.text, one.is_anchor) for one in line.certificates]


def test_what_ends_soonest_comes_first() -> None:
    """Of the stores as of their certificates; before all of them what has a problem."""
    found = page(
        report("late", LATE.issued),
        report("soon", LATE.issued, SOON.issued, SUB.issued),
        report("ended", LATE.issued, ENDED.issued),
        report("x", problem="no PEM"),
        report("a", LATE.issued, problem="no longer PEM"),
    )
    assert ["a", "x", "ended", "soon", "late"] == [line.report.name for line in found.lines]
    assert [("CN=Sub", False), ("CN=Soon", True), ("CN=Late", True)] == shown(found.lines[3])
    assert [("CN=Ended", True), ("CN=Late", True)] == shown(found.lines[2])
    assert (5, NOW) == (found.total, found.at)


def test_a_store_that_is_not_loaded() -> None:
    """It is there, with nothing in it."""
    (line,) = page(report("x", problem="no PEM")).lines
    assert ("no PEM", 0, (), 0) == (line.report.problem, line.total, line.certificates, line.omitted)


def test_a_part_of_them() -> None:
    """Some stores, and some certificates of each; the others are counted."""
    reports = [report(name, LATE.issued, SOON.issued) for name in "abc"]
    found = page(*reports, wanted=WantedStores(1, 1, 1))
    assert (["b"], 3) == ([line.report.name for line in found.lines], found.total)
    (line,) = found.lines
    assert ([("CN=Soon", True)], 2, 1) == (shown(line), line.total, line.omitted)


def test_a_page_has_room_for_so_many_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many stores it has."""
    monkeypatch.setattr(trust_store_listing, "MOST_CERTIFICATES", 3)
    found = page(*(report(name, LATE.issued, SOON.issued) for name in "abc"))
    assert [2, 1, 0] == [len(line.certificates) for line in found.lines]
    assert [0, 1, 2] == [line.omitted for line in found.lines]
