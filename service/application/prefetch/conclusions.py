"""What is remembered of a source after an attempt: from one record to the next, without asking anybody.

Rules it keeps: what was given once stays remembered through failures, as it stays held; an attempt that began before
somebody asked for one does not answer him; what waits for its issuer counts as given, since asking again is of no use;
whoever signed what came is remembered before those of whom nobody knows whether they ever did.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from service.application.crl_delivery import DeliveredCrl, Delivery
from service.application.origin_headers import Validators
from service.application.prefetch.source_record import (
    MAX_GIVEN,
    MAX_RECORD_DETAIL,
    GivenCrl,
    SourceRecord,
    bounded_signers,
)
from service.core.freshness.window import later
from service.core.model.attempt import Attempt, Problem
from service.core.prefetch.inventory import SourceKind, SourceState, Window

STALLED_PERIODS = 3
"""Validity periods without a new CRL number after which somebody is told: one missed publication is an operator's
Sunday, and after two more nothing that was revoked has been published for long."""

FOR_WANT_OF_A_KEY = frozenset({Problem.WRONG_ISSUER, Problem.BAD_SIGNATURE, Problem.UNSUPPORTED})
"""What a CRL is refused for under the wrong keys, and perhaps for nothing else."""

_INSTANT = timedelta(microseconds=1)


def concluded(
    record: SourceRecord,
    deliveries: tuple[Delivery, ...],
    started: datetime,
    at: datetime,
    named: frozenset[bytes] | None = frozenset(),
) -> SourceRecord:
    """The record after its places were tried in turn.

    Args:
        record: The one before.
        deliveries: One for each place that was tried, at least one.
        started: When the attempt began.
        at: When it ended.
        named: What was left to wait, room or not; None where nobody looked for that.
    """
    best = next((one for one in deliveries if one.attempt is None), None) or _latest(deliveries)
    # What another replica had been given before somebody asked does not answer him either.
    began = started if best.checked_at is None else min(started, best.checked_at)
    state = _of_this_clock(record.state, at)
    state = replace(state, tried_at=_answered(state, began, at))
    record = replace(record, progress=None, problem=None, detail="")
    if best.attempt is not None:
        record = replace(record, problem=best.attempt.problem, detail=_detail(best.attempt, best, record))
    record = _with_signers(_with_waiting(record, best, named), (best, *deliveries), named)
    if best.gave:
        record = replace(record, is_partial=bool(best.lost - {Problem.ROLLED_BACK}))
    if not (best.crls or best.waits):
        # Kept or not: what came is no CRL that anybody can use, and the next attempt may bring one.
        return replace(record, state=replace(state, failures=state.failures + 1))
    whole = not best.lost and best.problem in (None, Problem.STALE, Problem.NO_NEXT_UPDATE)
    # Of what an order brings to a configured source nobody has written down yet in whose name that is.
    is_known = (whole or best.waits) and (named is not None or record.source.kind is SourceKind.LEARNED)
    given = _given(record, best, at)
    return replace(
        record,
        state=_state_with(state, given, best, at),
        given=given,
        validators=best.said.validators if is_known else Validators(),
        served_by=best.url,
    )


def taken_up(record: SourceRecord, digest: bytes, delivery: Delivery, at: datetime) -> SourceRecord:
    """The record after a CRL that waited for its issuer was verified.

    Args:
        record: The one before.
        digest: Of what waited.
        delivery: What came of it; something of it is held.
        at: The moment.
    """
    pending = tuple(one for one in record.pending if one != digest)
    slots = {one.slot.key for one in delivery.crls}
    given = (*(one for one in record.given if one.slot not in slots), *_given(record, delivery, at))[:MAX_GIVEN]
    is_mended = record.problem in FOR_WANT_OF_A_KEY and not (pending or record.is_partial)
    problem = None if is_mended else record.problem
    detail = record.detail if problem is not None else ""
    if delivery.attempt is not None:
        problem, detail = delivery.attempt.problem, delivery.attempt.detail[:MAX_RECORD_DETAIL]
    state = replace(record.state, window=_window(given))
    return replace(record, state=state, given=given, pending=pending, problem=problem, detail=detail)


def _with_waiting(record: SourceRecord, best: Delivery, named: frozenset[bytes] | None) -> SourceRecord:
    """The record with what of its source waits: what waited before goes only when something else came."""
    if named is None:  # an order, which has nothing wait: what it brought is held
        held = {one.meta.digest for one in best.crls}
        return replace(record, pending=tuple(one for one in record.pending if one not in held))
    if Problem.INTERNAL in best.lost:  # what could not be stored has perhaps no name written down: none goes
        held = {one.meta.digest for one in best.crls}
        pending = tuple(one for one in dict.fromkeys((*record.pending, *best.pending)) if one not in held)
        return replace(record, pending=pending, named=tuple(sorted({*record.named, *named, *pending})))
    if not (best.gave or best.lost):  # nothing came: nothing goes
        return replace(record, named=tuple(sorted(named.union(record.named)))) if named else record
    if named and not best.gave and Problem.ROLLED_BACK in best.lost:
        return replace(record, named=tuple(sorted(named.union(record.pending))))
    if named:
        return replace(record, pending=best.pending, named=tuple(sorted(named.union(best.pending))))
    if best.gave:  # not modified
        return replace(record, pending=best.pending, named=tuple(dict.fromkeys((*record.named, *best.pending))))
    return record


def _with_signers(
    record: SourceRecord, deliveries: tuple[Delivery, ...], named: frozenset[bytes] | None
) -> SourceRecord:
    """The record with those in front who signed what came, but for the first: whoever names a URL keeps nobody out.

    What the operator's own places have is tried under all keys that are known here: of those, no more are remembered
    than are already, so that a file of many CRLs puts nobody out whom a claim has shown.
    """
    joins = record.source.kind is SourceKind.LEARNED or named is None
    proven = (one.signer for delivery in deliveries for one in delivery.crls)
    proven = (one for one in proven if joins or one in record.signers)
    return replace(record, signers=bounded_signers((*record.signers[:1], *proven, *record.signers[1:])))


def is_stalled(given: GivenCrl, at: datetime) -> bool:
    """Whether a CRL's number has not moved for several times its validity."""
    if given.next_update is None or given.next_update <= given.this_update:
        return False
    return at - given.number_moved_at > STALLED_PERIODS * (given.next_update - given.this_update)


def stalled(before: SourceRecord, after: SourceRecord) -> tuple[GivenCrl, ...]:
    """The CRLs of which somebody is to be told that their number has stopped moving."""
    known = {one.slot: one.stalled for one in before.given}
    return tuple(one for one in after.given if one.stalled and not known.get(one.slot, False))


def _latest(deliveries: tuple[Delivery, ...]) -> Delivery:
    """Of attempts that all left something to be desired: the last that gave anything, or the last."""
    giving = [one for one in deliveries if one.gave]
    return (giving or list(deliveries))[-1]


def _state_with(state: SourceState, given: tuple[GivenCrl, ...], best: Delivery, at: datetime) -> SourceState:
    """The state after something came that somebody can use, or will when its issuer is known."""
    is_failure = Problem.ROLLED_BACK in best.lost
    return replace(
        state,
        succeeded_at=state.succeeded_at if is_failure else _checked(state.succeeded_at, at, best),
        failures=state.failures + 1 if is_failure else 0,
        window=_window(given) or state.window,
        fresh_until=_fresh_until(best, best.checked_at or at),
    )


def _answered(state: SourceState, started: datetime, at: datetime) -> datetime:
    if state.asked_at is None or state.asked_at <= started:
        return at
    return state.asked_at - _INSTANT


def _of_this_clock(state: SourceState, at: datetime) -> SourceState:
    """The state without what is of the future: the clock was set back, and nobody is tried again and again for that."""
    succeeded_at, asked_at = (
        None if one is not None and one > at else one for one in (state.succeeded_at, state.asked_at)
    )
    return replace(state, succeeded_at=succeeded_at, asked_at=asked_at)


def _checked(before: datetime | None, at: datetime, best: Delivery) -> datetime:
    """When an origin was asked for what came: for what another replica has fetched, when that one asked.

    So a fleet has one rhythm: what it has is as old for those who took it as for whoever fetched it. That is not in the
    future, whoever's clock says so, and not before an attempt of this host's own.
    """
    if best.checked_at is None:
        return at
    checked = min(best.checked_at, at)
    return checked if before is None else max(checked, before)


def _detail(problem: Attempt, delivery: Delivery, record: SourceRecord) -> str:
    where = f"{delivery.url}: " if delivery.url != record.source.key else ""
    return f"{where}{problem.detail}"[:MAX_RECORD_DETAIL]


def _given(record: SourceRecord, delivery: Delivery, at: datetime) -> tuple[GivenCrl, ...]:
    before = {one.slot: one for one in record.given}
    return tuple(_given_crl(before.get(one.slot.key), one, at) for one in delivery.crls[:MAX_GIVEN])


def _given_crl(before: GivenCrl | None, crl: DeliveredCrl, at: datetime) -> GivenCrl:
    meta = crl.meta
    moved = before is None or before.crl_number != meta.crl_number
    # A number that stays while thisUpdate advances is told at once (`Ingested.SAME_NUMBER`); so it is here.
    repeats = before is not None and not moved and meta.crl_number is not None and meta.this_update > before.this_update
    given = GivenCrl(
        slot=crl.slot.key,
        digest=meta.digest,
        issuer=meta.issuer.text[:MAX_RECORD_DETAIL],
        crl_number=meta.crl_number,
        this_update=meta.this_update,
        next_update=meta.next_update,
        entries=meta.entries,
        size=meta.size,
        number_moved_at=at if before is None or moved else before.number_moved_at,
    )
    was_told = before is not None and before.stalled and not moved
    return replace(given, stalled=was_told or repeats or is_stalled(given, at))


def _window(given: tuple[GivenCrl, ...]) -> Window | None:
    """Of several CRLs, that of the one that ends first; one without nextUpdate never does."""
    if not given:
        return None
    first = min(given, key=lambda one: (one.next_update is None, one.next_update or one.this_update))
    return Window(first.this_update, first.next_update)


def _fresh_until(delivery: Delivery, at: datetime) -> datetime | None:
    seconds = delivery.said.max_age_s
    return None if not seconds else later(at, timedelta(seconds=seconds))
