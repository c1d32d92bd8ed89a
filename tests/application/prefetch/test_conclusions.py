"""What is remembered of a source after an attempt."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from service.application.crl_delivery import DeliveredCrl, Delivery
from service.application.crl_fetcher import CrlSigner
from service.application.observer import Ingested
from service.application.origin_headers import OriginHeaders, Validators
from service.application.prefetch.conclusions import STALLED_PERIODS, concluded, is_stalled, stalled
from service.application.prefetch.source_record import MAX_RECORD_SIGNERS, SourceRecord
from service.core.crl.slot import slot_of
from service.core.der.crl import read_crl
from service.core.model.attempt import Attempt, Problem
from service.core.prefetch.due import asked, due_at
from service.core.prefetch.inventory import Source, SourceKind, SourceState, Window
from service.core.prefetch.schedule import Schedule
from tests.application.chain import CRL_URL, SUB, read
from tests.application.prefetch.world import DAY, HOUR, crl
from tests.pki import NOW

STARTED: Final = NOW + timedelta(seconds=10)
ENDED: Final = NOW + timedelta(seconds=20)
SECOND: Final = timedelta(seconds=1)
RECORD: Final = SourceRecord(SourceState(Source(CRL_URL, (CRL_URL,), SourceKind.LEARNED), NOW, failures=2))
SIGNER: Final = CrlSigner.of(read(SUB))
SAID: Final = OriginHeaders(Validators('"1"'), 60)


def delivered(data: bytes) -> DeliveredCrl:
    """A CRL that is held."""
    meta = read_crl(data).meta
    return DeliveredCrl(Ingested.STORED, meta, slot_of(meta, SIGNER.spki), SIGNER)


def delivery(*crls: bytes, problem: Problem | None = None) -> Delivery:
    """What came of a download."""
    attempt = None if problem is None else Attempt(CRL_URL, problem, "why")
    lost = frozenset(() if problem in (None, Problem.STALE) else (problem,))
    return Delivery(CRL_URL, ENDED, attempt, tuple(map(delivered, crls)), said=SAID, lost=lost)


def after(*deliveries: Delivery, record: SourceRecord = RECORD) -> SourceRecord:
    """The record after an attempt."""
    return concluded(record, deliveries, STARTED, ENDED)


def test_a_success() -> None:
    """The window, the version and how long it is fresh are those of what came."""
    record = after(delivery(crl(7, life=DAY)))
    state = record.state
    assert (ENDED, ENDED, 0, Window(NOW, NOW + timedelta(days=1))) == (
        state.tried_at,
        state.succeeded_at,
        state.failures,
        state.window,
    )
    assert (ENDED + timedelta(seconds=60), SAID.validators, CRL_URL, None) == (
        state.fresh_until,
        record.validators,
        record.served_by,
        record.problem,
    )


def adopted(checked_at: datetime, succeeded_at: datetime | None = None, problem: Problem | None = None) -> SourceRecord:
    """The record after another replica's answer was taken, who had asked at a moment."""
    record = replace(RECORD, state=replace(RECORD.state, succeeded_at=succeeded_at))
    return after(replace(delivery(crl(7), problem=problem), checked_at=checked_at), record=record)


def test_what_another_replica_fetched_is_as_old_as_it_is() -> None:
    """It succeeded, and is fresh, from when that one asked; it was tried now."""
    checked = NOW - timedelta(minutes=20)
    state = adopted(checked).state
    assert (checked, ENDED, 0, checked + timedelta(seconds=60)) == (
        state.succeeded_at,
        state.tried_at,
        state.failures,
        state.fresh_until,
    )


def test_what_another_replica_fetched_makes_nothing_older() -> None:
    """What this host has asked for itself since counts."""
    known = NOW - timedelta(minutes=10)
    assert known == adopted(NOW - timedelta(minutes=20), known).state.succeeded_at
    assert NOW - timedelta(minutes=5) == adopted(NOW - timedelta(minutes=5), known).state.succeeded_at


def test_what_another_replica_fetched_is_not_of_the_future() -> None:
    """Its clock may be ahead, and this one's may have been set back: a success that lies ahead would be none."""
    ahead = ENDED + timedelta(seconds=30)
    assert ENDED == adopted(ahead).state.succeeded_at
    assert ENDED == adopted(ahead, NOW).state.succeeded_at
    assert NOW == adopted(NOW, ahead).state.succeeded_at


def test_a_success_of_the_future_is_forgotten_by_whatever_comes() -> None:
    """The clock was set back: a source that fails is tried again as often as any that fails, and no more often."""
    state = replace(RECORD.state, tried_at=ENDED + DAY * SECOND, succeeded_at=ENDED + DAY * SECOND, failures=0)
    after = concluded(replace(RECORD, state=state), (delivery(problem=Problem.HTTP_STATUS),), STARTED, ENDED).state
    assert (ENDED, None, 1) == (after.tried_at, after.succeeded_at, after.failures)
    assert due_at(after, Schedule(jitter=0.0), ENDED) == ENDED + Schedule().retry_first
    kept = replace(state, tried_at=NOW, succeeded_at=NOW)
    failed = (delivery(problem=Problem.HTTP_STATUS),)
    assert NOW == concluded(replace(RECORD, state=kept), failed, STARTED, ENDED).state.succeeded_at


def test_whoever_asked_is_not_answered_by_what_had_been_fetched_before() -> None:
    """Another replica had asked the origin before; one that asked it afterwards answers."""
    asked_at = STARTED - timedelta(seconds=5)
    for checked_at, is_answered in ((asked_at - SECOND, False), (asked_at, True), (ENDED, True)):
        record = replace(RECORD, state=replace(RECORD.state, asked_at=asked_at))
        came = replace(delivery(crl(1)), checked_at=checked_at)
        assert is_answered is not asked(concluded(record, (came,), STARTED, ENDED).state, ENDED)


def test_what_another_replica_fetched_and_was_rolled_back_in_part() -> None:
    """It is no success, whoever fetched it."""
    assert NOW == adopted(STARTED, NOW, Problem.ROLLED_BACK).state.succeeded_at


def test_what_was_taken_is_due_when_that_check_grows_old() -> None:
    """The plan of a replica that took an answer is that of the one that fetched it, but for chance."""
    schedule = Schedule(first_delay=timedelta(0), jitter=0.0)
    checked = NOW - timedelta(minutes=20)
    assert checked + timedelta(hours=1) == due_at(adopted(checked).state, schedule, ENDED)
    long_ago = adopted(NOW - timedelta(hours=2)).state
    assert due_at(long_ago, schedule, ENDED) <= ENDED


def test_where_nothing_came_nothing_is_let_go() -> None:
    """What waits, waits on, whatever else was looked at in the same attempt; that needs answers as well."""
    waiting = replace(RECORD, pending=(b"waits",), named=(b"waits",))
    failed = (Delivery(CRL_URL, ENDED, Attempt(CRL_URL, Problem.UNREACHABLE)),)
    after = concluded(waiting, failed, STARTED, ENDED, frozenset((b"refused",)))
    assert ((b"waits",), (b"refused", b"waits")) == (after.pending, after.named)
    after = concluded(waiting, failed, STARTED, ENDED)
    assert ((b"waits",), (b"waits",)) == (after.pending, after.named)


def test_a_failure_keeps_what_was_given() -> None:
    """And counts."""
    before = after(delivery(crl(7)))
    record = after(delivery(problem=Problem.TIMED_OUT), record=before)
    assert (1, before.given, before.state.window, before.validators) == (
        record.state.failures,
        record.given,
        record.state.window,
        record.validators,
    )
    assert (Problem.TIMED_OUT, "why") == (record.problem, record.detail)


def test_a_bundle_of_which_one_was_rolled_back() -> None:
    """It is a failure, what was given of it is remembered, and its version is not: all of it is fetched again."""
    for worst in (Problem.ROLLED_BACK, Problem.MALFORMED):  # whatever else is wrong with it
        whole = delivery(crl(7), problem=worst)
        record = after(replace(whole, lost=whole.lost | {Problem.ROLLED_BACK}))
        assert (3, None, 1, Validators(), worst is Problem.MALFORMED) == (
            record.state.failures,
            record.state.succeeded_at,
            len(record.given),
            record.validators,
            record.is_partial,
        )


@pytest.mark.parametrize("problem", [Problem.BAD_SIGNATURE, Problem.MALFORMED])
def test_a_bundle_of_which_one_is_bad(problem: Problem) -> None:
    """It is told; the others are a success, and the first to end is the window."""
    record = after(
        delivery(
            crl(7, life=DAY), SUB.crl(number=1, delta_base=1, next_update=NOW + timedelta(hours=1)), problem=problem
        )
    )
    window = record.state.window
    assert window is not None
    assert (0, problem, NOW + timedelta(hours=1)) == (record.state.failures, record.problem, window.next_update)
    assert (True, Validators()) == (record.is_partial, record.validators)
    mended = after(delivery(crl(8)), record=record)
    assert (False, SAID.validators) == (mended.is_partial, mended.validators)


def test_what_has_ended_is_given_all_the_same() -> None:
    """It is held and has a version; that it is stale is told."""
    record = after(delivery(crl(7, age=-DAY, life=HOUR), problem=Problem.STALE))
    assert (0, Problem.STALE, SAID.validators) == (record.state.failures, record.problem, record.validators)


def test_the_best_of_several_places_counts() -> None:
    """One that serves, wherever it stands; else the last that gave anything."""
    unreachable = replace(delivery(problem=Problem.UNREACHABLE), url="http://other/")
    stale = delivery(crl(6, age=-DAY, life=HOUR), problem=Problem.STALE)
    assert [None, Problem.STALE, Problem.UNREACHABLE] == [
        after(*deliveries).problem
        for deliveries in ((unreachable, stale, delivery(crl(7))), (stale, unreachable), (unreachable,))
    ]


def strangers(first: int, count: int) -> tuple[CrlSigner, ...]:
    """Who have signed nothing that came."""
    return tuple(CrlSigner(bytes(32), bytes([number])) for number in range(first, first + count))


def test_whoever_signed_what_came_is_remembered_before_others() -> None:
    """But for the first, who tells whose source it is; of the others those go that find no room."""
    many = strangers(1, MAX_RECORD_SIGNERS)
    record = after(delivery(crl(7)), record=replace(RECORD, signers=many))
    assert (many[0], SIGNER, *many[1:-1]) == record.signers
    assert record.signers == after(delivery(problem=Problem.TIMED_OUT), record=record).signers
    late = (many[0], *many[2:], SIGNER)
    assert (many[0], SIGNER, *many[2:]) == after(delivery(crl(8)), record=replace(RECORD, signers=late)).signers


def test_of_a_place_that_is_no_good_the_signers_count_too() -> None:
    """What it gave has ended, and verifies."""
    stale = delivery(crl(6, age=-DAY, life=HOUR), problem=Problem.STALE)
    many = strangers(1, 2)
    record = after(stale, delivery(problem=Problem.UNREACHABLE), record=replace(RECORD, signers=many))
    assert (many[0], SIGNER, many[1]) == record.signers


@pytest.mark.parametrize(("named", "joins"), [(frozenset[bytes](), False), (None, True)])
def test_what_the_operator_has_puts_nobody_out(named: frozenset[bytes] | None, joins: bool) -> None:
    """Who is known here need not be remembered with a configured source; of an order, whoever has signed is."""
    source = replace(RECORD.source, kind=SourceKind.CONFIGURED)
    claimed = strangers(1, 2)
    record = replace(RECORD, state=replace(RECORD.state, source=source), signers=claimed)
    expected = (claimed[0], SIGNER, claimed[1]) if joins else claimed
    assert expected == concluded(record, (delivery(crl(7)),), STARTED, ENDED, named).signers
    last = replace(record, signers=(*claimed, SIGNER))
    assert (claimed[0], SIGNER, claimed[1]) == concluded(last, (delivery(crl(7)),), STARTED, ENDED, named).signers


@pytest.mark.parametrize(("asked_s", "answered"), [(5, True), (10, True), (15, False), (20, False)])
def test_who_asked_meanwhile_is_not_answered(asked_s: float, answered: bool) -> None:
    """By an attempt that had begun."""
    asked_at = NOW + timedelta(seconds=asked_s)
    record = after(delivery(crl(7)), record=replace(RECORD, state=replace(RECORD.state, asked_at=asked_at)))
    assert record.state.tried_at is not None
    assert answered == (record.state.tried_at >= asked_at)


def test_a_repeated_number_is_told_once() -> None:
    """Until it moves, whatever comes in between."""
    record, told = RECORD, []
    for number, age in ((1, 0), (1, 60), (1, 60), (1, 120), (2, 180), (2, 240)):
        before, record = record, after(delivery(crl(number, age=float(age))), record=record)
        told.append(len(stalled(before, record)))
    assert [0, 1, 0, 0, 0, 1] == told


def test_a_crl_without_numbers_repeats_none() -> None:
    """There is nothing to move."""
    record = RECORD
    for age in (0.0, 60.0):
        before, record = record, after(delivery(crl(1, age=age, number=None)), record=record)
        assert () == stalled(before, record)


@pytest.mark.parametrize(("periods", "expected"), [(STALLED_PERIODS, False), (STALLED_PERIODS + 0.1, True)])
def test_standing_still(periods: float, expected: bool) -> None:
    """For several validity periods; one without an end, or that ends before it begins, has none."""
    (given,) = after(delivery(crl(7, life=HOUR))).given
    at = given.number_moved_at + timedelta(seconds=periods * HOUR)
    assert expected is is_stalled(given, at)
    for next_update in (None, given.this_update):
        assert not is_stalled(replace(given, next_update=next_update), at)
