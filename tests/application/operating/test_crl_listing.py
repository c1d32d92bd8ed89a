"""What is held and where it comes from, joined."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from service.application.operating.crl_listing import (
    CrlLine,
    CrlListing,
    CrlOrder,
    CrlStatus,
    ListingRules,
    Wanted,
    list_crls,
    overdue,
    scope_words,
)
from service.application.prefetch.source_record import SourceRecord
from service.core.model.attempt import Problem
from service.core.model.crl import IssuingDistributionPoint
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.model.policy import Policy
from service.core.model.reason import Reasons
from service.core.prefetch.schedule import Schedule
from tests.api.fakes import StandingClock
from tests.operators import HostInMemory, held_crl, source
from tests.pki import NOW, Authority, days

ROOT: Final = Authority.root("Root")
URL: Final = "http://crl.example/a.crl"
MIRROR: Final = "http://mirror.example/a.crl"
CRL: Final = held_crl(ROOT, URL)
END: Final = NOW + days(1)
RULES: Final = ListingRules(Policy(clock_skew=timedelta(0), grace=timedelta(hours=1)), Schedule(jitter=0.0))


def statuses(*records: SourceRecord, at: datetime = NOW) -> list[CrlStatus]:
    """Of each line, with one CRL held."""
    return [line.status for line in list_crls([CRL], records, RULES, at)]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW, CrlStatus.FRESH),
        (NOW + timedelta(hours=1, microseconds=-1), CrlStatus.FRESH),
        (NOW + timedelta(hours=1), CrlStatus.DUE),
        (END, CrlStatus.DUE),
        (END + timedelta(microseconds=1), CrlStatus.STALE),
        (END + timedelta(hours=1), CrlStatus.STALE),
        (END + timedelta(hours=1, microseconds=1), CrlStatus.ENDED),
        (NOW - days(2), CrlStatus.ENDED),
    ],
)
def test_the_life_of_a_crl(at: datetime, expected: CrlStatus) -> None:
    """Fresh, then due, then in grace, then of no use; and of no use where the clock was set back before its time."""
    assert [expected] == statuses(source(URL, CRL), at=at)


def test_a_newer_one_that_was_not_had() -> None:
    """Something is to be done, although what is held serves and the next attempt is not due."""
    record = source(URL, CRL)
    failing = replace(record, state=replace(record.state, failures=1), problem=Problem.UNREACHABLE)
    assert [CrlStatus.DUE] == statuses(failing)


def test_a_crl_without_an_end() -> None:
    """May not be used, by default."""
    crl = replace(CRL, meta=replace(CRL.meta, next_update=None))
    assert [CrlStatus.ENDED] == [line.status for line in list_crls([crl], (), RULES, NOW)]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (source(MIRROR, at=None), CrlStatus.NEVER),
        (source(MIRROR), CrlStatus.FAILED),
        (replace(source(MIRROR), pending=(bytes(32),)), CrlStatus.PENDING),
    ],
)
def test_a_source_without_a_crl(record: SourceRecord, expected: CrlStatus) -> None:
    """Has a line of its own."""
    (line,) = list_crls((), (record,), RULES, NOW)
    assert (expected, None, record) == (line.status, line.held, line.record)


def test_a_source_of_which_something_waits() -> None:
    """What it has given has a line, and what waits another."""
    record = replace(source(URL, CRL), pending=(bytes(32),))
    assert {CrlStatus.FRESH, CrlStatus.PENDING} == set(statuses(record))


def test_a_crl_whose_source_is_forgotten() -> None:
    """Is still held, and nothing is due."""
    (line,) = list_crls([CRL], (), RULES, END)
    assert (CrlStatus.FRESH, CRL, None, None) == (line.status, line.held, line.record, line.next_attempt)


def test_a_crl_of_two_sources() -> None:
    """Has a line for each, called differently; a third source has its own."""
    lines = list_crls([CRL], (source(URL, CRL), source(MIRROR, CRL), source("http://c.example/")), RULES, NOW)
    assert [None, URL, MIRROR] == sorted(
        (line.record.source.key if line.held and line.record else None for line in lines),
        key=lambda key: (key is not None, key == MIRROR),
    )
    assert 3 == len({line.id for line in lines})


def test_what_a_source_gave_and_is_not_held() -> None:
    """Is no CRL: the source has nothing to show."""
    (line,) = list_crls((), (source(URL, CRL),), RULES, NOW)
    assert CrlStatus.FAILED is line.status


def test_lines_are_called_the_same_the_next_time() -> None:
    """Whatever comes between: that is what a page begins behind."""
    before = {line.id for line in list_crls([CRL], (source(URL, CRL),), RULES, NOW)}
    after = {line.id for line in list_crls([CRL], (source(MIRROR), source(URL, CRL)), RULES, END)}
    assert before < after


def test_chance_plays_no_part() -> None:
    """The prefetcher's jitter only hurries: what is listed is the latest moment."""
    host = HostInMemory([CRL], [source(URL, CRL)])
    listing = CrlListing(host, ListingRules(Policy(), Schedule(jitter=0.9)), StandingClock())
    (line,) = listing.page(Wanted()).lines
    assert NOW + timedelta(hours=1) == line.next_attempt


def test_a_page_of_nothing() -> None:
    """Is the last one."""
    page = CrlListing(HostInMemory(), RULES, StandingClock()).page(Wanted(after="f" * 24))
    assert ((), 0, None) == (page.lines, page.total, page.after)


def of_every_status() -> CrlListing:
    """One that has ended, two that are fresh and end one after the other, and sources without a CRL."""
    ended = replace(CRL, meta=replace(CRL.meta, next_update=None))
    other, third = (held_crl(Authority.root(name), f"http://{name}.example/") for name in ("other", "third"))
    soon = replace(third, meta=replace(third.meta, next_update=NOW + timedelta(minutes=30)))
    records = [
        source(URL, ended),
        source("http://other.example/", other),
        source("http://third.example/", third),
        source(MIRROR, at=None),
        replace(source("http://down.example/"), problem=Problem.UNREACHABLE),
    ]
    return CrlListing(HostInMemory([ended, other, soon], records), RULES, StandingClock())


def sources_of(lines: tuple[CrlLine, ...]) -> list[str]:
    """What their sources are called."""
    return [line.record.source.key for line in lines if line.record is not None]


def test_the_worst_comes_first() -> None:
    """What denies, what has failed, what was never tried; of what is fresh, what ends soonest."""
    page = of_every_status().page(Wanted(order=CrlOrder.URGENCY))
    by_urgency = [URL, "http://down.example/", MIRROR, "http://third.example/", "http://other.example/"]
    assert by_urgency == sources_of(page.lines)
    assert (5, None) == (page.total, page.after)


def test_pages_by_urgency() -> None:
    """Each leaves out what those before had, and all have the same total."""
    listing = of_every_status()
    pages = [listing.page(Wanted(order=CrlOrder.URGENCY, limit=2, skip=skip)) for skip in (0, 2, 4, 6)]
    assert [2, 2, 1, 0] == [len(page.lines) for page in pages]
    assert {(5, None)} == {(page.total, page.after) for page in pages}
    every = listing.page(Wanted(order=CrlOrder.URGENCY)).lines
    assert sources_of(every) == [key for page in pages for key in sources_of(page.lines)]


def test_a_number_that_stands_still_comes_before_others_of_its_status() -> None:
    """Although it ends later."""
    soon = held_crl(Authority.root("Soon"), MIRROR)
    soon = replace(soon, meta=replace(soon.meta, next_update=NOW + timedelta(hours=1)))
    record = source(URL, CRL)
    stalled = replace(record, given=tuple(replace(given, stalled=True) for given in record.given))
    listing = CrlListing(HostInMemory([CRL, soon], [source(MIRROR, soon), stalled]), RULES, StandingClock())
    assert [URL, MIRROR] == sources_of(listing.page(Wanted(order=CrlOrder.URGENCY)).lines)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("", 5),
        ("cn=OTHER", 1),
        ("mirror.EXAMPLE", 1),
        ("unreachable", 1),
        (CRL.slot.key.hex()[:12], 1),
        ("nothing has this", 0),
    ],
)
def test_searching(search: str, expected: int) -> None:
    """In issuers, sources, slots and problems, in any case of letters."""
    assert expected == of_every_status().page(Wanted(search=search)).total


def test_overdue() -> None:
    """A source counts once, however many CRLs it gave; how late the latest is."""
    other = held_crl(Authority.root("Other"), URL)
    lines = list_crls([CRL, other], (source(URL, CRL, other), source(MIRROR, at=None)), RULES, NOW + timedelta(hours=3))
    count, lag = overdue(lines, NOW + timedelta(hours=3))
    assert 2 == count
    assert lag >= timedelta(hours=3)
    no_line: tuple[CrlLine, ...] = ()
    assert (0, timedelta(0)) == overdue(no_line, NOW)


def test_scopes() -> None:
    """In words, every limit of them."""
    names = (
        GeneralName(GeneralNameKind.URI, b"http://crl.example/1.crl"),
        GeneralName(GeneralNameKind.DIRECTORY_NAME, b"\x30\x01"),
    )
    point = IssuingDistributionPoint(
        names, only_some_reasons=Reasons.KEY_COMPROMISE, only_contains_user_certs=True, indirect_crl=True
    )
    words = ("http://crl.example/1.crl", "3001", "user certificates only", "some reasons only", "indirect")
    assert words == scope_words(replace(point, names=names))
    assert () == scope_words(None)
    kinds = IssuingDistributionPoint(only_contains_ca_certs=True, only_contains_attribute_certs=True)
    assert ("CA certificates only", "attribute certificates only") == scope_words(kinds)
